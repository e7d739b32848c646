# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of older universes."""

from __future__ import annotations

from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._exports.migration import OFFSETS, Migration
from ansible_collections.rubin.butler.plugins.module_utils._exports.reader import read_export
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import BUILT_IN
from astropy.time import Time
from lsst.daf.butler import DimensionUniverse, Timespan

UNIVERSE = DimensionUniverse()

EXPOSURE = {
    "instrument": "LSSTComCam",
    "id": 2020,
    "day_obs": 20200101,
    "group_name": "2020-01-01T00",
    "group_id": 77,
    "physical_filter": "r_03",
}
VISIT = {
    "instrument": "LSSTComCam",
    "id": 2020,
    "name": "v2020",
    "day_obs": 20200101,
    "visit_system": 0,
    "physical_filter": "r_03",
    "seeing": 0.7,
}


def test_today_nothing_is_changed() -> None:
    migration = Migration(6, UNIVERSE.version)
    rows = [dict(EXPOSURE)]
    assert migration.rows("exposure", rows) == rows
    assert migration.rows("visit", [dict(VISIT)]) == [VISIT]
    assert migration.dimensions(["visit", "visit_system"]) == ("visit", "visit_system")
    assert migration.derived() == {}


def test_groups_and_days_become_dimensions() -> None:
    migration = Migration(5, UNIVERSE.version)
    (row,) = migration.rows("exposure", [EXPOSURE])
    assert row["group"] == "2020-01-01T00" and "group_name" not in row and "group_id" not in row
    derived = migration.derived()
    assert derived["group"] == [{"instrument": "LSSTComCam", "name": "2020-01-01T00"}]
    (day,) = derived["day_obs"]
    # A day begins at noon TAI.
    assert day["id"] == 20200101 and day["timespan"] == Timespan(
        Time("2020-01-01T12:00:00", scale="tai"), Time("2020-01-02T12:00:00", scale="tai")
    )
    assert "group_name" in EXPOSURE, "the caller's rows are left alone"


def test_visit_systems_become_memberships() -> None:
    migration = Migration(1, UNIVERSE.version)
    (row,) = migration.rows("visit", [VISIT])
    assert "visit_system" not in row and row["seeing"] == 0.7
    assert migration.derived()["visit_system_membership"] == [
        {"instrument": "LSSTComCam", "visit_system": 0, "visit": 2020}
    ]
    definition = {"instrument": "LSSTComCam", "visit_system": 0, "exposure": 2020, "visit": 2020}
    assert migration.rows("visit_definition", [definition]) == [
        {"instrument": "LSSTComCam", "exposure": 2020, "visit": 2020}
    ]
    assert migration.dimensions(["instrument", "visit", "visit_system"]) == ("instrument", "visit")


def test_the_day_of_the_oldest_visits_follows_from_their_begin() -> None:
    migration = Migration(0, UNIVERSE.version)
    old = {key: value for key, value in VISIT.items() if key != "day_obs"}
    rows: list[dict[str, Any]] = [
        {**old, "datetime_begin": Time(begin, scale="tai")}
        for begin in ("2020-01-02T11:59:59", "2020-01-02T12:00:01")
    ]
    assert [row["day_obs"] for row in migration.rows("visit", rows)] == [20200101, 20200102]
    assert all("seeing" not in row for row in migration.rows("visit", rows))


def test_a_day_of_an_unknown_instrument_has_no_timespan_and_that_is_said() -> None:
    text = """
version: 1.0.2
universe_version: 3
data:
- type: dimension
  element: exposure
  records:
  - {instrument: Unknown, id: 1, day_obs: 20200101, group_name: g, group_id: 1, physical_filter: r,
     obs_id: a, exposure_time: 1.0}
"""
    export = read_export("old.yaml", text.encode(), UNIVERSE, {"Unknown": "nowhere.Camera"})
    (day,) = [group for group in export.records if group.element == "day_obs"]
    assert day.derived and day.records[0].timespan is None
    assert export.notices[0].startswith("old.yaml: day_obs records of Unknown get no timespan")


def test_the_table_knows_the_built_in_instruments() -> None:
    assert sorted(OFFSETS) == sorted(definition.name for definition in BUILT_IN)
