# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the listed raws a task is about: exposures, detectors, days, and the share of one host.

Source: daf_butler (the expression language of queries) for how ranges are written: both ends belong to them.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import first_few
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition

SHARD_OPTIONS: dict[str, dict[str, Any]] = {
    "index": {"type": "int", "required": True},
    "count": {"type": "int", "required": True},
}
"""Argument spec of ``shard``."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_RANGE = re.compile(r"([0-9]{1,18})\s*\.\.\s*([0-9]{1,18})(?:\s*:\s*([1-9][0-9]{0,17}))?")
_SYNTAX = "whole numbers, and ranges such as {example} or {example}:2"

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 64


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers and ranges of them; ranges are never written out.

    Parameters
    ----------
    single : `frozenset` [ `int` ]
        The numbers.
    ranges : `tuple` [ `range`, ... ]
        The ranges.
    """

    single: frozenset[int]
    ranges: tuple[range, ...]

    def __contains__(self, number: object) -> bool:
        return number in self.single or any(number in part for part in self.ranges)


@dataclass(frozen=True)
class Limits:
    """What a task is restricted to.

    Parameters
    ----------
    exposures : `Numbers` or `None`, optional
        Exposure ids; `None` for all, as for the others.
    detectors : `frozenset` [ `int` ] or `None`, optional
        Detector ids.
    days : `Numbers` or `None`, optional
        Days of observation as in ``day_obs``, such as 20241108.
    limit : `int` or `None`, optional
        How many exposures, those with the smallest ids of all that are meant otherwise.
    shard_index, shard_count : `int`, optional
        Which share of the exposures, counted from 0, and of how many.
    """

    exposures: Numbers | None = None
    detectors: frozenset[int] | None = None
    days: Numbers | None = None
    limit: int | None = None
    shard_index: int = 0
    shard_count: int = 1

    @classmethod
    def from_params(cls, params: Mapping[str, Any], definition: InstrumentDefinition) -> Limits:
        """Make limits from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            ``exposures``, ``detectors`` and ``day_obs``, lists of `int` and `str`; ``limit``; ``shard`` with
            ``index`` and ``count``. What is `None` or left out restricts nothing.
        definition : `InstrumentDefinition`
            The instrument, for the names and ids that there are.

        Returns
        -------
        limits : `Limits`
            The limits.

        Raises
        ------
        ButlerError
            Raised for a list that is empty, for the first value that can't be one, a limit below 1, and a
            shard that is not one of those that there are.
        """
        limit = params.get("limit")
        if limit is not None and limit < 1:
            raise ButlerError(f"got {limit}, expected 1 or more", option="limit")
        shard = params.get("shard") or {"index": 0, "count": 1}
        if shard["count"] < 1:
            raise ButlerError(f"got {shard['count']}, expected 1 or more", option="shard.count")
        if not 0 <= shard["index"] < shard["count"]:
            raise ButlerError(
                f"got {shard['index']}, expected 0 to {shard['count'] - 1}: the first of {shard['count']} "
                "shards has index 0",
                option="shard.index",
            )
        return cls(
            _exposures(params.get("exposures"), definition),
            _detectors(params.get("detectors"), definition),
            _days(params.get("day_obs")),
            limit,
            shard["index"],
            shard["count"],
        )

    @property
    def any_exposure(self) -> bool:
        """Whether every exposure is wanted, so that none has to be asked for (`bool`)."""
        return self.exposures is None and self.shard_count == 1

    @property
    def any_detector(self) -> bool:
        """Whether every detector is wanted (`bool`)."""
        return self.detectors is None

    @property
    def any_day(self) -> bool:
        """Whether every day of observation is wanted (`bool`)."""
        return self.days is None

    def wants_exposure(self, exposure: int) -> bool:
        """Tell whether an exposure is one of those that are named, and in this shard.

        Parameters
        ----------
        exposure : `int`
            Its id.

        Returns
        -------
        wanted : `bool`
            Whether it is.
        """
        if self.exposures is not None and exposure not in self.exposures:
            return False
        return self.shard_count == 1 or shard_of(exposure, self.shard_count) == self.shard_index

    def wants_detector(self, detector: int) -> bool:
        """Tell whether a detector is one of those that are named.

        Parameters
        ----------
        detector : `int`
            Its id.

        Returns
        -------
        wanted : `bool`
            Whether it is.
        """
        return self.detectors is None or detector in self.detectors

    def wants_day(self, day_obs: int) -> bool:
        """Tell whether a day is one of those that are named.

        Parameters
        ----------
        day_obs : `int`
            Such as 20241108.

        Returns
        -------
        wanted : `bool`
            Whether it is.
        """
        return self.days is None or day_obs in self.days


def shard_of(exposure: int, count: int) -> int:
    """Tell which shard an exposure belongs to.

    The id is multiplied by 2**64 divided by the golden ratio, and the top of the lowest 64 bits decides
    (Fibonacci hashing, D. Knuth, The Art of Computer Programming 6.4). So it follows from the id and the
    number of shards alone, on every host and for ever, and ids at equal distances are spread more evenly
    than by chance: the shards of any consecutive ids, or of even ones only, differ by a few exposures.

    Parameters
    ----------
    exposure : `int`
        Id of an exposure.
    count : `int`
        Number of shards.

    Returns
    -------
    index : `int`
        From 0 to ``count - 1``.
    """
    return (exposure * _GOLDEN % (1 << _WORD)) * count >> _WORD


def _exposures(values: Sequence[Any] | None, definition: InstrumentDefinition) -> Numbers | None:
    if values is None:
        return None
    numbers = _numbers("exposures", values, "2024110800001..2024110800250")
    for index, part in enumerate(numbers):
        if part.start > definition.exposure_max:
            raise ButlerError(
                f"got {values[index]!r}, expected ids up to {definition.exposure_max}, the largest of "
                f"{definition.name}",
                option=f"exposures[{index}]",
            )
    return _collected(numbers)


def _days(values: Sequence[Any] | None) -> Numbers | None:
    if values is None:
        return None
    numbers = _numbers("day_obs", values, "20241101..20241130")
    for index, part in enumerate(numbers):
        # The ends of a range may be no dates: 20241100..20241199 is how some write a month.
        if not all(_may_be_day(number, exactly=len(part) == 1) for number in (part.start, part[-1])):
            raise ButlerError(
                f"got {values[index]!r}, expected a date such as 20241108", option=f"day_obs[{index}]"
            )
    return _collected(numbers)


def _may_be_day(number: int, *, exactly: bool) -> bool:
    if not exactly:
        return len(str(number)) == len("YYYYMMDD")
    try:
        return f"{datetime.date.fromisoformat(str(number)):%Y%m%d}" == str(number)
    except ValueError:
        return False


def _detectors(values: Sequence[Any] | None, definition: InstrumentDefinition) -> frozenset[int] | None:
    if values is None:
        return None
    ids = sorted(definition.detector_ids.values())
    named = [definition.detector_ids.get(str(value).strip(), value) for value in values]
    names = sorted(definition.detector_ids)
    wanted: set[int] = set()
    for index, part in enumerate(_numbers("detectors", named, "0..8", f", and names such as {names[0]}")):
        chosen = {number for number in ids if number in part}
        if not chosen:
            raise ButlerError(
                f"got {values[index]!r}, expected detectors of {definition.name}: {first_few(ids)} "
                f"(the last is {ids[-1]}), or their names: {first_few(names)}",
                option=f"detectors[{index}]",
            )
        wanted |= chosen
    return frozenset(wanted)


def _numbers(option: str, values: Sequence[Any], example: str, more: str = "") -> list[range]:
    """Make a range of each value."""
    if not values:
        raise ButlerError("it is empty", option=option, hint="Leave the option out to select all.")
    found = []
    for index, value in enumerate(values):
        text = "" if isinstance(value, bool | float) else str(value).strip()
        match = _RANGE.fullmatch(text)
        if match is not None:
            first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        elif _NUMBER.fullmatch(text):
            first, last, step = int(text), int(text), 1
        else:
            raise ButlerError(
                f"got {value!r}, expected {_SYNTAX.format(example=example)}{more}",
                option=f"{option}[{index}]",
            )
        if last < first:
            raise ButlerError(
                f"got {value!r}, expected a range that ends where it begins or later",
                option=f"{option}[{index}]",
            )
        found.append(range(first, last + 1, step))
    return found


def _collected(parts: Sequence[range]) -> Numbers:
    single = frozenset(part.start for part in parts if len(part) == 1)
    return Numbers(single, tuple(dict.fromkeys(part for part in parts if len(part) > 1)))
