# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visits written batch by batch, each visit with all that belongs to it or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordWork,
    apply_records,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import transact, uncollected
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import VisitDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.held import (
    Held,
    look_at_visits,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.meanwhile import Look, looks
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.planning import Visit, Work
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.wanted import (
    BATCH_REGIONS,
    Makes,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


class Writing:
    """Writes what was planned.

    Parameters
    ----------
    repository : `Repository`
        Where to.
    makes : `Makes`
        Makes records.
    report : `Report`
        Counts what is written; the run may be stopped between batches.
    keep : `bool`
        Whether visits that another writer made something else of since the plan are left to it.
    """

    def __init__(self, repository: Repository, makes: Makes, report: Report, *, keep: bool) -> None:
        self._repository = repository
        self._butler = repository.butler
        self._makes = makes
        self._report = report
        self._keep = keep
        self._left: dict[int, str] = {}
        self._done = 0
        self._total = 0
        self._overtaken = 0

    def write(self, work: Work) -> None:
        """Write all of it.

        Parameters
        ----------
        work : `Work`
            What to write. A run that ends before its end leaves whole visits.

        Raises
        ------
        ButlerError
            Raised where another writer has made something else of a visit since the plan, unless such are
            kept. Then nothing of its batch is written.
        """
        self._total = len(work.new) + len(work.replaced) + len(work.updated)
        if work.systems.insert or work.systems.replace:
            self._locked(lambda: self._add_systems(work.systems))
        size = self._makes.at_once
        for batch in in_chunks(work.new, size):
            self._locked(lambda batch=batch: self._insert(batch))  # type: ignore[misc]
            self._tell(len(batch))
        for batch in in_chunks(work.replaced, size):
            self._locked(lambda batch=batch: self._replace(batch, regions=True))  # type: ignore[misc]
            self._tell(len(batch))
        for batch in in_chunks(work.updated, size if self._has_obscore else BATCH_REGIONS):
            self._locked(lambda batch=batch: self._replace(batch, regions=False))  # type: ignore[misc]
            self._tell(len(batch))
        for members in in_chunks(work.memberships, BATCH_REGIONS):
            self._locked(lambda members=members: self._join(members))  # type: ignore[misc]
        for incomplete in in_chunks(work.detectors, size):
            self._locked(lambda incomplete=incomplete: self._complete(incomplete))  # type: ignore[misc]
        if self._overtaken:
            self._report.notice(f"another writer defined {self._overtaken} of the visits meanwhile")
        if self._left:
            number, first = next(iter(self._left.items()))
            self._report.notice(
                f"kept {len(self._left)} visits that another writer changed meanwhile; "
                f"the first is {number}: {first}"
            )

    @property
    def _has_obscore(self) -> bool:
        return self._butler.registry.obsCoreTableManager is not None

    def _locked(self, write: Callable[[], None]) -> None:
        """Write while no other task writes visits of the instrument."""
        self._report.checkpoint()
        with (
            uncollected(),
            self._repository.writer_lock(f"visits of {self._makes.instrument}", self._report.notice),
        ):
            write()

    def _tell(self, count: int) -> None:
        self._done += count
        self._report.step("defining", self._done, self._total)

    def _add_systems(self, systems: RecordWork) -> None:
        """Write visit systems: two at once would clash, as not only their numbers are unique."""
        # The boundary at which a run may be stopped is before the lock.
        written = Report(log=self._report.log)
        apply_records(self._butler, systems, written)
        self._report.added += written.added
        self._report.replaced += written.replaced

    def _insert(self, batch: Sequence[Visit]) -> None:
        found = self._found_now(batch)
        new = []
        members: list[tuple[int, int]] = []
        for visit, look in zip(batch, found, strict=True):
            definition = visit.definition
            if look.record is None and look.flaw is None:
                new.append(visit)
            elif look.flaw is None and not look.differs:
                self._overtaken += 1
                members += [
                    (definition.id, system) for system in definition.systems if system not in look.systems
                ]
            else:
                self._leave(visit, look)
        definitions = [visit.definition for visit in new]
        detectors = self._makes.detectors(definitions) if new else []
        records = {
            "visit": [visit.record for visit in new],
            "visit_definition": self._makes.definitions(definitions),
            "visit_system_membership": self._makes.memberships([*_members(definitions), *members]),
            "visit_detector_region": detectors,
        }

        def write() -> None:
            for element, rows in records.items():
                self._butler.registry.insertDimensionData(element, *rows, conform=False)
            self._tell_obscore(definitions, detectors)

        if new or members:
            transact(self._butler, write, self._report.log)
            self._report.added += len(new) + len(members)

    def _replace(self, batch: Sequence[Visit], *, regions: bool) -> None:
        planned = []
        for visit, look in zip(batch, self._found_now(batch), strict=True):
            if look.flaw is None and not look.changed:
                planned.append(visit)
            elif look.flaw is None and not look.differs:
                self._overtaken += 1
            else:
                self._leave(visit, look)
        if not planned:
            return
        definitions = [visit.definition for visit in planned]
        told = regions or self._has_obscore
        detectors = self._makes.detectors(definitions) if told else []

        def write() -> None:
            insert = self._butler.registry.insertDimensionData
            insert("visit", *(visit.record for visit in planned), replace=True)
            insert("visit_definition", *self._makes.definitions(definitions), skip_existing=True)
            if regions:
                insert("visit_detector_region", *detectors, replace=True)
            self._tell_obscore(definitions, detectors)

        transact(self._butler, write, self._report.log)
        self._report.replaced += len(planned)

    def _found_now(self, batch: Sequence[Visit]) -> list[Look]:
        """Look visits up once more, now that nobody else writes them."""
        names = {visit.definition.id: visit.definition.name for visit in batch}
        held = Held()
        look_at_visits(self._butler, self._makes.instrument, names, held, lambda _count: None)
        return looks(batch, held)

    def _leave(self, visit: Visit, look: Look) -> None:
        """Leave a visit that another writer made something else of, or refuse to go on."""
        number = visit.definition.id
        if not self._keep:
            raise ButlerError(
                f"another writer changed visit {self._makes.instrument} {number} meanwhile: {look}",
                hint="Each visit that was written is complete. Run the task again: it compares with what is "
                "there now.",
            )
        self._left[number] = str(look)

    def _tell_obscore(
        self, definitions: Sequence[VisitDefinition], detectors: Sequence[DimensionRecord]
    ) -> None:
        """Give exposures in the ObsCore table their regions, where a repository has such a table.

        As ``DefineVisitsTask`` of obs_base does: raws are put in it at ingest, when no region is known.
        """
        manager = self._butler.registry.obsCoreTableManager
        if manager is None or not detectors:
            return
        exposures = {one.id: [exposure.id for exposure in one.exposures] for one in definitions}
        regions = (
            (exposure, record.detector, record.region)
            for record in detectors
            for exposure in exposures[record.visit]
        )
        manager.update_exposure_regions(self._makes.instrument, regions)

    def _join(self, members: Sequence[tuple[int, int]]) -> None:
        records = self._makes.memberships([member for member in members if member[0] not in self._left])
        if not records:
            return

        def write() -> None:
            self._butler.registry.insertDimensionData("visit_system_membership", *records, skip_existing=True)

        transact(self._butler, write, self._report.log)
        self._report.added += len(records)

    def _complete(self, incomplete: Sequence[tuple[VisitDefinition, frozenset[int]]]) -> None:
        missing = {
            definition.id: detectors
            for definition, detectors in incomplete
            if definition.id not in self._left
        }
        definitions = [definition for definition, _unused in incomplete if definition.id in missing]
        records = [
            record
            for record in self._makes.detectors(definitions)
            if record.detector in missing[record.visit]
        ]
        if not records:
            return

        def write() -> None:
            self._butler.registry.insertDimensionData("visit_detector_region", *records, skip_existing=True)
            self._tell_obscore(definitions, records)

        transact(self._butler, write, self._report.log)
        self._report.added += len(records)


def _members(definitions: Sequence[VisitDefinition]) -> list[tuple[int, int]]:
    return [(definition.id, system) for definition in definitions for system in definition.systems]
