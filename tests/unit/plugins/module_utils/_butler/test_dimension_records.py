# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dimension records: what is there, what differs, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordWork,
    apply_records,
    existing_records,
    plan_records,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import differences
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, DimensionRecord, DimensionUniverse

UNIVERSE = DimensionUniverse()
INSTRUMENT: dict[str, Any] = {
    "name": "Cam",
    "detector_max": 9,
    "visit_max": 1,
    "exposure_max": 1,
    "class_name": "a.b",
    "visit_system": None,
}


def record(element: str, **columns: Any) -> DimensionRecord:
    return UNIVERSE[element].RecordClass(**columns)


def wanted(**instrument: Any) -> list[DimensionRecord]:
    return [
        record("instrument", **{**INSTRUMENT, **instrument}),
        *(
            record(
                "detector",
                instrument="Cam",
                id=i,
                full_name=f"S{i}",
                name_in_raft=None,
                raft=None,
                purpose="SCIENCE",
            )
            for i in range(3)
        ),
        *(record("group", instrument="Cam", name=f"g{i}") for i in range(2500)),
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records")
    Butler.makeRepo(path)
    return path


@pytest.fixture
def butler(root: Path) -> Iterator[Butler]:
    with Butler.from_config(root, writeable=True) as opened:
        yield opened


def planned(
    butler: Butler, records: list[DimensionRecord], on_conflict: str
) -> tuple[Plan[None], RecordWork]:
    plan: Plan[None] = Plan(None)
    return plan, plan_records(plan, records, existing_records(butler, records), on_conflict)


def test_missing_records_are_planned_inserted_and_then_present(butler: Butler) -> None:
    plan, work = planned(butler, wanted(), "fail")
    shown = {change.key: change.count for change in plan.changes}
    assert shown == {
        ("instrument", "Cam"): 1,
        ("detector", "Cam 0"): 1,
        ("detector", "Cam 1"): 1,
        ("detector", "Cam 2"): 1,
        ("group records", "Cam"): 2500,
    }
    report = Report()
    apply_records(butler, work, report)
    assert report.added == 2504
    plan, work = planned(butler, wanted(), "fail")
    assert plan.changes == [] and plan.present == 2504


@pytest.mark.parametrize("on_conflict", ["fail", "keep", "replace"])
def test_a_differing_record_is_shown_column_by_column(butler: Butler, on_conflict: str) -> None:
    _unused, work = planned(butler, wanted(), "replace")
    apply_records(butler, work, Report())
    plan, work = planned(butler, wanted(detector_max=12), on_conflict)
    if on_conflict == "fail":
        assert [str(conflict) for conflict in plan.conflicts] == ["instrument Cam: detector_max: 9 -> 12"]
    elif on_conflict == "keep":
        assert plan.notices == ["kept instrument Cam, which differs: detector_max: 9 -> 12"]
    else:
        assert [(c.before, c.after) for c in plan.changes] == [({"detector_max": 9}, {"detector_max": 12})]
    apply_records(butler, work, Report())
    (now,) = butler.query_dimension_records("instrument")
    assert now.detector_max == (12 if on_conflict == "replace" else 9)


def test_two_declarations_that_contradict_each_other_are_a_conflict() -> None:
    plan: Plan[None] = Plan(None)
    plan_records(plan, [record("group", instrument="C", name="g")] * 2, {}, "fail")
    assert plan.conflicts == []
    twice = [record("instrument", **INSTRUMENT), record("instrument", **{**INSTRUMENT, "visit_max": 2})]
    plan_records(plan, twice, {}, "fail")
    assert [str(conflict) for conflict in plan.conflicts] == [
        "instrument Cam: declared twice: visit_max: 1 -> 2"
    ]


def test_floats_are_equal_within_a_relative_1e_9() -> None:
    columns = {
        "instrument": "C",
        "id": 1,
        "day_obs": 20250101,
        "group": "g",
        "physical_filter": "r",
        "obs_id": "x",
        "tracking_ra": 53.1,
    }
    one, near = (
        record("exposure", **columns),
        record("exposure", **{**columns, "tracking_ra": 53.1 * (1 + 1e-12)}),
    )
    far = record("exposure", **{**columns, "tracking_ra": 53.1001})
    assert differences(one, near) == {}
    assert differences(one, far) == {"tracking_ra": (53.1, 53.1001)}
