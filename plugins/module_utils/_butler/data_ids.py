# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data IDs expanded in bulk, also by records that are yet to be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    record_key,
    records_by_key,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, DimensionGroup, DimensionRecord


@dataclass
class Expander:
    """Knows the records that some data IDs refer to.

    Parameters
    ----------
    records : `dict`
        By key.
    missing : `set`
        Keys that neither the repository nor the plan has.
    """

    records: dict[RecordKey, DimensionRecord] = field(default_factory=dict)
    missing: set[RecordKey] = field(default_factory=set)

    def expanded(self, ref: DatasetRef) -> DatasetRef | None:
        """Give a reference its records.

        Parameters
        ----------
        ref : `lsst.daf.butler.DatasetRef`
            One of those that `find` was asked about.

        Returns
        -------
        ref : `lsst.daf.butler.DatasetRef` or `None`
            With an expanded data ID that names of artifacts can be made of; regions of sky pixels are left
            out. `None` if a record is missing.
        """
        from lsst.daf.butler import DataCoordinate

        dimensions = ref.dimensions
        reached = self._reached(ref.dataId)
        if reached is None:
            return None
        values, records = reached
        full = tuple(values[name] for name in dimensions.data_coordinate_keys)
        return ref.expanded(DataCoordinate.from_full_values(dimensions, full).expanded(records))

    def keys_of(self, data_id: DataCoordinate) -> list[RecordKey]:
        """Name the records that a data ID refers to.

        Parameters
        ----------
        data_id : `lsst.daf.butler.DataCoordinate`
            One of those that `find` was asked about.

        Returns
        -------
        keys : `list` [ `tuple` ]
            Their keys, of dimensions that have records; none if one is missing.
        """
        reached = self._reached(data_id)
        if reached is None:
            return []
        records = reached[1].values()
        return [record_key(record) for record in records if record and record.definition.has_own_table]

    def _reached(
        self, data_id: DataCoordinate
    ) -> tuple[dict[str, Any], dict[str, DimensionRecord | None]] | None:
        """Give the values of all dimensions of a data ID, and their records."""
        dimensions = data_id.dimensions
        universe = dimensions.universe
        values: dict[str, Any] = dict(zip(dimensions.required, data_id.required_values, strict=True))
        records: dict[str, DimensionRecord | None] = dict.fromkeys(dimensions.elements)
        for name in dimensions.lookup_order:
            if name not in universe.dimensions.names:
                continue
            element = universe.dimensions[name]
            if not element.has_own_table:
                records[name] = element.RecordClass(**{element.primary_key.name: values[name]})
                continue
            record = self.records.get((name, tuple(values[required] for required in element.required.names)))
            if record is None:
                return None
            records[name] = record
            values.update((implied, getattr(record, implied)) for implied in element.implied.names)
        return values, records


def lacking_parents(
    butler: Butler | None, wanted: Mapping[RecordKey, DimensionRecord]
) -> dict[RecordKey, RecordKey]:
    """Find the records that new records refer to and that are nowhere.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler` or `None`
        The repository; `None` if it is absent.
    wanted : `~collections.abc.Mapping`
        New records by key.

    Returns
    -------
    lacking : `dict`
        Keys of records that neither the repository nor ``wanted`` has, each with the key of the first record
        that refers to it.
    """
    needed: dict[RecordKey, RecordKey] = {}
    for key, record in wanted.items():
        for parent in _parents(record):
            if parent not in wanted:
                needed.setdefault(parent, key)
    there = records_by_key(butler, needed) if butler is not None else {}
    return {parent: key for parent, key in needed.items() if parent not in there}


def _parents(record: DimensionRecord) -> Iterator[RecordKey]:
    element = record.definition
    dimensions = element.universe.dimensions
    values = dict(zip(element.required.names, record.dataId.required_values, strict=True))
    values.update((name, getattr(record, name)) for name in element.implied.names)
    for name, value in values.items():
        if name != element.name and value is not None and dimensions[name].has_own_table:
            yield name, tuple(values[required] for required in dimensions[name].required.names)


def find(
    butler: Butler | None,
    data_ids: Iterable[DataCoordinate],
    planned: Mapping[RecordKey, DimensionRecord],
) -> Expander:
    """Look up all records that data IDs refer to.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler` or `None`
        The repository; `None` if it is absent.
    data_ids : `~collections.abc.Iterable` [ `lsst.daf.butler.DataCoordinate` ]
        Data IDs with required values.
    planned : `~collections.abc.Mapping`
        Records by key that are there or will be; they go before those of the repository.

    Returns
    -------
    expander : `Expander`
        What was found. A query for each element and `CHUNK` of its keys: the cost grows with the number of
        different values.
    """
    expander = Expander()
    groups: dict[DimensionGroup, set[tuple[Any, ...]]] = {}
    for data_id in data_ids:
        groups.setdefault(data_id.dimensions, set()).add(data_id.required_values)
    for dimensions, values in groups.items():
        _find_group(butler, dimensions, values, planned, expander)
    return expander


def _find_group(
    butler: Butler | None,
    dimensions: DimensionGroup,
    data_ids: Iterable[tuple[Any, ...]],
    planned: Mapping[RecordKey, DimensionRecord],
    expander: Expander,
) -> None:
    universe = dimensions.universe
    rows: list[dict[str, Any]] = [dict(zip(dimensions.required, values, strict=True)) for values in data_ids]
    for name in dimensions.lookup_order:
        if name not in universe.dimensions.names or not universe.dimensions[name].has_own_table:
            continue
        element = universe.dimensions[name]
        required, implied = tuple(element.required.names), tuple(element.implied.names)
        # A value is unknown only where the record that implies it is missing, and that is noted already.
        keyed = [
            ((name, tuple(row[part] for part in required)), row)
            for row in rows
            if all(part in row for part in required)
        ]
        wanted = {key for key, _unused in keyed} - expander.records.keys() - expander.missing
        found = {key: planned[key] for key in wanted if key in planned}
        if butler is not None and len(found) < len(wanted):
            found |= records_by_key(butler, wanted - found.keys())
        expander.records |= found
        expander.missing |= wanted - found.keys()
        if implied:
            for key, row in keyed:
                if (record := expander.records.get(key)) is not None:
                    row.update((part, getattr(record, part)) for part in implied)


def named(ref: DatasetRef) -> str:
    """Name a dataset by its dataset type and data ID.

    Parameters
    ----------
    ref : `lsst.daf.butler.DatasetRef`
        The dataset.

    Returns
    -------
    text : `str`
        With the required dimensions only.
    """
    values = ", ".join(f"{name}: {value!r}" for name, value in ref.dataId.required.items())
    return f"{ref.datasetType.name}@{{{values}}}"
