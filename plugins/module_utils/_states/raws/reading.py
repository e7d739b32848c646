# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files read: which raws they hold, and what their exposures are.

The files of an exposure are read together, and a group of files needs nothing of another group. So groups
are read side by side by several processes; see `pool`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
    ExposureInfo,
    RawHeader,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.selection import verify_md5
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_cards import Header
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import (
    BLOCK,
    read_extension_headers,
    read_header,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import Told

RawId: TypeAlias = tuple[int, int]
"""Exposure and detector."""


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file that was read.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.
    size : `int`
        Bytes; 0 for a remote file, which is not asked for it.
    raws : `tuple` [ `RawHeader`, ... ]
        The raws that are in it.
    """

    path: str
    size: int
    raws: tuple[RawHeader, ...]

    def ids(self) -> Iterator[RawId]:
        """Tell which raws are in the file.

        Yields
        ------
        raw : `tuple` [ `int`, `int` ]
            Exposure and detector.
        """
        for raw in self.raws:
            yield raw.exposure, raw.detector


@dataclass(frozen=True, slots=True)
class Task:
    """A file to read.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.
    raw : `tuple` [ `int`, `int` ] or `None`
        The raw that its name tells it is.
    md5 : `str` or `None`
        What the digest of its content has to be.
    told : `Told` or `None`
        What a sidecar tells of it.
    known : `int`
        Detectors, a bit for each, whose raws are there already. The digest of a file of nothing but these is
        not looked at.
    """

    path: str
    raw: RawId | None = None
    md5: str | None = None
    told: Told | None = None
    known: int = 0


@dataclass
class Reading:
    """What reading files has shown.

    Parameters
    ----------
    files : `list` [ `RawFile` ]
        Those that can be ingested.
    exposures : `dict` [ `int`, `ExposureInfo` ]
        Their exposures by id, each as the first of its files tells it.
    failures : `list` [ `tuple` [ `str`, `str` ] ]
        Those that can't be ingested, and why.
    notices : `list` [ `str` ]
        Sidecars that were not believed.
    """

    files: list[RawFile] = field(default_factory=list)
    exposures: dict[int, ExposureInfo] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def take(self, other: Reading) -> None:
        """Take over what reading further files has shown.

        Parameters
        ----------
        other : `Reading`
            Of files of other groups.
        """
        self.files += other.files
        self.failures += other.failures
        self.notices += other.notices
        for number, exposure in other.exposures.items():
            self.exposures.setdefault(number, exposure)


def read_group(reader: HeaderReader, tasks: Sequence[Task]) -> Reading:
    """Read the files of a group.

    Parameters
    ----------
    reader : `HeaderReader`
        Translates headers.
    tasks : `~collections.abc.Sequence` [ `Task` ]
        Files, usually all of one exposure.

    Returns
    -------
    reading : `Reading`
        What they are. The exposure is translated once; of the other files only what tells the raws apart.
        Where a sidecar tells all that is needed, and the file looks whole, it is not opened.
    """
    reading = Reading()
    for task in tasks:
        try:
            size = _size(task.path)
            if task.md5 is not None and not _has_only_known(reader, task):
                verify_md5(task.path, task.md5)
            new, raws = _read(reader, task, size, reading)
            if task.raw is not None and (raws[0].exposure, raws[0].detector) != task.raw:
                raise ButlerError(
                    f"{task.path} is exposure {raws[0].exposure} detector {raws[0].detector} by its header, "
                    f"but exposure {task.raw[0]} detector {task.raw[1]} by its name"
                )
        except (ButlerError, OSError) as error:
            reading.failures.append((task.path, getattr(error, "message", None) or str(error)))
            continue
        reading.exposures |= new
        reading.files.append(RawFile(task.path, size, raws))
    return reading


def _has_only_known(reader: HeaderReader, task: Task) -> bool:
    """Tell whether all raws of a file with many are there already, by its headers."""
    return bool(task.known) and all(
        task.known >> reader.identify(header, task.path).detector & 1
        for header in _headers(reader, task.path)
    )


def _read(
    reader: HeaderReader, task: Task, size: int, reading: Reading
) -> tuple[dict[int, ExposureInfo], tuple[RawHeader, ...]]:
    """Tell the raws of a file, and the exposure if the group's other files have not told it."""
    if task.told is not None and _looks_whole(task.path, size):
        try:
            raw = reader.identify_told(task.told.content, task.told.values, task.path)
            if task.raw is not None and (raw.exposure, raw.detector) != task.raw:
                raise ButlerError(f"it tells exposure {raw.exposure} detector {raw.detector}")
            if raw.exposure in reading.exposures:
                return {}, (raw,)
            return {raw.exposure: reader.describe_told(task.told.content, task.told.values, task.path)}, (
                raw,
            )
        except ButlerError as error:
            reading.notices.append(
                f"{task.told.source} disagrees with {task.path}, whose header is read instead: "
                f"{error.message}"
            )
    headers = _headers(reader, task.path)
    raws = tuple(reader.identify(header, task.path) for header in headers)
    new = {
        raw.exposure: reader.describe(header, task.path)
        for raw, header in zip(raws, headers, strict=True)
        if raw.exposure not in reading.exposures
    }
    return new, raws


def _size(path: str) -> int:
    try:
        return 0 if "://" in path else os.stat(path).st_size  # noqa: PTH116 - one for each of many files
    except OSError:
        # Opening it tells better what is wrong.
        return 0


def _looks_whole(path: str, size: int) -> bool:
    """Tell by its size alone that a file may be whole: FITS files are made of blocks."""
    return "://" in path or (size > 0 and (size % BLOCK == 0 or path.endswith(".gz")))


def identify_file(reader: HeaderReader, path: str) -> tuple[int, int | None, int]:
    """Tell of which exposure a file is, opening it no further than that needs.

    Parameters
    ----------
    reader : `HeaderReader`
        Translates headers.
    path : `str`
        The file.

    Returns
    -------
    exposure : `int`
        Its exposure.
    detector : `int` or `None`
        Its detector; `None` if a file of this instrument holds several.
    day_obs : `int`
        The day of observation.

    Raises
    ------
    ButlerError
        Raised, naming the file, if it can't be read or does not tell.
    """
    header = read_header(path, enough=reader.recognises, whole=False)
    exposure, day_obs = reader.date(header, path)
    if reader.extension_keyword is not None:
        return exposure, None, day_obs
    return exposure, reader.identify(header, path).detector, day_obs


def _headers(reader: HeaderReader, path: str) -> list[Header]:
    """Give one header for each raw in a file."""
    if reader.extension_keyword is None:
        return [read_header(path, enough=reader.recognises)]
    headers = read_extension_headers(path, reader.has_raw)
    if not headers:
        raise ButlerError(f"{path} holds no extension that is a raw of {reader.definition.name}")
    return headers
