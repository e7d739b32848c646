# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dimension records in bulk: which are there, which differ, which are missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import (
    describe_differences,
    differences,
    shown,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import transact
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DimensionElement, DimensionRecord, DimensionUniverse

RecordKey: TypeAlias = tuple[str, tuple[Any, ...]]
"""Element name and required data ID values."""

INDIVIDUAL = ("instrument", "skymap", "physical_filter", "detector", "subfilter", "visit_system")
"""Elements whose records are planned one by one; all others as one group for each instrument or sky map."""

CHUNK = 1_000


@dataclass
class RecordWork:
    """The records to write, in the order in which they have to be.

    Parameters
    ----------
    insert, replace : `dict` [ `str`, `list` ]
        New records, and those that are to replace differing ones, by element.
    """

    insert: dict[str, list[DimensionRecord]] = field(default_factory=dict)
    replace: dict[str, list[DimensionRecord]] = field(default_factory=dict)


def universe_of(repository: Repository | None) -> DimensionUniverse:
    """Give the dimensions of a repository.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.

    Returns
    -------
    universe : `lsst.daf.butler.DimensionUniverse`
        Its universe, or the one that a new repository would have.
    """
    from lsst.daf.butler import DimensionUniverse

    return DimensionUniverse() if repository is None else repository.butler.dimensions


def record_key(record: DimensionRecord) -> RecordKey:
    """Give what identifies a record in a repository.

    Parameters
    ----------
    record : `lsst.daf.butler.DimensionRecord`
        The record.

    Returns
    -------
    key : `tuple`
        Element name and data ID values.
    """
    return record.definition.name, tuple(record.dataId.required_values)


def existing_records(butler: Butler, wanted: Iterable[DimensionRecord]) -> dict[RecordKey, DimensionRecord]:
    """Look records up by their data IDs.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    wanted : `~collections.abc.Iterable` [ `lsst.daf.butler.DimensionRecord` ]
        Records of any elements.

    Returns
    -------
    existing : `dict`
        Those that exist, by `record_key`; see `records_by_key`.
    """
    return records_by_key(butler, map(record_key, wanted))


def records_by_key(butler: Butler, keys: Iterable[RecordKey]) -> dict[RecordKey, DimensionRecord]:
    """Look records up by their keys.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    keys : `~collections.abc.Iterable` [ `tuple` ]
        As `record_key` gives them, of any elements.

    Returns
    -------
    existing : `dict`
        Those that exist. A query for each `CHUNK` of the keys that agree in all but their last two values:
        the cost grows with the number of keys, not with the repository.
    """
    groups: dict[tuple[str, tuple[Any, ...]], set[tuple[Any, ...]]] = defaultdict(set)
    for name, values in keys:
        # A query has to name one instrument or sky map.
        groups[name, values[:-2] or values[:-1]].add(values)
    found: dict[RecordKey, DimensionRecord] = {}
    for (name, above), members in groups.items():
        for chunk in in_chunks(sorted(members), CHUNK):
            for record in _query(butler, butler.dimensions[name], len(above), chunk):
                # Each value of the chunk is asked for beside each other, which may find more than its keys.
                if (key := record_key(record))[1] in members:
                    found[key] = record
    return found


def _query(
    butler: Butler, element: DimensionElement, shared: int, keys: Sequence[tuple[Any, ...]]
) -> Iterator[DimensionRecord]:
    where: list[str] = []
    bind: dict[str, Any] = {}
    for index, name in enumerate(element.required.names):
        values = sorted({key[index] for key in keys})
        where.append(f"{name} = values_{index}" if index < shared else f"{name} IN (values_{index})")
        bind[f"values_{index}"] = values[0] if index < shared else values
    with butler.query() as query:
        yield from query.where(" AND ".join(where), bind=bind).dimension_records(element.name)


def plan_records(
    plan: Plan[Any],
    wanted: Iterable[DimensionRecord],
    existing: Mapping[RecordKey, DimensionRecord],
    on_conflict: str,
) -> RecordWork:
    """Plan the records that are missing or differ.

    Parameters
    ----------
    plan : `Plan`
        Gets the changes, conflicts, notices and the count of those present.
    wanted : `~collections.abc.Iterable` [ `lsst.daf.butler.DimensionRecord` ]
        The declared records; equal ones may come twice.
    existing : `~collections.abc.Mapping`
        From `existing_records`.
    on_conflict : {"fail", "keep", "replace"}
        What to do about a record that differs.

    Returns
    -------
    work : `RecordWork`
        What to write. The cost is linear in the number of wanted records.
    """
    work = RecordWork()
    added: dict[str, dict[RecordKey, DimensionRecord]] = {}
    for record in wanted:
        key = record_key(record)
        name = record.definition.name
        current = existing.get(key)
        if current is None:
            twin = added.setdefault(name, {}).setdefault(key, record)
            if twin is not record and (columns := differences(twin, record)):
                plan.conflicts.append(
                    Conflict(name, label(record), f"declared twice: {describe_differences(columns)}")
                )
            continue
        columns = differences(current, record)
        if not columns:
            plan.present += 1
        elif on_conflict == "replace":
            work.replace.setdefault(name, []).append(record)
            before = {column: old for column, (old, _unused) in columns.items()}
            after = {column: new for column, (_unused, new) in columns.items()}
            plan.changes.append(Change.replace(name, label(record), before, after))
        elif on_conflict == "keep":
            plan.present += 1
            plan.notices.append(
                f"kept {name} {label(record)}, which differs: {describe_differences(columns)}"
            )
        else:
            plan.conflicts.append(Conflict(name, label(record), describe_differences(columns)))
    for name, records in added.items():
        work.insert[name] = list(records.values())
        plan.changes += _additions(name, work.insert[name])
    return work


def _additions(name: str, records: Sequence[DimensionRecord]) -> Iterator[Change]:
    if name in INDIVIDUAL:
        for record in records:
            columns = {column: shown(value) for column, value in record.toDict().items()}
            yield Change.add(name, label(record), columns)
        return
    groups: dict[str, list[DimensionRecord]] = defaultdict(list)
    for record in records:
        required = record.dataId.required_values
        groups[str(required[0]) if len(required) > 1 else name].append(record)
    for governor, members in groups.items():
        examples = tuple(sorted(label(record) for record in members)[:EXAMPLES])
        yield Change.add(
            f"{name} records", governor, {"records": len(members)}, count=len(members), examples=examples
        )


def label(record: DimensionRecord) -> str:
    """Name a record for a person.

    Parameters
    ----------
    record : `lsst.daf.butler.DimensionRecord`
        The record.

    Returns
    -------
    label : `str`
        Its data ID values, joined by spaces.
    """
    return " ".join(str(value) for value in record.dataId.required_values)


def apply_records(butler: Butler, work: RecordWork, report: Report) -> None:
    """Write planned records in one short transaction.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    work : `RecordWork`
        From `plan_records`.
    report : `Report`
        Counts what was written.

    Notes
    -----
    Elements go in the order of their dependencies and records in the order of their keys, so that two writers
    seldom wait for each other in a circle; where they do, the one that the database turns down tries again.
    A record that another writer has just added is not an error.
    """
    names = {*work.insert, *work.replace}
    if not names:
        return
    report.checkpoint()

    def write() -> None:
        for element in butler.dimensions.sorted(names):
            if new := work.insert.get(element.name):
                ordered = sorted(new, key=lambda record: tuple(record.dataId.required_values))
                butler.registry.insertDimensionData(element, *ordered, skip_existing=True)
            if changed := work.replace.get(element.name):
                butler.registry.insertDimensionData(element, *changed, replace=True)

    transact(butler, write, report.log)
    report.added += sum(map(len, work.insert.values()))
    report.replaced += sum(map(len, work.replace.values()))
