# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad-pixel masks: which file has which detector, and which pixels are meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.declared import (
    DETECTOR,
    Pixels,
    Source,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import from_directory

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


def files_of(source: Source, keyword: str) -> dict[int, str]:
    """Find the mask of each detector.

    Parameters
    ----------
    source : `Source`
        Where to look.
    keyword : `str`
        The keyword of a header that has the detector, where the pattern does not give it.

    Returns
    -------
    files : `dict` [ `int`, `str` ]
        Paths or URIs by detector.

    Raises
    ------
    ButlerError
        Raised if the directory can't be listed, no file matches, a detector can't be told, or has two masks.
    """
    try:
        listing = from_directory(source.directory, source.pattern)
    except ButlerError as error:
        raise ButlerError(
            error.message, option=f"{source.option}.directory", hint=error.hint, details=error.details
        ) from None
    if not listing.files:
        raise ButlerError(
            f"no file in {source.directory} matches {source.pattern.pattern!r}",
            option=f"{source.option}.pattern",
            hint="It has to match a file's whole path relative to the directory.",
        )
    files: dict[int, str] = {}
    problems = []
    for file in listing.files:
        detector = _named(file.values[0]) if DETECTOR in listing.keys else _detector_in(file.path, keyword)
        if detector is None:
            where = "its name" if DETECTOR in listing.keys else f"{keyword} in its header"
            problems.append(f"{file.path}: {where} is no number")
        elif detector in files:
            problems.append(f"{file.path}: detector {detector} has {files[detector]} already")
        else:
            files[detector] = file.path
    if problems:
        raise ButlerError(
            f"one mask for each detector is expected in {source.directory}",
            option=source.option,
            details=problems,
            hint=f"The group {DETECTOR} of the pattern, or {keyword} in the headers, tells the detector.",
        )
    return dict(sorted(files.items()))


def _named(text: Any) -> int | None:
    return int(text) if text is not None and str(text).isdecimal() else None


def _detector_in(path: str, keyword: str) -> int | None:
    with _opened(path) as units:
        return _number(unit.header.get(keyword) for unit in units)


def _number(values: Iterator[Any]) -> int | None:
    found = next((value for value in values if value is not None), None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    from astropy.io import fits
    from lsst.resources import ResourcePath

    try:
        with ResourcePath(path, forceAbsolute=True).as_local() as local, fits.open(local.ospath) as units:
            yield units
    except ButlerError:
        raise
    except Exception as error:
        # Each kind of storage fails in its own ways, and so does each broken file.
        raise ButlerError(f"{path} can't be read as FITS: {first_line(error)}", option="sources") from None


def read_mask(path: str, detector: int, keyword: str) -> NDArray[Any]:
    """Read a mask.

    Parameters
    ----------
    path : `str`
        Path or URI.
    detector : `int`
        The detector that it is to be of.
    keyword : `str`
        The keyword of its header that would contradict that.

    Returns
    -------
    mask : `numpy.ndarray` of `int`, (height, width)
        The first image in the file, compressed or not.

    Raises
    ------
    ButlerError
        Raised if there is no image of whole numbers, or it is of another detector.
    """
    import numpy

    with _opened(path) as units:
        told = _number(unit.header.get(keyword) for unit in units)
        if told is not None and told != detector:
            raise ButlerError(
                f"{path} is named as detector {detector}, and {keyword} in its header is {told}",
                option="sources",
            )
        image = next((unit for unit in units if unit.is_image and unit.header.get("NAXIS") == 2), None)
        mask = None if image is None else image.data
        if mask is None or mask.dtype.kind not in "iu":
            found = "no image in it" if mask is None else f"its image is of {mask.dtype.name}"
            raise ButlerError(
                f"{path} is no mask: {found}, expected two dimensions of whole numbers", option="sources"
            )
        # FITS is big endian, and most computers are not.
        return numpy.array(mask, dtype=mask.dtype.newbyteorder("="))


def chosen(masks: Mapping[str, NDArray[Any]], pixels: Sequence[Pixels]) -> NDArray[numpy.bool_]:
    """Merge what is meant of a detector's masks.

    Parameters
    ----------
    masks : `~collections.abc.Mapping` [ `str`, `numpy.ndarray` ]
        The masks by source, of one shape; sources that have none are left out.
    pixels : `~collections.abc.Sequence` [ `Pixels` ]
        What is meant of each.

    Returns
    -------
    chosen : `numpy.ndarray` of `bool`, (height, width)
        Pixels that any of them means; of no size if none of the sources has a mask.
    """
    import numpy

    result = None
    for part in pixels:
        if part.source in masks:
            found = _meant(masks[part.source], part)
            result = found if result is None else result | found
    return numpy.zeros((0, 0), dtype=bool) if result is None else result


def _meant(mask: NDArray[Any], part: Pixels) -> NDArray[Any]:
    import numpy

    meant: NDArray[Any] = mask != 0
    if part.values:
        meant = numpy.isin(mask, part.values)
    elif part.bits:
        # A mask of few bits can't have the others.
        meant = (mask & numpy.array(part.bits & _all_bits(mask)).astype(mask.dtype)) != 0
    for value in part.except_values:
        meant &= mask != value
    return meant


def _all_bits(mask: NDArray[Any]) -> int:
    return int((1 << (8 * mask.dtype.itemsize)) - 1)
