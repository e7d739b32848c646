# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The definitions of an import, planned by the states that declare them by hand too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._exports.content import Collection
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_declared import Chain
from ansible_collections.rubin.butler.plugins.module_utils._states.chains import ChainsState
from ansible_collections.rubin.butler.plugins.module_utils._states.chains import Current as ChainsCurrent
from ansible_collections.rubin.butler.plugins.module_utils._states.collections import CollectionsState
from ansible_collections.rubin.butler.plugins.module_utils._states.collections import (
    Declared as DeclaredCollection,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import (
    DatasetTypesState,
    Definition,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.declared import Declared

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType


def dataset_types_state(declared: Declared) -> DatasetTypesState:
    """Give the state of the declared dataset types."""
    present = {
        name: Definition(kind.dimensions, kind.storage_class, kind.is_calibration)
        for name, kind in declared.types.items()
    }
    options = {name: str(kind.section) for name, kind in declared.types.items()}
    return DatasetTypesState(present, frozenset(), options)


def dataset_types_of(
    repository: Repository | None, state: DatasetTypesState, others: Iterable[str]
) -> dict[str, DatasetType]:
    """Give the dataset types of the declared datasets.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.
    state : `DatasetTypesState`
        The declared dataset types.
    others : `~collections.abc.Iterable` [ `str` ]
        Names that datasets have and nobody declares.

    Returns
    -------
    types : `dict` [ `str`, `lsst.daf.butler.DatasetType` ]
        As declared, or else as the repository has them.
    """
    from lsst.daf.butler import DatasetType, MissingDatasetTypeError

    universe = universe_of(repository)
    types = {
        name: DatasetType(
            name,
            wanted.dimensions,
            wanted.storage_class,
            universe=universe,
            isCalibration=wanted.is_calibration,
        )
        for name, wanted in state.present.items()
    }
    for name in sorted(set(others) - types.keys()):
        if repository is None:
            continue
        try:
            types[name] = repository.butler.get_dataset_type(name)
        except MissingDatasetTypeError:
            continue
    return types


def known_collections(repository: Repository | None, declared: Declared) -> dict[str, Known]:
    """Look up all collections that an import is about."""
    if repository is None:
        return {}
    names = {*declared.collections, *declared.runs(), *(item.collection for item in declared.associations)}
    return look_up(repository.butler, names)


def plan_needed_collections(plan: Plan[Any], declared: Declared, known: Mapping[str, Known]) -> None:
    """Check the collections that datasets and associations name.

    Parameters
    ----------
    plan : `Plan`
        Gets an assumption for each that is neither declared nor there, and a conflict for each of another
        type.
    declared : `Declared`
        What all exports hold together.
    known : `~collections.abc.Mapping` [ `str`, `Known` ]
        The collections that exist.
    """
    needed: dict[str, tuple[str, str]] = {name: ("RUN", file) for name, file in declared.runs().items()}
    for item in declared.associations:
        kind = "TAGGED" if item.timespan is None else "CALIBRATION"
        first, _unused = needed.setdefault(item.collection, (kind, item.section.file))
        if first != kind:
            reason = f"needed as {first} and as {kind}: {item.section}"
            plan.conflicts.append(Conflict("collection", item.collection, reason))
    for name, (kind, file) in sorted(needed.items()):
        own = declared.collections.get(name)
        there = own.type if own is not None else known[name].type if name in known else None
        if there is None:
            plan.assumes.append(Assumption(f"{kind} collection", name, declared.options[file]))
        elif there != kind:
            reason = f"it is a {there} collection, and {kind} is needed by {file}"
            plan.conflicts.append(Conflict("collection", name, reason))


def collections_state(
    plan: Plan[Any], declared: Declared, known: Mapping[str, Known], on_conflict: str
) -> CollectionsState:
    """Give the state of the declared collections but the chains.

    Parameters
    ----------
    plan : `Plan`
        Gets a conflict or notice for each whose documentation differs.
    declared : `Declared`
        What all exports hold together.
    known : `~collections.abc.Mapping` [ `str`, `Known` ]
        The collections that exist.
    on_conflict : {"fail", "keep", "replace"}
        What to do about documentation that differs. Where there is none, the declared one is added.

    Returns
    -------
    state : `CollectionsState`
        Plans and registers them.
    """
    items = []
    for collection in declared.collections.values():
        if collection.type != "CHAINED":
            doc = _doc(plan, collection, known.get(collection.name), on_conflict)
            items.append(DeclaredCollection(collection.name, collection.type, doc, "present"))
    return CollectionsState(tuple(items))


def _doc(plan: Plan[Any], collection: Collection, there: Known | None, on_conflict: str) -> str | None:
    doc = collection.doc
    if doc is None or there is None or there.doc in ("", doc) or on_conflict == "replace":
        return doc
    reason = f"its documentation is {there.doc!r}, and {doc!r} was declared: {collection.section}"
    if on_conflict == "fail":
        plan.conflicts.append(Conflict("collection", collection.name, reason))
    else:
        plan.notices.append(f"kept collection {collection.name}: {reason}")
    return None


def chains_state(
    plan: Plan[Any], declared: Declared, known: Mapping[str, Known], on_conflict: str
) -> ChainsState:
    """Give the state of the declared chains.

    Parameters
    ----------
    plan : `Plan`
        Gets a conflict or notice for each that has other children.
    declared : `Declared`
        What all exports hold together.
    known : `~collections.abc.Mapping` [ `str`, `Known` ]
        The collections that exist.
    on_conflict : {"fail", "keep", "replace"}
        What to do about a chain with children that are not declared, or in another order. One that only lacks
        some of the declared children gets them.

    Returns
    -------
    state : `ChainsState`
        Plans and writes them.
    """
    chains = []
    for collection in declared.collections.values():
        if collection.children is None:
            continue
        there = known.get(collection.name)
        doc = _doc(plan, collection, there, on_conflict)
        children = collection.children
        if there is not None and there.type == "CHAINED" and not _lies_in(there.children, children):
            reason = (
                f"its children are {list(there.children)}, and {list(children)} were declared: "
                f"{collection.section}"
            )
            if on_conflict == "fail":
                plan.conflicts.append(Conflict("chain", collection.name, reason))
            elif on_conflict == "keep":
                plan.notices.append(f"kept chain {collection.name}: {reason}")
                children = there.children
        chains.append(Chain(collection.name, children, prune=True, doc=doc))
    return ChainsState(tuple(chains))


def _lies_in(part: tuple[str, ...], whole: tuple[str, ...]) -> bool:
    """Tell whether all members of a sequence are in another one, in the same order."""
    rest = iter(whole)
    return all(name in rest for name in part)


def observe_chains(repository: Repository | None, declared: Declared) -> ChainsCurrent:
    """Look up the declared chains and everything that they lead to."""
    chains = [
        Chain(collection.name, collection.children)
        for collection in declared.collections.values()
        if collection.children is not None
    ]
    return ChainsState(tuple(chains)).observe(repository)


def plan_chains(plan: Plan[Any], state: ChainsState, current: ChainsCurrent, declared: Declared) -> Plan[Any]:
    """Plan the declared chains beside the collections that the same import registers.

    Parameters
    ----------
    plan : `Plan`
        Gets an assumption for each child that is neither declared nor there.
    state : `ChainsState`
        From `chains_state`.
    current : `ChainsCurrent`
        From `observe_chains`.
    declared : `Declared`
        What all exports hold together.

    Returns
    -------
    chains : `Plan`
        The plan of the chains, its assumptions in the words of an import.
    """
    registered = {
        collection.name: Known(collection.type)
        for collection in declared.collections.values()
        if collection.children is None
    }
    chains = state.plan(replace(current, known={**registered, **current.known}))
    sources = {
        child: declared.options[collection.section.file]
        for collection in declared.collections.values()
        for child in collection.children or ()
    }
    plan.assumes += [Assumption(item.kind, item.name, sources.get(item.name)) for item in chains.assumes]
    chains.assumes = []
    return chains


def plan_untyped(plan: Plan[Any], declared: Declared) -> None:
    """Plan the datasets whose type an earlier task is to register: only their number can be told."""
    runs = declared.runs() if declared.without_type else {}
    for (name, run), count in sorted(declared.without_type.items()):
        plan.assumes.append(Assumption("dataset type", name, declared.options[runs[run]]))
        plan.changes.append(
            Change.add("datasets", f"{name} in {run}", {"datasets": count}, count=count, unresolved=True)
        )
