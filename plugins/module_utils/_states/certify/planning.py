# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certifications take, told before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    other_type,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import named
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.declared import Entry
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.observed import Current, Seen
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.shown import Group, Shown
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
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_selection import entry_of

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DatasetRef

Place: TypeAlias = tuple[str, str, tuple[Any, ...]]
"""Collection, dataset type and data ID values: where one dataset is valid at a time."""


@dataclass
class Task:
    """What is to be done at one place.

    Parameters
    ----------
    data_id : `lsst.daf.butler.DataCoordinate`
        The data ID.
    timeline : `Timeline`
        What was valid when the plan was made.
    declared : `Declared`
        What is declared.
    on_conflict : {"fail", "keep", "replace"}
        What to do where another dataset is valid.
    arranged : `Arranged`
        What follows from these.
    """

    data_id: DataCoordinate
    timeline: Timeline
    declared: Declared
    on_conflict: str
    arranged: Arranged


@dataclass
class Work:
    """What to do.

    Parameters
    ----------
    register : `list` [ `str` ]
        Collections to make.
    tasks : `dict` [ `tuple` [ `str`, `str` ], `list` [ `Task` ] ]
        By collection and dataset type.
    refs : `dict` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        The datasets to certify, among others.
    """

    register: list[str] = field(default_factory=list)
    tasks: dict[tuple[str, str], list[Task]] = field(default_factory=dict)
    refs: dict[UUID, DatasetRef] = field(default_factory=dict)


@dataclass
class _Place:
    """What is declared of one place, and by which entries."""

    data_id: DataCoordinate
    declared: Declared = field(default_factory=Declared)
    asked_by: list[int] = field(default_factory=list)
    gone_by: list[int] = field(default_factory=list)
    pruned_by: int | None = None


class Planner:
    """Plans certifications, all of one task together.

    Parameters
    ----------
    entries : `~collections.abc.Sequence` [ `Entry` ]
        What is declared.
    current : `Current`
        What the repository has.
    on_missing : {"fail", "skip"}
        What to do about dataset types, collections and datasets that are not there.
    on_conflict : {"fail", "keep", "replace"}
        What to do where another dataset is valid.
    """

    def __init__(self, entries: Sequence[Entry], current: Current, on_missing: str, on_conflict: str) -> None:
        self.plan: Plan[Work] = Plan(Work(refs=current.refs))
        self._entries = entries
        self._current = current
        self._on_missing = on_missing
        self._on_conflict = on_conflict
        self._places: dict[Place, _Place] = {}
        self._unresolved: set[int] = set()
        self._lacking: set[str] = set()
        self._shown = Shown()
        self._overlaps: dict[tuple[Any, ...], list[tuple[DatasetRef, Timeline]]] = defaultdict(list)
        self._contradicted: dict[tuple[str, str, str, str], list[DatasetRef]] = defaultdict(list)

    def make(self) -> Plan[Work]:
        """Make the plan.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            Certifications are planned in groups, one for each declared dataset type and range.
        """
        for index, (entry, seen) in enumerate(zip(self._entries, self._current.seen, strict=True)):
            known = self._current.collections.get(entry.collection)
            if known is not None and known.type != "CALIBRATION":
                conflict = other_type(entry.collection, known, "CALIBRATION")
                if conflict not in self.plan.conflicts:
                    self.plan.conflicts.append(conflict)
                continue
            if not entry.present:
                self._end(index, entry, seen)
                continue
            if known is None and entry.collection not in self.plan.work.register:
                self.plan.work.register.append(entry.collection)
                shown = shown_collection("CALIBRATION")
                self.plan.changes.append(Change.add("collection", entry.collection, shown))
            if self._missing(entry, seen):
                self._unresolved.add(index)
            self._ask(index, entry, seen)
        self._prune()
        for place, declared in sorted(self._places.items(), key=lambda item: item[0]):
            self._arrange(place, declared)
        self._tell()
        return self.plan

    def _missing(self, entry: Entry, seen: Seen) -> bool:
        """Deal with what is named and not there; tells whether the selection is not known yet."""
        plan, missing, ids = self.plan, seen.found.missing, seen.missing_ids
        if not missing and not ids:
            return False
        if self._on_missing == "fail":
            plan.assumes += missing
            if ids and not missing:
                few = f"{first_few(ids)} ({len(ids)} of {len(entry.data_ids)})"
                plan.assumes.append(Assumption("dataset of data ID", few, f"{entry.option}.data_ids"))
            return True
        if not self._current.repository:
            return True
        plan.skipped += len(missing) + len(ids)
        self._lacking.add(entry.collection)
        plan.notices += [f"{entry.option}: left out: {item}" for item in missing]
        if ids:
            plan.notices.append(
                f"{entry.option}: left out {len(ids)} of {len(entry.data_ids)} data IDs that have no "
                f"dataset: {first_few(ids)}"
            )
        return False

    def _ask(self, index: int, entry: Entry, seen: Seen) -> None:
        """Take down what is to be valid."""
        wanted = seen.found.wanted
        several = {key: refs for key, refs in wanted.items() if len(refs) > 1}
        if several:
            runs = sorted({ref.run for refs in several.values() for ref in refs})
            self.plan.conflicts.append(
                Conflict(
                    "datasets",
                    f"selected for {entry.collection}",
                    f"{len(several)} data IDs have several datasets, and one is valid at a time; the first "
                    f"is {named(several[min(several)][0])}; the runs are {first_few(runs)}. Collections "
                    "that are named instead of matched by a pattern are searched in their order, and the "
                    "first one wins",
                )
            )
            return
        wrong = {ref.datasetType.name for (ref,) in wanted.values() if not ref.datasetType.isCalibration()}
        for name in sorted(wrong):
            self.plan.conflicts.append(
                Conflict(
                    "dataset type",
                    name,
                    "its datasets can't be certified: it was registered without is_calibration, which never "
                    "changes",
                )
            )
        for (name, values), (ref,) in wanted.items():
            if name in wrong:
                continue
            place = self._place((entry.collection, name, values), ref)
            place.declared.asked.append(Valid(entry.span, ref.id))
            place.asked_by.append(index)

    def _end(self, index: int, entry: Entry, seen: Seen) -> None:
        """Take down what is not to be valid."""
        if entry.collections:
            for (name, values), refs in seen.found.wanted.items():
                for ref in refs:
                    place = self._place((entry.collection, name, values), ref)
                    place.declared.gone.append(Gone(entry.span, ref.id))
                    place.gone_by.append(index)
            return
        for name in seen.whole_types:
            for values, timeline in self._current.timelines.get((entry.collection, name), {}).items():
                if seen.only is None or (name, values) in seen.only:
                    ref = self._current.refs[timeline[0].dataset]
                    place = self._place((entry.collection, name, values), ref)
                    place.declared.gone.append(Gone(entry.span))
                    place.gone_by.append(index)

    def _place(self, place: Place, ref: DatasetRef) -> _Place:
        if place not in self._places:
            self._places[place] = _Place(ref.dataId)
        return self._places[place]

    def _prune(self) -> None:
        """Take down that nothing else is to be valid."""
        waits = {self._entries[index].collection for index in self._unresolved}
        for collection in sorted(
            self._lacking & {entry.collection for entry in self._entries if entry.prune}
        ):
            self.plan.notices.append(
                f"{collection}: nothing was pruned, because some of what was declared is not there"
            )
        waits |= self._lacking
        for index, (entry, seen) in enumerate(zip(self._entries, self._current.seen, strict=True)):
            # What is not known yet may be what is there.
            if not entry.prune or entry.collection in waits:
                continue
            for name in seen.whole_types:
                for values, timeline in self._current.timelines.get((entry.collection, name), {}).items():
                    ref = self._current.refs[timeline[0].dataset]
                    place = self._place((entry.collection, name, values), ref)
                    place.pruned_by = index if place.pruned_by is None else place.pruned_by

    def _arrange(self, place: Place, declared: _Place) -> None:
        collection, name, values = place
        if self._contradicts(declared):
            return
        timeline = self._current.timelines.get((collection, name), {}).get(values, ())
        prunes = any(self._entries[index].prune for index in declared.asked_by)
        what = Declared(declared.declared.asked, declared.declared.gone, declared.pruned_by is not None)
        on_conflict = "replace" if prunes else self._on_conflict
        arranged = arrange(timeline, what, on_conflict)
        self._count(place, declared, timeline, arranged)
        if not arranged.nothing:
            task = Task(declared.data_id, timeline, what, on_conflict, arranged)
            self.plan.work.tasks.setdefault((collection, name), []).append(task)

    def _contradicts(self, place: _Place) -> bool:
        """Tell whether declarations of this task contradict each other, and keep that for the conflicts."""
        if len(place.declared.asked) + len(place.declared.gone) < 2:
            return False
        pairs = [(place.asked_by[one], place.asked_by[two]) for one, two in contradictions(place.declared)]
        pairs += [(place.asked_by[one], place.gone_by[two]) for one, two in undone(place.declared)]
        for one, two in pairs:
            first, second = self._entries[min(one, two)], self._entries[max(one, two)]
            ref = self._current.refs[place.declared.asked[place.asked_by.index(one)].dataset]
            key = (first.collection, ref.datasetType.name, _told(first), _told(second))
            self._contradicted[key].append(ref)
        return bool(pairs)

    def _count(self, place: Place, declared: _Place, timeline: Timeline, arranged: Arranged) -> None:
        """Count what becomes of one data ID, for the changes."""
        collection, name, _unused = place
        refs, shown = self._current.refs, self._shown
        for index, one, answer in zip(
            declared.asked_by, declared.declared.asked, arranged.answers, strict=True
        ):
            entry, ref = self._entries[index], refs[one.dataset]
            key = Group(entry_of(self._current.seen[index].tag, name), collection, entry.span)
            others = [refs[other.dataset].run for other in answer.others]
            if answer.conflict:
                runs = tuple((item.span, refs[item.dataset].run) for item in timeline)
                self._overlaps[key, ref.run, runs].append((ref, timeline))
            elif not answer.certify:
                self.plan.present += 1
                shown.present(key, kept=answer.kept)
            elif others and not answer.kept:
                shown.replaced(key, ref, others)
            else:
                shown.added(key, ref, answer.certify, kept=answer.kept)
        for index, items in zip(declared.gone_by, arranged.removed, strict=True):
            entry = self._entries[index]
            key = Group(entry_of(self._current.seen[index].tag, name), collection, entry.span)
            for item in items:
                shown.removed(key, refs[item.dataset], item.span)
        if declared.pruned_by is not None:
            key = Group(entry_of(self._current.seen[declared.pruned_by].tag, name), collection, None)
            for item in arranged.pruned:
                shown.removed(key, refs[item.dataset], item.span)

    def _tell(self) -> None:
        """Turn what was counted into changes, conflicts and notices."""
        unresolved = [
            Group(name, self._entries[index].collection, self._entries[index].span)
            for index in sorted(self._unresolved)
            for name in self._entries[index].dataset_types
        ]
        self.plan.changes += self._shown.changes(unresolved)
        self.plan.notices += self._shown.notices()
        self.plan.conflicts += [
            self._overlap(key, found) for (key, _run, _runs), found in self._overlaps.items()
        ]
        if self._overlaps:
            self.plan.conflict_hint = (
                "Nothing was written. on_conflict=replace ends what is valid for just the time that is asked "
                "for, on_conflict=keep certifies for the times when nothing is valid."
            )
        for (collection, name, first, second), refs in self._contradicted.items():
            few = min(refs, key=lambda ref: ref.dataId.required_values)
            self.plan.conflicts.append(
                Conflict(
                    "certifications",
                    f"{name} in {collection}",
                    f"{first} and {second} overlap, and declare different things of {_data_ids(refs)}; the "
                    f"first is {named(few)}",
                )
            )

    def _overlap(self, group: Group, found: Sequence[tuple[DatasetRef, Timeline]]) -> Conflict:
        ref, timeline = min(found, key=lambda item: item[0].dataId.required_values)
        refs = self._current.refs
        lines = shown_timeline(
            ((item.span, f"{item.dataset} of {refs[item.dataset].run}") for item in timeline),
            [(group.span or Span(), f"{ref.id} of {ref.run}")],
        )
        reason = (
            f"other datasets of {_data_ids(found)} are valid at a time that is asked for; the first is "
            f"{named(ref)}:"
        )
        reason += "".join(f"\n      {line}" for line in lines)
        return Conflict("certifications", str(group), reason)


def _told(entry: Entry) -> str:
    return f"{entry.option} ({'present' if entry.present else 'absent'} {entry.span})"


def _data_ids(items: Sequence[object]) -> str:
    return f"{len(items)} data ID{'s' if len(items) != 1 else ''}"
