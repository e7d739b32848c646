# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_visits where visits exist and differ, and what an operator reads who got something wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle, play
from tests.integration.canonical import difference, dump
from tests.integration.visit_states import (
    add_exposures,
    assert_visits_are_official,
    define,
    everything,
    rows,
    with_exposures,
)
from tests.visit_facts import changed, official_exposures, official_visits

BY_COUNTER = "one-to-one-and-by-counter"
EXPOSURES = {exposure.id: exposure for exposure in official_exposures("LSSTComCam")}
ONE, TWO = EXPOSURES[2024110800266], EXPOSURES[2024110800267]
FIRST, SECOND = EXPOSURES[2024110800300], EXPOSURES[2024110800301]
ON_SKY = [row["id"] for row in official_visits("LSSTComCam")["visit"]]
VISITS = 5


@pytest.fixture
def defined(repo: Path) -> Path:
    """Give a repository in which visits are defined one to one."""
    with_exposures(repo)
    define(repo)
    return repo


def correct(repo: Path) -> None:
    """Correct the headers of two exposures: the target of one, the pointing of the other."""
    add_exposures(
        repo,
        [changed(ONE, target_name="COSMOS"), changed(TWO, tracking_ra=150.2, azimuth=12.5)],
        replace=True,
    )


def wanted(repo: Path, **params: Any) -> dict[str, list[str]]:
    """Give what a repository with the corrected exposures would have."""
    fresh = repo.parent / "fresh"
    Butler.makeRepo(fresh)
    with_exposures(fresh)
    correct(fresh)
    define(fresh, **params)
    return everything(fresh)


def test_visits_that_differ_are_listed_and_nothing_is_written(defined: Path) -> None:
    correct(defined)
    add_exposures(defined, [changed(FIRST, id=2024110800400, obs_id="new", seq_num=400)])
    before = dump(defined)
    for check_mode in (True, False):
        with pytest.raises(ButlerError) as caught:
            define(defined, check_mode=check_mode)
        assert not difference(before, dump(defined))
        one, two = caught.value.details
        assert one == "visit LSSTComCam 2024110800266: target_name: 'slew_icrs' -> 'COSMOS'"
        assert two.startswith("visit LSSTComCam 2024110800267: azimuth: 270.8628500997")
        assert "region: 'ConvexPolygon with 4 corners in " in two and "around (150.2" in two
        assert "Set on_conflict to keep" in str(caught.value)


def test_visits_that_differ_are_kept(defined: Path) -> None:
    correct(defined)
    before = everything(defined)
    new = changed(FIRST, id=2024110800400, obs_id="new", seq_num=400)
    add_exposures(defined, [new])
    outcome = define(defined, on_conflict="keep")
    assert outcome.stats["added"] == 1 and outcome.stats["present"] == VISITS
    [kept] = outcome.notices
    assert kept.startswith("kept 2 visits that differ; the first is 2024110800266: target_name: 'slew_icrs'")
    after = everything(defined)
    assert {key: [row for row in after[key] if str(new.id) not in row] for key in after} == before
    assert not define(defined, on_conflict="keep").changed


def test_visits_that_differ_are_replaced(defined: Path) -> None:
    correct(defined)
    done = cycle(
        "butler_visits", {"repo": str(defined), "instrument": "LSSTComCam", "on_conflict": "replace"}
    )
    done.assert_converges()
    assert done.run["stats"]["replaced"] == 2 and done.run["stats"]["present"] == VISITS - 2
    [change] = done.run["changes"]
    assert (change["kind"], change["action"]) == ("replaced visits", "replace")
    assert change["name"] == "LSSTComCam one-to-one day_obs=20241108"
    assert change["before"] == {"visits": 2, "the first": {"id": ONE.id, "target_name": "slew_icrs"}}
    assert change["after"] == {"visits": 2, "the first": {"id": ONE.id, "target_name": "COSMOS"}}
    assert everything(defined) == wanted(defined)
    # The index of regions went along: sky pixels are asked of the database, not of the regions.
    with Butler.from_config(defined) as butler, butler.query() as query:
        moved = butler.query_dimension_records("visit", instrument="LSSTComCam", visit=TWO.id)[0].region
        pixels = butler.dimensions.commonSkyPix.pixelization.envelope(moved)
        found = query.where("htm7 IN (given)", bind={"given": [index for index, _unused in pixels]})
        assert TWO.id in {data_id["visit"] for data_id in found.data_ids(["visit", "htm7"])}


def test_another_padding_is_another_region(defined: Path) -> None:
    with pytest.raises(ButlerError) as caught:
        define(defined, padding=0)
    assert len(caught.value.details) == VISITS
    assert all("region: 'ConvexPolygon" in detail for detail in caught.value.details)
    assert define(defined, padding=0, on_conflict="replace").stats["replaced"] == VISITS
    assert not define(defined, padding=0, check_detector_regions=True).changed
    define(defined, on_conflict="replace")
    assert_visits_are_official(defined, "LSSTComCam")


def test_one_to_one_visits_of_snaps_are_in_the_way_of_visits_of_all(defined: Path) -> None:
    before = everything(defined)
    # It would stay in the visit system that it is in, and both snaps would be in two visits of that.
    for more in ({}, {"incremental": True}, {"on_conflict": "replace"}):
        with pytest.raises(ButlerError) as caught:
            define(defined, grouping=BY_COUNTER, **more)
        [conflict] = caught.value.details
        assert "visit LSSTComCam 2024110800300: " in conflict
        assert "exposure_time: 15.0 -> 30.0" in conflict
        assert f"exposures: [{FIRST.id}] -> [{FIRST.id}, {SECOND.id}]" in conflict
        assert "a visit of one-to-one gets no more exposures" in conflict
        assert "to replace" not in str(caught.value)
    assert everything(defined) == before
    outcome = define(defined, grouping=BY_COUNTER, on_conflict="keep")
    # The first snap's own visit, four memberships of others, and the visit system.
    assert outcome.stats["replaced"] == 0 and outcome.stats["present"] == VISITS
    members = {row.visit: row.exposure for row in rows(defined, "visit_definition")}
    assert members == {**{number: number for number in ON_SKY}, int(f"9{FIRST.id}"): FIRST.id}


def test_a_joined_visit_does_not_grow(repo: Path) -> None:
    with_exposures(repo, exposures=[FIRST])
    define(repo)
    define(repo, grouping=BY_COUNTER)
    add_exposures(repo, [SECOND])
    before = everything(repo)
    with pytest.raises(ButlerError, match="a visit of one-to-one gets no more exposures"):
        define(repo, grouping=BY_COUNTER, incremental=True)
    assert everything(repo) == before


def test_no_exposure_is_taken_from_a_visit(repo: Path) -> None:
    with_exposures(repo)
    define(repo, grouping=BY_COUNTER)
    before = everything(repo)
    for on_conflict in ("fail", "replace"):
        with pytest.raises(ButlerError, match=r"exposures: \[\d+, \d+\] -> \[\d+\]") as caught:
            define(repo, grouping=BY_COUNTER, exposures=[str(FIRST.id)], on_conflict=on_conflict)
        assert "can't be taken from a visit" in str(caught.value)
    define(repo, grouping=BY_COUNTER, exposures=[str(FIRST.id)], on_conflict="keep")
    whole = define(repo, grouping=BY_COUNTER, exposures=[str(FIRST.id)], incremental=True)
    assert not whole.changed and everything(repo) == before


def test_incremental_bears_no_other_differences(defined: Path) -> None:
    correct(defined)
    with pytest.raises(ButlerError) as caught:
        define(defined, incremental=True)
    assert len(caught.value.details) == 2


def test_a_visit_without_a_region_differs(repo: Path) -> None:
    with_exposures(repo, exposures=[ONE])
    define(repo)
    complete = everything(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        [record] = butler.query_dimension_records("visit", instrument="LSSTComCam")
        row = {**record.toDict(), "region": None}
        butler.registry.insertDimensionData("visit", row, replace=True)
    with pytest.raises(ButlerError, match="region: None -> 'ConvexPolygon"):
        define(repo)
    define(repo, on_conflict="replace")
    assert everything(repo) == complete


def without_some_regions(repo: Path) -> Path:
    """Make a repository with visits of which some detectors have no region, and one another."""
    some = repo.parent / "some"
    Butler.makeRepo(some)
    with_exposures(some)
    with Butler.from_config(some, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        for element in ("visit_system", "visit", "visit_definition", "visit_system_membership"):
            insert(element, *rows(repo, element))
        regions = rows(repo, "visit_detector_region")
        insert("visit_detector_region", *(row for row in regions if row.detector not in (3, 5)))
    return some


def test_missing_regions_of_detectors_are_added_where_that_is_asked_for(defined: Path) -> None:
    some = without_some_regions(defined)
    assert not define(some).changed
    done = cycle(
        "butler_visits", {"repo": str(some), "instrument": "LSSTComCam", "check_detector_regions": True}
    )
    done.assert_converges()
    [change] = done.run["changes"]
    assert change["kind"] == "detector regions"
    assert change["after"] == {"visits": VISITS, "detector_regions": 2 * VISITS}
    assert done.run["stats"]["added"] == 2 * VISITS and done.run["stats"]["present"] == VISITS
    assert everything(some) == everything(defined)


def test_other_regions_of_detectors_are_a_conflict(defined: Path) -> None:
    complete = everything(defined)
    with Butler.from_config(defined, writeable=True) as butler:
        one, other, *_rest = rows(defined, "visit_detector_region")
        row = {**one.toDict(), "region": other.region}
        butler.registry.insertDimensionData("visit_detector_region", row, replace=True)
    assert not define(defined).changed
    with pytest.raises(ButlerError, match="detector regions: 'as they are' -> '1 others'"):
        define(defined, check_detector_regions=True)
    assert define(defined, check_detector_regions=True, on_conflict="replace").stats["replaced"] == 1
    assert everything(defined) == complete


def test_a_visit_system_of_another_name_is_a_conflict(repo: Path) -> None:
    with_exposures(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        row = {"instrument": "LSSTComCam", "id": 0, "name": "single"}
        butler.registry.insertDimensionData("visit_system", row)
    with pytest.raises(ButlerError, match="visit_system LSSTComCam 0: name: 'single' -> 'one-to-one'"):
        define(repo)
    assert rows(repo, "visit") == []


def test_groups_without_numbers_are_a_conflict(repo: Path) -> None:
    [one, two, *_off_sky] = official_exposures("DECam")
    with_exposures(repo, "DECam", [changed(one, group="flats"), two])
    declared = {"instrument": "DECam", "grouping": "by-group-metadata"}
    with pytest.raises(ButlerError, match="visit DECam flats: the name of the group has no number in it"):
        define(repo, **declared)
    outcome = define(repo, on_conflict="keep", **declared)
    assert outcome.stats["added"] == 2 and outcome.stats["skipped"] == 1
    assert "left out 1 visits; the first is flats: " in outcome.notices[0]


MISTAKES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "unknown grouping": ({"grouping": "by-night"}, ["grouping", "by-night", "one-to-one-and-by-counter"]),
    "unknown ids": (
        {"exposures": ["2024110800266", "2024110800999", "2024110800998"]},
        ["exposures: exposure LSSTComCam 2024110800998, 2024110800999 does not exist", "Nothing was written"],
    ),
    "no id": ({"exposures": ["CC_O_20241108_000266"]}, ["exposures[0]", "CC_O_20241108_000266", "ranges"]),
    "id too large": ({"exposures": ["1" * 17]}, ["exposures[0]", "1" * 17, "7050123199999"]),
    "no ids": ({"exposures": []}, ["exposures: it is empty"]),
    "no collections": ({"collections": []}, ["collections: it is empty"]),
    "a name of nothing": ({"collections": ["LSSTComCam/raw/all", ""]}, ["collections[1]: it is empty"]),
    "unknown collection": (
        {"collections": ["LSSTComCam/raw/all"]},
        ["collections: collection LSSTComCam/raw/all does not exist"],
    ),
    "no expression": ({"where": "day_obs is 20241108"}, ["where: exposures can't be selected", "day_obs is"]),
    "unknown column": ({"where": "exposure.night = 1"}, ["where", "exposure.night", "Such as"]),
    "unknown instrument": ({"instrument": "HSC"}, ["instrument", "HSC", "LSSTCam-imSim", "define-visits"]),
    "nothing left": ({"padding": -2100}, ["padding", "-2100", "nothing is left of a detector"]),
    "too wide": ({"padding": 10**6}, ["padding", str(10**6), "optics"]),
    "no batch": ({"batch_size": 0}, ["batch_size: got 0, expected 1 or more"]),
    "no number": ({"padding": "wide"}, ["padding", "wide"]),
}


def test_mistakes_are_explained_and_nothing_is_written(repo: Path) -> None:
    with_exposures(repo)
    before = dump(shutil.copytree(repo, repo.parent / "kept"))
    arguments = {"repo": str(repo), "instrument": "LSSTComCam"}
    results = play(
        [{"rubin.butler.butler_visits": {**arguments, **more}} for more, _said in MISTAKES.values()]
    )
    for result, (name, (_unused, said)) in zip(results, MISTAKES.items(), strict=True):
        assert result.failed, name
        assert all(part in result.message for part in said), (name, result.message)
        assert "Traceback" not in result.message and "unexpected" not in result.message, name
    assert not difference(before, dump(repo))
