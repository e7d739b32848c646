# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dimension records that the datasets of an export need, and those that come along with them.

Which ones come along: what a dimension's record populates too, such as the definition of a visit, with all
that it refers to (source: daf_butler, ``DirectButler._extract_all_dimension_records_from_data_ids``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import find
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    record_key,
    records_by_key,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports.yaml_text import mapping_item
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.spool import Spool, sort_key

if TYPE_CHECKING:
    from lsst.daf.butler import (
        Butler,
        DatasetRef,
        DimensionElement,
        DimensionGroup,
        DimensionRecord,
        DimensionUniverse,
    )

REMEMBERED = 50_000
"""How many records are kept in memory for the datasets that follow."""

CHUNK = 1_000


def ranks_of(universe: DimensionUniverse, skip: Set[str]) -> dict[str, int]:
    """Give numbers to the elements that have records, in the order in which these can be inserted.

    Parameters
    ----------
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.
    skip : `~collections.abc.Set` [ `str` ]
        Elements to leave out.

    Returns
    -------
    ranks : `dict` [ `str`, `int` ]
        By name, in order.
    """
    return {
        element.name: rank
        for rank, element in enumerate(universe.elements)
        if element.has_own_table and element.name not in skip
    }


class Parts:
    """Gathers records while datasets go by.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    spool : `Spool`
        Gets the records.
    skip : `~collections.abc.Set` [ `str` ]
        Elements whose records are left out.
    """

    def __init__(self, butler: Butler, spool: Spool, skip: Set[str]) -> None:
        self._butler = butler
        self._spool = spool
        self._ranks = ranks_of(butler.dimensions, skip)
        self._remembered: dict[RecordKey, DimensionRecord] = {}
        self._direct: set[str] = set()

    def add(self, refs: Sequence[DatasetRef]) -> list[DatasetRef]:
        """Take datasets of one type.

        Parameters
        ----------
        refs : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
            The datasets.

        Returns
        -------
        refs : `list` [ `lsst.daf.butler.DatasetRef` ]
            With their records.

        Raises
        ------
        ButlerError
            Raised if a record is not there, which the registry does not allow.
        """
        expander = find(self._butler, (ref.dataId for ref in refs), self._remembered)
        expanded = []
        for ref in refs:
            full = expander.expanded(ref)
            if full is None:
                raise ButlerError(f"the repository lacks dimension records of {ref}")
            expanded.append(full)
        self._keep(expander.records)
        group = refs[0].datasetType.dimensions
        for element in self._beside(group):
            self._direct.add(element.name)
            keys = {
                (element.name, tuple(ref.dataId[name] for name in element.required.names)) for ref in expanded
            }
            self._keep(records_by_key(self._butler, keys))
        return expanded

    def _beside(self, group: DimensionGroup) -> Iterator[DimensionElement]:
        """Give the elements of data IDs that have records and are no dimensions."""
        universe = self._butler.dimensions
        for name in group.elements:
            if name in self._ranks and name not in universe.dimensions.names:
                yield universe[name]

    def _keep(self, records: Mapping[RecordKey, DimensionRecord]) -> None:
        new = {key: record for key, record in records.items() if key not in self._remembered}
        self._spool.add_records(
            (self._ranks[key[0]], key[1], _text(record))
            for key, record in new.items()
            if key[0] in self._ranks
        )
        if len(self._remembered) + len(new) > REMEMBERED:
            self._remembered.clear()
        self._remembered |= new

    def finish(self) -> None:
        """Take the records that come along with those that are there, once all datasets have gone by."""
        universe = self._butler.dimensions
        for dimension in universe.dimensions:
            if dimension.name not in self._ranks:
                continue
            for element in universe.get_elements_populated_by(dimension):
                if element.name == dimension.name or element.name not in self._ranks:
                    continue
                # Where datasets name the records themselves, the others have no part in the export.
                if element.name not in self._direct:
                    self._follow(dimension, element)

    def _follow(self, dimension: DimensionElement, element: DimensionElement) -> None:
        groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for values in self._spool.keys(self._ranks[dimension.name]):
            groups[values[:-1]].append(values[-1])
        for above, last in groups.items():
            for chunk in in_chunks(last, CHUNK):
                self._take(dimension, list(_query(self._butler, dimension, element, above, chunk)))

    def _take(self, dimension: DimensionElement, records: Sequence[DimensionRecord]) -> None:
        expander = find(self._butler, (record.dataId for record in records), self._remembered)
        rank = self._ranks[dimension.name]
        self._keep({record_key(record): record for record in records} | expander.records)
        self._spool.add_links(
            (
                rank,
                sort_key(record.dataId[name] for name in dimension.required.names),
                self._ranks[name],
                sort_key(values),
            )
            for record in records
            for name, values in (record_key(record), *expander.keys_of(record.dataId))
            if name in self._ranks
        )


def _query(
    butler: Butler,
    dimension: DimensionElement,
    element: DimensionElement,
    prefix: Sequence[Any],
    last: Sequence[Any],
) -> Iterator[DimensionRecord]:
    *above, name = dimension.required.names
    where = [f"{each} = above_{index}" for index, each in enumerate(above)] + [f"{name} IN (these)"]
    bind = {f"above_{index}": value for index, value in enumerate(prefix)} | {"these": list(last)}
    with butler.query() as query:
        yield from query.where(" AND ".join(where), bind=bind).dimension_records(element.name)


def _text(record: DimensionRecord) -> str:
    return mapping_item(record.toDict(splitTimespan=True), "  ")
