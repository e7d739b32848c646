# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are ingested: those of the declared sources that the run does not have yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import register
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import apply_records
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import (
    BATCH_DATASETS,
    Ingester,
    NewFile,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import forget_places
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import register_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    check_no_secret,
    required,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.folding import Folded
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.observing import (
    Current,
    How,
    Where,
    look,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.planning import Batch, Planner
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import usable_processes
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips import (
    ZipWork,
    apply_zips,
    plan_zips,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_found import ZipsFound
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_taken import note_files

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


@dataclass
class Work:
    """What to write besides the batches, which the temporary file has.

    Parameters
    ----------
    current : `Current`
        Where the batches are, and what makes references.
    files : `int`
        How many files they bring.
    zips : `ZipWork`, optional
        What to write of zips.
    """

    current: Current
    files: int = 0
    zips: ZipWork | None = None


@dataclass
class RawsState:
    """The declared raws.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.
    run : `str`
        Where the raws are to be.
    where : `Where`
        Where the files are, and which of them are meant.
    how : `How`
        How to look at them.
    on_error : {"fail", "skip"}
        What to do about files that can't be ingested.
    max_errors : `int` or `None`
        With ``skip``: how many of them are borne.
    report : `Report`, optional
        Told how far observing is; see `watch`.
    """

    definition: InstrumentDefinition
    run: str
    where: Where
    how: How
    on_error: Literal["fail", "skip"]
    max_errors: int | None
    report: Report = field(default_factory=Report)

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
        sources, select = params["sources"] or [], params["select"]
        for index, source in enumerate(sources):
            check_no_secret(f"sources[{index}]", source)
        if not sources and select is None:
            raise ButlerError(
                "it is empty and there is no select, expected directories, files, patterns or URIs",
                option="sources",
            )
        for option, least in (("batch_size", 1), ("max_errors", 0), ("processes", 1)):
            if params[option] is not None and params[option] < least:
                raise ButlerError(f"got {params[option]}, expected {least} or more", option=option)
        if params["verify"] == "md5" and select is None:
            raise ButlerError(
                "got 'md5' without select",
                option="verify",
                hint="Only the table of select can tell digests; name it there, or leave verify out.",
            )
        return cls(
            definition,
            params["run"] or definition.default_raw_run,
            Where(tuple(sources), params["file_pattern"], select, Limits.from_params(params, definition)),
            How(
                transfer=params["transfer"],
                on_conflict=params["on_conflict"],
                verifies=params["verify"] == "md5",
                check_paths=params["check_paths"],
                sidecars=params["sidecars"],
                processes=params["processes"] or usable_processes(),
                batch_size=params["batch_size"] or BATCH_DATASETS,
            ),
            params["on_error"],
            params["max_errors"],
        )

    def watch(self, report: Report) -> None:
        """Take the report that observing tells its steps, and the files that fail.

        Parameters
        ----------
        report : `Report`
            The one that the run is counted in.
        """
        self.report = report

    def observe(self, repository: Repository | None) -> Current:
        """List the files, find those that are missing, and read them.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What is missing and what that takes, in a temporary file. Time grows with the number of listed
            files, mostly with that of missing ones; memory does not.

        Raises
        ------
        ButlerError
            Raised for a source that is not there or can't be read, and for a transfer mode that the datastore
            does not have.
        """
        return look(repository, self.definition, self.run, self.where, self.how, self.report)

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
        plan = Plan(
            Work(current),
            conflicts=list(current.ground.conflicts),
            conflict_hint="Set on_conflict to keep, to leave what is there and go on with the rest, or to "
            "replace, to make it what was declared where that can be. Nothing was written.",
            skipped=current.skipped,
            notices=list(current.notices),
        )
        spool, folded = current.spool, Folded()
        for kind in ("group", "batch"):
            spool.forget(kind)
        planner = Planner(
            current.refs, current.ground, self.how.on_conflict, lambda name: spool.is_new("group", name)
        )
        zips = current.zips or ZipsFound()
        in_zips, loose = zips.exposures(), dict[int, tuple[int, str]]()
        shared: dict[int, DimensionRecord] = {}
        for found in spool.pages("found"):
            part = planner.batch(found)
            folded.take(part)
            note_files(loose, part.work.files, in_zips)
            shared |= {number: part.work.exposures[number] for number in part.work.exposures.keys() & in_zips}
            if part.work.files:
                plan.work.files += len(part.work.files)
                spool.put("batch", part.work)
        ground = planner.ground() if plan.work.files else Plan(None)
        plan.absorb([ground])
        if current.zips is not None:
            # What the raws need is not planned again for the zips.
            zips = replace(zips, existing=zips.existing | planner.planned(zips.records, shared))
            part = Plan(Batch(), changes=list(ground.changes))
            plan.work.zips = plan_zips(part, zips, current.refs, current.ground, self.how.on_conflict, loose)
            part.changes = part.changes[len(ground.changes) :]
            folded.take(part)
        folded.show(plan)
        self._refuse(current, plan)
        return plan

    def _refuse(self, current: Current, plan: Plan[Work]) -> None:
        """Raise if files failed and that is not to be borne."""
        if not current.failed:
            return
        reasons = [reason if path in reason else f"{path}: {reason}" for path, reason in current.failures]
        more = current.failed - len(reasons)
        if self.on_error == "fail":
            raise ButlerError(
                f"{current.failed} of the files can't be ingested as raws of {self.definition.name}",
                option="sources" if self.where.sources else "select",
                details=[*reasons, *map(str, plan.conflicts)],
                unlisted=more + plan.more_conflicts,
                hint="Mend or remove them, or set on_error to skip to go on without them. "
                "Nothing was written.",
            )
        if self.max_errors is not None and current.failed > self.max_errors:
            raise ButlerError(
                f"{current.failed} of the files can't be ingested, and {self.max_errors} are borne",
                option="max_errors",
                details=reasons,
                unlisted=more,
                hint="Nothing was written.",
            )

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
        butler, current = repository.butler, plan.work.current
        if plan.work.files and not current.ground.has_type:
            report.checkpoint()
            register_type(butler, current.refs.dataset_type)
            report.added += 1
        if plan.work.files and current.ground.run is None:
            report.checkpoint()
            register(butler, self.run, "RUN")
            report.added += 1
        writing = _Writing(self, repository, current.refs, report, plan.work.files)
        for batch in current.spool.pages("batch"):
            writing.write(batch)
        if plan.work.zips is not None:
            apply_zips(
                repository,
                plan.work.zips,
                report,
                self.how.transfer,
                on_error=self.on_error,
                max_errors=self.max_errors,
                share=self.share,
            )

    @property
    def share(self) -> tuple[int, int] | None:
        """Which share of the run's raws are declared here, and of how many (`tuple` or `None`)."""
        limits = self.where.limits
        return (limits.shard_index, limits.shard_count) if limits.shard_count > 1 else None


class _Writing:
    """Writes one batch after the other.

    Parameters
    ----------
    state : `RawsState`
        What is declared.
    repository : `Repository`
        Where to.
    refs : `RawRefs`
        Makes references.
    report : `Report`
        Counts what is written.
    total : `int`
        How many files there are to ingest.
    """

    def __init__(
        self, state: RawsState, repository: Repository, refs: RawRefs, report: Report, total: int
    ) -> None:
        self._state = state
        self._repository = repository
        self._refs = refs
        self._report = report
        self._total = total
        self._done = 0
        self._pending: dict[int, DimensionRecord] = {}

    def write(self, batch: Batch) -> None:
        """Write the records and raws of some exposures."""
        state, refs = self._state, self._refs
        apply_records(self._repository.butler, batch.shared, self._report)
        relocated = [refs.ref(raw) for raw in batch.relocate]
        forget_places(self._repository, relocated, self._report)
        self._pending = dict(batch.exposures)
        ingester = Ingester(
            self._repository,
            state.how.transfer,
            self._report,
            batch_size=state.how.batch_size,
            on_error=state.on_error,
            max_errors=state.max_errors,
            relocated={ref.id for ref in relocated},
            orphans=batch.orphans,
            on_commit=self._committed,
            share=state.share,
        )
        files = (refs.new_file(file, batch.records[file.raws[0].exposure]) for file in batch.files)
        ingester.ingest(files, self._records_of)

    def _records_of(self, files: Sequence[NewFile]) -> Mapping[str, Sequence[DimensionRecord]]:
        """Give the new exposures of files."""
        return {"exposure": [self._pending[number] for number in sorted(self._exposures(files))]}

    def _committed(self, files: Sequence[NewFile]) -> None:
        """Count what was written besides datasets."""
        for number in self._exposures(files):
            del self._pending[number]
            self._report.added += 1
        self._done += len(files)
        self._report.step("ingesting", self._done, self._total)

    def _exposures(self, files: Sequence[NewFile]) -> set[int]:
        numbers = {int(file.refs[0].dataId["exposure"]) for file in files}
        return numbers & self._pending.keys()
