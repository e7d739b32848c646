# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the state of visits directly, and compares what it left with what the official tool wrote."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._sky.regions import same_region
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.state import VisitsState
from lsst.daf.butler import Butler, DimensionRecord
from lsst.sphgeom import ConvexPolygon, Region

from tests.integration.converging import converge_here
from tests.integration.raw_states import assert_same, register
from tests.visit_facts import official_exposures, official_visits, reference_visits

ARCSEC = math.radians(1 / 3600)
VISIT_ELEMENTS = (
    "visit_system",
    "visit",
    "visit_definition",
    "visit_system_membership",
    "visit_detector_region",
)
DEFAULTS: dict[str, Any] = {
    "instrument": "LSSTComCam",
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


def visits(**params: Any) -> VisitsState:
    """Give a declared state."""
    return VisitsState.from_params({**DEFAULTS, **params})


def define(
    repo: Path | None, *, check_mode: bool = False, report: Report | None = None, **params: Any
) -> Outcome:
    """Bring a repository to a declared state, or tell what that would take."""
    return converge_here(visits(**params), repo, check_mode=check_mode, report=report)


def with_exposures(
    repo: Path, name: str = "LSSTComCam", exposures: Iterable[DimensionRecord] | None = None
) -> None:
    """Fill a repository with an instrument and exposures, without raws."""
    register(repo, name)
    add_exposures(repo, official_exposures(name) if exposures is None else exposures)


def add_exposures(repo: Path, exposures: Iterable[DimensionRecord], *, replace: bool = False) -> None:
    """Write exposures, and what they refer to."""
    exposures = list(exposures)
    with Butler.from_config(repo, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        for column, element, key in (("day_obs", "day_obs", "id"), ("group", "group", "name")):
            for value in sorted({getattr(one, column) for one in exposures}):
                insert(element, {"instrument": exposures[0].instrument, key: value}, skip_existing=True)
        insert("exposure", *exposures, replace=replace)


def rows(repo: Path, element: str) -> list[DimensionRecord]:
    """Give all records of an element, by their keys."""
    with Butler.from_config(repo) as butler:
        found = butler.query_dimension_records(element, explain=False, limit=None)
        return sorted(found, key=lambda record: record.dataId.required_values)


def everything(repo: Path) -> dict[str, list[str]]:
    """Give all that a repository has of visits, to be compared."""
    return {element: [str(record) for record in rows(repo, element)] for element in VISIT_ELEMENTS}


def assert_visits_are_official(repo: Path, name: str, grouping: str = "one-to-one") -> None:
    """Compare every column and every region with those that the official tool wrote."""
    facts = reference_visits(name, grouping) or official_visits(name, grouping)
    assert [record.toDict() for record in rows(repo, "visit_system")] == facts["visit_system"]
    found = {record.id: record for record in rows(repo, "visit")}
    assert sorted(found) == [row["id"] for row in facts["visit"]]
    for row in facts["visit"]:
        columns = found[row["id"]].toDict()
        assert columns.keys() == row.keys()
        for column, value in row.items():
            if column == "region":
                assert_same_hull(columns["region"], polygon(value))
            else:
                assert_same(columns[column], value, (row["id"], column))
    for element, other in (("visit_definition", "exposure"), ("visit_system_membership", "visit_system")):
        assert (
            sorted([record.visit, getattr(record, other)] for record in rows(repo, element)) == facts[element]
        )
    regions = {
        (record.visit, record.detector): record.region for record in rows(repo, "visit_detector_region")
    }
    assert len(regions) == facts["detectors"] * len(found)
    for visit, detector, code in facts["visit_detector_region"]:
        assert_same_corners(regions[visit, detector], polygon(code))


def polygon(code: str) -> ConvexPolygon:
    """Give a region as the facts have it."""
    return ConvexPolygon.decode(bytes.fromhex(code))


def assert_same_corners(found: Region, wanted: Region) -> None:
    """Compare polygons corner by corner."""
    ours, theirs = found.getVertices(), wanted.getVertices()
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        away = math.sqrt(sum((one[axis] - other[axis]) ** 2 for axis in range(3)))
        assert away < 1e-6 * ARCSEC


def assert_same_hull(found: Region, wanted: Region) -> None:
    """Compare outlines: a corner that hardly stands out may be missing in one of them."""
    assert same_region(found, wanted, 1e-6)
