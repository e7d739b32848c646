# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of datasets whose content a task makes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    other_type,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import plan_orphans
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import Definition
from ansible_collections.rubin.butler.plugins.module_utils._states.made.found import Current, Found


@dataclass
class Work:
    """What to write.

    Parameters
    ----------
    register_types : `dict` [ `str`, `Definition` ]
        Dataset types that are to be registered.
    register_runs : `list` [ `str` ]
        Runs that are.
    store : `list` [ `Found` ]
        Datasets to store; those that differ take the place of what is stored.
    orphans : `int`
        How many files of nobody they replace.
    """

    register_types: dict[str, Definition] = field(default_factory=dict)
    register_runs: list[str] = field(default_factory=list)
    store: list[Found] = field(default_factory=list)
    orphans: int = 0


def plan_made(current: Current, on_conflict: str, option: str) -> Plan[Work]:
    """Plan what is missing and what differs.

    Parameters
    ----------
    current : `Current`
        What was found.
    on_conflict : {"fail", "keep", "replace"}
        What to do about datasets whose content differs.
    option : `str`
        What gave the data IDs.

    Returns
    -------
    plan : `Plan` [ `Work` ]
        With a change for all new datasets of a type and run, and one for each that is replaced.
    """
    plan = Plan(
        Work(),
        conflict_hint="Set on_conflict to keep, to leave what is stored, or to replace, to store what is "
        "declared in its place. Nothing was written.",
    )
    _plan_ground(plan, current)
    if plan.conflicts:
        plan.conflict_hint = "Choose other names, or remove what has these. Nothing was written."
        return plan
    groups: dict[str, list[str]] = defaultdict(list)
    for name, values in sorted(current.missing_records):
        groups[name].append(" ".join(map(str, values)))
    plan.assumes += [Assumption(name, first_few(values), option) for name, values in groups.items()]
    members: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for item in current.found:
        members[item.made.dataset_type, item.made.run].append(item)
    for key, items in members.items():
        _plan_group(plan, key, items, current.before[key], on_conflict)
    plan_orphans(plan, current.orphans)
    plan.work.orphans = len(current.orphans)
    return plan


def _plan_ground(plan: Plan[Work], current: Current) -> None:
    """Plan the dataset types and runs."""
    for name, definition in current.definitions.items():
        known = current.known.get(name)
        if known is None:
            plan.work.register_types[name] = definition
            plan.changes.append(Change.add("dataset type", name, definition.shown()))
        elif known != definition:
            reason = f"it is registered as {known.shown()}, and has to be {definition.shown()}"
            plan.conflicts.append(Conflict("dataset type", name, reason))
        else:
            plan.present += 1
    for run in dict.fromkeys(item.run for item in current.made):
        found = current.runs.get(run)
        if found is None:
            plan.work.register_runs.append(run)
            plan.changes.append(Change.add("collection", run, shown_collection("RUN")))
        elif found.type != "RUN":
            plan.conflicts.append(other_type(run, found, "RUN"))
        else:
            plan.present += 1


def _plan_group(
    plan: Plan[Work], key: tuple[str, str], items: Sequence[Found], before: int, on_conflict: str
) -> None:
    name = f"{key[0]} in {key[1]}"
    new = [item for item in items if item.standing == "new"]
    if new:
        plan.changes.append(
            Change.add(
                "datasets",
                name,
                {"datasets": before + len(new), **_total(new)},
                before={"datasets": before} if before else None,
                count=len(new),
                examples=_examples(new),
            )
        )
    unstored = [item for item in items if item.standing == "unstored"]
    if unstored:
        plan.changes.append(
            Change.add(
                "artifacts",
                name,
                {"recorded": len(unstored), **_total(unstored)},
                before={"recorded": 0},
                count=len(unstored),
                examples=_examples(unstored),
            )
        )
    plan.present += sum(item.standing == "same" for item in items)
    plan.work.store += [*new, *unstored]
    _plan_differing(plan, name, [item for item in items if item.standing == "differs"], on_conflict)


def _plan_differing(plan: Plan[Work], name: str, items: Sequence[Found], on_conflict: str) -> None:
    if on_conflict == "replace":
        plan.work.store += items
        plan.changes += [
            Change.replace(
                "dataset", f"{item.made.label} of {name}", dict(item.before), dict(item.made.shown)
            )
            for item in items
        ]
    elif on_conflict == "keep":
        plan.present += len(items)
        if items:
            plan.notices.append(
                f"kept {len(items)} datasets of {name} that differ: "
                + first_few([item.made.label for item in items])
            )
    else:
        plan.conflicts += [
            Conflict(
                "dataset",
                f"{item.made.label} of {name}",
                f"{_text(item.before)} stored, {_text(item.made.shown)} declared",
            )
            for item in items
        ]


def _total(items: Sequence[Found]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for item in items:
        # Unlike a sum of counters this keeps what is 0.
        total.update(item.made.shown)
    return dict(total)


def _examples(items: Sequence[Found]) -> tuple[str, ...]:
    return tuple(f"{item.made.label}: {_text(item.made.shown)}" for item in items[:EXAMPLES])


def _text(shown: object) -> str:
    if not isinstance(shown, dict):
        return str(shown)
    return ", ".join(
        f"{value} {key}" if isinstance(value, int) else f"{key} {value}" for key, value in shown.items()
    )
