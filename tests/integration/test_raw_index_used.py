# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws makes of the indexes of butler_raw_index what the official ingest makes of the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index import RawIndexState
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN
from lsst.daf.butler import Butler

from tests.integration.converging import converge_here
from tests.integration.raw_files import official, write_raws
from tests.integration.raw_states import assert_records_are_official, ingest, refs_in, register


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


def assert_datasets_are_official(repo: Path, instrument: str) -> None:
    with Butler.from_config(repo) as butler:
        found = [dict(ref.dataId.required) for ref in refs_in(butler, f"{instrument}/raw/all")]
    wanted = [dataset["data_id"] for dataset in official(instrument)["raw_datasets"]]
    key = ("exposure", "detector")
    assert sorted(found, key=lambda data_id: [data_id[name] for name in key]) == sorted(
        wanted, key=lambda data_id: [data_id[name] for name in key]
    )


@pytest.mark.parametrize("content", ["translated", "metadata"])
@pytest.mark.parametrize("instrument", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim"])
def test_raws_are_ingested_by_their_indexes_alone(instrument: str, content: str, repo: Path) -> None:
    register(repo, instrument)
    files = write_raws(repo.parent / "raw", name=instrument)
    index(repo.parent / "raw", instrument, content)
    for path in files:
        blank(path)
    outcome = ingest(repo, repo.parent / "raw", instrument=instrument, transfer="direct")
    assert outcome.changed and outcome.notices == []
    assert_records_are_official(repo, instrument)
    assert_datasets_are_official(repo, instrument)


@pytest.mark.parametrize("content", ["translated", "metadata"])
def test_no_raw_of_a_file_with_many_is_lost(content: str, repo: Path) -> None:
    register(repo, "DECam")
    write_raws(repo.parent / "raw", name="DECam")
    index(repo.parent / "raw", "DECam", content)
    assert ingest(repo, repo.parent / "raw", instrument="DECam", transfer="direct").changed
    assert_records_are_official(repo, "DECam")
    assert_datasets_are_official(repo, "DECam")
