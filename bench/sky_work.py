# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of work that `bench.sky` measures, each in a process of its own.

The baseline of each is the bare cost of its rows: the same records, made beforehand, inserted by the same
public call in as large transactions. Only the transactions count there. Nothing that has to write these rows
through daf_butler can take less.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.measure import Clock, Work

if TYPE_CHECKING:
    from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.geometry import SkyMapGeometry
    from lsst.daf.butler import DimensionRecord

_DC2 = {"num_rings": 120, "projection": "TAN", "tract_overlap": 1 / 60, "pixel_scale": 0.2}
SKY_MAPS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "DC2": ("rings", _DC2),
    "lsst_cells_v1": ("rings", {**_DC2, "tract_builder": "cells"}),
    "one_field": (
        "discrete",
        {
            "ra_list": [56.65],
            "dec_list": [-36.45],
            "radius_list": [0.5],
            "tract_overlap": 0.0,
            "projection": "TAN",
            "pixel_scale": 0.2,
        },
    ),
}
"""Kinds and options by name."""

PER_NIGHT = 400


def _sky_map(name: str) -> dict[str, Any]:
    kind, options = SKY_MAPS[name]
    return {"name": name, "config_file": None, "rings": None, "discrete": None, kind: dict(options)}


def sky_map_patches(name: str) -> int:
    """Count the patches of a sky map."""
    return _geometry(name).patch_total


def _geometry(name: str) -> SkyMapGeometry:
    from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.geometry import SkyMapGeometry
    from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.options import config_from_options

    return SkyMapGeometry(config_from_options(*SKY_MAPS[name]))


def fresh_repository(repo: str, registry: Mapping[str, str] | None) -> Work:
    """Prepare the making of a repository."""
    from lsst.daf.butler import Butler, Config

    def run() -> None:
        Butler.makeRepo(repo, Config({"registry": dict(registry)}) if registry else None)

    return run


def converged(repo: str, package: str, params: Mapping[str, Any], *, changes: bool) -> Work:
    """Prepare the convergence of a repository.

    Parameters
    ----------
    repo : `str`
        The repository.
    package : `str`
        ``module:Class`` of the state, below ``_states``.
    params : `~collections.abc.Mapping`
        The module's arguments.
    changes : `bool`
        Whether there is anything to do; another outcome is an error.

    Returns
    -------
    work : `~collections.abc.Callable`
        Opens the repository and converges it.
    """
    import importlib

    import lsst.sphgeom  # noqa: F401  # what a task imports is not what is measured
    import numpy  # noqa: F401
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

    module, _unused, name = package.partition(":")
    states = "ansible_collections.rubin.butler.plugins.module_utils._states"
    kind = getattr(importlib.import_module(f"{states}.{module}"), name)

    def run() -> None:
        repository = open_repository(repo, writeable=True)
        outcome = converge(kind.from_params(dict(params)), repository, check_mode=False, report=Report())
        if outcome.changed is not changes:
            raise RuntimeError(f"{package} changed {outcome.stats}")

    return run


def sky_map_registered(repo: str, name: str, changes: bool) -> Work:
    """Prepare the registration of a sky map by butler_skymap."""
    return converged(repo, "skymaps.state:SkyMapsState", {"skymaps": [_sky_map(name)]}, changes=changes)


def sky_map_bare(repo: str, name: str) -> Work:
    """Prepare the insertion of a sky map's records and nothing else."""
    from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import BATCH_PATCHES
    from lsst.daf.butler import DimensionUniverse

    geometry = _geometry(name)
    universe = DimensionUniverse()
    tract_of, patch_of = universe["tract"].RecordClass, universe["patch"].RecordClass

    def transactions() -> Iterator[dict[str, Sequence[DimensionRecord]]]:
        columns = {
            "tract_max": geometry.count,
            "patch_nx_max": geometry.patch_nx_max,
            "patch_ny_max": geometry.patch_ny_max,
        }
        yield {"skymap": [universe["skymap"].RecordClass(name=name, hash=b"bench", **columns)]}
        size = BATCH_PATCHES // (geometry.patch_nx_max * geometry.patch_ny_max)
        for first in range(0, geometry.count, size):
            last = min(first + size, geometry.count)
            regions = geometry.tract_regions(first, last)
            rows = itertools.chain.from_iterable(geometry.patch_parts(first, last))
            yield {
                "tract": [
                    tract_of(skymap=name, id=first + index, region=region)
                    for index, region in enumerate(regions)
                ],
                "patch": [
                    patch_of(skymap=name, tract=tract, id=patch, cell_x=x, cell_y=y, region=region)
                    for tract, patch, x, y, region in rows
                ],
            }

    return lambda: _insert(repo, transactions())


def _insert(repo: str, transactions: Iterator[dict[str, Sequence[DimensionRecord]]]) -> tuple[float, float]:
    from lsst.daf.butler import Butler

    clock = Clock()
    with Butler.from_config(repo, writeable=True) as butler:
        for records in transactions:
            with clock, butler.transaction():
                for element, rows in records.items():
                    butler.registry.insertDimensionData(element, *rows, conform=False)
    return clock.seconds, clock.cpu


def exposures_made(repo: str, instrument: str, count: int) -> Work:
    """Prepare a repository with exposures all over the sky."""
    from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument
    from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import dimension_records
    from astropy.time import Time, TimeDelta
    from lsst.daf.butler import Butler, Timespan

    definition = resolve_instrument(instrument, option="instrument").definition

    def run() -> None:
        with Butler.from_config(repo, writeable=True) as butler:
            insert, universe = butler.registry.insertDimensionData, butler.dimensions
            for record in dimension_records(definition, universe):
                insert(record.definition, record)
            physical_filter = next(
                record.name
                for record in dimension_records(definition, universe)
                if record.definition.name == "physical_filter"
            )
            begin, each = Time("2026-01-01T00:00:00", scale="tai"), TimeDelta(30.0, format="sec")
            days = range(20_260_101, 20_260_101 + count // PER_NIGHT + 1)
            insert("day_obs", *({"instrument": instrument, "id": day} for day in days))
            insert("group", *({"instrument": instrument, "name": str(n)} for n in range(count)))
            make = universe["exposure"].RecordClass
            insert(
                "exposure",
                *(
                    make(
                        instrument=instrument,
                        id=number + 1,
                        physical_filter=physical_filter,
                        obs_id=f"bench_{number + 1}",
                        exposure_time=30.0,
                        dark_time=30.0,
                        observation_type="science",
                        observation_reason="science",
                        day_obs=days[number // PER_NIGHT],
                        group=str(number),
                        seq_num=number % PER_NIGHT,
                        seq_start=number % PER_NIGHT,
                        seq_end=number % PER_NIGHT,
                        target_name="bench",
                        science_program="bench",
                        tracking_ra=number * 137.507764 % 360.0,
                        tracking_dec=-80.0 + number * 61.803399 % 100.0,
                        sky_angle=number * 23.7 % 360.0,
                        azimuth=number % 360.0,
                        zenith_angle=30.0,
                        has_simulated=False,
                        can_see_sky=True,
                        timespan=Timespan(begin + each * number, begin + each * (number + 1)),
                    )
                    for number in range(count)
                ),
            )

    return run


def _visits(instrument: str) -> dict[str, Any]:
    return {
        "instrument": instrument,
        "collections": None,
        "exposures": None,
        "where": None,
        "grouping": "one-to-one",
        "padding": 250,
        "incremental": False,
        "check_detector_regions": False,
        "batch_size": 10_000,
        "on_conflict": "fail",
    }


def visits_defined(repo: str, instrument: str, changes: bool) -> Work:
    """Prepare the definition of visits by butler_visits."""
    return converged(repo, "visits.state:VisitsState", _visits(instrument), changes=changes)


def visits_bare(repo: str, instrument: str) -> Work:
    """Prepare the insertion of the records of visits and nothing else."""
    from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._states.visits.state import VisitsState

    state = VisitsState.from_params(_visits(instrument))
    repository = open_repository(repo, writeable=False)
    with repository.butler:
        work = state.plan(state.observe(repository)).work

    def transactions() -> Iterator[dict[str, Sequence[DimensionRecord]]]:
        yield work.systems.insert
        for batch in in_chunks(work.new, work.makes.at_once):
            definitions = [visit.definition for visit in batch]
            members = [(one.id, system) for one in definitions for system in one.systems]
            yield {
                "visit": [visit.record for visit in batch],
                "visit_definition": work.makes.definitions(definitions),
                "visit_system_membership": work.makes.memberships(members),
                "visit_detector_region": work.makes.detectors(definitions),
            }

    return lambda: _insert(repo, transactions())
