# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validity ranges: what an operator writes, to the nanosecond, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import (
    FIRST,
    LAST,
    Span,
    joined,
    parse_span,
    shown_time,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.writing import timespan_of
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import Timespan

SMALL = st.builds(lambda begin, length: Span(begin, begin + length), st.integers(0, 20), st.integers(1, 10))
ANY = st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)).filter(lambda two: two[0] < two[1])


def covered(spans: Iterable[Span]) -> set[int]:
    return {time for span in spans for time in range(span.begin, span.end)}


@given(SMALL, st.lists(SMALL))
def test_what_is_left_is_what_no_other_covers(span: Span, others: list[Span]) -> None:
    left = span.without(others)
    assert covered(left) == covered([span]) - covered(others)
    assert left == joined(left) and all(part.begin < part.end for part in left)


@given(SMALL, SMALL)
def test_ranges_overlap_if_there_is_a_time_in_both(one: Span, two: Span) -> None:
    both = covered([one]) & covered([two])
    assert one.overlaps(two) == two.overlaps(one) == bool(both)
    if both:
        assert covered([one.part(two)]) == both


@given(st.lists(SMALL))
def test_joined_ranges_cover_the_same_and_do_not_touch(spans: list[Span]) -> None:
    result = joined(spans)
    assert covered(result) == covered(spans)
    assert all(one.end < two.begin for one, two in pairwise(result))


@given(ANY)
def test_a_registry_gets_a_range_to_the_nanosecond(bounds: tuple[int, int]) -> None:
    assert timespan_of(Span(*bounds)).nsec == bounds


@given(ANY)
def test_a_shown_range_is_read_as_the_same(bounds: tuple[int, int]) -> None:
    begin, end = map(shown_time, bounds)
    assert parse_span(begin, end, "o") == Span(*bounds)


@pytest.mark.parametrize(
    ("text", "official"),
    [
        ("2000-01-01", "2000-01-01"),
        ("2019-04-02 12:30", "2019-04-02T12:30:00"),
        (" 2019-04-02T12:30:59.25 ", "2019-04-02T12:30:59.25"),
        ("2016-12-31T23:59:36.123456789", "2016-12-31T23:59:36.123456789"),
    ],
)
def test_times_are_read_as_the_official_tool_reads_them(text: str, official: str) -> None:
    expected = Timespan(Time(official, scale="tai"), None)
    assert timespan_of(parse_span(text, None, "o")) == expected


def test_open_ends_are_those_of_a_registry() -> None:
    assert timespan_of(parse_span(None, None, "o")) == Timespan(None, None)
    assert Timespan(None, None).nsec == (FIRST, LAST)
    assert parse_span("1970-01-01", "2100-01-01", "o") == Span()


@pytest.mark.parametrize(
    ("begin", "end", "text"),
    [
        (None, None, "always"),
        (None, "2000-01-01", "until 2000-01-01"),
        ("2000-01-01T12:00", None, "from 2000-01-01T12:00:00"),
        ("2000-01-01", "2050-01-01T00:00:00.5", "2000-01-01 to 2050-01-01T00:00:00.5"),
    ],
)
def test_ranges_are_shown_as_short_as_they_can_be(begin: str | None, end: str | None, text: str) -> None:
    assert str(parse_span(begin, end, "o")) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2000",
        "2000-13-01",
        "2000-02-30",
        "2000-01-01T25:00",
        "2016-12-31T23:59:60",
        "2000-01-01T00:00:00Z",
        "2000-01-01T00:00:00+01:00",
        "2000-01-01T00",
        "51544.0",
        "2000-01-01T00:00:00.1234567891",
        "\u0662000-01-01",
    ],
)
def test_what_is_not_a_time_is_named(text: str) -> None:
    with pytest.raises(ButlerError, match=r"^c\.end: .* is not a time; one such as 2000-01-01 or") as caught:
        parse_span(None, text, "c")
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59", "2100-01-01T00:00:01", "0001-01-01", "9999-12-31"])
def test_what_no_registry_holds_is_refused(text: str) -> None:
    with pytest.raises(ButlerError, match="is not between 1970-01-01 and 2100-01-01"):
        parse_span(text, None, "o")


@pytest.mark.parametrize(("begin", "end"), [("2000-01-01", "2000-01-01"), ("2000-01-02", "2000-01-01")])
def test_a_range_without_length_is_refused(begin: str, end: str) -> None:
    with pytest.raises(ButlerError, match=f"^o: the range begins at {begin}, and ends at {end}; an"):
        parse_span(begin, end, "o")
