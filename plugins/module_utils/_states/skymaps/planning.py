# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of sky maps: what is missing of them, and what is another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    other_type,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import plan_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import (
    describe_differences,
    differences,
    shown,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import shown_type
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Change, Conflict, Plan
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.shown import (
    differences as config_differences,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.found import (
    DATASET_TYPE,
    RUN,
    Current,
    Found,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType


@dataclass
class Work:
    """What to write.

    Parameters
    ----------
    dataset_type : `lsst.daf.butler.DatasetType`
        That of stored sky maps.
    register_type : `bool`
        Whether it is to be registered.
    run : `bool`
        Whether the run is to be registered.
    sky_maps : `list` [ `Found` ]
        Those of which something is missing.
    """

    dataset_type: DatasetType
    register_type: bool = False
    run: bool = False
    sky_maps: list[Found] = field(default_factory=list)


def plan_sky_maps(current: Current) -> Plan[Work]:
    """Plan what is missing.

    Parameters
    ----------
    current : `Current`
        What was found.

    Returns
    -------
    plan : `Plan` [ `Work` ]
        With a change each for the record, the tracts, the patches and the dataset of a sky map.
    """
    plan = Plan(Work(current.wanted_type))
    _plan_ground(plan, current)
    if plan.conflicts:
        plan.conflict_hint = (
            f"Sky maps are stored as {DATASET_TYPE} in the run {RUN}: what has one of these names has to be "
            "renamed or removed first. Nothing was written."
        )
        return plan
    plan.conflict_hint = (
        "A sky map can't be changed, as data products depend on it. Declare what is registered, or another "
        "name for another configuration. Nothing was written."
    )
    for item in current.found:
        _plan_sky_map(plan, item, current)
    plan_orphans(plan, [item.orphan for item in current.found if item.orphan is not None])
    return plan


def _plan_ground(plan: Plan[Work], current: Current) -> None:
    """Plan what the stored sky maps need."""
    if current.dataset_type is None:
        plan.work.register_type = True
        plan.changes.append(Change.add("dataset type", DATASET_TYPE, shown_type(current.wanted_type)))
    elif current.dataset_type != current.wanted_type:
        reason = f"it is {current.dataset_type}, sky maps need {current.wanted_type}"
        plan.conflicts.append(Conflict("dataset type", DATASET_TYPE, reason))
    else:
        plan.present += 1
    if current.run is None:
        plan.work.run = True
        plan.changes.append(Change.add("collection", RUN, shown_collection("RUN")))
    elif current.run.type != "RUN":
        plan.conflicts.append(other_type(RUN, current.run, "RUN"))
    else:
        plan.present += 1


def _plan_sky_map(plan: Plan[Work], item: Found, current: Current) -> None:
    if conflicts := list(_conflicts(item)):
        plan.conflicts += conflicts
        return
    name, geometry = item.declared.name, item.geometry
    changes = []
    if item.record is None:
        columns = {column: shown(value) for column, value in item.wanted.toDict().items()}
        changes.append(Change.add("skymap", name, columns))
    changes += _growth("tracts", name, geometry.count - len(item.tracts), geometry.count)
    changes += _growth("patches", name, geometry.patch_total - item.missing_patches, geometry.patch_total)
    stored = {"run": RUN, "storage_class": current.wanted_type.storageClass_name}
    if item.dataset is None:
        changes.append(Change.add("dataset", f"{DATASET_TYPE} {name}", stored))
    elif not item.stored:
        changes.append(Change.add("artifact", f"{DATASET_TYPE} {name}", stored))
    if changes:
        plan.work.sky_maps.append(item)
    plan.changes += changes
    plan.present += (
        (item.record is not None)
        + (geometry.count - len(item.tracts))
        + (geometry.patch_total - item.missing_patches)
        + item.stored
    )


def _growth(kind: str, name: str, before: int, after: int) -> Sequence[Change]:
    if before >= after:
        return ()
    held: dict[str, Any] | None = {kind: before} if before else None
    return (Change.add(kind, name, {kind: after}, before=held, count=after - before),)


def _conflicts(item: Found) -> Sequence[Conflict]:
    name, wanted = item.declared.name, item.declared.sky_map.hash
    if item.record is not None and item.record.hash != wanted:
        told = config_differences(item.registered or {}, item.declared.sky_map.options)
        unknown = "what is stored of it can't be read, so that the options that differ are not known"
        reason = "; ".join(told) or unknown
        hashes = f"hash {item.record.hash.hex()} registered, {wanted.hex()} declared"
        return (Conflict("skymap", name, f"it has another configuration: {reason} ({hashes})"),)
    if item.twin is not None:
        return (Conflict("skymap", name, f"its configuration is registered as {item.twin} already"),)
    if item.record is not None and (columns := differences(item.record, item.wanted)):
        return (Conflict("skymap", name, describe_differences(columns)),)
    if item.others:
        reason = f"the file of its {DATASET_TYPE} would be that of {', '.join(item.others)}; choose a name"
        return (Conflict("skymap", name, f"{reason} that differs in letters or digits"),)
    return ()
