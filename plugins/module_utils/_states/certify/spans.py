# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validity ranges as whole nanoseconds of TAI since 1970, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1)

FIRST = 0
"""What a range without a beginning begins with: 1970-01-01 (ns)."""

LAST = (date(2100, 1, 1) - _EPOCH.date()).days * 86_400 * _SECOND
"""What a range without an end ends with: 2100-01-01 (ns). Source: daf_butler, ``time_utils.py``."""

_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[T ](?P<minute>\d\d:\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, order=True)
class Span:
    """A validity range, which does not include its end.

    Parameters
    ----------
    begin, end : `int`
        Nanoseconds of TAI since 1970, from `FIRST` to `LAST`; the end comes after the beginning.
    """

    begin: int = FIRST
    end: int = LAST

    def overlaps(self, other: Span) -> bool:
        """Tell whether there is a time that is in both.

        Parameters
        ----------
        other : `Span`
            Another range.

        Returns
        -------
        overlaps : `bool`
            False for ranges that only touch.
        """
        return self.begin < other.end and other.begin < self.end

    def part(self, other: Span) -> Span:
        """Give what is in both of two ranges that overlap.

        Parameters
        ----------
        other : `Span`
            One that overlaps.

        Returns
        -------
        part : `Span`
            The range in both.
        """
        return Span(max(self.begin, other.begin), min(self.end, other.end))

    def without(self, others: Iterable[Span]) -> list[Span]:
        """Give what is left of a range.

        Parameters
        ----------
        others : `~collections.abc.Iterable` [ `Span` ]
            What is taken from it.

        Returns
        -------
        left : `list` [ `Span` ]
            In order of time; empty if nothing is left.
        """
        left, begin = [], self.begin
        for other in sorted(others):
            if not self.overlaps(other):
                continue
            if begin < other.begin:
                left.append(Span(begin, other.begin))
            begin = max(begin, other.end)
        if begin < self.end:
            left.append(Span(begin, self.end))
        return left

    def __str__(self) -> str:
        begin, end = shown_time(self.begin), shown_time(self.end)
        if self.begin == FIRST:
            return "always" if self.end == LAST else f"until {end}"
        return f"from {begin}" if self.end == LAST else f"{begin} to {end}"


def joined(spans: Iterable[Span]) -> list[Span]:
    """Make one of those that touch or overlap.

    Parameters
    ----------
    spans : `~collections.abc.Iterable` [ `Span` ]
        Ranges in any order.

    Returns
    -------
    joined : `list` [ `Span` ]
        As few as cover the same times, in order of time.
    """
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.begin <= result[-1].end:
            result[-1] = Span(result[-1].begin, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def parse_span(begin: str | None, end: str | None, option: str) -> Span:
    """Make a range from what an operator wrote.

    Parameters
    ----------
    begin, end : `str` or `None`
        Times of TAI in the form of ISO 8601; `None` for an open end.
    option : `str`
        The option that has ``begin`` and ``end``.

    Returns
    -------
    span : `Span`
        The range.

    Raises
    ------
    ButlerError
        Raised if one is not a time, is outside of what a registry can hold, or the range has no length.
    """
    span = Span(
        FIRST if begin is None else _parse_time(begin, f"{option}.begin"),
        LAST if end is None else _parse_time(end, f"{option}.end"),
    )
    if span.begin >= span.end:
        raise ButlerError(
            f"the range begins at {shown_time(span.begin)}, and ends at {shown_time(span.end)}; an end after "
            "the beginning is expected",
            option=option,
            hint="The end is not part of the range. Leave begin or end out where there is none.",
        )
    return span


def _parse_time(text: str, option: str) -> int:
    found = _TIME.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        since = datetime.fromisoformat(f"{found['date']}T{found['minute'] or '00:00'}") - _EPOCH
        seconds = int(found["second"] or 0)
        if seconds > 59:
            raise ValueError
    except ValueError:
        raise ButlerError(
            f"{text!r} is not a time; one such as 2000-01-01 or 2000-01-01T12:30:00 is expected",
            option=option,
            hint="Times are TAI, which has neither time zones nor leap seconds.",
        ) from None
    time = (since // timedelta(seconds=1) + seconds) * _SECOND + int((found["fraction"] or "").ljust(9, "0"))
    if not FIRST <= time <= LAST:
        raise ButlerError(
            f"{text} is not between {shown_time(FIRST)} and {shown_time(LAST)}, and a registry holds no "
            "other times",
            option=option,
            hint="Leave begin or end out where there is none.",
        )
    return time


def shown_time(time: int) -> str:
    """Write a time.

    Parameters
    ----------
    time : `int`
        Nanoseconds of TAI since 1970.

    Returns
    -------
    text : `str`
        As short as it can be: a date, or with hours, minutes, seconds, and a fraction if there is one.
    """
    seconds, fraction = divmod(time, _SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    if fraction:
        return f"{text}.{fraction:09d}".rstrip("0")
    return text.removesuffix("T00:00:00")
