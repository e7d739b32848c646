# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_instrument: equal to the official records, and careful with what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import InstrumentsState
from lsst.daf.butler import Butler

from tests.integration.ansible_play import CHECKOUT, cycle, run
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples

ELEMENTS = ("instrument", "detector", "physical_filter")
CAMERAS = ("LSSTComCam", "LSSTCam-imSim", "LSSTCam", "DECam")
MY_CAM: dict[str, Any] = {
    "class_name": "my.obs.MyCam",
    "visit_max": 1000,
    "exposure_max": 2000,
    "detector_max": 10,
    "visit_system": "one-to-one",
    "detectors": [{"id": 0, "full_name": "S0"}],
    "filters": [{"physical_filter": "r_1", "band": "r"}],
}


def official(name: str) -> dict[str, list[dict[str, Any]]]:
    """Give the records that the official register-instrument wrote."""
    records: dict[str, list[dict[str, Any]]] = json.loads(
        (CHECKOUT / f"tests/unit/data/instruments/{name}.json").read_text()
    )["records"]
    return records


def registered(repo: Path, instrument: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Give the records that a repository has, sorted."""
    with Butler.from_config(repo) as butler:
        return {
            element: in_order(
                record.toDict()
                for record in butler.query_dimension_records(element, explain=False)
                if instrument is None or record.dataId["instrument"] == instrument
            )
            for element in ELEMENTS
        }


def in_order(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def declare(repo: Path, *instruments: str, check_mode: bool = False, **params: Any) -> Outcome:
    state = InstrumentsState.from_params(
        {"instruments": list(instruments), "definitions": {}, "on_conflict": "fail", **params}
    )
    return converge_here(state, repo, check_mode=check_mode)


def test_comcam_is_registered_once_as_the_official_tool_does(repo: Path) -> None:
    done = cycle("butler_instrument", {"repo": str(repo), "instruments": ["lsst.obs.lsst.LsstComCam"]})
    done.assert_converges()
    wanted = official("LSSTComCam")
    assert done.run["stats"]["added"] == sum(map(len, wanted.values()))
    assert done.run_again["stats"]["present"] == sum(map(len, wanted.values()))
    assert registered(repo) == {element: in_order(wanted[element]) for element in ELEMENTS}
    [source] = done.run["instruments"]
    assert (source["name"], source["source"]) == ("LSSTComCam", "built-in")
    assert "lsst.obs.lsst" in source["note"]


def test_four_cameras_in_one_repository_are_the_official_ones(repo: Path) -> None:
    outcome = declare(repo, *CAMERAS)
    assert outcome.changed
    for name in CAMERAS:
        wanted = official(name)
        assert registered(repo, name) == {element: in_order(wanted[element]) for element in ELEMENTS}
    assert not declare(repo, *CAMERAS).changed


@pytest.mark.parametrize("name", CAMERAS)
def test_the_reference_says_the_same_as_the_facts_kept_here(name: str) -> None:
    reference = CHECKOUT.parent / f"shared/reference/golden/instruments/{name}.json"
    if reference.exists():
        records = json.loads(reference.read_text())["records"]
        assert {element: in_order(records[element]) for element in ELEMENTS} == {
            element: in_order(official(name)[element]) for element in ELEMENTS
        }


@pytest.fixture
def drifted(repo: Path) -> Path:
    """Give a repository whose records of LSSTComCam differ, lack something, and are in use."""
    wanted = official("LSSTComCam")
    with Butler.from_config(repo, writeable=True) as butler:
        registry = butler.registry
        registry.insertDimensionData("instrument", wanted["instrument"][0] | {"visit_max": 17})
        detectors = [row for row in wanted["detector"] if row["id"] != 4]
        detectors[0] = detectors[0] | {"purpose": "GUIDER"}
        registry.insertDimensionData("detector", *detectors)
        registry.insertDimensionData(
            "detector", {"instrument": "LSSTComCam", "id": 77, "full_name": "X77", "purpose": "SCIENCE"}
        )
        filters = [row | {"band": "q"} if row["name"] == "r_03" else row for row in wanted["physical_filter"]]
        registry.insertDimensionData("physical_filter", *filters)
        # What refers to these records, which replacing them must not lose.
        registry.insertDimensionData("group", {"instrument": "LSSTComCam", "name": "g"})
        registry.insertDimensionData("day_obs", {"instrument": "LSSTComCam", "id": 20241108})
        registry.insertDimensionData(
            "exposure",
            {
                "instrument": "LSSTComCam", "id": 1, "obs_id": "one", "physical_filter": "r_03",
                "group": "g", "day_obs": 20241108,
            },
        )  # fmt: skip
    return repo


def test_what_differs_is_shown_column_by_column_and_nothing_is_written(drifted: Path) -> None:
    before = registered(drifted)
    with pytest.raises(ButlerError) as caught:
        declare(drifted, "LSSTComCam")
    assert caught.value.details == (
        "detector LSSTComCam 0: purpose: 'GUIDER' -> 'SCIENCE'",
        "instrument LSSTComCam: visit_max: 17 -> 7050123199999",
        "physical_filter LSSTComCam r_03: band: 'q' -> 'r'",
    )
    assert "on_conflict" in str(caught.value)
    assert registered(drifted) == before


def test_what_differs_is_replaced_where_that_is_declared(drifted: Path) -> None:
    done = cycle(
        "butler_instrument", {"repo": str(drifted), "instruments": ["LSSTComCam"], "on_conflict": "replace"}
    )
    done.assert_converges()
    assert [(change["action"], change["kind"], change["name"]) for change in done.run["changes"]] == [
        ("replace", "detector", "LSSTComCam 0"),
        ("add", "detector", "LSSTComCam 4"),
        ("replace", "instrument", "LSSTComCam"),
        ("replace", "physical_filter", "LSSTComCam r_03"),
    ]
    assert done.run["stats"]["replaced"] == 3 and done.run["stats"]["added"] == 1
    wanted = official("LSSTComCam")
    found = registered(drifted)
    assert found["instrument"] == wanted["instrument"]
    assert [row for row in found["detector"] if row["id"] != 77] == in_order(wanted["detector"])
    assert found["physical_filter"] == in_order(wanted["physical_filter"])
    with Butler.from_config(drifted) as butler:
        [exposure] = butler.query_dimension_records("exposure")
        assert (exposure.obs_id, exposure.physical_filter) == ("one", "r_03")


def test_what_differs_is_kept_where_that_is_declared(drifted: Path) -> None:
    outcome = declare(drifted, "LSSTComCam", on_conflict="keep")
    assert [(change.kind, change.name) for change in outcome.changes] == [("detector", "LSSTComCam 4")]
    assert any("kept instrument LSSTComCam" in notice for notice in outcome.notices)
    assert registered(drifted)["instrument"][0]["visit_max"] == 17


def test_an_absent_repository_is_planned_in_check_mode(repo: Path, tmp_path: Path) -> None:
    planned = InstrumentsState.from_params(
        {"instruments": ["LSSTComCam"], "definitions": {}, "on_conflict": "fail"}
    )
    promised = converge_here(planned, None, check_mode=True)
    done = declare(repo, "LSSTComCam")
    assert promised.changes == done.changes and promised.stats == done.stats


def test_a_definition_given_as_data_is_registered(repo: Path) -> None:
    outcome = declare(
        repo, "MyCam", definitions={"MyCam": MY_CAM, "OtherCam": MY_CAM | {"class_name": "o.O"}}
    )
    assert registered(repo)["detector"] == [
        {"instrument": "MyCam", "id": 0, "full_name": "S0", "name_in_raft": "S0", "raft": None,
         "purpose": "SCIENCE"}
    ]  # fmt: skip
    assert outcome.notices == ["definitions: OtherCam not used: no declared instrument needs them"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"instruments": ["LATISS"]}, ["instruments[0]: instrument 'LATISS' is not known", "definitions"]),
        (
            {"instruments": ["LSSTComCam", "lsst.obs.lsst.LsstComCam"]},
            ["instruments[1]: lsst.obs.lsst.LsstComCam is the instrument LSSTComCam"],
        ),
        (
            {"instruments": ["MyCam"], "definitions": {"MyCam": MY_CAM | {"visit_max": "many"}}},
            ["definitions.MyCam", "visit_max: got 'many', expected a whole number"],
        ),
    ],
)
def test_bad_input_is_answered_before_anything_is_opened(arguments: dict[str, Any], said: list[str]) -> None:
    with pytest.raises(ButlerError) as caught:
        InstrumentsState.from_params({"definitions": {}, "on_conflict": "fail", **arguments})
    for part in said:
        assert part in str(caught.value)


def test_an_unknown_instrument_through_ansible(repo: Path) -> None:
    result = run("butler_instrument", {"repo": str(repo), "instruments": ["lsst.obs.lsst.Latiss"]})
    assert result.failed and "the built-in definitions: only LSSTComCam" in result.message
    assert registered(repo) == {element: [] for element in ELEMENTS}


def test_the_examples_of_the_manual(repo: Path) -> None:
    results = run_examples("butler_instrument", {"/data/butler/ccms1": str(repo)})
    assert len(results) == 3 and all(result.changed for result in results)
    with Butler.from_config(repo) as butler:
        names = {record.name for record in butler.query_dimension_records("instrument")}
    assert names == {"LSSTComCam", "LSSTCam-imSim", "DECam", "TestCam"}
