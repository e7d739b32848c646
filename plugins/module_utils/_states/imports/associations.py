# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The associations of an import: only what is missing is associated and certified."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._exports.content import Section
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.datasets import members
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.declared import Declared

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, Timespan

Place: TypeAlias = tuple[str, str, tuple[Any, ...]]
"""Collection, dataset type and data ID values: where a collection holds one dataset at a time."""


@dataclass
class Associated:
    """What the collections of the declared associations hold.

    Parameters
    ----------
    tagged : `dict` [ `tuple`, `uuid.UUID` ]
        The dataset at each place.
    certified : `dict` [ `tuple`, `list` [ `tuple` ] ]
        The validity ranges at each place, each with its dataset.
    """

    tagged: dict[Place, UUID] = field(default_factory=dict)
    certified: dict[Place, list[tuple[Timespan, UUID]]] = field(default_factory=dict)


@dataclass
class AssociationWork:
    """What to associate and to certify.

    Parameters
    ----------
    tags : `dict` [ `str`, `list` [ `lsst.daf.butler.DatasetRef` ] ]
        New members by TAGGED collection.
    validity : `dict` [ `str`, `dict` [ `lsst.daf.butler.Timespan`, `list` ] ]
        Datasets by CALIBRATION collection and validity range.
    """

    tags: dict[str, list[DatasetRef]] = field(default_factory=dict)
    validity: dict[str, dict[Timespan, list[DatasetRef]]] = field(default_factory=dict)


def observe_associations(
    repository: Repository | None,
    declared: Declared,
    collections: Mapping[str, Known],
    refs: Mapping[UUID, DatasetRef],
) -> Associated:
    """Look up what the collections hold.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.
    declared : `Declared`
        With the declared associations.
    collections : `~collections.abc.Mapping` [ `str`, `Known` ]
        The collections that exist.
    refs : `~collections.abc.Mapping` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        The declared and the known datasets.

    Returns
    -------
    associated : `Associated`
        A query for each collection and dataset type.
    """
    associated = Associated()
    if repository is None:
        return associated
    wanted: set[tuple[str, str, bool]] = set()
    for item in declared.associations:
        kinds = {refs[dataset].datasetType.name for dataset in item.ids if dataset in refs}
        wanted |= {(item.collection, kind, item.timespan is not None) for kind in kinds}
    for collection, kind, certified in sorted(wanted):
        known = collections.get(collection)
        if known is None or known.type != ("CALIBRATION" if certified else "TAGGED"):
            continue
        if not certified:
            for ref in members(repository.butler, kind, collection):
                associated.tagged[collection, kind, ref.dataId.required_values] = ref.id
        else:
            associated.certified |= validity_ranges(repository.butler, kind, collection)
    return associated


def validity_ranges(butler: Butler, name: str, collection: str) -> dict[Place, list[tuple[Timespan, UUID]]]:
    """Give the validity ranges of a dataset type in a CALIBRATION collection.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    name, collection : `str`
        Dataset type and collection.

    Returns
    -------
    ranges : `dict`
        By place, each with its dataset.
    """
    from lsst.daf.butler import CollectionType, MissingDatasetTypeError

    found: dict[Place, list[tuple[Timespan, UUID]]] = defaultdict(list)
    try:
        for item in butler.registry.queryDatasetAssociations(
            name, [collection], collectionTypes={CollectionType.CALIBRATION}, flattenChains=False
        ):
            if item.timespan is not None:
                place = (collection, name, item.ref.dataId.required_values)
                found[place].append((item.timespan, item.ref.id))
    except MissingDatasetTypeError:
        return {}
    return dict(found)


def plan_associations(
    plan: Plan[Any],
    declared: Declared,
    associated: Associated,
    refs: Mapping[UUID, DatasetRef],
    left_out: Iterable[UUID],
) -> AssociationWork:
    """Plan the associations that are missing.

    Parameters
    ----------
    plan : `Plan`
        Gets the changes, the conflicts and the count of those present.
    declared : `Declared`
        With the declared associations.
    associated : `Associated`
        From `observe_associations`.
    refs : `~collections.abc.Mapping` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        The declared and the known datasets.
    left_out : `~collections.abc.Iterable` [ `uuid.UUID` ]
        Datasets that are skipped, and so are their associations.

    Returns
    -------
    work : `AssociationWork`
        What to write.
    """
    planner = _Planner(plan, associated)
    absent = frozenset(left_out)
    unknown: dict[tuple[Section, str], list[UUID]] = defaultdict(list)
    for item in declared.associations:
        for dataset in item.ids:
            ref = refs.get(dataset)
            if ref is None and dataset not in absent:
                unknown[item.section, item.collection].append(dataset)
            if ref is None or dataset in absent:
                continue
            place = (item.collection, ref.datasetType.name, ref.dataId.required_values)
            if item.timespan is None:
                planner.tag(place, ref, item.section)
            else:
                planner.certify(place, ref, item.timespan, item.section)
    for (section, collection), ids in unknown.items():
        reason = f"{len(ids)} datasets such as {ids[0]} are neither in an export nor in the repository"
        plan.conflicts.append(Conflict("associations", collection, f"{reason}: {section}"))
    work = planner.work
    plan.changes += _changes("datasets", ((name, ref) for name, new in work.tags.items() for ref in new))
    plan.changes += _changes(
        "certifications",
        ((name, ref) for name, spans in work.validity.items() for new in spans.values() for ref in new),
    )
    return work


class _Planner:
    """Plans one association after the other, each beside those planned before."""

    def __init__(self, plan: Plan[Any], associated: Associated) -> None:
        self.work = AssociationWork()
        self._plan = plan
        self._tagged = dict(associated.tagged)
        self._certified = dict(associated.certified)
        self._sources: dict[tuple[Place, UUID], Section] = {}

    def tag(self, place: Place, ref: DatasetRef, section: Section) -> None:
        """Plan that a TAGGED collection holds a dataset."""
        other = self._tagged.get(place)
        if other is None:
            self._tagged[place] = ref.id
            self._sources[place, ref.id] = section
            self.work.tags.setdefault(place[0], []).append(ref)
        elif other != ref.id:
            self._conflict(place, ref, section, other, f"it holds {other}")
        elif (place, ref.id) not in self._sources:
            self._plan.present += 1

    def certify(self, place: Place, ref: DatasetRef, timespan: Timespan, section: Section) -> None:
        """Plan that a CALIBRATION collection holds a dataset for a time; only for what lacks of that time."""
        if not ref.datasetType.isCalibration():
            self._conflict(place, ref, section, ref.id, "it is not of a calibration dataset type")
            return
        ranges = self._certified.get(place, [])
        lacking = [timespan]
        for there, dataset in ranges:
            if dataset == ref.id:
                lacking = [rest for part in lacking for rest in part.difference(there)]
        if not lacking:
            self._plan.present += (place, ref.id) not in self._sources
            return
        for there, dataset in ranges:
            if dataset != ref.id and any(part.overlaps(there) for part in lacking):
                self._conflict(place, ref, section, dataset, f"{dataset} is certified for {there}")
                return
        self._sources[place, ref.id] = section
        self._certified[place] = [*ranges, *((part, ref.id) for part in lacking)]
        new = self.work.validity.setdefault(place[0], {})
        for part in lacking:
            new.setdefault(part, []).append(ref)

    def _conflict(self, place: Place, ref: DatasetRef, section: Section, other: UUID, there: str) -> None:
        source = self._sources.get((place, other))
        beside = f" by {source}" if source is not None else ""
        self._plan.conflicts.append(
            Conflict(
                place[0], f"{place[1]} {ref.dataId}", f"{there}{beside}, and {ref.id} was declared: {section}"
            )
        )


def _changes(kind: str, new: Iterable[tuple[str, DatasetRef]]) -> Iterator[Change]:
    groups: dict[str, list[DatasetRef]] = defaultdict(list)
    for collection, ref in new:
        groups[f"{ref.datasetType.name} in {collection}"].append(ref)
    for name, refs in groups.items():
        examples = tuple(sorted(str(ref.dataId) for ref in refs)[:EXAMPLES])
        yield Change.add(kind, name, {"datasets": len(refs)}, count=len(refs), examples=examples)


def apply_associations(
    repository: Repository, work: AssociationWork, report: Report, *, batch_size: int
) -> None:
    """Associate and certify, in batches.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    work : `AssociationWork`
        From `plan_associations`.
    report : `Report`
        Counts what was done; the run may be stopped between batches.
    batch_size : `int`
        About how many datasets there are in a transaction.
    """
    butler = repository.butler
    for collection, refs in sorted(work.tags.items()):
        for batch in in_chunks(refs, batch_size):
            report.checkpoint()
            butler.registry.associate(collection, batch)
            report.added += len(batch)
    for collection, spans in sorted(work.validity.items()):
        pairs = [(timespan, ref) for timespan, refs in spans.items() for ref in refs]
        report.checkpoint()
        # Another importer may certify the same: whoever comes second looks again.
        with repository.writer_lock(collection, report.notice):
            lacking = _still_lacking(butler, collection, pairs)
            for groups in _transactions(lacking, batch_size):
                report.checkpoint()
                with butler.transaction():
                    for timespan, refs in groups:
                        butler.registry.certify(collection, refs, timespan)
                report.added += sum(len(refs) for _unused, refs in groups)


def _transactions(
    pairs: Iterable[tuple[Timespan, DatasetRef]], size: int
) -> Iterator[list[tuple[Timespan, list[DatasetRef]]]]:
    """Group certifications by their timespan, and timespans to transactions of about a size.

    One timespan is never split: for each call daf_butler compares what is new with all that is there, so that
    the cost of many calls grows with the square of their number.
    """
    by_timespan: dict[Timespan, list[DatasetRef]] = defaultdict(list)
    for timespan, ref in pairs:
        by_timespan[timespan].append(ref)
    groups: list[tuple[Timespan, list[DatasetRef]]] = []
    for item in by_timespan.items():
        if groups and sum(len(refs) for _unused, refs in groups) + len(item[1]) > size:
            yield groups
            groups = []
        groups.append(item)
    if groups:
        yield groups


def _still_lacking(
    butler: Butler, collection: str, pairs: Sequence[tuple[Timespan, DatasetRef]]
) -> list[tuple[Timespan, DatasetRef]]:
    """Leave out what was certified since the plan was made."""
    now: dict[Place, list[tuple[Timespan, UUID]]] = {}
    for name in sorted({ref.datasetType.name for _unused, ref in pairs}):
        now |= validity_ranges(butler, name, collection)
    return [
        (timespan, ref)
        for timespan, ref in pairs
        if (timespan, ref.id)
        not in now.get((collection, ref.datasetType.name, ref.dataId.required_values), ())
    ]
