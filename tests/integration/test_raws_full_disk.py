# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws on a full disk: of the artifacts, of the registry, and of the temporary file."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import spool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import temporary_folder

from tests.integration.canonical import difference, dump
from tests.integration.full_disk import fill, in_a_process
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import (
    BEFORE_BATCHES,
    RUN,
    assert_records_are_official,
    ingest,
    register,
    stored,
)


@pytest.fixture
def source(repo: Path) -> Path:
    """Give the raws of LSSTComCam beside a repository that knows the instrument."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    return repo.parent / "raw"


def _ingest(repo: Path, source: Path, call: str, boundary: int, on_error: str) -> str:
    """Ingest, and have no more room from a batch on."""
    boundaries = -1

    def begin() -> None:
        nonlocal boundaries
        boundaries = 0

    def checkpoint() -> None:
        # Looking is not counted, only writing.
        nonlocal boundaries
        boundaries += boundaries >= 0
        if boundaries == boundary:
            fill(call)

    report = Report(begin=begin, checkpoint=checkpoint)
    outcome = ingest(repo, source, batch_size=4, on_error=on_error, report=report)
    return f"went on: {outcome.stats}"


def completes(repo: Path, source: Path) -> None:
    """Check that the next run completes what is there, and that one more finds nothing to do."""
    ingest(repo, source)
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    assert not ingest(repo, source).changed


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_no_room_for_artifacts(on_error: str, repo: Path, source: Path) -> None:
    said = in_a_process(_ingest, repo, source, "sendfile", BEFORE_BATCHES + 3, on_error)
    assert said.startswith(f"ButlerError: the ingest into {RUN} broke off: OSError: [Errno 28] No space left")
    assert f"-> '{repo}/{RUN}/" in said, "the disk is not named"
    assert "Completed batches stay" in said
    assert len(stored(repo)) == 8
    artifacts = {f"file://{path}" for path in (repo / RUN).rglob("*") if path.is_file()}
    assert artifacts == set(stored(repo).values()), "something half written was left"
    completes(repo, source)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_no_room_for_the_registry(on_error: str, repo: Path, source: Path) -> None:
    said = in_a_process(_ingest, repo, source, "pwrite64", BEFORE_BATCHES + 3, on_error)
    assert said.startswith(f"ButlerError: the ingest into {RUN} broke off: OperationalError: "), said
    assert "disk is full" in said
    assert len(stored(repo)) == 8
    completes(repo, source)


@pytest.mark.parametrize("boundary", [1, 2, 3])
def test_no_room_for_what_raws_stand_on(boundary: int, repo: Path, source: Path) -> None:
    said = in_a_process(_ingest, repo, source, "pwrite64", boundary, "fail")
    assert "disk is full" in said
    completes(repo, source)


def _spill(repo: Path, source: Path) -> None:
    spool.CACHE_KIB = 16
    fill("pwrite64")
    ingest(repo, source, transfer="direct")


def test_no_room_for_the_temporary_file(repo: Path, source: Path) -> None:
    before = dump(repo)
    said = in_a_process(_spill, repo, source)
    assert said.startswith(f"ButlerError: the temporary file in {temporary_folder()}, ")
    assert "set TMPDIR" in said and "Nothing was written" in said
    assert not difference(before, dump(repo))
    completes(repo, source)
