# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAGGED collections hold the selected datasets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    look_up,
    other_type,
    register,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import is_pattern
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_declared import Tag, declared_tags
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_selection import (
    Found,
    RefKey,
    entry_of,
    find,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

Item = TypeVar("Item")

BATCH = 10_000


@dataclass
class Current:
    """What the repository has.

    Parameters
    ----------
    repository : `bool`
        Whether there is a repository.
    found : `dict` [ `str`, `Found` ]
        What it has of each declared collection.
    """

    repository: bool = False
    found: dict[str, Found] = field(default_factory=dict)


@dataclass
class Membership:
    """What is to be done with the members of one collection.

    Parameters
    ----------
    add, remove : `list` [ `lsst.daf.butler.DatasetRef` ]
        Datasets to associate and to disassociate.
    replace : `list` [ `tuple` ]
        Members, each with the dataset that takes its place.
    """

    add: list[DatasetRef] = field(default_factory=list)
    remove: list[DatasetRef] = field(default_factory=list)
    replace: list[tuple[DatasetRef, DatasetRef]] = field(default_factory=list)


@dataclass
class Work:
    """What to do.

    Parameters
    ----------
    register, document : `list` [ `Tag` ]
        New collections, and those whose documentation changes.
    members : `dict` [ `str`, `Membership` ]
        Changes by collection.
    """

    register: list[Tag] = field(default_factory=list)
    document: list[Tag] = field(default_factory=list)
    members: dict[str, Membership] = field(default_factory=dict)


@dataclass(frozen=True)
class TaggedState:
    """The declared TAGGED collections.

    Parameters
    ----------
    tags : `tuple` [ `Tag`, ... ]
        In the order of the task.
    on_missing : {"fail", "skip"}
        What to do about dataset types, collections and ids that are not there.
    on_conflict : {"fail", "keep", "replace"}
        What to do about members that have the data ID of a selected dataset and are another dataset.
    batch_size : `int`
        Most datasets in one transaction.
    """

    tags: tuple[Tag, ...]
    on_missing: str = "fail"
    on_conflict: str = "fail"
    batch_size: int = BATCH

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> TaggedState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``collections``, ``on_missing`` and ``on_conflict``.

        Returns
        -------
        state : `TaggedState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for declarations that can't be meant, and files that can't be read; see `declared_tags`.
        """
        return cls(declared_tags(params["collections"]), params["on_missing"], params["on_conflict"])

    def observe(self, repository: Repository | None) -> Current:
        """Query what is selected and what the collections hold.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What exists.
        """
        if repository is None:
            return Current(found={tag.name: _nothing(tag) for tag in self.tags})
        known = look_up(repository.butler, (tag.name for tag in self.tags))
        return Current(
            True, {tag.name: find(repository.butler, tag, known.get(tag.name)) for tag in self.tags}
        )

    def plan(self, current: Current) -> Plan[Work]:
        """Compare what is selected with what the collections hold.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            Datasets are planned in groups, one for each declared dataset type and what happens to them.
        """
        plan = Plan(Work(), conflict_hint="Nothing was written.")
        for tag in self.tags:
            found = current.found[tag.name]
            known = found.known
            if known is not None and known.type != "TAGGED":
                plan.conflicts.append(other_type(tag.name, known, "TAGGED"))
                continue
            self._plan_collection(plan, tag, found)
            unresolved = self._plan_missing(plan, tag, found, current)
            ambiguous = {key: refs for key, refs in found.wanted.items() if len(refs) > 1}
            if ambiguous:
                plan.conflicts.append(_ambiguity(tag, ambiguous))
            else:
                self._plan_members(plan, tag, found, unresolved)
        return plan

    @staticmethod
    def _plan_collection(plan: Plan[Work], tag: Tag, found: Found) -> None:
        known = found.known
        after = shown_collection("TAGGED", tag.doc)
        if known is None:
            plan.work.register.append(tag)
            plan.changes.append(Change.add("collection", tag.name, after))
        elif tag.doc is not None and tag.doc != known.doc:
            before = shown_collection("TAGGED", known.doc)
            plan.work.document.append(tag)
            plan.changes.append(Change.replace("collection", tag.name, before, after))

    def _plan_missing(self, plan: Plan[Work], tag: Tag, found: Found, current: Current) -> bool:
        """Deal with what is named and not there; tells whether the selection is not known yet."""
        ids = found.missing_ids
        if not found.missing and not ids:
            return False
        if self.on_missing == "fail":
            plan.assumes += found.missing
            if ids and not found.missing:
                plan.assumes.append(
                    Assumption(
                        f"dataset of {tag.ids_dimension}",
                        f"{first_few(ids)} ({len(ids)} of {len(tag.ids or ())} ids)",
                        tag.ids_option,
                    )
                )
            return True
        if not current.repository:
            return True
        plan.skipped += len(ids) or len(found.missing)
        if ids:
            plan.notices.append(
                f"{tag.name}: left out {len(ids)} of {len(tag.ids or ())} {tag.ids_dimension} ids that have "
                f"no dataset: {first_few(ids)}"
            )
        else:
            plan.notices += [f"{tag.name}: left out: {item}" for item in found.missing]
        return False

    def _plan_members(self, plan: Plan[Work], tag: Tag, found: Found, unresolved: bool) -> None:
        work = plan.work.members[tag.name] = Membership()
        conflicts: list[tuple[DatasetRef, DatasetRef]] = []
        for key, (ref,) in found.wanted.items():
            member = found.members.get(key)
            if member is None:
                work.add.append(ref)
            elif member.id == ref.id:
                plan.present += 1
            elif tag.prune or self.on_conflict == "replace":
                work.replace.append((member, ref))
            else:
                conflicts.append((member, ref))
        if tag.prune and not unresolved:
            work.remove += [ref for key, ref in found.members.items() if key not in found.wanted]
        if conflicts and self.on_conflict == "fail":
            groups = _grouped(conflicts, lambda pair: pair[1].datasetType.name)
            plan.conflicts += [_other_member(tag, pairs) for pairs in groups.values()]
        elif conflicts:
            plan.present += len(conflicts)
            plan.notices.append(
                f"{tag.name}: kept {len(conflicts)} members that are not the selected datasets of their "
                "data IDs"
            )
        plan.changes += _changes(tag, found, work, unresolved)

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register the collections, then change their members in batches.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped between batches.
        """
        repository = required(repository)
        butler, registry = repository.butler, repository.butler.registry
        for tag in plan.work.register:
            report.checkpoint()
            register(butler, tag.name, "TAGGED", tag.doc)
            report.added += 1
        for tag in plan.work.document:
            report.checkpoint()
            registry.setCollectionDocumentation(tag.name, tag.doc)
            report.replaced += 1
        for name, members in sorted(plan.work.members.items()):
            for batch in in_chunks(members.remove, self.batch_size):
                report.checkpoint()
                registry.disassociate(name, batch)
                report.removed += len(batch)
            for pairs in in_chunks(members.replace, self.batch_size):
                report.checkpoint()
                # Nobody is to see the data IDs without a dataset.
                with butler.transaction():
                    registry.disassociate(name, [old for old, _unused in pairs])
                    registry.associate(name, [new for _unused, new in pairs])
                report.replaced += len(pairs)
            for batch in in_chunks(members.add, self.batch_size):
                report.checkpoint()
                registry.associate(name, batch)
                report.added += len(batch)


def _nothing(tag: Tag) -> Found:
    """Give what an absent repository has: everything that is named is missing."""
    found = Found(missing_ids=list(tag.ids or ()))
    for key, kind, names in (
        ("dataset_type", "dataset type", tag.dataset_types),
        ("collections", "collection", tag.collections),
    ):
        found.missing += [
            Assumption(f"{kind} matching" if is_pattern(name) else kind, name, f"{tag.option}.{key}")
            for name in names
        ]
    return found


def _changes(tag: Tag, found: Found, work: Membership, unresolved: bool) -> list[Change]:
    before: dict[str, int] = defaultdict(int)
    for name, _unused in found.members:
        before[entry_of(tag, name)] += 1
    added = _grouped(work.add, lambda ref: entry_of(tag, ref.datasetType.name))
    removed = _grouped(work.remove, lambda ref: entry_of(tag, ref.datasetType.name))
    replaced = _grouped(work.replace, lambda pair: entry_of(tag, pair[1].datasetType.name))
    changes = []
    for entry in sorted({*added, *(tag.dataset_types if unresolved else ())}):
        refs = added.get(entry, [])
        after = before[entry] + len(refs) - len(removed.get(entry, []))
        changes.append(
            Change.add(
                "datasets",
                f"{entry} in {tag.name}",
                "the selected datasets" if unresolved else {"datasets": after},
                before={"datasets": before[entry]} if before[entry] else None,
                count=len(refs),
                examples=_examples(refs),
                unresolved=unresolved,
            )
        )
    for entry, refs in sorted(removed.items()):
        name = f"{entry} no longer in {tag.name}"
        changes.append(
            Change.remove(
                "datasets", name, {"datasets": len(refs)}, count=len(refs), examples=_examples(refs)
            )
        )
    for entry, pairs in sorted(replaced.items()):
        changes.append(
            Change.replace(
                "datasets",
                f"{entry} replaced in {tag.name}",
                {"datasets": len(pairs), "runs": sorted({old.run for old, _unused in pairs})},
                {"datasets": len(pairs), "runs": sorted({new.run for _unused, new in pairs})},
                count=len(pairs),
                examples=_examples([new for _unused, new in pairs]),
            )
        )
    return changes


def _grouped(items: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _examples(refs: Sequence[DatasetRef]) -> tuple[str, ...]:
    first = sorted(refs, key=lambda ref: (ref.datasetType.name, ref.dataId.required_values))[:EXAMPLES]
    return tuple(
        f"{ref.datasetType.name}@{{"
        + ", ".join(f"{name}: {value!r}" for name, value in ref.dataId.required.items())
        + "}"
        for ref in first
    )


def _ambiguity(tag: Tag, ambiguous: Mapping[RefKey, Sequence[DatasetRef]]) -> Conflict:
    refs = ambiguous[min(ambiguous)]
    runs = sorted({ref.run for found in ambiguous.values() for ref in found})
    return Conflict(
        "datasets",
        f"selected for {tag.name}",
        f"{len(ambiguous)} data IDs have several datasets, and a TAGGED collection holds one of each; the "
        f"first is {_examples(refs)[0]}; the runs are {first_few(runs)}. Collections that are "
        "named instead of matched by a pattern are searched in their order, and the first one wins",
    )


def _other_member(tag: Tag, pairs: Sequence[tuple[DatasetRef, DatasetRef]]) -> Conflict:
    old, new = min(pairs, key=lambda pair: pair[1].dataId.required_values)
    return Conflict(
        "datasets",
        f"{new.datasetType.name} in {tag.name}",
        f"{len(pairs)} members have the data ID of a selected dataset and are another dataset; the first is "
        f"{_examples([new])[0]}: the member is of run {old.run}, the selected one of {new.run}. "
        "on_conflict=replace takes the selected ones",
    )
