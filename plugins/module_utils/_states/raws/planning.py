# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done about raws, from what was found of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import shown_collection
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    RecordWork,
    plan_records,
    record_key,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan, plan_orphans
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import RawFile, RawId
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.sorting import Sorted, base_name

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


@dataclass
class Current:
    """What is there, and what the missing files are.

    Parameters
    ----------
    refs : `RawRefs`
        Makes references.
    ground : `Ground`
        What raws stand on in the repository.
    sorted : `Sorted`
        The listed files.
    records : `dict` [ `int`, `dict` ]
        The records that each exposure of a missing file brings along, by exposure and element.
    existing : `dict`
        Those of them that the repository has, perhaps with other columns.
    orphans : `list` [ `Orphan` ]
        Files where artifacts are to go.
    skipped : `int`
        Listed files that are no raws.
    empty : `tuple` [ `str`, ... ]
        Sources in which nothing was found.
    """

    refs: RawRefs
    ground: Ground
    sorted: Sorted = field(default_factory=Sorted)
    records: dict[int, dict[str, DimensionRecord]] = field(default_factory=dict)
    existing: dict[RecordKey, DimensionRecord] = field(default_factory=dict)
    orphans: list[Orphan] = field(default_factory=list)
    skipped: int = 0
    empty: tuple[str, ...] = ()


@dataclass
class Work:
    """What to write.

    Parameters
    ----------
    refs : `RawRefs`
        Makes references.
    register_type, register_run : `bool`
        Whether these are to be registered.
    shared : `RecordWork`
        Records that exposures share, and exposures to replace.
    exposures : `dict` [ `int`, `lsst.daf.butler.DimensionRecord` ]
        New exposures, which go with their first batch.
    files : `list` [ `RawFile` ]
        Files to ingest, sorted by exposure and detector.
    records : `dict` [ `int`, `dict` ]
        The records of their exposures, as they will be.
    relocate : `list` [ `tuple` [ `int`, `int` ] ]
        Raws whose place is recorded anew.
    orphans : `set` [ `str` ]
        The files that will replace something nobody recorded.
    """

    refs: RawRefs
    register_type: bool = False
    register_run: bool = False
    shared: RecordWork = field(default_factory=RecordWork)
    exposures: dict[int, DimensionRecord] = field(default_factory=dict)
    files: list[RawFile] = field(default_factory=list)
    records: dict[int, dict[str, DimensionRecord]] = field(default_factory=dict)
    relocate: list[RawId] = field(default_factory=list)
    orphans: set[str] = field(default_factory=set)


def plan_raws(current: Current, on_conflict: str) -> Plan[Work]:
    """Plan the ingest of what is missing.

    Parameters
    ----------
    current : `Current`
        What was found.
    on_conflict : {"fail", "keep", "replace"}
        What to do about what is there and differs.

    Returns
    -------
    plan : `Plan` [ `Work` ]
        With one change for the raws of each day of observation.
    """
    found, refs = current.sorted, current.refs
    work = Work(refs, files=found.reading.files)
    plan = Plan(
        work,
        conflicts=list(current.ground.conflicts),
        conflict_hint="Set on_conflict to keep, to leave what is there and go on with the rest, or to "
        "replace, to make it what was declared where that can be. Nothing was written.",
        present=len(found.present),
        skipped=current.skipped,
        failures=list(found.reading.failures),
    )
    plan.notices += [f"sources: nothing was found in {source}" for source in current.empty]
    _plan_doubtful(plan, found, refs, on_conflict)
    if not work.files:
        return plan
    _plan_ground(plan, current)
    _plan_records(plan, current, on_conflict)
    _plan_files(plan, found)
    plan_orphans(plan, current.orphans)
    work.orphans = {orphan.source for orphan in current.orphans}
    return plan


def _named(raw: RawId) -> str:
    return f"exposure {raw[0]} detector {raw[1]}"


def _plan_doubtful(plan: Plan[Work], found: Sorted, refs: RawRefs, on_conflict: str) -> None:
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
        _note_kept(
            plan,
            found.strange,
            "kept {n} raws under other ids than those of ingested raws; the first is {raw}",
        )
        _note_kept(
            plan,
            found.moved,
            "kept {n} raws at other places than those listed; the first is {raw}, at {what}",
        )
        _note_kept(
            plan, found.others, "left out {n} raws that other runs have; the first is {raw}, in {what}"
        )


def _note_kept(plan: Plan[Work], kept: Mapping[RawId, tuple[str, str]], text: str) -> None:
    if kept:
        raw = min(kept)
        plan.notices.append(text.format(n=len(kept), raw=_named(raw), what=kept[raw][0]))


def _plan_ground(plan: Plan[Work], current: Current) -> None:
    """Plan what raws stand on, and tell what of it is for other tasks."""
    refs, ground = current.refs, current.ground
    if not ground.has_type:
        plan.work.register_type = True
        wanted = refs.dataset_type
        shown = {"dimensions": list(wanted.dimensions.required), "storage_class": wanted.storageClass_name}
        plan.changes.append(Change.add("dataset type", wanted.name, shown))
    if ground.run is None:
        plan.work.register_run = True
        plan.changes.append(Change.add("collection", refs.run, shown_collection("RUN")))
    if "instrument" not in ground.registered:
        plan.assumes.append(Assumption("instrument", refs.definition.name, "instrument"))
        return
    raws = [raw for file in plan.work.files for raw in file.raws]
    needed: dict[str, set[Any]] = {
        "detector": {raw.detector for raw in raws},
        "physical_filter": {raw.physical_filter for raw in raws},
    }
    for element, keys in needed.items():
        for key in sorted(keys - ground.registered.get(element, {}).keys()):
            plan.assumes.append(Assumption(element, f"{refs.definition.name} {key}"))


def _plan_records(plan: Plan[Work], current: Current, on_conflict: str) -> None:
    """Plan the records of exposures, and tell those that are shared from those that go with their batch."""
    wanted = [record for records in current.records.values() for record in records.values()]
    part: Plan[None] = Plan(None)
    shared = plan_records(part, wanted, current.existing, on_conflict)
    # Records that are there already are not what was declared: only files are.
    part.present = 0
    plan.absorb([part])
    plan.work.exposures = {
        int(record.dataId["exposure"]): record for record in shared.insert.pop("exposure", [])
    }
    plan.work.shared = shared
    plan.work.records = current.records
    if on_conflict == "keep":
        plan.work.records = {
            exposure: {
                element: current.existing.get(record_key(record), record)
                for element, record in records.items()
            }
            for exposure, records in current.records.items()
        }


def _plan_files(plan: Plan[Work], found: Sorted) -> None:
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
            Change.add("raws", _of_day(plan, day), shown, count=_count(files), examples=_first(files))
        )
    for day, files in placed.items():
        raws = [raw for file in files for raw in file.ids()]
        before, after = ({"datasets": len(raws), "the first at": place} for place in found.moved[min(raws)])
        plan.changes.append(
            Change.replace(
                "raw paths", _of_day(plan, day), before, after, count=len(raws), examples=_first(files)
            )
        )


def _of_day(plan: Plan[Work], day: int) -> str:
    return f"{plan.work.refs.run} day_obs={day}"


def _count(files: list[RawFile]) -> int:
    return sum(len(file.raws) for file in files)


def _first(files: list[RawFile]) -> tuple[str, ...]:
    return tuple(base_name(file.path) for file in files[:EXAMPLES])
