# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at raw files and at what a repository has of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    records_by_key,
    universe_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan, find_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import IN_PLACE, check_transfer
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import MAX_FAILURES, Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground, look_at_ground
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.listed import (
    Identification,
    listed_rows,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.planning import Found
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import HeaderPool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import Reading, Task
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.selection import select_files
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.sorting import Means, Sorted, Sorter
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import Spool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_found import (
    ZipsFound,
    observe_zips,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import iter_raws
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import Sidecars

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord

SMALLEST_PART = 2_000
"""So many raws at least are looked at together, however small the batches are."""


@dataclass(frozen=True)
class Where:
    """Where raw files are, and which of them are meant.

    Parameters
    ----------
    sources : `tuple` [ `str`, ... ]
        Directories, files, patterns and URIs.
    file_pattern : `str`
        Regular expression for the names of files in directories.
    select : `~collections.abc.Mapping` or `None`
        A table of files; see `selection`.
    limits : `Limits`
        Which exposures and detectors.
    """

    sources: tuple[str, ...]
    file_pattern: str
    select: Mapping[str, Any] | None
    limits: Limits


@dataclass(frozen=True)
class How:
    """How raws are looked at and ingested.

    Parameters
    ----------
    transfer : `str`
        A mode of ``Butler.ingest``.
    on_conflict : {"fail", "keep", "replace"}
        What to do about what is there and differs.
    verifies : `bool`
        Whether the digests of missing files are compared with those of the table.
    check_paths : `bool`
        Whether the recorded places of raws are compared with those of the files.
    sidecars : `bool`
        Whether indexes and sidecars are believed.
    processes : `int`
        How many processes read headers.
    batch_size : `int`
        Most datasets in a batch.
    """

    transfer: str
    on_conflict: str
    verifies: bool
    check_paths: bool
    sidecars: bool
    processes: int
    batch_size: int


@dataclass
class Current:
    """What is there, and what the missing files are.

    Parameters
    ----------
    refs : `RawRefs`
        Makes references.
    ground : `Ground`
        What raws stand on in the repository.
    spool : `Spool`
        Has a page ``found`` for some exposures after the other.
    zips : `ZipsFound` or `None`
        What was found of zips, if any were listed.
    skipped : `int`
        Listed files that are no raws.
    notices : `list` [ `str` ]
        What an operator should read.
    failed : `int`
        How many files can't be ingested.
    failures : `list` [ `tuple` [ `str`, `str` ] ]
        The first of them, with reasons.
    """

    refs: RawRefs
    ground: Ground
    spool: Spool = field(default_factory=Spool)
    zips: ZipsFound | None = None
    skipped: int = 0
    notices: list[str] = field(default_factory=list)
    failed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


def look(
    repository: Repository | None,
    definition: InstrumentDefinition,
    run: str,
    where: Where,
    how: How,
    report: Report,
) -> Current:
    """List files, find those that are missing, and read them.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository.
    definition : `InstrumentDefinition`
        The instrument.
    run : `str`
        Where the raws are to be.
    where : `Where`
        Where the files are.
    how : `How`
        How to look at them.
    report : `Report`
        Told how far this is, and which files fail.

    Returns
    -------
    current : `Current`
        What was found.

    Raises
    ------
    ButlerError
        Raised for sources that can't be used, and for a transfer mode that the datastore does not have.
    """
    ground = Ground() if repository is None else look_at_ground(repository, definition, run)
    refs = RawRefs(definition, universe_of(repository), run, ground.registered)
    looking = _Looking(repository, where, how, report, Current(refs, ground))
    looking.list_files()
    if not ground.conflicts:
        root = None if repository is None else repository.datastore_root
        check_transfer("transfer", how.transfer, root, looking.current.spool.first_remote())
        looking.find()
    return looking.current


class _Looking:
    """Looks at files.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository.
    where : `Where`
        Where the files are.
    how : `How`
        How to look at them.
    report : `Report`
        Told how far this is, and which files fail.
    current : `Current`
        Gets what is found.
    """

    def __init__(
        self, repository: Repository | None, where: Where, how: How, report: Report, current: Current
    ) -> None:
        self._repository = repository
        self._where = where
        self._how = how
        self._report = report
        self.current = current
        self._others: dict[str, dict[str, None]] = defaultdict(dict)

    def list_files(self) -> None:
        """Fill the spool with the listed files that may be wanted."""
        where, current = self._where, self.current
        if where.select is not None:
            selected = select_files(where.select)
            current.skipped += selected.invalid + selected.absent
            current.notices += selected.notices
            self._add((file.path, file.md5 if self._how.verifies else None) for file in selected.files)
        if where.sources:
            self._add((path, None) for path in self._sources())
            current.notices += [f"sources: nothing was found in {source}" for source in self._others["empty"]]
            current.skipped += len(self._others["guider"])

    def _sources(self) -> Iterator[str]:
        """Give the raw files of the sources, and keep what else is found."""
        for found in iter_raws(self._where.sources, file_pattern=self._where.file_pattern):
            if found.kind == "raw":
                yield found.path
            else:
                self._others[found.kind][found.path] = None

    def _add(self, files: Iterable[tuple[str, str | None]]) -> None:
        rows = listed_rows(self._counted(files), self.current.refs.definition, self._where.limits)
        self.current.spool.add(rows)

    def _counted(self, files: Iterable[tuple[str, str | None]]) -> Iterator[tuple[str, str | None]]:
        for number, file in enumerate(files, 1):
            self._report.step("listing", number, None)
            yield file

    def find(self) -> None:
        """Find out what the listed files are."""
        current, how, limits = self.current, self._how, self._where.limits
        pool = HeaderPool(current.refs.definition, how.processes)
        try:
            Identification(
                current.spool,
                limits,
                pool,
                self._repository,
                current.ground,
                current.refs,
                self._report,
                self._fail,
            ).run(check_paths=how.check_paths)
            self._look_at_zips()
            self._sort(pool)
        finally:
            pool.close()

    def _fail(self, path: str, reason: str) -> None:
        """Count a file that can't be ingested."""
        self._report.fail(path, reason)
        self.current.failed += 1
        if len(self.current.failures) < MAX_FAILURES:
            self.current.failures.append((path, reason))

    def _sort(self, pool: HeaderPool) -> None:
        current, how, report = self.current, self._how, self._report
        total, done = len(current.spool), 0
        many = pool.reader.extension_keyword is not None
        sidecars = None
        if how.sidecars and not many:
            sidecars = Sidecars(current.notices.append, self._others["index"])

        def read(groups: Sequence[Sequence[Task]]) -> Iterator[Reading]:
            if sidecars is not None:
                groups = [
                    [replace(task, told=sidecars.find(task.path)) for task in group] for group in groups
                ]
            read_now = 0
            for part in pool.read(groups):
                read_now += len(part.files) + len(part.failures)
                report.step("reading", done + read_now, total)
                yield part

        means = Means(
            self._repository,
            current.ground,
            current.refs,
            self._where.limits,
            how.on_conflict == "replace",
            how.check_paths,
            read,
        )
        size = max(how.batch_size, SMALLEST_PART)
        if many:
            size = max(1, size // len(current.refs.definition.detector_ids))
        for files in current.spool.by_exposure(size):
            report.checkpoint()
            self._put(Sorter(means).sort(files))
            done += len(files)
            report.step("reading", done, total)

    def _put(self, found: Sorted) -> None:
        """Write down what was found, with what the repository has of the records of missing files."""
        reading = found.reading
        for path, reason in reading.failures:
            self._fail(path, reason)
        reading.failures.clear()
        existing: dict[RecordKey, DimensionRecord] = {}
        orphans: list[Orphan] = []
        if self._repository is not None and reading.files:
            instrument = self.current.refs.definition.name
            keys: set[RecordKey] = set()
            for number in {file.raws[0].exposure for file in reading.files}:
                info = reading.exposures[number]
                keys |= {
                    ("day_obs", (instrument, info.day_obs)),
                    ("group", (instrument, info.group)),
                    ("exposure", (instrument, number)),
                }
            existing = records_by_key(self._repository.butler, keys)
            orphans = self._orphans(self._repository, reading)
        self.current.spool.put("found", Found(found, existing, orphans))

    def _look_at_zips(self) -> None:
        """Find out what the listed zips are."""
        zips, limits = sorted(self._others["zip"]), self._where.limits
        if not zips:
            return
        current = self.current
        beside = {number for page in current.spool.exposures() for number, _unused in page}
        # A run that has raws tells of zips that were ingested, unless all are to be looked at. Of which
        # exposures they are has to be known to tell which are the first of zips and files together.
        all_opened = self._how.check_paths or (limits.limit is not None and beside)
        runs = () if all_opened else current.ground.runs
        found = observe_zips(
            self._repository, current.refs, zips, limits=limits, report=self._report, runs=runs, beside=beside
        )
        for path, reason in found.failures:
            self._fail(path, reason)
        found.failures.clear()
        if limits.limit is not None:
            first = sorted(found.exposures() | beside)[: limits.limit]
            current.spool.drop_exposures(beside.difference(first))
            found.zips = [item for item in found.zips if not set(item.exposures).isdisjoint(first)]
        current.zips = found

    def _orphans(self, repository: Repository, reading: Reading) -> list[Orphan]:
        """Look where artifacts are to go; nobody can tell where that is without the instrument's records."""
        registered = self.current.ground.registered
        known = all(
            raw.detector in registered.get("detector", {})
            and raw.physical_filter in registered.get("physical_filter", {})
            for file in reading.files
            for raw in file.raws
        )
        if not known or self._how.transfer in IN_PLACE:
            # Without artifacts the records, of which their places are made, need not be made either.
            return []
        refs = self.current.refs
        records = {number: refs.records(info) for number, info in reading.exposures.items()}
        new = (refs.new_file(file, records[file.raws[0].exposure]) for file in reading.files)
        return find_orphans(repository, self._how.transfer, new)
