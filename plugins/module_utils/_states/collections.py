# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections exist, with their type and documentation; or do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    Known,
    look_up,
    other_type,
    register,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Change, Conflict, Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.declared_once import declared_once


@dataclass(frozen=True)
class Declared:
    """One declared collection.

    Parameters
    ----------
    name, type : `str`
        Name, and RUN, TAGGED, CALIBRATION or CHAINED.
    doc : `str`, optional
        Documentation; `None` leaves what is there.
    state : {"present", "absent"}
        Whether it is to exist.
    """

    name: str
    type: str
    doc: str | None
    state: str


@dataclass
class Current:
    """What the repository has of the declared collections.

    Parameters
    ----------
    known : `dict` [ `str`, `Known` ]
        Those that exist.
    filled : `set` [ `str` ]
        RUNs to remove that hold datasets.
    """

    known: dict[str, Known] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)


@dataclass
class Work:
    """What to do.

    Parameters
    ----------
    register, document : `list` [ `Declared` ]
        New collections, and those whose documentation changes.
    remove : `list` [ `str` ]
        Names of collections to remove.
    """

    register: list[Declared] = field(default_factory=list)
    document: list[Declared] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CollectionsState:
    """The declared collections.

    Parameters
    ----------
    declared : `tuple` [ `Declared`, ... ]
        In the order of the task.
    """

    declared: tuple[Declared, ...]

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> CollectionsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``collections``.

        Returns
        -------
        state : `CollectionsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised if one name is declared twice.
        """
        items: Sequence[Mapping[str, Any]] = params["collections"]
        declared_once("collections", (item["name"] for item in items))
        return cls(tuple(Declared(item["name"], item["type"], item["doc"], item["state"]) for item in items))

    def observe(self, repository: Repository | None) -> Current:
        """Look the declared names up.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What exists, and which RUNs to remove hold datasets.
        """
        if repository is None:
            return Current()
        butler = repository.butler
        known = look_up(butler, (item.name for item in self.declared), parents=True)
        filled = set()
        for item in self.declared:
            if item.state == "absent" and item.name in known and known[item.name].type == "RUN":
                info = butler.collections.get_info(item.name, include_summary=True)
                if any(
                    butler.query_datasets(name, collections=item.name, limit=1, explain=False)
                    for name in sorted(info.dataset_types or ())
                ):
                    filled.add(item.name)
        return Current(known, filled)

    def plan(self, current: Current) -> Plan[Work]:
        """Compare the declared collections with those that exist.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            Another type, a RUN to remove that holds datasets, and a collection to remove that a chain still
            has, are conflicts.
        """
        plan = Plan(
            Work(),
            conflict_hint="A collection's type can't be changed: choose another name. Nothing was written.",
        )
        for item in self.declared:
            known = current.known.get(item.name)
            if item.state == "absent":
                self._plan_absent(plan, item, known, current)
            elif known is None:
                plan.work.register.append(item)
                plan.changes.append(
                    Change.add("collection", item.name, shown_collection(item.type, item.doc))
                )
            elif known.type != item.type:
                plan.conflicts.append(other_type(item.name, known, item.type))
            elif item.doc is not None and item.doc != known.doc:
                plan.work.document.append(item)
                plan.changes.append(
                    Change.replace(
                        "collection",
                        item.name,
                        shown_collection(known.type, known.doc),
                        shown_collection(item.type, item.doc),
                    )
                )
            else:
                plan.present += 1
        return plan

    @staticmethod
    def _plan_absent(plan: Plan[Work], item: Declared, known: Known | None, current: Current) -> None:
        if known is None:
            plan.present += 1
        elif item.name in current.filled:
            plan.conflicts.append(
                Conflict(
                    "collection", item.name, "it is a RUN that holds datasets; remove the datasets first"
                )
            )
        elif known.parents:
            chains = ", ".join(sorted(known.parents))
            plan.conflicts.append(
                Conflict(
                    "collection", item.name, f"it is a child of {chains}; take it out of the chain first"
                )
            )
        else:
            plan.work.remove.append(item.name)
            before = shown_collection(known.type, known.doc)
            plan.changes.append(Change.remove("collection", item.name, before))

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register, document and remove.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done.
        """
        repository = required(repository)
        butler = repository.butler
        for item in plan.work.register:
            report.checkpoint()
            register(butler, item.name, item.type, item.doc)
            report.added += 1
        for item in plan.work.document:
            report.checkpoint()
            butler.registry.setCollectionDocumentation(item.name, item.doc)
            report.replaced += 1
        for name in plan.work.remove:
            report.checkpoint()
            butler.collections.x_remove(name)
            report.removed += 1
