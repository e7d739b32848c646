# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws writes what the official ingest writes, for each camera, by headers and by indexes alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index import RawIndexState
from ansible_collections.rubin.butler.plugins.module_utils._storage import fits_headers
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN

from tests.integration.ansible_play import CHECKOUT
from tests.integration.converging import converge_here
from tests.integration.raw_files import official, official_datasets, write_raws
from tests.integration.raw_states import (
    SHARED,
    assert_datasets_are_official,
    assert_records_are_official,
    ingest,
    register,
)

CAMERAS = ["LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam"]
REFERENCE = CHECKOUT.parent / "shared/reference/golden/raws"


def in_place(name: str) -> bool:
    """Tell whether the official ingest of a camera's raws left them where they were."""
    return "transfer direct" in official_datasets(name)["source"]


def rows(facts: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Give what is kept here of the datasets of a reference."""
    found = []
    for ref in facts["raw_datasets"]:
        [artifact] = ref["stored"]
        path = artifact["path"].removeprefix("file:///data/raw/").removeprefix("comcam/")
        data_id = ref["data_id"]
        key = (data_id["exposure"], data_id["detector"])
        found.append(
            (*key, ref["dataset_id"], path, artifact["file_size"], ref["run"], artifact["formatter"])
        )
    return sorted(found)


@pytest.mark.parametrize("name", CAMERAS)
def test_the_facts_kept_here_are_those_of_the_reference(name: str) -> None:
    kept = official_datasets(name)
    columns = ("exposure", "detector", "id", "path", "size")
    ours = [(*(row[key] for key in columns), kept["run"], kept["formatter"]) for row in kept["datasets"]]
    assert ours == sorted(ours) and len(ours) == len(official(name)["raw_datasets"])
    if (REFERENCE / f"{name}.json").exists():
        facts = json.loads((REFERENCE / f"{name}.json").read_text())
        assert ours == rows(facts)
        for element in (*SHARED, "files_headers_by_hdu"):
            assert official(name)[element] == facts[element]


def test_the_official_ingest_by_indexes_and_in_place_is_no_other() -> None:
    """What is compared with here holds for the reference of that run as well."""
    path = REFERENCE / "LSSTComCam_index_direct_bycounter.json"
    if path.exists():
        facts = json.loads(path.read_text())
        for element in SHARED:
            assert official()[element] == facts[element]
        kept = official_datasets()
        found = rows(facts)
        assert [row[:3] for row in found] == [
            tuple(row[key] for key in ("exposure", "detector", "id")) for row in kept["datasets"]
        ]
        assert sorted(row[3] for row in found) == sorted(official()["files_headers_by_hdu"])
        assert {row[4:] for row in found} == {(17280, kept["run"], kept["formatter"])}


def index(folder: Path, instrument: str, content: str) -> None:
    params = {
        "directories": [str(folder)],
        "instrument": instrument,
        "content": content,
        "file_pattern": FILE_PATTERN,
        "on_error": "fail",
    }
    assert converge_here(RawIndexState.from_params(params), None).changed


def blank(path: Path) -> None:
    """Leave a file its size and time, and nothing that could be read of it."""
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("transfer", ["copy", "direct"])
@pytest.mark.parametrize("name", CAMERAS)
def test_raws_are_those_of_the_official_ingest(name: str, transfer: str, repo: Path) -> None:
    register(repo, name)
    source = repo.parent / "raw"
    write_raws(source, name=name)
    promised = ingest(repo, source, instrument=name, transfer=transfer, check_mode=True)
    outcome = ingest(repo, source, instrument=name, transfer=transfer)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    assert_records_are_official(repo, name)
    if transfer == "direct" or not in_place(name):
        assert_datasets_are_official(repo, name, source if transfer == "direct" else None)
    again = ingest(repo, source, instrument=name, transfer=transfer)
    assert not again.changed
    assert again.stats["present"] == len(official_datasets(name)["datasets"])


@pytest.mark.parametrize("content", ["translated", "metadata"])
@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim"])
def test_raws_are_ingested_by_their_indexes_alone(
    name: str, content: str, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(repo, name)
    files = write_raws(repo.parent / "raw", name=name)
    index(repo.parent / "raw", name, content)
    for path in files:
        blank(path)
    with monkeypatch.context() as patch:
        patch.setattr(fits_headers, "_opened", None)
        outcome = ingest(repo, repo.parent / "raw", instrument=name, transfer="direct")
    assert outcome.changed and outcome.notices == []
    assert_records_are_official(repo, name)
    assert_datasets_are_official(repo, name, repo.parent / "raw")


def test_without_sidecars_headers_are_read(repo: Path) -> None:
    register(repo, "LSSTComCam")
    source = repo.parent / "raw"
    files = write_raws(source, wanted=lambda name: "20241110" in name)
    index(source, "LSSTComCam", "translated")
    for path in files:
        blank(path)
    outcome = ingest(repo, source, sidecars=False, on_error="skip")
    assert outcome.stats["failed"] == len(files) and not outcome.changed
    assert ingest(repo, source).changed


@pytest.mark.parametrize("content", ["translated", "metadata"])
def test_no_raw_of_a_file_with_many_is_lost(content: str, repo: Path) -> None:
    register(repo, "DECam")
    write_raws(repo.parent / "raw", name="DECam")
    index(repo.parent / "raw", "DECam", content)
    assert ingest(repo, repo.parent / "raw", instrument="DECam").changed
    assert_records_are_official(repo, "DECam")
    assert_datasets_are_official(repo, "DECam")
