# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which datasets are selected: names looked up, and bulk queries that are streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import is_pattern
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.declared import (
    Declared,
    Selection,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DatasetRef, DatasetType


@dataclass
class Names:
    """What the declared names and patterns stand for in a repository.

    Parameters
    ----------
    queries : `list` [ `tuple` ]
        Selections, each with a dataset type and the collections to look in, none of them a chain.
    tags, protect : `list` [ `lsst.daf.butler.CollectionInfo` ]
        The collections to take datasets out of, and those that are to keep theirs.
    missing : `list` [ `Assumption` ]
        What is named and not there.
    overlap : `bool`
        Whether the queries may find a dataset more than once.
    """

    queries: list[tuple[Selection, DatasetType, list[str]]] = field(default_factory=list)
    tags: list[CollectionInfo] = field(default_factory=list)
    protect: list[CollectionInfo] = field(default_factory=list)
    missing: list[Assumption] = field(default_factory=list)
    overlap: bool = False


def look_up_names(butler: Butler, declared: Declared) -> Names:
    """Look the declared names and patterns up.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    declared : `Declared`
        The declaration.

    Returns
    -------
    names : `Names`
        What they stand for.

    Raises
    ------
    ButlerError
        Raised for components of dataset types, and for tags that are no TAGGED collections.
    """
    names = Names()
    asked: set[str] = set()
    for selection in declared.selections:
        types = _types(butler, selection, names.missing)
        infos = _flat(butler, selection.collections, f"{selection.option}.collections", names.missing)
        if not infos:
            continue
        for dataset_type in types:
            names.overlap |= dataset_type.name in asked or any(info.type.name != "RUN" for info in infos)
            asked.add(dataset_type.name)
            names.queries.append((selection, dataset_type, [info.name for info in infos]))
    names.tags = _flat(butler, declared.tags, "tags", names.missing)
    for info in names.tags:
        if info.type.name != "TAGGED":
            raise ButlerError(
                f"{info.name} is a {info.type.name} collection, and only TAGGED ones can lose datasets that "
                "stay in the repository",
                option="tags",
                hint="For CALIBRATION collections there is rubin.butler.butler_certify.",
            )
    names.protect = _flat(butler, declared.protect, "protect", names.missing)
    return names


def protected_now(butler: Butler, declared: Declared) -> set[str]:
    """Name the protected collections that there are by now.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    declared : `Declared`
        What is to be removed.

    Returns
    -------
    names : `set` [ `str` ]
        With those that patterns and chains stand for now.
    """
    return {info.name for info in _flat(butler, declared.protect, "protect", [])}


def nothing_there(declared: Declared) -> list[Assumption]:
    """Name what an absent repository lacks: all that is named.

    Parameters
    ----------
    declared : `Declared`
        The declaration.

    Returns
    -------
    missing : `list` [ `Assumption` ]
        Dataset types and collections.
    """
    lists = [("collection", "tags", declared.tags), ("collection", "protect", declared.protect)]
    for item in declared.selections:
        lists.append(("dataset type", f"{item.option}.dataset_type", item.dataset_types))
        lists.append(("collection", f"{item.option}.collections", item.collections))
    return [_missing(kind, name, option) for kind, option, found in lists for name in found]


def _missing(kind: str, name: str, option: str) -> Assumption:
    return Assumption(f"{kind} matching" if is_pattern(name) else kind, name, option)


def _types(butler: Butler, selection: Selection, missing: list[Assumption]) -> list[DatasetType]:
    found: dict[str, DatasetType] = {}
    option = f"{selection.option}.dataset_type"
    for entry in selection.dataset_types:
        if is_pattern(entry):
            matches = {item.name: item for item in butler.registry.queryDatasetTypes(entry)}
        else:
            known = registered_type(butler, entry)
            matches = {} if known is None else {entry: known}
        if any(item.isComponent() for item in matches.values()):
            raise ButlerError(
                f"{entry} is a component, which can't be removed without its dataset", option=option
            )
        if not matches:
            missing.append(_missing("dataset type", entry, option))
        found |= matches
    return [found[name] for name in sorted(found)]


def _flat(
    butler: Butler, entries: Iterable[str], option: str, missing: list[Assumption]
) -> list[CollectionInfo]:
    """Give the collections that names and patterns stand for, the children of chains in their place."""
    entries = list(entries)
    known = look_up(butler, (entry for entry in entries if not is_pattern(entry)))
    there = []
    for entry in entries:
        if entry in known or (is_pattern(entry) and butler.collections.query(entry)):
            there.append(entry)
        else:
            missing.append(_missing("collection", entry, option))
    if not there:
        return []
    infos = butler.collections.query_info(there, flatten_chains=True, include_chains=False)
    return sorted({info.name: info for info in infos}.values(), key=lambda info: info.name)


def selected(butler: Butler, names: Names) -> Iterator[DatasetRef]:
    """Query the selected datasets.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    names : `Names`
        From `look_up_names`.

    Yields
    ------
    ref : `lsst.daf.butler.DatasetRef`
        Each dataset once; also one that is hidden behind another in a chain. Streamed: only ids are kept, and
        only where queries may overlap.

    Raises
    ------
    ButlerError
        Raised if an expression is not one.
    """
    seen: set[UUID] = set()
    for selection, dataset_type, collections in names.queries:
        for ref in _query(butler, selection, dataset_type, collections):
            if names.overlap:
                if ref.id in seen:
                    continue
                seen.add(ref.id)
            yield ref


def _query(
    butler: Butler, selection: Selection, dataset_type: DatasetType, collections: Sequence[str]
) -> Iterator[DatasetRef]:
    from lsst.daf.butler import ButlerUserError

    try:
        with butler.query() as query:
            results = query.datasets(dataset_type, collections, find_first=False)
            if selection.where:
                results = results.where(selection.where, bind=dict(selection.bind))
            yield from results
    except ButlerUserError as error:
        raise ButlerError(
            f"the datasets of type {dataset_type.name} can't be selected with {selection.where!r}: "
            f"{first_line(error)}",
            option=f"{selection.option}.where",
            hint="An expression about exposures, visits or detectors names its instrument too: "
            "instrument = 'LSSTComCam' AND ...",
        ) from None


def members_of(butler: Butler, dataset_types: Iterable[str], collection: str) -> set[UUID]:
    """Give the ids of what a collection holds.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_types : `~collections.abc.Iterable` [ `str` ]
        Names of registered dataset types.
    collection : `str`
        A collection that is no chain.

    Returns
    -------
    ids : `set` [ `uuid.UUID` ]
        Of datasets of these types.
    """
    ids: set[UUID] = set()
    for name in dataset_types:
        with butler.query() as query:
            ids.update(ref.id for ref in query.datasets(name, [collection], find_first=False))
    return ids
