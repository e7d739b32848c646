# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timelines of one data ID, against a model that knows for each hour what is valid."""

from __future__ import annotations

from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import Span
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.timeline import (
    Arranged,
    Declared,
    Gone,
    Timeline,
    Valid,
    arrange,
    contradictions,
    shown_timeline,
    undone,
)
from hypothesis import assume, given
from hypothesis import strategies as st

HOURS = 12
DATASETS = [UUID(int=number) for number in (1, 2, 3)]
SPANS = st.builds(
    lambda begin, length: Span(begin, min(HOURS, begin + length)),
    st.integers(0, HOURS - 1),
    st.integers(1, HOURS),
)
ASKED = st.builds(Valid, SPANS, st.sampled_from(DATASETS))
GONE = st.builds(Gone, SPANS, st.sampled_from([*DATASETS, None]))
DECLARED = st.builds(Declared, st.lists(ASKED, max_size=3), st.lists(GONE, max_size=2), st.booleans())
HOURLY = st.lists(st.sampled_from([*DATASETS, None]), min_size=HOURS, max_size=HOURS)
CONFLICT = st.sampled_from(["fail", "keep", "replace"])

Hours = list[UUID | None]


def hours_of(timeline: Timeline) -> Hours:
    """Spread a timeline out; fails if two datasets are valid at one time."""
    hours: Hours = [None] * HOURS
    for item in timeline:
        for hour in range(item.span.begin, item.span.end):
            assert hours[hour] is None, f"two are valid at {hour}"
            hours[hour] = item.dataset
    return hours


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Give a timeline; what is valid for some hours may have been certified in parts."""
    items: list[Valid] = []
    for hour, dataset in enumerate(draw(HOURLY)):
        if dataset is None:
            continue
        last = items[-1] if items else None
        if last and last.span.end == hour and last.dataset == dataset and draw(st.booleans()):
            items[-1] = Valid(Span(last.span.begin, hour + 1), dataset)
        else:
            items.append(Valid(Span(hour, hour + 1), dataset))
    return tuple(items)


def expected(hours: Hours, declared: Declared, on_conflict: str) -> Hours:
    """Tell hour by hour what is to be valid; hours of what is in conflict are as they were."""
    result: Hours = []
    for hour, dataset in enumerate(hours):
        for gone in declared.gone:
            if gone.span.begin <= hour < gone.span.end and gone.dataset in (None, dataset):
                dataset = None
        wanted = {item.dataset for item in declared.asked if item.span.begin <= hour < item.span.end}
        if not wanted:
            result.append(None if declared.prune else dataset)
            continue
        (one,) = wanted
        if dataset in (None, one) or declared.prune or on_conflict == "replace":
            result.append(one)
        else:
            result.append(dataset)
    return result


def done(timeline: Timeline, declared: Declared, arranged: Arranged) -> Timeline:
    """Do what daf_butler does: clear the ranges, then add others, which must not overlap anything."""
    items = [Valid(part, item.dataset) for item in timeline for part in item.span.without(arranged.decertify)]
    for one, answer in zip(declared.asked, arranged.answers, strict=True):
        items += [Valid(span, one.dataset) for span in answer.certify]
    return tuple(sorted(items))


def consistent(declared: Declared) -> bool:
    return not contradictions(declared) and not undone(declared)


@given(timelines(), DECLARED, CONFLICT)
def test_what_is_arranged_is_what_the_model_says_and_again_is_nothing(
    timeline: Timeline, declared: Declared, on_conflict: str
) -> None:
    assume(consistent(declared))
    arranged = arrange(timeline, declared, on_conflict)
    if any(answer.conflict for answer in arranged.answers):
        assert on_conflict == "fail" and not declared.prune
        return
    after = done(timeline, declared, arranged)
    assert hours_of(after) == expected(hours_of(timeline), declared, on_conflict)
    assert (hours_of(after) == hours_of(timeline)) == arranged.nothing
    again = arrange(after, declared, on_conflict)
    assert again.nothing and not any(answer.conflict for answer in again.answers)


@given(timelines(), DECLARED, CONFLICT)
def test_a_conflict_is_another_dataset_in_the_time_that_is_asked_for(
    timeline: Timeline, declared: Declared, on_conflict: str
) -> None:
    assume(consistent(declared))
    without = Declared([], declared.gone)
    hours = hours_of(done(timeline, without, arrange(timeline, without, "fail")))
    # What is asked for first meets what was there.
    for one, answer in list(
        zip(declared.asked, arrange(timeline, declared, on_conflict).answers, strict=True)
    )[:1]:
        met = {hours[hour] for hour in range(one.span.begin, one.span.end)} - {None, one.dataset}
        assert {other.dataset for other in answer.others} == met
        assert all(other.span == other.span.part(one.span) for other in answer.others)
        assert answer.conflict == (bool(met) and on_conflict == "fail" and not declared.prune)
        assert answer.kept == (bool(met) and on_conflict == "keep" and not declared.prune)


@given(timelines(), DECLARED, CONFLICT)
def test_only_what_is_lacking_is_certified_and_only_what_ends_is_cleared(
    timeline: Timeline, declared: Declared, on_conflict: str
) -> None:
    assume(consistent(declared))
    arranged = arrange(timeline, declared, on_conflict)
    assume(not any(answer.conflict for answer in arranged.answers))
    before = hours_of(timeline)
    after = hours_of(done(timeline, declared, arranged))
    cleared = {hour for span in arranged.decertify for hour in range(span.begin, span.end)}
    assert cleared == {hour for hour in range(HOURS) if before[hour] not in (None, after[hour])}


@given(st.lists(ASKED, max_size=5), st.lists(GONE, max_size=3))
def test_declarations_that_can_not_all_hold_are_found(asked: list[Valid], gone: list[Gone]) -> None:
    declared = Declared(asked, gone)
    assert contradictions(declared) == [
        (one, two)
        for one in range(len(asked))
        for two in range(one + 1, len(asked))
        if asked[one].dataset != asked[two].dataset and asked[one].span.overlaps(asked[two].span)
    ]
    assert {(asked[one], gone[two]) for one, two in undone(declared)} == {
        (one, two)
        for one in asked
        for two in gone
        if one.span.overlaps(two.span) and two.dataset in (None, one.dataset)
    }


def test_a_timeline_is_readable() -> None:
    day = 86_400 * 10**9
    lines = shown_timeline(
        [(Span(1 * day, 3 * day), "B"), (Span(end=1 * day), "A")], [(Span(day, 2 * day), "C")]
    )
    assert lines == [
        "valid  until 1970-01-02          A",
        "asked  1970-01-02 to 1970-01-03  C",
        "valid  1970-01-02 to 1970-01-04  B",
    ]
