# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sky maps into the repository: tracts with their patches, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import (
    after_break,
    is_hopeless,
    transact,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.found import RUN, Found, patches_of

if TYPE_CHECKING:
    import numpy
    from lsst.daf.butler import DatasetType, DimensionRecord
    from numpy.typing import NDArray


class Writer:
    """Writes what is missing of sky maps.

    Parameters
    ----------
    repository : `Repository`
        Where to.
    report : `Report`
        Counts what is written.
    total : `int`
        How many patches there are to write, of all sky maps.
    batch_size : `int`
        About how many patches go in one transaction; a tract is never divided.
    """

    def __init__(self, repository: Repository, report: Report, total: int, batch_size: int) -> None:
        self._repository = repository
        self._report = report
        self._total = total
        self._batch_size = batch_size
        self._done = 0

    def write(self, item: Found, dataset_type: DatasetType) -> None:
        """Write a sky map.

        Parameters
        ----------
        item : `Found`
            The sky map, and what is missing of it.
        dataset_type : `lsst.daf.butler.DatasetType`
            That of the stored sky map.

        Notes
        -----
        First the record, which keeps its name and its hash from being taken; then tracts, each in one
        transaction with all its patches; last the stored dataset, which so is never there before they are.

        Raises
        ------
        ButlerError
            Raised when the database or its disk is gone; earlier batches stay.
        """
        try:
            self._write_record(item)
            for missing, new in ((item.tracts, True), (item.partial, False)):
                for tracts in batches(missing, item.geometry.patches_in(missing), self._batch_size):
                    self._write_tracts(item, tracts, new=new)
            if not item.stored:
                self._store(item, dataset_type)
        except Exception as error:
            if isinstance(error, ButlerError) or not is_hopeless(error):
                raise
            raise ButlerError(
                f"the registration of {item.declared.name} broke off: {first_line(error)}",
                hint=after_break(error),
            ) from error

    def _write_record(self, item: Found) -> None:
        if item.record is not None:
            return
        from lsst.daf.butler.registry import ConflictingDefinitionError

        self._report.checkpoint()
        butler = self._repository.butler

        def write() -> None:
            # Unlike an insert that skips what exists, this one compares.
            butler.registry.syncDimensionData("skymap", item.wanted)

        try:
            transact(butler, write, self._report.log)
        except ConflictingDefinitionError:
            raise ButlerError(
                f"another writer has registered {item.declared.name}, or its configuration, meanwhile",
                hint="Run the task again: it tells what differs.",
            ) from None
        self._report.added += 1

    def _write_tracts(self, item: Found, tracts: NDArray[numpy.int64], *, new: bool) -> None:
        self._report.checkpoint()
        with self._repository.writer_lock(RUN, self._report.notice):
            if new:
                tracts = self._still_missing(item, tracts)
            if len(tracts):
                self._transaction(item, tracts, new=new)
        self._done += int(item.geometry.patches_in(tracts).sum())
        self._report.step("registering", self._done, self._total)

    def _still_missing(self, item: Found, tracts: NDArray[numpy.int64]) -> NDArray[numpy.int64]:
        """Leave out what another writer has registered since the plan was made."""
        import numpy

        with self._repository.butler.query() as query:
            ids = query.where(
                "tract >= low AND tract <= high",
                skymap=item.declared.name,
                bind={"low": int(tracts[0]), "high": int(tracts[-1])},
            ).data_ids(["tract"])
            there = [int(data_id["tract"]) for data_id in ids]
        missing = numpy.setdiff1d(tracts, there)
        if len(missing) < len(tracts):
            self._report.notice(f"another writer is registering {item.declared.name} too")
        return missing

    def _transaction(self, item: Found, tracts: NDArray[numpy.int64], *, new: bool) -> None:
        butler = self._repository.butler
        written = 0

        def write() -> None:
            nonlocal written
            written = 0
            for first, last in ranges(tracts):
                if new:
                    self._insert("tract", self._tracts(item, first, last), skip=False)
                    written += last - first
                for records in self._patches(item, first, last):
                    self._insert("patch", records, skip=not new)
                    written += len(records)

        before = 0 if new else self._count(item)
        transact(butler, write, self._report.log)
        self._report.added += written if new else self._count(item) - before

    def _count(self, item: Found) -> int:
        with self._repository.butler.query() as query:
            return patches_of(query, item).count()

    def _insert(self, element: str, records: list[DimensionRecord], *, skip: bool) -> None:
        # The records are of the class that checking them again would only make once more.
        self._repository.butler.registry.insertDimensionData(
            element, *records, conform=False, skip_existing=skip
        )

    def _tracts(self, item: Found, first: int, last: int) -> list[DimensionRecord]:
        make = self._repository.butler.dimensions["tract"].RecordClass
        name = item.declared.name
        regions = item.geometry.tract_regions(first, last)
        return [make(skymap=name, id=first + index, region=region) for index, region in enumerate(regions)]

    def _patches(self, item: Found, first: int, last: int) -> Iterator[list[DimensionRecord]]:
        make = self._repository.butler.dimensions["patch"].RecordClass
        name = item.declared.name
        for rows in item.geometry.patch_parts(first, last):
            yield [
                make(skymap=name, tract=tract, id=patch, cell_x=x, cell_y=y, region=region)
                for tract, patch, x, y, region in rows
            ]

    def _store(self, item: Found, dataset_type: DatasetType) -> None:
        from lsst.daf.butler import DatasetRef, FileDataset

        self._report.checkpoint()
        butler, name = self._repository.butler, item.declared.name
        data_id = butler.registry.expandDataId(skymap=name)
        with (
            self._repository.writer_lock(RUN, self._report.notice),
            TemporaryDirectory(prefix="rubin-butler-") as folder,
        ):
            # Another writer may have stored it since the plan was made, under a random id of its own.
            there = butler.find_dataset(dataset_type, data_id, collections=RUN)
            if there is not None and butler.stored(there):
                self._report.notice(f"another writer stored {name} meanwhile")
                return
            ref = (there or DatasetRef(dataset_type, data_id, RUN)).expanded(data_id)
            path = Path(folder) / "skyMap.pickle"
            path.write_bytes(item.declared.sky_map.stored())
            file = FileDataset(str(path), [ref])
            transact(
                butler, lambda: butler.ingest(file, transfer="copy", skip_existing=True), self._report.log
            )
        self._report.added += 1
        self._report.replaced += item.orphan is not None


def batches(
    tracts: NDArray[numpy.int64], patches: NDArray[numpy.int64], size: int
) -> Iterator[NDArray[numpy.int64]]:
    """Divide tracts into the work of one transaction.

    Parameters
    ----------
    tracts : `numpy.ndarray` of `int`, (n,)
        Tracts in ascending order.
    patches : `numpy.ndarray` of `int`, (n,)
        How many patches each has.
    size : `int`
        How many patches a batch may have.

    Yields
    ------
    batch : `numpy.ndarray` of `int`, (m,)
        At least one tract.
    """
    import numpy

    ends = numpy.cumsum(patches)
    start = 0
    while start < len(tracts):
        done = ends[start] - patches[start]
        stop = max(start + 1, int(numpy.searchsorted(ends, done + size, side="right")))
        yield tracts[start:stop]
        start = stop


def ranges(tracts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Find the stretches without gaps.

    Parameters
    ----------
    tracts : `~collections.abc.Iterable` [ `int` ]
        Tracts in ascending order.

    Yields
    ------
    first, last : `int`
        The first of a stretch, and the one after its last.
    """
    first = last = -1
    for tract in map(int, tracts):
        if tract != last:
            if last > first:
                yield first, last
            first = tract
        last = tract + 1
    if last > first:
        yield first, last
