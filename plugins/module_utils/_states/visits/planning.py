# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done about visits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordWork,
    plan_records,
    record_key,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import describe_differences
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import VISIT_SYSTEMS
from ansible_collections.rubin.butler.plugins.module_utils._sky.regions import same_regions
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import (
    GROUPINGS,
    Grouped,
    VisitDefinition,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.held import Held
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.wanted import (
    Makes,
    visit_differences,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord

MOST_CONFLICTS = 100
"""How many conflicts are kept; the others are counted."""


@dataclass(frozen=True)
class Visit:
    """A visit to write.

    Parameters
    ----------
    definition : `VisitDefinition`
        What it is made of.
    record : `lsst.daf.butler.DimensionRecord`
        Its record.
    old : `lsst.daf.butler.DimensionRecord` or `None`, optional
        The record that there is.
    old_exposures : `frozenset` [ `int` ], optional
        The exposures that it has.
    """

    definition: VisitDefinition
    record: DimensionRecord
    old: DimensionRecord | None = None
    old_exposures: frozenset[int] = frozenset()


@dataclass
class DetectorCheck:
    """What was found of the detector regions of an existing visit.

    Parameters
    ----------
    missing, differing : `frozenset` [ `int` ]
        Detectors of the camera without a region, and those with another one.
    """

    missing: frozenset[int] = frozenset()
    differing: frozenset[int] = frozenset()


@dataclass
class Work:
    """What to write.

    Parameters
    ----------
    makes : `Makes`
        Makes records.
    systems : `RecordWork`
        Visit systems.
    new : `list` [ `Visit` ]
        Visits that do not exist.
    replaced : `list` [ `Visit` ]
        Visits that exist and differ, to be written with all their regions.
    updated : `list` [ `Visit` ]
        Visits that grow and look where they did.
    memberships : `list` [ `tuple` [ `int`, `int` ] ]
        Existing visits, and numbers of systems that they are to belong to.
    detectors : `list` [ `tuple` ]
        Existing visits, and their detectors without regions.
    """

    makes: Makes
    systems: RecordWork = field(default_factory=RecordWork)
    new: list[Visit] = field(default_factory=list)
    replaced: list[Visit] = field(default_factory=list)
    updated: list[Visit] = field(default_factory=list)
    memberships: list[tuple[int, int]] = field(default_factory=list)
    detectors: list[tuple[VisitDefinition, frozenset[int]]] = field(default_factory=list)


class Planner:
    """Plans the visits of one instrument.

    Parameters
    ----------
    makes : `Makes`
        Makes records.
    grouping : `str`
        One of `GROUPINGS`.
    on_conflict : {"fail", "keep", "replace"}
        What to do about a visit that differs.
    incremental : `bool`
        Whether a visit that gets more exposures may change.
    held : `Held`
        What the repository has.
    checked : `dict` [ `int`, `DetectorCheck` ]
        What was found of detector regions, by visit; nothing unless it was asked for.
    """

    def __init__(
        self,
        makes: Makes,
        grouping: str,
        on_conflict: str,
        incremental: bool,
        held: Held,
        checked: dict[int, DetectorCheck],
    ) -> None:
        self._makes = makes
        self._grouping = grouping
        self._on_conflict = on_conflict
        self._incremental = incremental
        self._held = held
        self._checked = checked
        self._kept: list[str] = []
        # Whether keep and replace are ways out of all conflicts.
        self._keepable = self._replaceable = True
        self._differing: dict[str, list[tuple[Visit, dict[str, tuple[Any, Any]]]]] = defaultdict(list)

    def plan(self, plan: Plan[Work], grouped: Grouped) -> None:
        """Plan all visits.

        Parameters
        ----------
        plan : `Plan` [ `Work` ]
            Gets what is to be done.
        grouped : `Grouped`
            The visits.
        """
        records = list(self._makes.visits(grouped.visits))
        existing = [self._held.visits.get(definition.id) for definition in grouped.visits]
        same = same_regions(
            [None if record is None else record.region for record in existing],
            [record.region for record in records],
        )
        unusable = [*grouped.unusable]
        for definition, record, old, same_region in zip(grouped.visits, records, existing, same, strict=True):
            visit = Visit(definition, record, old, frozenset(self._held.exposures.get(definition.id, ())))
            if old is not None:
                self._plan_existing(plan, visit, visit_differences(old, record, same_region))
            elif (taken := self._taken(definition)) is not None:
                unusable.append((definition.name, taken))
            else:
                plan.work.new.append(visit)
        self._plan_headless(plan, grouped)
        self._plan_unusable(plan, unusable)
        work = plan.work
        if grouped.visits:
            self._plan_systems(plan)
        if self._kept:
            plan.notices.append(f"kept {len(self._kept)} visits that differ; the first is {self._kept[0]}")
        if work.new or work.replaced or work.detectors:
            lacking = sorted(set(self._makes.camera.detectors) - self._held.detectors)
            if lacking:
                plan.assumes.append(Assumption("detector", f"{self._makes.instrument} {first_few(lacking)}"))
        self._show(plan)
        ways = ["to keep, to leave those visits and go on with the rest"] if self._keepable else []
        if self._replaceable:
            ways.append("to replace, to make them what was declared")
        advice = f"Set on_conflict {', or '.join(ways)}. " if ways else ""
        plan.conflict_hint = f"{advice}Nothing was written."

    def _taken(self, definition: VisitDefinition) -> str | None:
        """Tell which other visit has the name of one; names are unique."""
        other = self._held.names.get(definition.name, definition.id)
        if other == definition.id:
            return None
        return f"the visit {other} has the name {definition.name}, which {definition.id} would have"

    def _plan_headless(self, plan: Plan[Work], grouped: Grouped) -> None:
        """Tell of sequences without their first exposure."""
        if grouped.headless:
            shown = [f"{day} {first}..{last}" for day, first, last in grouped.headless]
            plan.notices.append(
                f"the first exposure of {len(shown)} sequences is not there, and no visit is defined for all "
                f"of a sequence: {first_few(shown)}"
            )

    def _plan_unusable(self, plan: Plan[Work], unusable: Sequence[tuple[str, str]]) -> None:
        """Tell of visits that can't be defined."""
        if unusable and self._on_conflict == "keep":
            plan.skipped += len(unusable)
            first = ": ".join(unusable[0])
            plan.notices.append(f"left out {len(unusable)} visits; the first is {first}")
        else:
            for name, reason in unusable:
                self._replaceable = False
                _conflict(plan, Conflict("visit", f"{self._makes.instrument} {name}", reason))

    def _plan_systems(self, plan: Plan[Work]) -> None:
        record_class = self._makes.universe["visit_system"].RecordClass
        records = [
            record_class(instrument=self._makes.instrument, id=VISIT_SYSTEMS[name], name=name)
            for name in GROUPINGS[self._grouping]
        ]
        existing = {record_key(record): record for record in self._held.systems.values()}
        numbers = {record.name: number for number, record in self._held.systems.items()}
        for record in records:
            number = numbers.get(record.name, record.id)
            kept = self._on_conflict == "keep" and record.id in self._held.systems
            if number != record.id and not kept:
                self._replaceable = False
                self._keepable = self._keepable and record.id in self._held.systems
                label = f"{self._makes.instrument} {record.id}"
                taken = f"the visit system {number} has the name {record.name}"
                _conflict(plan, Conflict("visit_system", label, taken))
        part: Plan[None] = Plan(None)
        plan.work.systems = plan_records(part, records, existing, self._on_conflict)
        # Visits are declared, and counted, not their systems.
        part.present = 0
        plan.absorb([part])

    def _plan_existing(self, plan: Plan[Work], visit: Visit, columns: dict[str, tuple[Any, Any]]) -> None:
        """Plan a visit that exists, and of whose record some columns may differ."""
        definition, held = visit.definition, self._held
        old, new = visit.old_exposures, frozenset(exposure.id for exposure in definition.exposures)
        if old != new:
            columns["exposures"] = (sorted(old), sorted(new))
        checked = self._checked.get(definition.id, DetectorCheck())
        if checked.differing:
            columns["detector regions"] = ("as they are", f"{len(checked.differing)} others")
        systems = held.memberships.get(definition.id, set())
        obstacle = self._obstacle(definition, old, new, systems)
        if not columns:
            plan.present += 1
        elif self._incremental and obstacle is None and old < new and systems:
            if "region" in columns or checked.differing:
                plan.work.replaced.append(visit)
            else:
                plan.work.updated.append(visit)
            self._differing["grown visits"].append((visit, columns))
        elif self._on_conflict == "replace" and obstacle is None:
            plan.work.replaced.append(visit)
            self._differing["replaced visits"].append((visit, columns))
        elif self._on_conflict == "keep":
            plan.present += 1
            self._kept.append(f"{definition.id}: {describe_differences(columns)}")
            # What is not as declared is left alone as a whole.
            return
        else:
            said = describe_differences(columns)
            if obstacle is not None:
                self._replaceable = False
                said += f"; {obstacle}"
            _conflict(plan, Conflict("visit", f"{self._makes.instrument} {definition.id}", said))
            return
        plan.work.memberships += [
            (definition.id, system) for system in definition.systems if system not in systems
        ]
        if checked.missing and (not plan.work.replaced or plan.work.replaced[-1] is not visit):
            plan.work.detectors.append((definition, checked.missing))

    def _obstacle(
        self, definition: VisitDefinition, old: frozenset[int], new: frozenset[int], systems: set[int]
    ) -> str | None:
        """Tell why a visit can't become what is declared, whatever is allowed."""
        if not old <= new:
            return "an exposure can't be taken from a visit"
        foreign = sorted(systems - set(definition.systems))
        if old != new and foreign:
            # Its other exposures would be in two visits of that system.
            names = (self._held.systems[number].name for number in foreign)
            return f"a visit of {', '.join(names)} gets no more exposures, as it can't be taken from there"
        return self._taken(definition)

    def _show(self, plan: Plan[Work]) -> None:
        """Make changes: one for each day of observation and what happens to its visits."""
        work, makes = plan.work, self._makes
        name = f"{makes.instrument} {self._grouping} day_obs={{}}".format
        detectors = len(makes.camera.detectors)
        for day, visits in _by_day(work.new):
            shown = {"visits": len(visits), "detector_regions": len(visits) * detectors}
            plan.changes.append(
                Change.add("visits", name(day), shown, count=len(visits), examples=_examples(visits))
            )
        for kind, differing in self._differing.items():
            columns = {visit.definition.id: found for visit, found in differing}
            for day, visits in _by_day(visit for visit, _unused in differing):
                first = visits[0].definition
                before, after = (
                    {
                        "visits": len(visits),
                        "the first": {"id": first.id}
                        | {column: values[side] for column, values in columns[first.id].items()},
                    }
                    for side in (0, 1)
                )
                plan.changes.append(
                    Change.replace(
                        kind, name(day), before, after, count=len(visits), examples=_examples(visits)
                    )
                )
        members: dict[int, list[int]] = defaultdict(list)
        for visit, system in work.memberships:
            members[system].append(visit)
        names = {number: system for system, number in VISIT_SYSTEMS.items()}
        for system, ids in members.items():
            plan.changes.append(
                Change.add(
                    "visit system memberships",
                    f"{makes.instrument} {names[system]}",
                    {"visits": len(ids)},
                    count=len(ids),
                    examples=tuple(map(str, ids[:EXAMPLES])),
                )
            )
        if work.detectors:
            count = sum(len(missing) for _unused, missing in work.detectors)
            plan.changes.append(
                Change.add(
                    "detector regions",
                    f"{makes.instrument} of existing visits",
                    {"visits": len(work.detectors), "detector_regions": count},
                    count=count,
                    examples=tuple(definition.name for definition, _unused in work.detectors[:EXAMPLES]),
                )
            )


def _conflict(plan: Plan[Work], conflict: Conflict) -> None:
    if len(plan.conflicts) < MOST_CONFLICTS:
        plan.conflicts.append(conflict)
    else:
        plan.more_conflicts += 1


def _by_day(visits: Iterable[Visit]) -> list[tuple[int, list[Visit]]]:
    days: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        days[visit.record.day_obs].append(visit)
    return sorted(days.items())


def _examples(visits: Sequence[Visit]) -> tuple[str, ...]:
    return tuple(visit.definition.name for visit in visits[:EXAMPLES])
