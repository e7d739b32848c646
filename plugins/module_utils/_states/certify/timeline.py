# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which dataset of one data ID is valid when, and what takes it to what is declared: pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import Span, joined


@dataclass(frozen=True, order=True)
class Valid:
    """A dataset that is valid for a time.

    Parameters
    ----------
    span : `Span`
        When.
    dataset : `uuid.UUID`
        Which.
    """

    span: Span
    dataset: UUID


Timeline: TypeAlias = tuple[Valid, ...]
"""What is valid of one data ID, in order of time; never two datasets at one time."""


@dataclass(frozen=True)
class Gone:
    """A time at which something is not to be valid.

    Parameters
    ----------
    span : `Span`
        When.
    dataset : `uuid.UUID` or `None`
        Which; `None` for whatever there is.
    """

    span: Span
    dataset: UUID | None = None


@dataclass(frozen=True)
class Answer:
    """What becomes of one dataset that is asked for.

    Parameters
    ----------
    certify : `tuple` [ `Span`, ... ]
        When it is to become valid; empty if it is already, or others are kept.
    others : `tuple` [ `Valid`, ... ]
        What else is valid in the time that is asked for.
    kept, conflict : `bool`
        Whether those are left as they are, or can't be.
    """

    certify: tuple[Span, ...] = ()
    others: tuple[Valid, ...] = ()
    kept: bool = False
    conflict: bool = False


@dataclass(frozen=True)
class Arranged:
    """How to get from a timeline to what is declared.

    Parameters
    ----------
    answers : `tuple` [ `Answer`, ... ]
        One for each dataset that is asked for.
    removed : `tuple` [ `tuple` [ `Valid`, ... ], ... ]
        What each declared absence ends.
    pruned : `tuple` [ `Valid`, ... ]
        What ends besides, because nothing declares it.
    """

    answers: tuple[Answer, ...] = ()
    removed: tuple[tuple[Valid, ...], ...] = ()
    pruned: tuple[Valid, ...] = ()

    @property
    def decertify(self) -> list[Span]:
        """The times to clear (`list` [ `Span` ]): nothing is valid in them but what is to end."""
        ends = [item.span for items in self.removed for item in items]
        ends += [item.span for item in self.pruned]
        ends += [item.span for one in self.answers if not one.kept for item in one.others]
        return joined(ends)

    @property
    def nothing(self) -> bool:
        """Whether the timeline is as declared, or in conflict (`bool`)."""
        return not (self.decertify or any(answer.certify for answer in self.answers))


@dataclass(frozen=True)
class Declared:
    """What is declared of one data ID in one collection.

    Parameters
    ----------
    asked : `list` [ `Valid` ]
        What is to be valid; those that overlap are one dataset's, see `contradictions`.
    gone : `list` [ `Gone` ]
        What is not to be valid.
    prune : `bool`
        Whether nothing else is.
    """

    asked: list[Valid] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    prune: bool = False


def contradictions(declared: Declared) -> list[tuple[int, int]]:
    """Find datasets that are asked for at one time.

    Parameters
    ----------
    declared : `Declared`
        What is declared.

    Returns
    -------
    pairs : `list` [ `tuple` [ `int`, `int` ] ]
        Indices in ``asked`` of those that overlap and are not the same.
    """
    asked = declared.asked
    # In order of time, so that each is compared with those only that have not ended when it begins.
    open_ones: list[int] = []
    pairs = []
    for index in sorted(range(len(asked)), key=lambda index: asked[index]):
        open_ones = [other for other in open_ones if asked[other].span.end > asked[index].span.begin]
        for other in open_ones:
            if asked[other].dataset != asked[index].dataset:
                pairs.append((min(index, other), max(index, other)))
        open_ones.append(index)
    return sorted(pairs)


def undone(declared: Declared) -> list[tuple[int, int]]:
    """Find what is asked for and is not to be valid.

    Parameters
    ----------
    declared : `Declared`
        What is declared.

    Returns
    -------
    pairs : `list` [ `tuple` [ `int`, `int` ] ]
        Indices in ``asked`` and in ``gone``.
    """
    return [
        (index, number)
        for number, gone in enumerate(declared.gone)
        for index, one in enumerate(declared.asked)
        if gone.dataset in (None, one.dataset) and gone.span.overlaps(one.span)
    ]


def arrange(timeline: Timeline, declared: Declared, on_conflict: str) -> Arranged:
    """Tell how to get from what is valid to what is declared.

    Parameters
    ----------
    timeline : `Timeline`
        What is valid.
    declared : `Declared`
        What is declared, of which nothing contradicts anything.
    on_conflict : {"fail", "keep", "replace"}
        What to do where another dataset is valid. With ``prune`` the others always make room.

    Returns
    -------
    arranged : `Arranged`
        What to clear and what to certify. After that the same declaration has nothing to do.
    """
    there = list(timeline)
    removed = []
    for gone in declared.gone:
        ended, there = _cut(there, gone.span, gone.dataset)
        removed.append(tuple(ended))
    if declared.prune:
        on_conflict = "replace"
    answers = []
    for one in declared.asked:
        answer = _ask(there, one, on_conflict)
        answers.append(answer)
        if answer.conflict:
            continue
        if not answer.kept:
            for other in answer.others:
                _unused, there = _cut(there, other.span, other.dataset)
        there += [Valid(span, one.dataset) for span in answer.certify]
    pruned: list[Valid] = []
    if declared.prune:
        for item in there:
            own = [one.span for one in declared.asked if one.dataset == item.dataset]
            pruned += [Valid(span, item.dataset) for span in item.span.without(own)]
    return Arranged(tuple(answers), tuple(removed), tuple(sorted(pruned)))


def _ask(there: Sequence[Valid], one: Valid, on_conflict: str) -> Answer:
    met = [item for item in there if item.span.overlaps(one.span)]
    lacking = one.span.without(item.span for item in met if item.dataset == one.dataset)
    others = tuple(
        Valid(item.span.part(one.span), item.dataset) for item in sorted(met) if item.dataset != one.dataset
    )
    if others and on_conflict == "fail":
        return Answer(others=others, conflict=True)
    if others and on_conflict == "keep":
        free = (span for part in lacking for span in part.without(other.span for other in others))
        return Answer(tuple(free), others, kept=True)
    return Answer(tuple(lacking), others)


def _cut(there: Iterable[Valid], span: Span, dataset: UUID | None) -> tuple[list[Valid], list[Valid]]:
    """Split what is valid into what ends and what stays."""
    ended, stays = [], []
    for item in there:
        if dataset in (None, item.dataset) and item.span.overlaps(span):
            ended.append(Valid(item.span.part(span), item.dataset))
            stays += [Valid(part, item.dataset) for part in item.span.without([span])]
        else:
            stays.append(item)
    return ended, stays


def shown_timeline(items: Iterable[tuple[Span, str]], asked: Sequence[tuple[Span, str]]) -> list[str]:
    """Write what is valid when beside what is asked for.

    Parameters
    ----------
    items : `~collections.abc.Iterable` [ `tuple` [ `Span`, `str` ] ]
        What is valid, each with what to call it.
    asked : `~collections.abc.Sequence` [ `tuple` [ `Span`, `str` ] ]
        What is asked for.

    Returns
    -------
    lines : `list` [ `str` ]
        One for each, in order of time, with ``valid`` or ``asked`` and the range in columns.
    """
    rows = [("valid", str(span), name, span) for span, name in items]
    rows += [("asked", str(span), name, span) for span, name in asked]
    rows.sort(key=lambda row: (row[3], row[0] == "asked", row[2]))
    width = max((len(row[1]) for row in rows), default=0)
    return [f"{word}  {when:{width}}  {name}" for word, when, name, _unused in rows]
