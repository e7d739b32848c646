# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What removals take away, as a plan shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import named
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.declared import FORGET, Declared
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.observing import (
    Current,
    Group,
    Membership,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

_VERBS = {
    "disassociate": "leave TAGGED collections",
    "unstore": "lose their artifacts",
    "purge": "be purged",
    FORGET: "be forgotten",
}


@dataclass
class Work:
    """What to remove.

    Parameters
    ----------
    groups : `dict` [ `Group`, `list` ]
        Datasets by dataset type and the run, or TAGGED collection, that loses them; sorted.
    ends : `collections.Counter` [ `uuid.UUID` ]
        How many memberships end with each dataset.
    shown : `list` [ `Membership` ]
        The memberships of the datasets when the plan was made.
    """

    groups: dict[Group, list[DatasetRef]] = field(default_factory=dict)
    ends: Counter[UUID] = field(default_factory=Counter)
    shown: list[Membership] = field(default_factory=list)


def plan_removals(current: Current, declared: Declared) -> Plan[Work]:
    """Tell what would go.

    Parameters
    ----------
    current : `Current`
        What there is.
    declared : `Declared`
        What is to be removed.

    Returns
    -------
    plan : `Plan` [ `Work` ]
        Datasets in groups by dataset type and run, and the memberships that end with them. Protected
        collections that would lose some are conflicts.

    Raises
    ------
    ButlerError
        Raised if more would go than may, with their number for each dataset type.
    """
    plan = Plan(Work(), conflict_hint="Nothing was removed.", present=current.present)
    if declared.on_missing == "fail":
        plan.assumes += current.missing
    elif current.repository:
        plan.skipped += len(current.missing)
        plan.notices += [f"left out: {item}" for item in current.missing]
    _check_number(current, declared)
    plan.notices += [
        f"{name} in {run}: {count} datasets are only partly gone, and were left as they are"
        for (name, run), count in sorted(current.partly.items())
        if count
    ]
    for group in sorted(current.totals):
        refs = sorted(current.refs[group].values(), key=lambda ref: ref.dataId.required_values)
        plan.work.groups[group] = refs
        plan.changes.append(_change(group, refs, current.kinds.get(group, Counter()), declared.removal))
    plan.conflicts += _protected(current, declared)
    plan.work.shown = current.memberships
    if declared.removal in ("purge", FORGET):
        for member in current.memberships:
            plan.work.ends.update(member.ids)
            plan.changes.append(_ending(member, current.refs))
    return plan


def _check_number(current: Current, declared: Declared) -> None:
    total = current.totals.total()
    if total <= declared.max_removals:
        return
    by_type: Counter[str] = Counter()
    for (name, _unused), count in current.totals.items():
        by_type[name] += count
    raise ButlerError(
        f"{total} datasets would {_VERBS[declared.removal]}, and max_removals is {declared.max_removals}",
        option="max_removals",
        details=[f"{name}: {count}" for name, count in sorted(by_type.items())],
        hint="Nothing was removed. If all of them are meant, set max_removals to their number, and look at "
        "--check --diff before.",
    )


def _change(group: Group, refs: list[DatasetRef], kinds: Mapping[str, int], removal: str) -> Change:
    before: dict[str, Any] = {"datasets": len(refs)}
    before |= {kind: count for kind, count in kinds.items() if count}
    name, place = group
    kind = "artifacts" if removal == "unstore" else "datasets"
    between = "no longer in" if removal == "disassociate" else "in"
    return Change.remove(kind, f"{name} {between} {place}", before, count=len(refs), examples=_examples(refs))


def _examples(refs: Iterable[DatasetRef]) -> tuple[str, ...]:
    return tuple(map(named, islice(refs, EXAMPLES)))


def _ending(member: Membership, groups: Mapping[Group, Mapping[UUID, DatasetRef]]) -> Change:
    refs = (
        ref
        for (name, _unused), group in sorted(groups.items())
        if name == member.dataset_type
        for ref in sorted(group.values(), key=lambda ref: ref.dataId.required_values)
        if ref.id in member.ids
    )
    before: dict[str, Any] = {"type": member.type, "datasets": len(member.ids)}
    if member.validity:
        before["validity"] = _ranges(member)
    return Change.remove(
        "certifications" if member.validity else "memberships",
        f"{member.dataset_type} in {member.collection}",
        before,
        count=member.ids.total(),
        examples=_examples(refs),
    )


def _ranges(member: Membership) -> list[str]:
    """Give the validity ranges (TAI) in their order, each with the number of its datasets."""
    ranges = [f"{timespan}: {count}" for timespan, count in sorted(member.validity.items(), key=_begin)]
    more = len(ranges) - 2 * EXAMPLES
    return ranges if more <= 0 else [*ranges[: 2 * EXAMPLES], f"and {more} more"]


def _begin(item: tuple[Any, int]) -> tuple[int, int]:
    begin, end = item[0].nsec
    return begin, end


def _protected(current: Current, declared: Declared) -> list[Conflict]:
    """Say which protected collections would lose datasets, or the artifacts of theirs."""
    what = "lose the artifacts of" if declared.removal == "unstore" else "lose"
    conflicts = []
    for name, place in sorted(current.totals):
        if place in current.protected:
            count = current.totals[name, place]
            conflicts.append(
                Conflict("collection", place, f"it is protected, and would {what} {count} {name}")
            )
    for member in current.memberships:
        if member.collection in current.protected:
            ranges = f", valid {first_few(_ranges(member))}" if member.validity else ""
            conflicts.append(
                Conflict(
                    "collection",
                    member.collection,
                    f"it is protected, and would {what} {len(member.ids)} {member.dataset_type}{ranges}",
                )
            )
    return conflicts
