# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of DP1, and the facts of its playbook: RTN-119's on RTN-103's calibrations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.sample_dp1.campaign import CATALOGUE, RAWS_LIST
from tools.sample_dp1.products import AUXILIARY, PRODUCTS
from tools.sample_dp1.sample import sample_files

CHECKOUT = Path(__file__).resolve().parents[3]
TREE = CHECKOUT / "tests/unit/data/rtn103/tree.txt"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sample_files()


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHECKOUT / "playbooks/vars/dp1.yml").read_text())
    return loaded


def test_the_chain_is_rtn_103s_tree_made_flat(facts: dict[str, Any]) -> None:
    lines = (line.split() for line in TREE.read_text().splitlines()[2:])
    certified = [name for name, kind in lines if kind == "CALIBRATION"]
    curated = "LSSTComCam/calib/DM-48650"
    assert facts["dp1_calibrations"] == [name for name in certified if name != curated]
    raws = ["LSSTComCam/raw/all"]
    children = [*facts["dp1_runs"], *raws, *facts["dp1_calibrations"], *facts["dp1_last_children"]]
    # RTN-119's command names these 46; with the chain itself they are 47 collections.
    assert len(children) == len(set(children)) == 46


def test_there_is_an_export_of_each_calibration_type(files: dict[str, bytes], facts: dict[str, Any]) -> None:
    inputs = {name.removeprefix("exports/") for name in files if name.startswith("exports/")}
    products = {name for name in inputs if name.startswith("products/")}
    wanted = {f"{name}.yaml" for name in (*facts["dp1_calibration_types"], CATALOGUE, "curated")}
    assert inputs - products == wanted
    assert products == {f"products/{each.kind.name}.yaml" for each in PRODUCTS}
    assert {each.kind.storage_class for each in PRODUCTS} >= set(AUXILIARY)


def test_exports_name_artifacts_that_are_there_and_each_holds_one_type(files: dict[str, bytes]) -> None:
    named: set[str] = set()
    for name, content in files.items():
        if not name.startswith("exports/"):
            continue
        root = "releases/raw" if CATALOGUE in name else "releases/dp1"
        kinds = [line.split()[-1] for line in content.decode().splitlines() if "dataset_type: " in line]
        assert len(set(kinds)) == (2 if name == "exports/curated.yaml" else 1), name
        paths = [line.split("path: ")[1] for line in content.decode().splitlines() if " path: " in line]
        named |= {f"{root}/{path}" for path in paths}
    assert named == {name for name in files if name.startswith("releases/")}


def test_the_list_selects_exposures(files: dict[str, bytes]) -> None:
    folders = files[RAWS_LIST].decode().split()
    raws = {name for name in files if name.startswith("instrument/raw/")}
    listed = {name for name in raws if name.startswith(tuple(folders))}
    visits = json.loads(files["manifest.json"])["visits"]
    assert len(listed) == 9 * len(visits) == 9 * len(folders) and listed < raws
