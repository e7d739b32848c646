# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done about the raws of some exposures, from what was found of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import shown_collection
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    RecordWork,
    plan_records,
    record_key,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan, plan_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import shown_type
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import RawFile, RawId
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.sorting import Sorted
from ansible_collections.rubin.butler.plugins.module_utils._storage.paths import base_name

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


@dataclass
class Found:
    """What was found of the listed files of some exposures.

    Parameters
    ----------
    sorted : `Sorted`
        What the files are.
    existing : `dict`
        The records of their exposures that the repository has, perhaps with other columns.
    orphans : `list` [ `Orphan` ]
        Files where artifacts are to go.
    """

    sorted: Sorted = field(default_factory=Sorted)
    existing: dict[RecordKey, DimensionRecord] = field(default_factory=dict)
    orphans: list[Orphan] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """Raws that were left as they are.

    Parameters
    ----------
    count : `int`
        How many.
    first, what : `str`
        The first of them, and what is kept of it.
    """

    count: int
    first: str
    what: str


@dataclass
class Batch:
    """What to write of some exposures.

    Parameters
    ----------
    shared : `RecordWork`
        Records that exposures share, and exposures to replace.
    exposures : `dict` [ `int`, `lsst.daf.butler.DimensionRecord` ]
        New exposures, which go with their first raws.
    files : `list` [ `RawFile` ]
        Files to ingest, sorted by exposure and detector.
    records : `dict` [ `int`, `dict` ]
        The records of their exposures, as they will be.
    relocate : `list` [ `tuple` [ `int`, `int` ] ]
        Raws whose place is recorded anew.
    orphans : `set` [ `str` ]
        The files that will replace something nobody recorded.
    kept : `dict` [ `str`, `Kept` ]
        What was left as it is, by the sentence that tells it.
    """

    shared: RecordWork = field(default_factory=RecordWork)
    exposures: dict[int, DimensionRecord] = field(default_factory=dict)
    files: list[RawFile] = field(default_factory=list)
    records: dict[int, dict[str, DimensionRecord]] = field(default_factory=dict)
    relocate: list[RawId] = field(default_factory=list)
    orphans: set[str] = field(default_factory=set)
    kept: dict[str, Kept] = field(default_factory=dict)


class Planner:
    """Plans the ingest of what is missing, some exposures after the other.

    Parameters
    ----------
    refs : `RawRefs`
        Makes references.
    ground : `Ground`
        What raws stand on in the repository.
    on_conflict : {"fail", "keep", "replace"}
        What to do about what is there and differs.
    is_new : `~collections.abc.Callable`
        Tells of the record of a group, by its name, whether it comes for the first time.
    """

    def __init__(
        self, refs: RawRefs, ground: Ground, on_conflict: str, is_new: Callable[[str], bool]
    ) -> None:
        self._refs = refs
        self._ground = ground
        self._on_conflict = on_conflict
        self._is_new = is_new
        self._days: dict[RecordKey, DimensionRecord] = {}

    def ground(self) -> Plan[None]:
        """Plan what raws stand on: run and dataset type, if there is anything to ingest.

        Returns
        -------
        plan : `Plan`
            Changes for what is to be registered.
        """
        plan = Plan(None)
        refs, ground = self._refs, self._ground
        if not ground.has_type:
            wanted = refs.dataset_type
            plan.changes.append(Change.add("dataset type", wanted.name, shown_type(wanted)))
        if ground.run is None:
            plan.changes.append(Change.add("collection", refs.run, shown_collection("RUN")))
        return plan

    def batch(self, found: Found) -> Plan[Batch]:
        """Plan the ingest of some exposures.

        Parameters
        ----------
        found : `Found`
            What was found of them.

        Returns
        -------
        plan : `Plan` [ `Batch` ]
            With one change for the raws of each day of observation.
        """
        reading = found.sorted.reading
        plan = Plan(Batch(files=reading.files), present=found.sorted.present, notices=list(reading.notices))
        _plan_doubtful(plan, found.sorted, self._refs, self._on_conflict)
        if not reading.files:
            return plan
        raws = [raw for file in reading.files for raw in file.raws]
        plan.assumes += self._ground.lacks(
            self._refs.definition.name, {raw.detector for raw in raws}, {raw.physical_filter for raw in raws}
        )
        self._plan_records(plan, found)
        _plan_files(plan, found.sorted, self._refs.run)
        plan_orphans(plan, found.orphans)
        plan.work.orphans = {orphan.source for orphan in found.orphans}
        return plan

    def planned(
        self, wanted: Mapping[int, Mapping[str, DimensionRecord]], exposures: Mapping[int, DimensionRecord]
    ) -> dict[RecordKey, DimensionRecord]:
        """Give the records that are planned already.

        Parameters
        ----------
        wanted : `~collections.abc.Mapping`
            The records of exposures to look for, by exposure and element.
        exposures : `~collections.abc.Mapping` [ `int`, `lsst.daf.butler.DimensionRecord` ]
            Those of them that earlier plans add.

        Returns
        -------
        planned : `dict`
            Those that need not be added again. To be asked once, at the end.
        """
        planned: dict[RecordKey, DimensionRecord] = {}
        groups = {made["group"].dataId.required_values[-1] for made in wanted.values()}
        added = {group for group in groups if not self._is_new(str(group))}
        for number, made in wanted.items():
            for element, record in made.items():
                key = record_key(record)
                if element == "exposure" and number in exposures:
                    planned[key] = exposures[number]
                elif key in self._days:
                    planned[key] = self._days[key]
                elif element == "group" and key[1][-1] in added:
                    planned[key] = record
        return planned

    def _plan_records(self, plan: Plan[Batch], found: Found) -> None:
        """Plan the records of exposures: those that are shared, and those that go with their raws."""
        reading = found.sorted.reading
        records = {
            number: self._refs.records(reading.exposures[number])
            for number in dict.fromkeys(file.raws[0].exposure for file in reading.files)
        }
        wanted = [record for made in records.values() for record in made.values()]
        # What earlier exposures bring along is there when it is the turn of these.
        existing = self._days | found.existing
        fresh: dict[RecordKey, DimensionRecord] = {}
        for record in wanted:
            key = record_key(record)
            if key in existing or key in fresh:
                continue
            if key[0] == "day_obs":
                fresh[key] = self._days[key] = record
            elif key[0] == "group":
                if self._is_new(str(key[1][-1])):
                    fresh[key] = record
                else:
                    existing[key] = record
        part: Plan[None] = Plan(None)
        shared = plan_records(part, wanted, existing, self._on_conflict)
        # Records that are there already are not what was declared: only files are.
        part.present = 0
        plan.absorb([part])
        plan.work.exposures = {
            int(record.dataId["exposure"]): record for record in shared.insert.pop("exposure", [])
        }
        plan.work.shared = shared
        plan.work.records = records
        if self._on_conflict == "keep":
            plan.work.records = {
                exposure: {
                    element: existing.get(record_key(record), record) for element, record in made.items()
                }
                for exposure, made in records.items()
            }


def _named(raw: RawId) -> str:
    return f"exposure {raw[0]} detector {raw[1]}"


def _plan_doubtful(plan: Plan[Batch], found: Sorted, refs: RawRefs, on_conflict: str) -> None:
    """Decide about files that are not simply missing or present."""
    for raw, (taken, rest) in sorted(found.twice.items()):
        said = f"is in more than one file: {', '.join((taken, *rest))}"
        if on_conflict == "keep":
            plan.skipped += len(rest)
            plan.notices.append(f"{_named(raw)} {said}; took the first of them")
        else:
            plan.conflicts.append(Conflict("raw", _named(raw), said))
    for raw, (uuid, path) in sorted(found.strange.items()):
        said = f"{refs.run} has it as dataset {uuid}, the id of an ingested raw is {refs.ref(raw).id}"
        if on_conflict == "keep":
            plan.present += 1
        else:
            plan.conflicts.append(Conflict("raw", _named(raw), f"{said} ({path})"))
    for raw, (recorded, path) in sorted(found.moved.items()):
        if on_conflict == "keep":
            plan.present += 1
        elif on_conflict == "fail":
            plan.conflicts.append(
                Conflict("raw", _named(raw), f"it is recorded at {recorded}, not at {path}")
            )
    for raw, (run, path) in sorted(found.others.items()):
        if on_conflict == "keep":
            plan.skipped += 1
        elif on_conflict == "fail":
            plan.conflicts.append(
                Conflict("raw", _named(raw), f"it is in run {run} already, not in {refs.run} ({path})")
            )
    if on_conflict == "keep":
        for said, kept in (
            ("kept {n} raws under other ids than those of ingested raws; the first is {raw}", found.strange),
            ("kept {n} raws at other places than those listed; the first is {raw}, at {what}", found.moved),
            ("left out {n} raws that other runs have; the first is {raw}, in {what}", found.others),
        ):
            if kept:
                raw = min(kept)
                plan.work.kept[said] = Kept(len(kept), _named(raw), kept[raw][0])


def _plan_files(plan: Plan[Batch], found: Sorted, run: str) -> None:
    """Plan one change for the raws of each day, and one for those whose place changes."""
    added: dict[int, list[RawFile]] = defaultdict(list)
    placed: dict[int, list[RawFile]] = defaultdict(list)
    for file in plan.work.files:
        day = found.reading.exposures[file.raws[0].exposure].day_obs
        moved = [raw for raw in file.ids() if raw in found.moved]
        plan.work.relocate += moved
        (placed if moved else added)[day].append(file)
    for day, files in added.items():
        shown = {
            "exposures": len({file.raws[0].exposure for file in files}),
            "files": len(files),
            "datasets": _count(files),
        }
        plan.changes.append(
            Change.add("raws", f"{run} day_obs={day}", shown, count=_count(files), examples=_first(files))
        )
    for day, files in placed.items():
        raws = [raw for file in files for raw in file.ids()]
        before, after = ({"datasets": len(raws), "the first at": place} for place in found.moved[min(raws)])
        plan.changes.append(
            Change.replace(
                "raw paths", f"{run} day_obs={day}", before, after, count=len(raws), examples=_first(files)
            )
        )


def _count(files: list[RawFile]) -> int:
    return sum(len(file.raws) for file in files)


def _first(files: list[RawFile]) -> tuple[str, ...]:
    return tuple(base_name(file.path) for file in files[:EXAMPLES])
