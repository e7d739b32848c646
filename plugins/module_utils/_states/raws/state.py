# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are ingested: those of the declared sources that the run does not have yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import register
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    apply_records,
    existing_records,
    universe_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import (
    BATCH_DATASETS,
    Ingester,
    NewFile,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan, find_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import forget_places
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    check_no_secret,
    required,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import check_transfer
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground, look_at_ground
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.planning import (
    Current,
    Work,
    plan_raws,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.sorting import Sorter
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import list_raws

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


@dataclass(frozen=True)
class RawsState:
    """The declared raws.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.
    sources : `tuple` [ `str`, ... ]
        Where the files are.
    run : `str`
        Where the raws are to be.
    transfer : `str`
        A mode of ``Butler.ingest``.
    file_pattern : `str`
        Regular expression for the names of files in directories.
    on_conflict : {"fail", "keep", "replace"}
        What to do about what is there and differs.
    on_error : {"fail", "skip"}
        What to do about files that can't be ingested.
    max_errors : `int` or `None`
        With ``skip``: how many of them are borne.
    batch_size : `int`
        Most datasets in a batch.
    """

    definition: InstrumentDefinition
    sources: tuple[str, ...]
    run: str
    transfer: str
    file_pattern: str
    on_conflict: str
    on_error: Literal["fail", "skip"]
    max_errors: int | None
    batch_size: int = BATCH_DATASETS

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RawsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `RawsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for an unknown instrument, for no source or one with a password, and for numbers that are
            out of range.
        """
        try:
            definition = resolve_instrument(params["instrument"], option="instrument").definition
        except ButlerError as error:
            raise ButlerError(
                error.message,
                option="instrument",
                details=error.details[:2],
                hint="Install the obs package of the instrument for this Python, or name one of the built-in "
                "instruments.",
            ) from None
        for index, source in enumerate(params["sources"]):
            check_no_secret(f"sources[{index}]", source)
        if not params["sources"]:
            raise ButlerError("it is empty, expected directories, files, patterns or URIs", option="sources")
        for option, least in (("batch_size", 1), ("max_errors", 0)):
            if params[option] is not None and params[option] < least:
                raise ButlerError(f"got {params[option]}, expected {least} or more", option=option)
        return cls(
            definition,
            tuple(params["sources"]),
            params["run"] or definition.default_raw_run,
            params["transfer"],
            params["file_pattern"],
            params["on_conflict"],
            params["on_error"],
            params["max_errors"],
            params["batch_size"],
        )

    def observe(self, repository: Repository | None) -> Current:
        """List the files, find those that are missing, and read them.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What is missing and what that takes. Memory grows with the number of listed files by some
            hundred bytes each, and with that of exposures of missing files; headers are not kept.

        Raises
        ------
        ButlerError
            Raised for a source that is not there or can't be read, and for a transfer mode that the datastore
            does not have.
        """
        listing = list_raws(self.sources, file_pattern=self.file_pattern)
        ground = Ground() if repository is None else look_at_ground(repository, self.definition, self.run)
        refs = RawRefs(self.definition, universe_of(repository), self.run, ground.registered)
        current = Current(refs, ground, skipped=listing.guiders, empty=listing.empty)
        if ground.conflicts:
            return current
        root = None if repository is None else repository.datastore_root
        remote = next((path for path in listing.files if "://" in path), None)
        check_transfer("transfer", self.transfer, root, remote)
        current.sorted = Sorter(repository, ground, refs, self.on_conflict).sort(listing.files)
        exposures = current.sorted.reading.exposures
        for file in current.sorted.reading.files:
            number = file.raws[0].exposure
            if number not in current.records:
                current.records[number] = refs.records(exposures[number])
        if repository is not None:
            wanted = (record for records in current.records.values() for record in records.values())
            current.existing = existing_records(repository.butler, wanted)
            current.orphans = self._orphans(repository, current)
        return current

    def _orphans(self, repository: Repository, current: Current) -> list[Orphan]:
        """Look where artifacts are to go; nobody can tell where that is without the instrument's records."""
        registered = current.ground.registered
        files = current.sorted.reading.files
        known = all(
            raw.detector in registered.get("detector", {})
            and raw.physical_filter in registered.get("physical_filter", {})
            for file in files
            for raw in file.raws
        )
        if not known:
            return []
        new = (current.refs.new_file(file, current.records[file.raws[0].exposure]) for file in files)
        return find_orphans(repository, self.transfer, new)

    def plan(self, current: Current) -> Plan[Work]:
        """Tell what is missing and what is in conflict.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            One change for the raws of each day of observation.

        Raises
        ------
        ButlerError
            Raised, with all of them, if files can't be ingested and that is not to be borne.
        """
        plan = plan_raws(current, self.on_conflict)
        failures = sorted(plan.failures)
        plan.failures = failures
        if failures and self.on_error == "fail":
            reasons = [reason if path in reason else f"{path}: {reason}" for path, reason in failures]
            raise ButlerError(
                f"{len(failures)} of the files can't be ingested as raws of {self.definition.name}",
                option="sources",
                details=[*reasons, *map(str, plan.conflicts)],
                hint="Mend or remove them, or set on_error to skip to go on without them. "
                "Nothing was written.",
            )
        if self.max_errors is not None and len(failures) > self.max_errors:
            raise ButlerError(
                f"{len(failures)} of the files can't be ingested, and {self.max_errors} are borne",
                option="max_errors",
                details=[f"{path}: {reason}" for path, reason in failures],
                hint="Nothing was written.",
            )
        return plan

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register what is needed, then ingest batch by batch.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done.
        """
        repository = required(repository)
        butler, work = repository.butler, plan.work
        if work.register_type:
            report.checkpoint()
            butler.registry.registerDatasetType(work.refs.dataset_type)
            report.added += 1
        if work.register_run:
            report.checkpoint()
            register(butler, self.run, "RUN")
            report.added += 1
        apply_records(butler, work.shared, report)
        relocated = [work.refs.ref(raw) for raw in work.relocate]
        forget_places(repository, relocated, report)
        batching = _Batching(work, report)
        ingester = Ingester(
            repository,
            self.transfer,
            report,
            batch_size=self.batch_size,
            on_error=self.on_error,
            max_errors=self.max_errors,
            relocated={ref.id for ref in relocated},
            orphans=work.orphans,
            on_commit=batching.committed,
        )
        files = (work.refs.new_file(file, work.records[file.raws[0].exposure]) for file in work.files)
        ingester.ingest(files, batching.records_of)


class _Batching:
    """Knows which exposures still have to be written with a batch.

    Parameters
    ----------
    work : `Work`
        What to write.
    report : `Report`
        Counts it.
    """

    def __init__(self, work: Work, report: Report) -> None:
        self._report = report
        self._pending = dict(work.exposures)

    def records_of(self, batch: Sequence[NewFile]) -> Mapping[str, Sequence[DimensionRecord]]:
        """Give the new exposures of a batch."""
        return {"exposure": [self._pending[number] for number in sorted(self._exposures(batch))]}

    def committed(self, batch: Sequence[NewFile]) -> None:
        """Count what a batch has written besides datasets."""
        for number in self._exposures(batch):
            del self._pending[number]
            self._report.added += 1

    def _exposures(self, batch: Sequence[NewFile]) -> set[int]:
        numbers = {int(file.refs[0].dataId["exposure"]) for file in batch}
        return numbers & self._pending.keys()
