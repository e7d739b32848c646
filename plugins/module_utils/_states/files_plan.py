# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of files: what is missing, and what is in conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    other_type,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import NewFile
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import plan_orphans
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.files_held import Current, Wanted

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef


@dataclass
class Work:
    """What to write.

    Parameters
    ----------
    register_run : `bool`
        Whether the run is to be registered.
    relocate : `list` [ `lsst.daf.butler.DatasetRef` ]
        Datasets whose place is recorded anew.
    files : `list` [ `NewFile` ]
        Files to ingest.
    orphans : `set` [ `str` ]
        Those of them that will replace something nobody recorded.
    """

    register_run: bool = False
    relocate: list[DatasetRef] = field(default_factory=list)
    files: list[NewFile] = field(default_factory=list)
    orphans: set[str] = field(default_factory=set)


def plan_files(
    current: Current, *, dataset_type: str, run: str, on_conflict: str, on_missing: str
) -> Plan[Work]:
    """Plan the ingest of what is missing.

    Parameters
    ----------
    current : `Current`
        What was found.
    dataset_type, run : `str`
        What the files become, and where.
    on_conflict : {"fail", "keep", "replace"}
        What to do about datasets that are recorded at another place.
    on_missing : {"fail", "skip"}
        What to do about files that are not there.

    Returns
    -------
    plan : `Plan` [ `Work` ]
        With one change for all new datasets.
    """
    name = f"{dataset_type} in {run}"
    plan = Plan(
        Work(),
        present=current.present,
        conflict_hint="Set on_conflict to keep, to leave the places that are recorded, or to replace, to "
        "record the declared ones. Nothing was written.",
    )
    if current.run is not None and current.run.type != "RUN":
        plan.conflict_hint = "Choose another run. Nothing was written."
        plan.conflicts.append(other_type(run, current.run, "RUN"))
        return plan
    if current.run is None:
        plan.work.register_run = True
        plan.changes.append(Change.add("collection", run, shown_collection("RUN")))
    if current.dataset_type is None:
        plan.assumes.append(Assumption("dataset type", dataset_type, "dataset_type"))
    plan.assumes += _missing_records(current)
    _plan_missing_files(plan, current, on_missing)
    _plan_datasets(plan, current, name)
    _plan_moved(plan, current, name, on_conflict)
    plan_orphans(plan, current.orphans)
    plan.work.files = current.files
    plan.work.orphans = {orphan.source for orphan in current.orphans}
    return plan


def _plan_missing_files(plan: Plan[Work], current: Current, on_missing: str) -> None:
    missing = [
        (file.where, file.path) for file in current.listing.files if file.path in current.missing_files
    ]
    if on_missing == "fail":
        option = current.listing.option
        plan.assumes += [Assumption("file", path, f"{option}, {where}") for where, path in missing]
    elif missing:
        plan.skipped += len(missing)
        plan.notices.append(
            f"left out {len(missing)} of {len(current.listing.files)} files that are not there: "
            + first_few([path for _unused, path in missing])
        )


def _plan_datasets(plan: Plan[Work], current: Current, name: str) -> None:
    if current.dataset_type is None:
        there = [file.path for file in current.listing.files if file.path not in current.missing_files]
    else:
        there = _there(current, current.new)
    if there:
        plan.changes.append(
            Change.add(
                "datasets",
                name,
                {"datasets": current.before + len(there)},
                before={"datasets": current.before} if current.before else None,
                count=len(there),
                examples=tuple(there[:EXAMPLES]),
            )
        )
    unstored = _there(current, current.unstored)
    if unstored:
        plan.changes.append(
            Change.add(
                "artifacts",
                name,
                {"recorded": len(unstored)},
                before={"recorded": 0},
                count=len(unstored),
                examples=tuple(unstored[:EXAMPLES]),
            )
        )


def _plan_moved(plan: Plan[Work], current: Current, name: str, on_conflict: str) -> None:
    if not current.moved:
        return
    if on_conflict == "fail":
        plan.conflicts += [
            Conflict(
                "dataset",
                item.row.listed.where,
                f"it is recorded at {place}, not at {item.row.listed.path}",
            )
            for item, place in current.moved
        ]
    elif on_conflict == "keep":
        plan.present += len(current.moved)
        item, place = current.moved[0]
        plan.notices.append(
            f"kept {len(current.moved)} datasets at other places than the declared ones; the first is "
            f"{item.row.listed.where}, at {place}"
        )
    else:
        moved = [pair for pair in current.moved if pair[0].row.listed.path not in current.missing_files]
        if moved:
            plan.work.relocate = [item.ref for item, _unused in moved]
            (item, place), paths = moved[0], _there(current, [item for item, _unused in moved])
            plan.changes.append(
                Change.replace(
                    "paths",
                    name,
                    {"datasets": len(moved), "the first at": place},
                    {"datasets": len(moved), "the first at": item.row.listed.path},
                    count=len(moved),
                    examples=tuple(paths[:EXAMPLES]),
                )
            )


def _there(current: Current, items: Iterable[Wanted]) -> list[str]:
    paths = (item.row.listed.path for item in items)
    return [path for path in paths if path not in current.missing_files]


def _missing_records(current: Current) -> list[Assumption]:
    """Name the dimension records that are not there, one line for each dimension."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, values in sorted(current.missing_records):
        groups[name].append(" ".join(map(str, values)))
    return [Assumption(name, first_few(values), current.listing.option) for name, values in groups.items()]
