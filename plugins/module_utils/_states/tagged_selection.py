# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which datasets a TAGGED collection is to hold, and which it holds: bulk queries only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import is_pattern
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_declared import Tag

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, DatasetType

RefKey: TypeAlias = tuple[str, tuple[Any, ...]]
"""Dataset type and data ID: what is unique in a TAGGED collection."""

_BIND = "rubin_butler_ids"


@dataclass
class Found:
    """What the repository has of one declared collection.

    Parameters
    ----------
    known : `Known` or `None`
        The collection, if there is one of its name.
    missing : `list` [ `Assumption` ]
        Dataset types, collections and datasets that are named and not there.
    missing_ids : `list` [ `int` ]
        The ids of which there is no dataset.
    wanted : `dict` [ `RefKey`, `list` ]
        The selected datasets; more than one for a data ID if several collections without an order have it.
    members : `dict` [ `RefKey`, `lsst.daf.butler.DatasetRef` ]
        The datasets that are in the collection, of the selected dataset types, or of all with ``prune``.
    """

    known: Known | None = None
    missing: list[Assumption] = field(default_factory=list)
    missing_ids: list[int] = field(default_factory=list)
    wanted: dict[RefKey, list[DatasetRef]] = field(default_factory=dict)
    members: dict[RefKey, DatasetRef] = field(default_factory=dict)


def ref_key(ref: DatasetRef) -> RefKey:
    """Give what is unique in a TAGGED collection.

    Parameters
    ----------
    ref : `lsst.daf.butler.DatasetRef`
        A dataset.

    Returns
    -------
    key : `RefKey`
        Its dataset type and data ID values.
    """
    return ref.datasetType.name, tuple(ref.dataId.required_values)


def entry_of(tag: Tag, dataset_type: str) -> str:
    """Give the declared name or pattern that a dataset type belongs to.

    Parameters
    ----------
    tag : `Tag`
        The declared collection.
    dataset_type : `str`
        Name of a dataset type.

    Returns
    -------
    entry : `str`
        As declared, so that it is the same before the dataset type exists; the name itself if nothing
        matches.
    """
    if dataset_type in tag.dataset_types:
        return dataset_type
    for entry in tag.dataset_types:
        if is_pattern(entry) and fnmatchcase(dataset_type, entry):
            return entry
    return dataset_type


def find(butler: Butler, tag: Tag, known: Known | None) -> Found:
    """Query what is selected and what is there.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    tag : `Tag`
        The declared collection.
    known : `Known` or `None`
        What there is of its name.

    Returns
    -------
    found : `Found`
        One query for each dataset type, and one more for the members.

    Raises
    ------
    ButlerError
        Raised if the expression is not one, or ids are given for datasets that have none.
    """
    found = Found(known)
    types = _dataset_types(butler, tag, found)
    collections, ordered = _collections(butler, tag, found)
    left = set(tag.ids or ())
    for dataset_type in types.values() if collections else ():
        refs = _selected(butler, tag, dataset_type, collections, ordered, left)
        for ref in refs:
            found.wanted.setdefault(ref_key(ref), []).append(ref)
    found.missing_ids = sorted(left)
    if types and collections:
        selected = {entry_of(tag, name) for name, _unused in found.wanted}
        found.missing += [
            Assumption(f"selected dataset of type {entry} in", ", ".join(tag.collections), tag.option)
            for entry in tag.dataset_types
            if entry not in selected and any(entry_of(tag, name) == entry for name in types)
        ]
    if known is not None and known.type == "TAGGED":
        names = set(types)
        if tag.prune:
            names |= butler.collections.get_info(tag.name, include_summary=True).dataset_types or set()
        for name in sorted(names):
            members = butler.query_datasets(
                name, collections=tag.name, find_first=False, limit=None, explain=False
            )
            found.members.update((ref_key(ref), ref) for ref in members)
    return found


def _dataset_types(butler: Butler, tag: Tag, found: Found) -> dict[str, DatasetType]:
    types: dict[str, DatasetType] = {}
    for entry in tag.dataset_types:
        option = f"{tag.option}.dataset_type"
        if is_pattern(entry):
            matches = {item.name: item for item in butler.registry.queryDatasetTypes(entry)}
            if not matches:
                found.missing.append(Assumption("dataset type matching", entry, option))
            types |= matches
            continue
        dataset_type = registered_type(butler, entry)
        if dataset_type is None:
            found.missing.append(Assumption("dataset type", entry, option))
        else:
            types[entry] = dataset_type
    return dict(sorted(types.items()))


def _collections(butler: Butler, tag: Tag, found: Found) -> tuple[list[str], bool]:
    """Give the collections to search, and whether their order says which dataset is meant."""
    known = look_up(butler, (entry for entry in tag.collections if not is_pattern(entry)))
    names: list[str] = []
    for entry in tag.collections:
        option = f"{tag.option}.collections"
        if is_pattern(entry):
            matches = sorted(set(butler.collections.query(entry)) - {tag.name})
            if not matches:
                found.missing.append(Assumption("collection matching", entry, option))
            names += matches
        elif entry in known:
            names.append(entry)
        else:
            found.missing.append(Assumption("collection", entry, option))
    return list(dict.fromkeys(names)), not any(map(is_pattern, tag.collections))


def _selected(
    butler: Butler,
    tag: Tag,
    dataset_type: DatasetType,
    collections: list[str],
    ordered: bool,
    left: set[int],
) -> Iterable[DatasetRef]:
    from lsst.daf.butler import ButlerUserError

    where, bind = tag.where, dict(tag.bind)
    if tag.ids is not None:
        if not {"exposure", "visit"} & set(dataset_type.dimensions.names):
            raise ButlerError(
                f"dataset type {dataset_type.name} has neither exposure nor visit among its dimensions "
                f"{list(dataset_type.dimensions.required)}, and can't be selected by {tag.ids_dimension} ids",
                option=tag.ids_option,
            )
        where = f"({where}) AND " if where else ""
        where += f"{tag.ids_dimension} IN (:{_BIND})"
        bind[_BIND] = list(tag.ids)
    try:
        refs = butler.query_datasets(
            dataset_type,
            collections=collections,
            find_first=ordered,
            where=where,
            bind=bind,
            limit=None,
            explain=False,
        )
        if tag.ids is not None and tag.ids_dimension in dataset_type.dimensions:
            left.difference_update(ref.dataId[tag.ids_dimension] for ref in refs)
        elif tag.ids is not None:
            with butler.query() as query:
                query = query.join_dataset_search(dataset_type, collections).where(where, bind=bind)
                dimensions = [*dataset_type.dimensions.required, tag.ids_dimension]
                left.difference_update(data_id[tag.ids_dimension] for data_id in query.data_ids(dimensions))
    except ButlerUserError as error:
        raise ButlerError(
            f"the datasets can't be selected with {where!r}: {first_line(error)}",
            option=f"{tag.option}.where",
            hint="An expression about exposures, visits or detectors names its instrument too: "
            "instrument = 'LSSTComCam' AND ...",
        ) from None
    # A dataset that several of the collections have is still one.
    return {ref.id: ref for ref in refs}.values()
