# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which datasets are declared, and what the CALIBRATION collections hold: bulk queries only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.declared import Entry
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import Span
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.timeline import Timeline, Valid
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import is_pattern
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_declared import Tag
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_selection import (
    Found,
    RefKey,
    find,
    ref_key,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

Held: TypeAlias = tuple[str, str]
"""Collection and dataset type."""


@dataclass
class Seen:
    """What the repository has of one declared entry.

    Parameters
    ----------
    tag : `~tagged_declared.Tag`
        Its selection, for the names of what is selected.
    found : `~tagged_selection.Found`
        The selected datasets, and what is named and not there.
    missing_ids : `list` [ `str` ]
        The declared data IDs that have no dataset.
    whole_types : `frozenset` [ `str` ]
        The dataset types in the collection that it names: what it prunes, or what is not to be valid.
    only : `frozenset` [ `RefKey` ] or `None`
        The data IDs of those that are not to be valid, where it says which.
    """

    tag: Tag
    found: Found = field(default_factory=Found)
    missing_ids: list[str] = field(default_factory=list)
    whole_types: frozenset[str] = frozenset()
    only: frozenset[RefKey] | None = None


@dataclass
class Current:
    """What the repository has.

    Parameters
    ----------
    repository : `bool`
        Whether there is a repository.
    collections : `dict` [ `str`, `Known` ]
        The declared collections that exist.
    seen : `list` [ `Seen` ]
        What it has of each entry.
    timelines : `dict` [ `Held`, `dict` [ `tuple`, `Timeline` ] ]
        What is valid, by data ID values.
    refs : `dict` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        The datasets that are or are to be valid.
    """

    repository: bool = False
    collections: dict[str, Known] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    timelines: dict[Held, dict[tuple[Any, ...], Timeline]] = field(default_factory=dict)
    refs: dict[UUID, DatasetRef] = field(default_factory=dict)


def nothing_of(entry: Entry) -> Seen:
    """Give what an absent repository has of an entry.

    Parameters
    ----------
    entry : `Entry`
        What is declared.

    Returns
    -------
    seen : `Seen`
        Everything that is named is missing.
    """
    seen = Seen(_tag(entry, entry.collections))
    for key, kind, names in (
        ("dataset_type", "dataset type", entry.dataset_types),
        ("collections", "collection", entry.collections),
    ):
        seen.found.missing += [
            Assumption(f"{kind} matching" if is_pattern(name) else kind, name, f"{entry.option}.{key}")
            for name in names
        ]
    return seen


def observe(butler: Butler, entries: Sequence[Entry]) -> Current:
    """Query what is declared and what is valid.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    entries : `~collections.abc.Sequence` [ `Entry` ]
        What is declared.

    Returns
    -------
    current : `Current`
        One query for each entry and dataset type, and one for each collection and dataset type.

    Raises
    ------
    ButlerError
        Raised if an expression is not one, a data ID names no dimension of its dataset type, or datasets are
        to be taken from a CALIBRATION collection.
    """
    current = Current(True, look_up(butler, (entry.collection for entry in entries)))
    held = {
        name: _types_in(butler, name) if known.type == "CALIBRATION" else frozenset()
        for name, known in current.collections.items()
    }
    wanted: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        seen = _see(butler, entry, held.get(entry.collection, frozenset()))
        current.seen.append(seen)
        current.refs |= {ref.id: ref for refs in seen.found.wanted.values() for ref in refs}
        wanted[entry.collection] |= seen.whole_types | {name for name, _unused in seen.found.wanted}
    for collection, names in wanted.items():
        for name in sorted(names & held.get(collection, frozenset())):
            timelines, refs = read_timelines(butler, collection, name)
            current.timelines[collection, name] = timelines
            current.refs |= refs
    return current


def read_timelines(
    butler: Butler, collection: str, name: str
) -> tuple[dict[tuple[Any, ...], Timeline], dict[UUID, DatasetRef]]:
    """Query the validity ranges of a dataset type.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    collection, name : `str`
        A CALIBRATION collection, and a dataset type.

    Returns
    -------
    timelines : `dict` [ `tuple`, `Timeline` ]
        By data ID values.
    refs : `dict` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        The datasets in them.
    """
    from lsst.daf.butler import CollectionType

    valid: dict[tuple[Any, ...], list[Valid]] = defaultdict(list)
    refs = {}
    # Most of them have one and the same range.
    spans: dict[tuple[int, int], Span] = {}
    for item in butler.registry.queryDatasetAssociations(
        name, [collection], collectionTypes={CollectionType.CALIBRATION}, flattenChains=False
    ):
        if item.timespan is None:
            continue
        bounds = item.timespan.nsec
        span = spans.setdefault(bounds, Span(*bounds))
        valid[item.ref.dataId.required_values].append(Valid(span, item.ref.id))
        refs[item.ref.id] = item.ref
    return {key: tuple(sorted(items)) for key, items in valid.items()}, refs


def _see(butler: Butler, entry: Entry, held: Collection[str]) -> Seen:
    if not entry.collections:
        return _see_whole(butler, entry, held)
    collections = _searched(butler, entry)
    seen = Seen(_tag(entry, collections))
    if collections:
        seen.found = find(butler, seen.tag, None)
    else:
        names = ", ".join(entry.collections)
        seen.found.missing.append(
            Assumption("RUN or TAGGED collection in", names, f"{entry.option}.collections")
        )
    if entry.data_ids:
        keys, seen.missing_ids = _chosen({key: refs[0] for key, refs in seen.found.wanted.items()}, entry)
        seen.found.wanted = {key: refs for key, refs in seen.found.wanted.items() if key in keys}
    if entry.prune:
        seen.whole_types = _matched(entry, held)
    return seen


def _see_whole(butler: Butler, entry: Entry, held: Collection[str]) -> Seen:
    """Look at an entry that is about whatever the CALIBRATION collection has."""
    seen = Seen(_tag(entry, (entry.collection,)), whole_types=_matched(entry, held))
    if entry.where or entry.data_ids:
        refs = {ref_key(ref): ref for name in sorted(seen.whole_types) for ref in _held(butler, entry, name)}
        seen.only = frozenset(_chosen(refs, entry)[0] if entry.data_ids else refs)
    return seen


def _tag(entry: Entry, collections: Iterable[str]) -> Tag:
    return Tag(
        name=entry.collection,
        option=entry.option,
        dataset_types=entry.dataset_types,
        collections=tuple(collections),
        where=entry.where,
        bind=entry.bind,
    )


def _types_in(butler: Butler, collection: str) -> frozenset[str]:
    info = butler.collections.get_info(collection, include_summary=True)
    return frozenset(info.dataset_types or ())


def _matched(entry: Entry, held: Collection[str]) -> frozenset[str]:
    return frozenset(
        name for name in held if any(fnmatchcase(name, pattern) for pattern in entry.dataset_types)
    )


def _searched(butler: Butler, entry: Entry) -> list[str]:
    """Give the collections to search, chains resolved, without the CALIBRATION collections in them."""
    result: list[str] = []
    known = look_up(butler, (name for name in entry.collections if not is_pattern(name)))
    for name in entry.collections:
        found = known.get(name)
        if found is None or found.type in ("RUN", "TAGGED"):
            result.append(name)
        elif found.type == "CHAINED":
            leaves = butler.collections.query_info(name, flatten_chains=True)
            result += [info.name for info in leaves if info.type.name in ("RUN", "TAGGED")]
        else:
            raise ButlerError(
                f"{name} is a {found.type} collection, which may have several datasets of one data ID; a "
                "RUN, TAGGED or CHAINED collection is expected",
                option=f"{entry.option}.collections",
            )
    return list(dict.fromkeys(result))


def _held(butler: Butler, entry: Entry, name: str) -> list[DatasetRef]:
    from lsst.daf.butler import ButlerUserError

    try:
        return butler.query_datasets(
            name,
            collections=entry.collection,
            find_first=False,
            where=entry.where,
            bind=dict(entry.bind),
            limit=None,
            explain=False,
        )
    except ButlerUserError as error:
        raise ButlerError(
            f"the datasets can't be selected with {entry.where!r}: {first_line(error)}",
            option=f"{entry.option}.where",
        ) from None


def _chosen(refs: Mapping[RefKey, DatasetRef], entry: Entry) -> tuple[set[RefKey], list[str]]:
    """Give those of the declared data IDs, and the data IDs that have none of a dataset type."""
    by_type: dict[str, list[RefKey]] = defaultdict(list)
    for key in refs:
        by_type[key[0]].append(key)
    chosen: set[RefKey] = set()
    missing = []
    for name, keys in sorted(by_type.items()):
        dimensions = list(refs[keys[0]].dataId.dimensions.required)
        indexes: dict[tuple[int, ...], dict[tuple[str, ...], list[RefKey]]] = {}
        for number, data_id in enumerate(entry.data_ids):
            unknown = sorted(data_id.keys() - set(dimensions))
            if unknown:
                raise ButlerError(
                    f"dataset type {name} has the dimensions {', '.join(dimensions)}, and not "
                    f"{', '.join(unknown)}",
                    option=f"{entry.option}.data_ids[{number}]",
                )
            places = tuple(place for place, dimension in enumerate(dimensions) if dimension in data_id)
            if places not in indexes:
                index = indexes[places] = defaultdict(list)
                for key in keys:
                    index[tuple(str(key[1][place]) for place in places)].append(key)
            found = indexes[places].get(tuple(str(data_id[dimensions[place]]) for place in places), [])
            chosen.update(found)
            if not found:
                missing.append(f"{name}@{dict(data_id)}")
    return chosen, missing
