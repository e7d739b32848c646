# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Visits are defined for exposures, with the regions that their detectors cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.catalogue import (
    BUILT_IN_CAMERAS,
    camera_geometry,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import CameraGeometry
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument
from ansible_collections.rubin.butler.plugins.module_utils._sky.camera import CameraOnSky
from ansible_collections.rubin.butler.plugins.module_utils._sky.regions import same_regions
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import (
    Grouped,
    group_exposures,
    group_number,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.held import (
    Held,
    look_at_ground,
    look_at_visits,
    records_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.planning import (
    DetectorCheck,
    Planner,
    Work,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.selection import (
    Selected,
    Selection,
    related,
    select,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.wanted import Makes
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.writing import Writing

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

GEOMETRY = "built-in, nominal"
"""Whose camera the regions are made of."""

OLDEST_UNIVERSE = 6
"""The first version of the dimensions in which exposures refer to day_obs and group."""


@dataclass
class Current:
    """What is selected, and what there is of its visits.

    Parameters
    ----------
    makes : `Makes`
        Makes records.
    selected : `Selected`
        The exposures.
    grouped : `Grouped`
        The visits that they make.
    held : `Held`
        What the repository has of them.
    checked : `dict` [ `int`, `DetectorCheck` ]
        What was found of detector regions, by visit.
    """

    makes: Makes
    selected: Selected = field(default_factory=Selected)
    grouped: Grouped = field(default_factory=Grouped)
    held: Held = field(default_factory=Held)
    checked: dict[int, DetectorCheck] = field(default_factory=dict)


@dataclass
class VisitsState:
    """The declared visits.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.
    geometry : `CameraGeometry`
        Its camera.
    selection : `Selection`
        For which exposures.
    grouping : `str`
        One of `GROUPINGS`.
    padding : `int`
        Pixels around each detector that belong to its region.
    on_conflict : {"fail", "keep", "replace"}
        What to do about a visit that differs.
    incremental : `bool`
        Whether visits may grow, and exposures that are not selected complete them.
    check_detector_regions : `bool`
        Whether the detector regions of existing visits are looked at.
    batch_size : `int`
        Most detector regions in a transaction, but for one visit.
    report : `Report`, optional
        Told how far observing is; see `watch`.
    """

    definition: InstrumentDefinition
    geometry: CameraGeometry
    selection: Selection
    grouping: str
    padding: int
    on_conflict: str
    incremental: bool
    check_detector_regions: bool
    batch_size: int
    report: Report = field(default_factory=Report)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> VisitsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `VisitsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for an unknown instrument or one without a known camera, for lists that are empty, and for
            ids and numbers that can't be.
        """
        definition, geometry = _camera_of(params["instrument"])
        collections = params["collections"]
        if collections is not None and not collections:
            raise ButlerError(
                "it is empty", option="collections", hint="Leave the option out to search no collection."
            )
        for index, name in enumerate(collections or ()):
            if not name.strip():
                raise ButlerError("it is empty", option=f"collections[{index}]")
        if params["batch_size"] < 1:
            raise ButlerError(f"got {params['batch_size']}, expected 1 or more", option="batch_size")
        exposures = Limits.from_params({"exposures": params["exposures"]}, definition).exposures
        return cls(
            definition,
            geometry,
            Selection(tuple(dict.fromkeys(collections or ())), exposures, (params["where"] or "").strip()),
            params["grouping"],
            params["padding"],
            params["on_conflict"],
            params["incremental"],
            params["check_detector_regions"],
            params["batch_size"],
        )

    def watch(self, report: Report) -> None:
        """Take the report that observing tells its steps.

        Parameters
        ----------
        report : `Report`
            The one that the run is counted in.
        """
        self.report = report

    def observe(self, repository: Repository | None) -> Current:
        """Select exposures, group them, and look their visits up.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What there is. Memory grows with the number of selected exposures, and so does time; with
            collections it also grows, but much less, with the number of exposures of the instrument that meet
            the other options. Neither grows with that of detectors unless their regions are asked for.

        Raises
        ------
        ButlerError
            Raised for a padding that the camera can't have, an expression that is none, and a repository
            whose dimensions are too old.
        """
        camera = CameraOnSky(self.geometry, self.padding)
        makes = Makes(self.definition.name, universe_of(repository), camera, self.batch_size)
        current = Current(makes)
        if repository is None:
            current.selected.missing += [
                Assumption("collection", name, "collections") for name in self.selection.collections
            ]
            return current
        butler, name = repository.butler, self.definition.name
        if butler.dimensions.version < OLDEST_UNIVERSE:
            raise ButlerError(
                f"its dimensions have version {butler.dimensions.version}, visits need {OLDEST_UNIVERSE} or "
                "newer",
                option="repo",
                hint="Migrate the repository with daf_butler_migrate. Nothing was written.",
            )
        current.held = look_at_ground(butler, name)
        if not current.held.instrument:
            return current
        current.selected = select(butler, self.definition, self.selection)
        exposures = list(current.selected.exposures)
        if self.incremental:
            exposures += related(butler, name, self.grouping, exposures)
        current.grouped = group_exposures(exposures, self.grouping, group_number(self.definition))
        wanted = {visit.id: visit.name for visit in current.grouped.visits}
        look_at_visits(
            butler, name, wanted, current.held, lambda done: self.report.step("looking up", done, len(wanted))
        )
        if self.check_detector_regions:
            self._check_regions(butler, current)
        return current

    def _check_regions(self, butler: Butler, current: Current) -> None:
        """Compare the detector regions of existing visits, some visits after the other."""
        makes = current.makes
        existing = [visit for visit in current.grouped.visits if visit.id in current.held.visits]
        done = 0
        for batch in in_chunks(existing, makes.at_once):
            self.report.checkpoint()
            ids = [visit.id for visit in batch]
            found = {
                (record.visit, record.detector): record.region
                for record in records_of(butler, "visit_detector_region", makes.instrument, ids)
            }
            wanted = makes.detectors(batch)
            regions = [found.get((record.visit, record.detector)) for record in wanted]
            same = same_regions(regions, [record.region for record in wanted])
            missing: dict[int, set[int]] = defaultdict(set)
            differing: dict[int, set[int]] = defaultdict(set)
            for record, region, as_wanted in zip(wanted, regions, same, strict=True):
                if region is None:
                    missing[record.visit].add(record.detector)
                elif not as_wanted:
                    differing[record.visit].add(record.detector)
            for number in {*missing, *differing}:
                current.checked[number] = DetectorCheck(
                    frozenset(missing[number]), frozenset(differing[number])
                )
            done += len(batch)
            self.report.step("comparing regions", done, len(existing))

    def plan(self, current: Current) -> Plan[Work]:
        """Compare the visits with those that exist.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            One change for the visits of each day of observation.
        """
        selected = current.selected
        plan = Plan(
            Work(current.makes),
            skipped=selected.off_sky,
            assumes=list(selected.missing),
        )
        if not current.held.instrument:
            plan.assumes.append(Assumption("instrument", self.definition.name, "instrument"))
        if plan.assumes:
            # What an earlier task has yet to make, nobody can count.
            plan.changes.append(
                Change.add(
                    "visits",
                    f"{self.definition.name} {self.grouping}",
                    "the visits of the selected exposures",
                    count=0,
                    unresolved=True,
                )
            )
        elif not selected.exposures:
            plan.notices.append(f"{self._none_found(selected)}: no visit is defined")
        if selected.cameras:
            plan.notices.append(
                "the collections have camera datasets, which can't be read without the Science Pipelines; "
                f"regions are made with the built-in, nominal geometry of {self.definition.name}"
            )
        planner = Planner(
            current.makes,
            self.grouping,
            self.on_conflict,
            self.incremental,
            current.held,
            current.checked,
        )
        planner.plan(plan, current.grouped)
        return plan

    def _none_found(self, selected: Selected) -> str:
        if selected.off_sky:
            return f"none of the {selected.off_sky} exposures is on the sky and has a pointing"
        return f"no exposures of {self.definition.name} were found ({self.selection})"

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Write the visits batch by batch.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done.
        """
        work = plan.work
        Writing(required(repository), work.makes, report, keep=self.on_conflict == "keep").write(work)

    def told(self) -> dict[str, Any]:
        """Tell what regions are made with.

        Returns
        -------
        result : `dict`
            ``geometry``: whose camera it is.
        """
        return {"geometry": GEOMETRY}


def _camera_of(name_or_class: str) -> tuple[InstrumentDefinition, CameraGeometry]:
    """Find an instrument and its camera."""
    known = ", ".join(camera.name for camera in BUILT_IN_CAMERAS)
    hint = (
        f"Regions can be made for {known}. Define the visits of other instruments with butler define-visits, "
        "where the Science Pipelines are installed."
    )
    try:
        definition = resolve_instrument(name_or_class, option="instrument").definition
    except ButlerError as error:
        raise ButlerError(error.message, option="instrument", details=error.details[:2], hint=hint) from None
    geometry = camera_geometry(definition.name)
    if geometry is None:
        raise ButlerError(
            f"the geometry of the camera of {definition.name} is not known here",
            option="instrument",
            hint=hint,
        )
    return definition, geometry
