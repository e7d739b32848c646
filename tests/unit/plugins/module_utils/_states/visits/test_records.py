# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of visits of several exposures."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.records import (
    mean_angle,
    visit_columns,
)
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import DimensionRecord

from tests.visit_facts import changed, official_exposures

[FIRST, SECOND] = [exposure for exposure in official_exposures("LSSTComCam") if exposure.seq_start == 300]


def columns_of(*snaps: dict[str, Any]) -> dict[str, Any]:
    """Give the columns of a visit of exposures that differ in some columns."""
    exposures: list[DimensionRecord] = [
        changed((FIRST, SECOND, SECOND)[index], **columns) for index, columns in enumerate(snaps)
    ]
    return visit_columns(exposures)


@pytest.mark.parametrize("column", ["physical_filter", "target_name", "science_program"])
def test_what_exposures_do_not_agree_on_is_unknown(column: str) -> None:
    assert columns_of({column: "a"}, {column: "a"})[column] == "a"
    assert columns_of({column: "a"}, {column: "b"})[column] is None
    assert columns_of({column: "a"}, {column: None})[column] is None
    # As the official tool has it.
    assert columns_of({column: "a"}, {column: "b"}, {column: "b"})[column] == "b"


def test_reasons_that_differ_are_various() -> None:
    name = "observation_reason"
    assert columns_of({name: "a"}, {name: "a"})[name] == "a"
    assert columns_of({name: "a"}, {name: "b"})[name] == "various"
    assert columns_of({name: None})[name] == "various"
    assert columns_of({name: ""})[name] == ""


@pytest.mark.parametrize("column", ["exposure_time", "zenith_angle", "azimuth"])
def test_a_number_that_is_unknown_of_one_is_unknown_of_all(column: str) -> None:
    assert columns_of({column: 1.0}, {column: None})[column] is None
    assert columns_of({column: None})[column] is None


def test_times_add_up_and_angles_are_averaged() -> None:
    found = columns_of(
        {"exposure_time": 15.0, "zenith_angle": 20.0, "azimuth": 350.0, "day_obs": 20241109},
        {"exposure_time": 14.5, "zenith_angle": 21.0, "azimuth": 20.0, "day_obs": 20241108},
    )
    assert found["exposure_time"] == 29.5 and found["zenith_angle"] == 20.5
    assert math.isclose(found["azimuth"], 5.0)
    assert found["day_obs"] == 20241108 and found["seq_num"] == 300
    assert found["timespan"].nsec == (FIRST.timespan.nsec[0], SECOND.timespan.nsec[1])


def test_a_visit_without_times_has_none() -> None:
    assert columns_of({"timespan": None}, {})["timespan"] is None


@given(st.floats(0, 360), st.lists(st.floats(-60, 60), min_size=2, max_size=5))
def test_a_mean_angle_lies_among_the_angles(middle: float, offsets: list[float]) -> None:
    mean = mean_angle([(middle + offset) % 360 for offset in offsets])
    assert mean is not None and -180 <= mean <= 180
    away = (mean - middle + 180) % 360 - 180
    assert min(offsets) - 1e-6 <= away <= max(offsets) + 1e-6


@given(st.floats(-1000, 1000))
def test_a_single_angle_stays_as_it_is(angle: float) -> None:
    assert mean_angle([angle]) == angle
