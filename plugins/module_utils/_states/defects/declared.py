# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects as they are declared, checked without looking at anything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import check_no_secret
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.declared_once import declared_once
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.tables import (
    OWN_KEYWORDS,
    longest_text,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import compile_pattern

DETECTOR = "detector"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,32}")
_CONDITIONS = ("values", "except_values", "bits")


@dataclass(frozen=True)
class Source:
    """A set of masks, one file for each detector.

    Parameters
    ----------
    name, option : `str`
        What it is called, and the option that declares it.
    directory : `str`
        Absolute path, or URI.
    pattern : `re.Pattern`
        What the names of the files match; its group ``detector``, if there is one, is the detector.
    """

    name: str
    option: str
    directory: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Pixels:
    """Which pixels of a source are meant.

    Parameters
    ----------
    source : `str`
        Its name.
    values : `tuple` [ `int`, ... ]
        Those of these values.
    except_values : `tuple` [ `int`, ... ]
        Or those that are neither 0 nor of these values.
    bits : `int`
        Or those that have any of these bits. With none of the three: those that are not 0.
    """

    source: str
    values: tuple[int, ...] = ()
    except_values: tuple[int, ...] = ()
    bits: int = 0


@dataclass(frozen=True)
class DefectsType:
    """A dataset type of defects.

    Parameters
    ----------
    name, run : `str`
        Its name, and the run that its datasets are in.
    pixels : `tuple` [ `Pixels`, ... ]
        What is merged into them.
    metadata : `~collections.abc.Mapping`
        Further keywords for their headers.
    """

    name: str
    run: str
    pixels: tuple[Pixels, ...]
    metadata: Mapping[str, Any]


def declared_sources(items: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Make sources from a module's checked arguments.

    Parameters
    ----------
    items : `~collections.abc.Sequence`
        The value of ``sources``.

    Returns
    -------
    sources : `tuple` [ `Source`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised for names that are there twice, directories that are relative, and patterns that are none.
    """
    options = declared_once("sources", (item["name"] for item in items))
    sources = []
    for item in items:
        option, directory = options[item["name"]], item["directory"]
        check_no_secret(f"{option}.directory", directory)
        if "://" not in directory and not Path(directory).is_absolute():
            raise ButlerError(
                f"{directory} is relative, expected an absolute path or a URI", option=f"{option}.directory"
            )
        try:
            pattern = compile_pattern(item["pattern"])
        except ButlerError as error:
            raise ButlerError(error.message, option=f"{option}.pattern", hint=error.hint) from None
        if other := pattern.groupindex.keys() - {DETECTOR}:
            raise ButlerError(
                f"it names the groups {', '.join(sorted(other))}; the one that is known is {DETECTOR}",
                option=f"{option}.pattern",
            )
        sources.append(Source(item["name"], option, directory, pattern))
    if not sources:
        raise ButlerError("at least one is needed", option="sources")
    return tuple(sources)


def declared_types(items: Sequence[Mapping[str, Any]], sources: Sequence[Source]) -> tuple[DefectsType, ...]:
    """Make dataset types from a module's checked arguments.

    Parameters
    ----------
    items : `~collections.abc.Sequence`
        The value of ``dataset_types``.
    sources : `~collections.abc.Sequence` [ `Source` ]
        What their pixels may come from.

    Returns
    -------
    types : `tuple` [ `DefectsType`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised for names that are there twice or can't be, pixels of no source or with several conditions, and
        keywords that can't be in a header.
    """
    options = declared_once("dataset_types", (item["name"] for item in items))
    names = {source.name for source in sources}
    types = []
    for item in items:
        name, option = item["name"], options[item["name"]]
        if not _NAME.fullmatch(name):
            raise ButlerError(
                f"{name!r} can't be a dataset type's name: letters, digits and underscores are expected",
                option=f"{option}.name",
            )
        pixels = tuple(
            _pixels(part, f"{option}.pixels[{index}]", names) for index, part in enumerate(item["pixels"])
        )
        if not pixels:
            raise ButlerError("at least one is needed", option=f"{option}.pixels")
        metadata = item["metadata"] or {}
        _check_metadata(metadata, f"{option}.metadata")
        types.append(DefectsType(name, item["run"], pixels, metadata))
    if not types:
        raise ButlerError("at least one is needed", option="dataset_types")
    return tuple(types)


def _pixels(part: Mapping[str, Any], option: str, sources: set[str]) -> Pixels:
    if part["source"] not in sources:
        raise ButlerError(
            f"there is no source {part['source']!r}; those are {', '.join(sorted(sources))}",
            option=f"{option}.source",
        )
    given = [name for name in _CONDITIONS if part[name] is not None]
    if len(given) > 1:
        raise ButlerError(f"give one of {' and '.join(given)}", option=option)
    if given and not part[given[0]]:
        raise ButlerError(
            "at least one is needed; without this option every pixel that is not 0 is meant",
            option=f"{option}.{given[0]}",
        )
    bits = 0
    for value in part["bits"] or ():
        if value < 1:
            raise ButlerError(f"{value} has no bits, expected a number such as 512", option=f"{option}.bits")
        bits |= value
    return Pixels(part["source"], tuple(part["values"] or ()), tuple(part["except_values"] or ()), bits)


def _check_metadata(metadata: Mapping[str, Any], option: str) -> None:
    for key, value in metadata.items():
        if not _KEYWORD.fullmatch(str(key)):
            raise ButlerError(
                f"{key!r} is no keyword for a header: up to 32 capital letters, digits, - and _ are expected",
                option=option,
            )
        if key in OWN_KEYWORDS:
            raise ButlerError(f"{key} is written by this module and can't be chosen", option=option)
        longest = longest_text(key)
        if isinstance(value, str):
            fits = value.isascii() and value.isprintable() and len(value.replace("'", "''")) <= longest
        else:
            fits = isinstance(value, (bool, int, float)) and math.isfinite(value)
        if not fits:
            raise ButlerError(
                f"{key}: {value!r} can't be in a FITS header: a number is expected, or ASCII text of at most "
                f"{longest} characters",
                option=option,
            )
        if isinstance(value, str) and value.endswith(" "):
            raise ButlerError(
                f"{key}: {value!r} ends with a blank, which FITS does not keep: a text without is expected",
                option=option,
            )
