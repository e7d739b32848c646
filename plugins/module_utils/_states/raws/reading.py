# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files read: which raws they hold, and what their exposures are.

The files of an exposure are read together, and a group of files needs nothing of another group. So groups
can be read one after the other, as here, or side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
    ExposureInfo,
    RawHeader,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_cards import Header
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import (
    read_extension_headers,
    read_header,
)

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
    """

    files: list[RawFile] = field(default_factory=list)
    exposures: dict[int, ExposureInfo] = field(default_factory=dict)
    failures: list[tuple[str, str]] = field(default_factory=list)


def grouped(paths: Iterable[str], id_of: Callable[[str], RawId | None]) -> list[list[str]]:
    """Put the files together that are of one exposure, as far as their names tell.

    Parameters
    ----------
    paths : `~collections.abc.Iterable` [ `str` ]
        Files.
    id_of : `~collections.abc.Callable`
        Gives exposure and detector of a path, or `None`.

    Returns
    -------
    groups : `list` [ `list` [ `str` ] ]
        Groups in the order of their exposures, files in the order of their detectors; a file whose name
        does not tell is a group of its own, after the others.
    """
    told: dict[int, list[tuple[int, str]]] = {}
    alone: list[list[str]] = []
    for path in sorted(paths):
        raw = id_of(path)
        if raw is None:
            alone.append([path])
        else:
            told.setdefault(raw[0], []).append((raw[1], path))
    return [[path for _unused, path in sorted(told[exposure])] for exposure in sorted(told)] + alone


def read_raws(definition: InstrumentDefinition, groups: Iterable[Sequence[str]]) -> Reading:
    """Read the headers of raw files.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument that they are expected to be of.
    groups : `~collections.abc.Iterable`
        From `grouped`.

    Returns
    -------
    reading : `Reading`
        What they are. Headers are forgotten as soon as they are translated.

    Raises
    ------
    ButlerError
        Raised if nothing translates the headers of the instrument.
    """
    reader = HeaderReader(definition)
    reading = Reading()
    for part in (read_group(reader, group) for group in groups):
        reading.files += part.files
        reading.failures += part.failures
        for number, exposure in part.exposures.items():
            reading.exposures.setdefault(number, exposure)
    return reading


def read_group(reader: HeaderReader, paths: Sequence[str]) -> Reading:
    """Read the files of a group.

    Parameters
    ----------
    reader : `HeaderReader`
        Translates headers.
    paths : `~collections.abc.Sequence` [ `str` ]
        Files, usually all of one exposure.

    Returns
    -------
    reading : `Reading`
        What they are. The exposure is translated once; of the other files only what tells the raws apart.
    """
    reading = Reading()
    for path in paths:
        try:
            headers = _headers(reader, path)
            raws = tuple(reader.identify(header, path) for header in headers)
            new = {
                raw.exposure: reader.describe(header, path)
                for raw, header in zip(raws, headers, strict=True)
                if raw.exposure not in reading.exposures
            }
            size = 0 if "://" in path else os.stat(path).st_size  # noqa: PTH116 - one for each of many files
        except (ButlerError, OSError) as error:
            reading.failures.append((path, getattr(error, "message", None) or str(error)))
            continue
        reading.exposures |= new
        reading.files.append(RawFile(path, size, raws))
    return reading


def _headers(reader: HeaderReader, path: str) -> list[Header]:
    """Give one header for each raw in a file."""
    if reader.extension_keyword is None:
        return [read_header(path, enough=reader.recognises)]
    headers = read_extension_headers(path, reader.has_raw)
    if not headers:
        raise ButlerError(f"{path} holds no extension that is a raw of {reader.definition.name}")
    return headers
