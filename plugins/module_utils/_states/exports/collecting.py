# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets of an export, and what belongs to them, gathered from a repository part by part."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.recorded_files import recorded_files
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._exports.yaml_text import iso, mapping_item
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.artifacts import Artifacts
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import Item
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.dimension_parts import Parts
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.selection import (
    Selection,
    selected,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.spool import (
    Member,
    Row,
    Spool,
    sort_key,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, DatasetType, FileDataset

CHUNK = 10_000
"""How many datasets are in memory at a time."""


@dataclass
class Collected:
    """What was gathered besides the datasets, which are in the spool.

    Parameters
    ----------
    types : `dict` [ `str`, `lsst.daf.butler.DatasetType` ]
        The dataset types of which there are datasets.
    collections : `dict` [ `str`, `Known` ]
        The collections, by name.
    count : `int`
        How many datasets there are.
    unstored, gone, composite, zipped : `collections.Counter`
        How many datasets of each type the datastore does not record, have no artifact any more, are in
        several files each, and are in zips that can't be told.
    lost : `list` [ `str` ]
        The first of the artifacts that are gone.
    left_out : `set` [ `uuid.UUID` ]
        The datasets that are counted in one of these.
    """

    types: dict[str, DatasetType] = field(default_factory=dict)
    collections: dict[str, Known] = field(default_factory=dict)
    count: int = 0
    unstored: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    composite: Counter[str] = field(default_factory=Counter)
    zipped: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    left_out: set[UUID] = field(default_factory=set)

    def leave_out(self, counter: Counter[str], ref: DatasetRef) -> None:
        """Count a dataset that the export can't have."""
        counter[ref.datasetType.name] += 1
        self.left_out.add(ref.id)


def collect(
    repository: Repository,
    item: Item,
    selection: Selection,
    spool: Spool,
    artifacts: Artifacts,
    looked_up: Callable[[int], None],
) -> Collected:
    """Gather what an export is to hold.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    item : `Item`
        The declared export.
    selection : `Selection`
        What its names stand for.
    spool : `Spool`
        Gets datasets, records and associations; it is empty.
    artifacts : `Artifacts`
        Gets those that are to be beside the export.
    looked_up : `~collections.abc.Callable`
        Told how many datasets were, again and again.

    Returns
    -------
    collected : `Collected`
        The rest. The cost grows with the number of datasets, memory does not.
    """
    butler = repository.butler
    found = Collected()
    parts = Parts(butler, spool, item.skip_dimensions)
    for dataset_type in selection.types:
        for chunk in in_chunks(selected(butler, item, selection, dataset_type.name), CHUNK):
            # One that is in several collections, or has several validity ranges, comes several times.
            refs = {ref.id: ref for ref in chunk if ref.id not in found.left_out}
            for known in spool.known(refs):
                del refs[known]
            if refs:
                spool.add_datasets(list(_rows(repository, item, [*refs.values()], parts, artifacts, found)))
            looked_up(len(refs))
    names = {name for (name,) in spool.read("SELECT DISTINCT type FROM datasets")}
    found.types = {kind.name: kind for kind in selection.types if kind.name in names}
    found.count = spool.order()
    parts.finish()
    found.collections = _collections(butler, selection, spool)
    for name, dataset_type in found.types.items():
        _associations(butler, dataset_type, name, found.collections, spool)
    return found


def _rows(
    repository: Repository,
    item: Item,
    refs: Sequence[DatasetRef],
    parts: Parts,
    artifacts: Artifacts,
    found: Collected,
) -> Iterator[Row]:
    """Find the artifacts of datasets, and give what is to stand in the export."""
    butler = repository.butler
    uris = butler.get_many_uris(refs, allow_missing=True)
    single, sources = [], {}
    for ref in refs:
        where = uris.get(ref)
        if where is None:
            found.leave_out(found.unstored, ref)
        elif where.primaryURI is None or where.componentURIs:
            found.leave_out(found.composite, ref)
        elif where.primaryURI.fragment and artifacts.wanted:
            found.leave_out(found.zipped, ref)
        else:
            single.append(ref)
            sources[ref.id] = where.primaryURI
    if not single:
        return
    expanded = parts.add(single)
    files = recorded_files(butler, expanded, direct=item.transfer == "direct")
    if artifacts.wanted:
        files, lost = artifacts.add(files, sources)
        kept = {file.refs[0].id for file in files}
        for ref in single:
            if ref.id not in kept:
                found.leave_out(found.gone, ref)
        found.lost = sorted([*found.lost, *lost])[:_NAMED]
    for file in files:
        # A relative path does not tell which member of a zip is meant (source: FileDatastore.export).
        if sources[file.refs[0].id].fragment and "#" not in str(file.path):
            found.leave_out(found.zipped, file.refs[0])
        else:
            yield _row(file)


_NAMED = 100


def _row(file: FileDataset) -> Row:
    (ref,) = file.refs
    required = dict(ref.dataId.required)
    return Row(
        ref.id.bytes,
        ref.datasetType.name,
        ref.run,
        str(file.path),
        sort_key(required.values()),
        str(file.formatter),
        mapping_item(required, "    "),
        json.dumps([ref.dataId[name] for name in ref.dataId.dimensions.names]),
    )


def _collections(butler: Butler, selection: Selection, spool: Spool) -> dict[str, Known]:
    """Give the collections that come along, and the runs of all datasets."""
    known = {
        name: Known(info.type.name, info.doc, tuple(info.children)) for name, info in selection.along.items()
    }
    runs = {run for (run,) in spool.read("SELECT DISTINCT run FROM datasets")}
    return known | look_up(butler, runs - known.keys())


def _associations(
    butler: Butler, dataset_type: DatasetType, name: str, collections: dict[str, Known], spool: Spool
) -> None:
    from lsst.daf.butler import CollectionType

    kinds = {CollectionType.TAGGED}
    if dataset_type.isCalibration():
        kinds.add(CollectionType.CALIBRATION)
    within = [key for key, known in collections.items() if known.type in {kind.name for kind in kinds}]
    if not within:
        return
    every = butler.registry.queryDatasetAssociations(name, within, collectionTypes=kinds, flattenChains=False)
    for chunk in in_chunks(every, CHUNK):
        known = spool.known(each.ref.id for each in chunk)
        spool.add_members(
            Member(
                each.collection,
                collections[each.collection].type,
                *_bounds(each.timespan),
                each.ref.id.bytes,
            )
            for each in chunk
            if each.ref.id in known
        )


def _bounds(timespan: Any) -> tuple[str, str]:
    if timespan is None:
        return "", ""
    return tuple("" if bound is None else iso(bound) for bound in (timespan.begin, timespan.end))  # type: ignore[return-value]
