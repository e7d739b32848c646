# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datasets of an import: which are there, which are missing, which can't be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known
from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import Expander, find
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import NewFile
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan, find_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import target_of
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.declared import (
    Artifact,
    Declared,
    Group,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.sizes import sizes_of

if TYPE_CHECKING:
    from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import RecordKey
    from lsst.daf.butler import Butler, DatasetRef, DimensionRecord

CHUNK = 10_000

LOOKING = "looking for"


@dataclass
class Held:
    """What the repository and the site have of the declared datasets.

    Parameters
    ----------
    known : `dict` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        Those that the registry has, of the declared and associated ones.
    recorded : `set` [ `uuid.UUID` ]
        Those that the datastore records.
    elsewhere : `list` [ `str` ]
        Those recorded at another place than the export names, with both places.
    occupied : `dict` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        Missing datasets whose data ID another dataset has in the same run.
    sizes : `dict` [ `str`, `int` ]
        The artifacts of missing datasets that are there, with their sizes in bytes (0 if unknown).
    adopted : `dict` [ `str`, `str` ]
        Artifacts that are gone, and are at their place in the datastore already, by the missing path.
    orphans : `list` [ `Orphan` ]
        Files where artifacts are to go.
    expander : `Expander`
        The records that missing datasets refer to.
    """

    known: dict[UUID, DatasetRef] = field(default_factory=dict)
    recorded: set[UUID] = field(default_factory=set)
    elsewhere: list[str] = field(default_factory=list)
    occupied: dict[UUID, DatasetRef] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    adopted: dict[str, str] = field(default_factory=dict)
    orphans: list[Orphan] = field(default_factory=list)
    expander: Expander = field(default_factory=Expander)

    def missing(self, declared: Declared) -> Iterator[tuple[Artifact, tuple[DatasetRef, ...]]]:
        """Give the artifacts of which the datastore lacks datasets, with those datasets."""
        for artifact in declared.artifacts:
            refs = tuple(ref for ref in artifact.refs if ref.id not in self.recorded)
            if refs:
                yield artifact, refs

    def is_there(self, artifact: Artifact) -> bool:
        """Tell whether an artifact can be ingested."""
        return artifact.path in self.sizes or artifact.path in self.adopted


def observe_datasets(
    repository: Repository | None,
    declared: Declared,
    collections: Mapping[str, Known],
    records: Mapping[RecordKey, DimensionRecord],
    report: Report,
) -> Held:
    """Look the declared datasets up.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.
    declared : `Declared`
        All declared datasets and associations.
    collections : `~collections.abc.Mapping` [ `str`, `Known` ]
        The runs that exist.
    records : `~collections.abc.Mapping`
        The dimension records that will be there.
    report : `Report`
        Told how many missing artifacts were looked for; the run may be stopped between chunks.

    Returns
    -------
    held : `Held`
        What is there. The registry and the datastore are asked once for each `CHUNK` of datasets; everything
        else, files included, is asked for missing datasets only.

    Raises
    ------
    UnclearError
        Raised if it can't be told whether an artifact is there.
    """
    held = Held()
    if repository is not None:
        butler = repository.butler
        ids = {*declared.refs, *(dataset for item in declared.associations for dataset in item.ids)}
        for chunk in in_chunks(sorted(ids), CHUNK):
            held.known.update((ref.id, ref) for ref in butler.get_many_datasets(chunk))
        _look_up_artifacts(butler, declared, held)
        held.occupied = _occupied(butler, declared, collections, held)
    missing = list(held.missing(declared))
    for number, part in enumerate(in_chunks(missing, CHUNK)):
        report.checkpoint()
        report.step(LOOKING, number * CHUNK, len(missing))
        named: dict[str, list[str]] = defaultdict(list)
        for artifact, _unused in part:
            named[artifact.item.option].append(artifact.path)
        for option, paths in named.items():
            held.sizes |= sizes_of(paths, option)
    data_ids = (ref.dataId for _unused, refs in missing for ref in refs)
    held.expander = find(repository.butler if repository is not None else None, data_ids, records)
    if repository is not None:
        _look_at_targets(repository, missing, held)
    return held


def _look_up_artifacts(butler: Butler, declared: Declared, held: Held) -> None:
    """Ask the datastore for the known datasets of all artifacts."""
    for chunk in in_chunks(declared.artifacts, CHUNK):
        artifacts = {ref.id: artifact for artifact in chunk for ref in artifact.refs}
        wanted = [held.known[dataset] for dataset in artifacts if dataset in held.known]
        if not wanted:
            # A repository that nobody has opened for writing has no table to ask.
            continue
        for ref, uris in butler.get_many_uris(wanted, allow_missing=True).items():
            held.recorded.add(ref.id)
            artifact = artifacts[ref.id]
            if artifact.item.transfer != "direct" or uris.primaryURI is None:
                continue
            there = uris.primaryURI.geturl().partition("#")[0]
            if there not in (artifact.path, f"file://{quote(artifact.path)}"):
                held.elsewhere.append(f"{artifact.path} is recorded as {there}")


def _occupied(
    butler: Butler, declared: Declared, collections: Mapping[str, Known], held: Held
) -> dict[UUID, DatasetRef]:
    """Find the datasets that have the data IDs of those that are missing: a query for each type and run."""
    groups: dict[Group, list[DatasetRef]] = defaultdict(list)
    for ref in declared.refs.values():
        if ref.id not in held.known and ref.run in collections:
            groups[ref.datasetType.name, ref.run].append(ref)
    occupied = {}
    for (name, run), refs in sorted(groups.items()):
        there = {ref.dataId.required_values: ref for ref in members(butler, name, run)}
        for ref in refs:
            if (other := there.get(ref.dataId.required_values)) is not None:
                occupied[ref.id] = other
    return occupied


def members(butler: Butler, name: str, collection: str) -> list[DatasetRef]:
    """Give the datasets of a type in a collection that is no chain.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    name, collection : `str`
        Dataset type and collection.

    Returns
    -------
    refs : `list` [ `lsst.daf.butler.DatasetRef` ]
        None if there is no such dataset type or collection.
    """
    from lsst.daf.butler import MissingDatasetTypeError
    from lsst.daf.butler.registry import MissingCollectionError

    try:
        with butler.query() as query:
            return list(query.datasets(name, [collection], find_first=False))
    except (MissingDatasetTypeError, MissingCollectionError):
        return []


def _look_at_targets(
    repository: Repository, missing: Sequence[tuple[Artifact, tuple[DatasetRef, ...]]], held: Held
) -> None:
    """Find files at the places where artifacts are to go."""
    by_transfer: dict[str, list[tuple[Artifact, tuple[DatasetRef, ...]]]] = defaultdict(list)
    for artifact, refs in missing:
        by_transfer[artifact.item.transfer].append((artifact, refs))
    for transfer, pairs in sorted(by_transfer.items()):
        expanded = (
            NewFile(artifact.path, (ref,))
            for artifact, refs in pairs
            if artifact.path in held.sizes and (ref := held.expander.expanded(refs[0])) is not None
        )
        held.orphans += find_orphans(repository, transfer, expanded)
    gone = {
        artifact.path: ref
        for artifact, refs in by_transfer.get("move", ())
        if artifact.path not in held.sizes and (ref := held.expander.expanded(refs[0])) is not None
    }
    targets = {path: target_of(repository, ref, path) for path, ref in gone.items()}
    urls = {path: target.geturl() for path, target in targets.items() if target is not None}
    there = sizes_of(urls.values(), "repo")
    held.adopted = {path: url for path, url in urls.items() if url in there}
