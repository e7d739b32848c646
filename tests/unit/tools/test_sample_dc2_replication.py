# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of the DC2 replication: laid out as the workshop has them, with what is missing told."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.sample_dc2_replication.exports import BACKUP, RAWS, SITE
from tools.sample_dc2_replication.sample import lost_files, sample_files

# Registers how the timespans and regions of exports are read.
importlib.import_module("lsst.daf.butler")

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sample_files()


@pytest.fixture(scope="module")
def manifest(files: dict[str, bytes]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files["manifest.json"])
    return loaded


@pytest.fixture(scope="module")
def named(files: dict[str, bytes]) -> dict[str, str]:
    """Where every dataset's artifact is by the exports, the selected raws going before all raws."""
    found: dict[str, str] = {}
    exports = sorted(name for name in files if name.endswith(".yaml") and "export" in name)
    for name in exports:
        for section in yaml.safe_load(files[name])["data"]:
            for record in section["records"] if section["type"] == "dataset" else ():
                for dataset in record["dataset_id"]:
                    found.setdefault(str(dataset), f"{name.rpartition('/')[0]}: {record['path']}")
    return found


def test_the_sample_is_the_same_each_time(files: dict[str, bytes]) -> None:
    again = sample_files()
    assert list(again) == list(files) and again == files


def test_exports_are_numbered_in_the_workshops_directories(files: dict[str, bytes]) -> None:
    exports = [name for name in files if name.endswith(".yaml") and "/_export_" in name]
    facts = yaml.safe_load((CHECKOUT / "playbooks/vars/dc2_replication.yml").read_text())
    assert {name.rpartition("/")[0] for name in exports} == set(facts["dc2_replication_folders"])
    assert [name for name in exports if name.startswith("raw/")] == [
        f"raw/_export_{number:03}.yaml" for number in range(5)
    ]
    assert "usdf_export_calib/bfk/_export_000.yaml.mod" in files
    assert "usdf_export_calib/camera/_files.txt" in files


def test_every_artifact_is_there_or_lost(
    files: dict[str, bytes], named: dict[str, str], manifest: dict[str, Any]
) -> None:
    places = set()
    for entry in named.values():
        folder, path = entry.split(": ", 1)
        inside = path.removeprefix("file://").removeprefix(f"{SITE}/")
        assert (folder == RAWS) == (inside == path)
        places.add(f"{RAWS if folder == RAWS else BACKUP}/{inside}")
    lost = set(manifest["lost"])
    artifacts = {name for name in files if name.endswith((".fits", ".parq"))}
    assert artifacts | lost == places and not artifacts & lost
    assert len(lost) > 30 and {name.split("/")[0] for name in lost} == {BACKUP}
    assert set(lost_files()) == lost
    assert sum(manifest["exported"].values()) == len(named) == len(places)
    assert sum(sum(kinds.values()) for kinds in manifest["datasets"].values()) == len(artifacts)
