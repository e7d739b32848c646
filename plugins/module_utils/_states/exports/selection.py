# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an export is to hold: dataset types, collections and datasets, found in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import is_pattern
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import Item

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DatasetRef, DatasetType


@dataclass
class Selection:
    """What the names and patterns of an export stand for.

    Parameters
    ----------
    types : `list` [ `lsst.daf.butler.DatasetType` ]
        Sorted by name.
    searched : `list` [ `lsst.daf.butler.CollectionInfo` ]
        Collections to look for datasets in; the children of chains in their place.
    along : `dict` [ `str`, `lsst.daf.butler.CollectionInfo` ]
        Collections that come along by themselves.
    missing : `list` [ `Assumption` ]
        What is named and not there.
    """

    types: list[DatasetType] = field(default_factory=list)
    searched: list[CollectionInfo] = field(default_factory=list)
    along: dict[str, CollectionInfo] = field(default_factory=dict)
    missing: list[Assumption] = field(default_factory=list)


def nothing_there(item: Item) -> list[Assumption]:
    """Name what an absent repository lacks: all that is named.

    Parameters
    ----------
    item : `Item`
        The declared export.

    Returns
    -------
    missing : `list` [ `Assumption` ]
        Dataset types and collections.
    """
    return [
        _missing(item, key, name)
        for key, names in (
            ("dataset_type", item.dataset_types),
            ("collections", item.collections),
            ("with_collections", item.with_collections),
        )
        for name in names
    ]


def _missing(item: Item, key: str, name: str) -> Assumption:
    kind = "dataset type" if key == "dataset_type" else "collection"
    return Assumption(f"{kind} matching" if is_pattern(name) else kind, name, f"{item.option}.{key}")


def select(butler: Butler, item: Item) -> Selection:
    """Look names up.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    item : `Item`
        The declared export.

    Returns
    -------
    selection : `Selection`
        What they stand for.

    Raises
    ------
    ButlerError
        Raised for a component of a dataset type, and a dimension element that there is none of.
    """
    selection = Selection()
    _check_elements(butler, item)
    types: dict[str, DatasetType] = {}
    for entry in item.dataset_types:
        if "." in entry:
            raise ButlerError(
                f"{entry} is a component, and is exported with its dataset",
                option=f"{item.option}.dataset_type",
            )
        if is_pattern(entry):
            found = {each.name: each for each in butler.registry.queryDatasetTypes(entry)}
        else:
            known = registered_type(butler, entry)
            found = {} if known is None else {entry: known}
        if not found:
            selection.missing.append(_missing(item, "dataset_type", entry))
        types |= found
    selection.types = [types[name] for name in sorted(types)]
    searched = _infos(butler, item, "collections", item.collections, selection)
    along = {**searched, **_infos(butler, item, "with_collections", item.with_collections, selection)}
    selection.searched = [info for info in searched.values() if info.type.name != "CHAINED"]
    selection.along = {
        name: info for name, info in along.items() if item.chains or info.type.name != "CHAINED"
    }
    return selection


def _check_elements(butler: Butler, item: Item) -> None:
    unknown = sorted(item.skip_dimensions - set(butler.dimensions.elements.names))
    if unknown:
        raise ButlerError(
            f"there is no dimension element {', '.join(unknown)}", option=f"{item.option}.skip_dimensions"
        )


def _infos(
    butler: Butler, item: Item, key: str, entries: Iterable[str], selection: Selection
) -> dict[str, CollectionInfo]:
    """Give collections with all their descendants, sorted by name."""
    known = look_up(butler, (entry for entry in entries if not is_pattern(entry)))
    there = []
    for entry in entries:
        if entry in known or (is_pattern(entry) and butler.collections.query(entry)):
            there.append(entry)
        else:
            selection.missing.append(_missing(item, key, entry))
    if not there:
        return {}
    infos = butler.collections.query_info(
        there, flatten_chains=True, include_chains=True, include_doc=True, include_summary=True
    )
    return {info.name: info for info in sorted(infos, key=lambda info: info.name)}


def selected(butler: Butler, item: Item, selection: Selection, name: str) -> Iterator[DatasetRef]:
    """Query the selected datasets of a type.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    item : `Item`
        The declared export.
    selection : `Selection`
        From `select`.
    name : `str`
        One of its dataset types.

    Yields
    ------
    ref : `lsst.daf.butler.DatasetRef`
        Every one in any of the collections; one with several validity ranges may come several times.
        Streamed.

    Raises
    ------
    ButlerError
        Raised if the expression is not one.
    """
    from lsst.daf.butler import ButlerUserError

    within = [info.name for info in selection.searched if name in (info.dataset_types or ())]
    if not within:
        return
    try:
        with butler.query() as query:
            results = query.datasets(name, within, find_first=False)
            if item.where:
                results = results.where(item.where, bind=dict(item.bind))
            yield from results
    except ButlerUserError as error:
        raise ButlerError(
            f"the datasets of type {name} can't be selected with {item.where!r}: {first_line(error)}",
            option=f"{item.option}.where",
            hint="An expression about exposures, visits or detectors names its instrument too: "
            "instrument = 'LSSTComCam' AND ...",
        ) from None


def lacking_datasets(item: Item, selection: Selection, types: Collection[str]) -> list[Assumption]:
    """Name the dataset types of which nothing is selected.

    Parameters
    ----------
    item : `Item`
        The declared export.
    selection : `Selection`
        From `select`.
    types : `~collections.abc.Collection` [ `str` ]
        The dataset types of which something is.

    Returns
    -------
    missing : `list` [ `Assumption` ]
        Names and patterns that are of dataset types that exist.
    """
    there = {each.name for each in selection.types}

    def of(entry: str, names: Iterable[str]) -> bool:
        return any(name == entry or (is_pattern(entry) and fnmatchcase(name, entry)) for name in names)

    return [
        Assumption(f"selected dataset of type {entry} in", ", ".join(item.collections), item.option)
        for entry in item.dataset_types
        if selection.searched and of(entry, there) and not of(entry, types)
    ]
