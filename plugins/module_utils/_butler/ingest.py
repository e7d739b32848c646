# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into the repository: in batches, under a lock, each batch one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import is_inside
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import (
    after_break,
    is_hopeless,
    transact,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import (
    IN_PLACE,
    physical_transfer,
    remove_sources,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

if TYPE_CHECKING:
    from uuid import UUID

    from lsst.daf.butler import DatasetRef, DimensionRecord, FileDataset

    RecordsOf = Callable[[Sequence["NewFile"]], Mapping[str, Sequence[DimensionRecord]]]
    OnCommit = Callable[[Sequence["NewFile"]], None]

BATCH_DATASETS = 10_000
BATCH_FILES = 500
BATCH_BYTES = 10 * 1000**3


@dataclass(frozen=True)
class NewFile:
    """A file whose datasets the datastore does not record yet.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.
    refs : `tuple` [ `lsst.daf.butler.DatasetRef`, ... ]
        The datasets that are in it, all in one run.
    formatter : `str`, optional
        Dotted name of the formatter; by default the one that the repository's configuration names.
    size : `int`
        Bytes, 0 where unknown; bounds the batches of copying transfers.
    """

    path: str
    refs: tuple[DatasetRef, ...]
    formatter: str | None = None
    size: int = 0


@dataclass
class _Batch:
    """A batch that is being filled."""

    files: list[NewFile] = field(default_factory=list)
    datasets: int = 0
    volume: int = 0

    def add(self, file: NewFile) -> None:
        """Take one more file."""
        self.files.append(file)
        self.datasets += len(file.refs)
        self.volume += file.size


def batches(
    files: Iterable[NewFile],
    *,
    moves_bytes: bool,
    size: int = BATCH_DATASETS,
    stays: Callable[[NewFile], bool] = lambda _file: False,
) -> Iterator[list[NewFile]]:
    """Split files into batches of one run each.

    Parameters
    ----------
    files : `~collections.abc.Iterable` [ `NewFile` ]
        Files, those of one run together.
    moves_bytes : `bool`
        Whether artifacts are written, which bounds a batch to `BATCH_FILES` files and `BATCH_BYTES` bytes as
        well.
    size : `int`
        Most datasets in a batch.
    stays : `~collections.abc.Callable`, optional
        Tells the files that are left where they are; they and the others go in batches of their own.

    Yields
    ------
    batch : `list` [ `NewFile` ]
        At least one file.
    """
    run = None
    filling: dict[bool, _Batch] = {}
    for file in files:
        if file.refs[0].run != run:
            yield from (batch.files for batch in filling.values())
            run, filling = file.refs[0].run, {}
        kind = stays(file)
        batch = filling.setdefault(kind, _Batch())
        full = batch.datasets + len(file.refs) > size or (
            moves_bytes and (len(batch.files) >= BATCH_FILES or batch.volume + file.size > BATCH_BYTES)
        )
        if batch.files and full:
            yield batch.files
            batch = filling[kind] = _Batch()
        batch.add(file)
    yield from (batch.files for batch in filling.values())


class Ingester:
    """Ingests files batch by batch.

    Parameters
    ----------
    repository : `Repository`
        Where to.
    transfer : `str`
        A transfer mode of ``Butler.ingest``. ``move`` is done as a link or copy whose source is removed after
        the commit, so that a killed run never leaves a file that neither the source nor the repository has.
        With ``auto`` files that are in the datastore already and files that are not never go in one call:
        ``Butler.ingest`` would not bring the latter in.
    report : `Report`
        Counts datasets, and is where the run may be stopped between batches.
    batch_size : `int`
        Most datasets in a batch.
    on_error : {"fail", "skip"}
        Whether a file that can't be ingested ends the run (after the batch was bisected to find it), or is
        counted and left out.
    max_errors : `int`, optional
        With ``skip``: end the run once more files than this have failed.
    relocated : `~collections.abc.Collection` [ `uuid.UUID` ]
        Datasets that the datastore had at another place; they are counted as replaced, not as added.
    orphans : `~collections.abc.Collection` [ `str` ]
        Paths of files whose artifacts take the place of files that nobody recorded, which count as replaced.
    on_commit : `~collections.abc.Callable`, optional
        Told the files of each transaction that was committed.
    share : `tuple` [ `int`, `int` ], optional
        Which share of the run's datasets these are, and of how many: writers of other shares are not kept
        waiting, because none of them writes the same datasets.
    """

    def __init__(
        self,
        repository: Repository,
        transfer: str,
        report: Report,
        *,
        batch_size: int = BATCH_DATASETS,
        on_error: Literal["fail", "skip"] = "fail",
        max_errors: int | None = None,
        relocated: Collection[UUID] = frozenset(),
        orphans: Collection[str] = frozenset(),
        on_commit: OnCommit | None = None,
        share: tuple[int, int] | None = None,
    ) -> None:
        self.repository = repository
        self.transfer = transfer
        self.report = report
        self.batch_size = batch_size
        self.on_error = on_error
        self.max_errors = max_errors
        self.relocated = relocated
        self.orphans = orphans
        self.on_commit = on_commit
        self.share = share

    def ingest(self, files: Iterable[NewFile], records_of: RecordsOf | None = None) -> None:
        """Ingest files that the plan found missing.

        Parameters
        ----------
        files : `~collections.abc.Iterable` [ `NewFile` ]
            Streamed; those of one run together. Cost grows with their number, memory with the batch size.
        records_of : `~collections.abc.Callable`, optional
            Gives the dimension records by element, in the order to insert them, that a batch brings along in
            its transaction.

        Raises
        ------
        ButlerError
            Raised for a file that can't be ingested, naming it; earlier batches stay.
        StoppedError
            Raised between batches if the run was asked to stop.
        """
        for batch in batches(
            files,
            moves_bytes=self.transfer not in IN_PLACE,
            size=self.batch_size,
            stays=lambda file: self.transfer == "auto" and is_inside(self.repository, file.path),
        ):
            self.report.checkpoint()
            self._locked(batch, records_of)

    def _locked(self, batch: list[NewFile], records_of: RecordsOf | None) -> None:
        run = batch[0].refs[0].run
        try:
            with self.repository.writer_lock(run, self.report.notice, self.share):
                missing = self._still_missing(batch)
                if missing:
                    self._bisect(missing, records_of)
        except Exception as error:
            if not is_hopeless(error):
                raise
            raise _broken_off(run, error) from error

    def _still_missing(self, batch: list[NewFile]) -> list[NewFile]:
        """Leave out what another writer has ingested since the plan was made."""
        refs = [ref for file in batch for ref in file.refs]
        known = self.repository.butler.get_many_uris(refs, allow_missing=True)
        if not known:
            return batch
        rest = [
            NewFile(file.path, tuple(ref for ref in file.refs if ref not in known), file.formatter, file.size)
            for file in batch
        ]
        self.report.notice(f"another writer ingested {len(known)} of the planned datasets meanwhile")
        return [file for file in rest if file.refs]

    def _bisect(self, batch: list[NewFile], records_of: RecordsOf | None) -> None:
        try:
            self._transaction(batch, records_of)
        except ButlerError:
            raise
        except Exception as error:
            if is_hopeless(error):
                raise
            outage = explain_outage(error, self.repository.config, (file.path for file in batch))
            if outage is not None:
                raise _broken_off(batch[0].refs[0].run, error, outage) from error
            if len(batch) == 1:
                self._failed(batch[0], error)
                return
            middle = len(batch) // 2
            self.report.log(
                f"rolled back a batch of {len(batch)} files, trying its halves: {first_line(error)}"
            )
            self._bisect(batch[:middle], records_of)
            self._bisect(batch[middle:], records_of)

    def _failed(self, file: NewFile, error: Exception) -> None:
        reason = first_line(error)
        if self.on_error == "fail":
            raise ButlerError(
                f"{file.path} can't be ingested into {file.refs[0].run}: {reason}",
                hint="Completed batches stay. Run the task again when the cause is mended.",
            ) from error
        self.report.bear(file.path, reason, self.max_errors)

    def _transaction(self, batch: list[NewFile], records_of: RecordsOf | None) -> None:
        butler = self.repository.butler
        mode = physical_transfer(self.transfer, batch[0].path, self.repository.datastore_root)

        def write() -> None:
            if records_of is not None:
                for element, records in records_of(batch).items():
                    butler.registry.insertDimensionData(element, *records, skip_existing=True)
            butler.ingest(*map(_file_dataset, batch), transfer=mode, skip_existing=True)

        transact(butler, write, self.report.log)
        if self.transfer == "move":
            remove_sources((file.path for file in batch), self.report)
        moved = sum(ref.id in self.relocated for file in batch for ref in file.refs)
        self.report.added += sum(len(file.refs) for file in batch) - moved
        self.report.replaced += moved + sum(file.path in self.orphans for file in batch)
        if self.on_commit is not None:
            self.on_commit(batch)
        self.report.log(f"ingested {len(batch)} files into {batch[0].refs[0].run}")


def _broken_off(run: str, error: Exception, cause: str = "") -> ButlerError:
    return ButlerError(
        f"the ingest into {run} broke off: {first_line(error)}", hint=cause + after_break(error)
    )


def _file_dataset(file: NewFile) -> FileDataset:
    from lsst.daf.butler import FileDataset

    formatter = formatter_class(file.formatter) if file.formatter else None
    return FileDataset(path=file.path, refs=list(file.refs), formatter=formatter)
