# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposures make the visits that the official tool makes of them, in whatever order they come."""

from __future__ import annotations

import datetime
import hashlib
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import (
    GROUPINGS,
    Grouped,
    group_exposures,
    group_number,
    is_on_sky,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.records import visit_columns
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import DimensionRecord

from tests.visit_facts import (
    CASES,
    changed,
    official_exposures,
    official_visits,
    reference_visits,
)


def number_of(name: str) -> Any:
    definition = find_built_in(name)
    assert definition is not None
    return group_number(definition)


def grouped(name: str, grouping: str, exposures: list[DimensionRecord] | None = None) -> Grouped:
    """Group the exposures on the sky."""
    known = official_exposures(name) if exposures is None else exposures
    return group_exposures([one for one in known if is_on_sky(one)], grouping, number_of(name))


def shape(found: Grouped) -> list[tuple[int, str, tuple[int, ...], tuple[int, ...]]]:
    return [
        (visit.id, visit.name, visit.systems, tuple(exposure.id for exposure in visit.exposures))
        for visit in found.visits
    ]


COMCAM = {exposure.id: exposure for exposure in official_exposures("LSSTComCam")}
FIRST, SECOND = COMCAM[2024110800300], COMCAM[2024110800301]
THIRD = changed(SECOND, id=2024110800302, seq_num=302, obs_id="CC_O_20241108_000302")


def sequence(*exposures: DimensionRecord, last: int = 302) -> list[DimensionRecord]:
    return [changed(exposure, seq_start=300, seq_end=last) for exposure in exposures]


@pytest.mark.parametrize(("name", "grouping"), CASES)
def test_the_facts_kept_here_are_those_of_the_reference(name: str, grouping: str) -> None:
    kept, reference = official_visits(name, grouping), reference_visits(name, grouping)
    if reference is not None:
        all_regions, some = (facts.pop("visit_detector_region") for facts in (reference, kept))
        assert kept == reference
        assert all(row in all_regions for row in some)


def test_facts_belong_to_the_test_that_asks_for_them() -> None:
    for facts in (official_visits, reference_visits):
        first = facts("LSSTComCam")
        if first is not None:
            first.clear()
            assert facts("LSSTComCam")


@pytest.mark.parametrize(("name", "grouping"), CASES)
def test_visits_are_the_official_ones(name: str, grouping: str) -> None:
    facts, found = official_visits(name, grouping), grouped(name, grouping)
    assert [(visit.id, visit.name) for visit in found.visits] == [
        (row["id"], row["name"]) for row in facts["visit"]
    ]
    assert [[visit.id, exposure.id] for visit in found.visits for exposure in visit.exposures] == facts[
        "visit_definition"
    ]
    assert [[visit.id, system] for visit in found.visits for system in visit.systems] == facts[
        "visit_system_membership"
    ]
    assert found.headless == [] and found.unusable == []


@pytest.mark.parametrize(("name", "grouping"), CASES)
def test_columns_are_the_official_ones_to_the_last_bit(name: str, grouping: str) -> None:
    rows = {row["id"]: row for row in official_visits(name, grouping)["visit"]}
    for visit in grouped(name, grouping).visits:
        columns = visit_columns(visit.exposures)
        timespan = columns.pop("timespan")
        wanted = dict(rows[visit.id])
        assert list(timespan.nsec) == wanted.pop("timespan")["nsec"]
        assert {**columns, "instrument": name, "id": visit.id, "name": visit.name} == {
            key: value for key, value in wanted.items() if key != "region"
        }


@given(st.permutations([*sequence(FIRST, SECOND, THIRD), *list(COMCAM.values())[:5]]))
def test_the_order_of_exposures_does_not_matter(exposures: list[DimensionRecord]) -> None:
    for grouping in GROUPINGS:
        assert shape(grouped("LSSTComCam", grouping, exposures)) == shape(
            grouped("LSSTComCam", grouping, sorted(exposures, key=lambda one: int(one.id)))
        )


def test_a_group_is_a_visit_with_the_number_of_the_group() -> None:
    by_name = {name: visit for _unused, name, *visit in shape(grouped("LSSTComCam", "by-group-metadata"))}
    numbers = {visit.name: visit.id for visit in grouped("LSSTComCam", "by-group-metadata").visits}
    assert len(by_name) == 4
    assert by_name["2024-11-09T07:00:00.000"] == [(1,), (FIRST.id, SECOND.id)]
    # Seconds since 2015, milliseconds, and the number in the group.
    days = (datetime.date(2024, 11, 9) - datetime.date(2015, 1, 1)).days
    assert numbers["2024-11-09T07:00:00.000"] == (days * 86400 + 7 * 3600) * 10**7


def test_groups_have_numbers_as_their_observatory_makes_them() -> None:
    lsst, decam = number_of("LSSTComCam"), number_of("DECam")
    assert lsst("204595") == decam("204595") == 204595
    assert lsst("2015-01-01T00:00:01.250") == 12500000
    assert lsst("2015-01-01T00:00:01.250#12") == 12500012
    assert decam("2015-01-01T00:00:01.250") == 20150101000001250
    digest = hashlib.blake2b(b"flats").hexdigest()
    assert lsst("flats") == int(f"{int(digest[:14], 16)}05")
    with pytest.raises(ValueError, match="invalid literal"):
        decam("flats")


def test_groups_that_no_number_can_be_made_of_are_told() -> None:
    exposures = [
        changed(exposure, group=name)
        for exposure, name in zip(official_exposures("DECam"), ("flat", "9" * 20), strict=False)
    ]
    found = grouped("DECam", "by-group-metadata", exposures)
    assert found.visits == []
    assert sorted(found.unusable) == [
        ("9" * 20, f"its id would be {'9' * 20}, which is too large"),
        ("flat", "the name of the group has no number in it"),
    ]


def test_groups_that_have_the_same_number_are_told() -> None:
    [one, two] = [exposure for exposure in official_exposures("DECam") if is_on_sky(exposure)]
    found = grouped("DECam", "by-group-metadata", [changed(one, group="1a"), changed(two, group="1b")])
    assert len(found.visits) == 1
    [(name, reason)] = found.unusable
    assert name in ("1a", "1b") and reason.startswith("it would have the id 1, as 1")


def test_three_snaps_are_four_visits() -> None:
    found = grouped("LSSTComCam", "one-to-one-and-by-counter", sequence(THIRD, FIRST, SECOND))
    assert shape(found) == [
        (FIRST.id, FIRST.obs_id, (2,), (FIRST.id, SECOND.id, THIRD.id)),
        (SECOND.id, SECOND.obs_id, (0,), (SECOND.id,)),
        (THIRD.id, THIRD.obs_id, (0,), (THIRD.id,)),
        (int(f"9{FIRST.id}"), f"{FIRST.obs_id}_first", (0,), (FIRST.id,)),
    ]


def test_a_first_snap_alone_is_the_beginning_of_its_visit() -> None:
    found = grouped("LSSTComCam", "one-to-one-and-by-counter", sequence(FIRST))
    assert shape(found) == [
        (FIRST.id, FIRST.obs_id, (2,), (FIRST.id,)),
        (int(f"9{FIRST.id}"), f"{FIRST.obs_id}_first", (0,), (FIRST.id,)),
    ]


def test_without_its_first_snap_a_visit_is_not_defined() -> None:
    found = grouped("LSSTComCam", "one-to-one-and-by-counter", sequence(THIRD, SECOND))
    assert shape(found) == [
        (SECOND.id, SECOND.obs_id, (0,), (SECOND.id,)),
        (THIRD.id, THIRD.obs_id, (0,), (THIRD.id,)),
    ]
    assert found.headless == [(20241108, 300, 302)]


def test_the_same_counters_on_another_day_are_another_visit() -> None:
    other = changed(SECOND, id=2024110900301, day_obs=20241109, obs_id="CC_O_20241109_000301")
    found = grouped("LSSTComCam", "one-to-one-and-by-counter", sequence(FIRST, other))
    assert [visit[3] for visit in shape(found)] == [(FIRST.id,), (other.id,), (FIRST.id,)]
    assert found.headless == [(20241109, 300, 302)]


def test_a_camera_that_does_not_count_has_no_sequences() -> None:
    found = grouped("LSSTCam-imSim", "one-to-one-and-by-counter")
    assert [visit.systems for visit in found.visits] == [(0, 2), (0, 2)]
    uncounted = [changed(FIRST, seq_num=0, seq_start=7, seq_end=8)]
    found = grouped("LSSTComCam", "one-to-one-and-by-counter", uncounted)
    assert [visit.systems for visit in found.visits] == [(0,)] and found.headless == []


@pytest.mark.parametrize(
    ("columns", "on_sky"),
    [
        ({}, True),
        ({"can_see_sky": None}, True),
        ({"can_see_sky": False}, False),
        ({"tracking_ra": None}, False),
        ({"tracking_dec": None}, False),
        ({"sky_angle": None}, False),
        ({"observation_type": "flat"}, True),
    ],
)
def test_what_is_on_the_sky(columns: dict[str, Any], on_sky: bool) -> None:
    assert is_on_sky(changed(FIRST, **columns)) is on_sky
