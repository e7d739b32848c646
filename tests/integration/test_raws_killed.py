# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: killed at any point, stopped at a boundary, and run twice at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import StoppedError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler

from tests.integration.ansible_play import run
from tests.integration.at_once import at_once
from tests.integration.canonical import Dump, difference, dump
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished, some
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import DEFAULTS, ingest, raws, register, stored

pytestmark = pytest.mark.exhaustive

WRITES = ("statement", "commit", "transfer", "transferred")


def prepared(folder: Path) -> Path:
    """Make a repository with LSSTComCam, and its raws beside it."""
    Butler.makeRepo(folder / "repo")
    register(folder / "repo", "LSSTComCam")
    write_raws(folder / "raw")
    return folder


def attempt(transfer: str, batch_size: int) -> Callable[[Path], Attempt]:
    def in_folder(folder: Path) -> Attempt:
        params = {
            **DEFAULTS,
            "sources": [str(folder / "raw")],
            "transfer": transfer,
            "batch_size": batch_size,
        }
        return Attempt("_states.raws.state:RawsState", params, folder / "repo")

    return in_folder


@pytest.mark.parametrize(
    ("transfer", "at_random", "least"), [("copy", 12, 18), ("direct", 4, 10), ("move", 6, 13)]
)
def test_a_killed_run_is_finished_by_the_next(
    transfer: str, at_random: int, least: int, tmp_path: Path
) -> None:
    template = prepared(tmp_path / "template")

    def steps(gone_through: list[str]) -> set[int]:
        boundaries = every("checkpoint")(gone_through)
        return {*boundaries, *some(at_random, 20241108, *WRITES)(gone_through)}

    kills = prove_killed_runs_are_finished(
        template, attempt(transfer, 4), steps=steps, moments=2, seed=20241110
    )
    assert kills >= least


def test_a_run_is_stopped_at_every_boundary_and_goes_on_there(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    repo, source = folder / "repo", folder / "raw"
    seen: list[int] = []
    while True:
        calls = -1

        def begin() -> None:
            nonlocal calls
            calls = 0

        def stop() -> None:
            # Looking is not counted, only writing.
            nonlocal calls
            calls += calls >= 0
            if calls > 1:
                raise StoppedError("stopped at a batch boundary: SIGTERM")

        try:
            outcome = ingest(repo, source, batch_size=5, report=Report(checkpoint=stop, begin=begin))
        except StoppedError:
            seen.append(len(stored(repo)) if Butler.from_config(repo).collections.query("*") else 0)
            continue
        break
    # A dataset type, a run, shared records, then batches.
    assert seen == [0, 0, 0, 5, 10, 15, 20] and outcome.changed
    assert len(stored(repo)) == TOTAL


def expected(tmp_path: Path, transfer: str) -> tuple[Path, Dump]:
    """Give a prepared folder, and the dump of what one run alone makes of it."""
    folder = prepared(tmp_path / "folder")
    kept = shutil.copytree(folder, tmp_path / "kept")
    ingest(folder / "repo", folder / "raw", transfer=transfer)
    alone = dump(folder / "repo")
    shutil.rmtree(folder)
    kept.rename(folder)
    return folder, alone


@pytest.mark.parametrize("transfer", ["copy", "direct", "hardlink", "symlink"])
@pytest.mark.parametrize("boundary", [1, 3, 5])
def test_two_runs_that_planned_the_same_lose_nothing_of_each_other(
    transfer: str, boundary: int, tmp_path: Path
) -> None:
    folder, alone = expected(tmp_path, transfer)
    state = raws(folder / "raw", transfer=transfer, batch_size=5)
    first, second = (open_repository(str(folder / "repo"), writeable=True) for _unused in range(2))
    plans = [state.plan(state.observe(repository)) for repository in (first, second)]
    inner = Report()
    calls = 0

    def interrupt() -> None:
        nonlocal calls
        calls += 1
        if calls == boundary:
            state.apply(second, plans[1], inner)

    outer = Report(checkpoint=interrupt)
    state.apply(first, plans[0], outer)
    assert not difference(alone, dump(folder / "repo"))
    assert any("another writer ingested" in notice for notice in (*outer.notices, *inner.notices))
    for repository in (first, second):
        repository.butler.close()
    assert not ingest(folder / "repo", folder / "raw", transfer=transfer).changed


def _run(repo: str, source: str, transfer: str, barrier: Barrier) -> bool:
    """Plan, wait for the others, and apply, as a host of its own would."""
    state = raws(source, transfer=transfer, batch_size=2)
    repository = open_repository(repo, writeable=True)
    plan = state.plan(state.observe(repository))
    barrier.wait()
    state.apply(repository, plan, Report())
    return True


@pytest.mark.parametrize("transfer", ["copy", "direct", "hardlink", "symlink"])
def test_two_processes_at_once_make_what_one_would(transfer: str, tmp_path: Path) -> None:
    folder, alone = expected(tmp_path, transfer)
    assert all(at_once(_run, [(str(folder / "repo"), str(folder / "raw"), transfer)] * 2))
    assert not difference(alone, dump(folder / "repo"))
    assert not ingest(folder / "repo", folder / "raw", transfer=transfer).changed


def test_two_plays_at_once_make_what_one_would(tmp_path: Path) -> None:
    folder, alone = expected(tmp_path, "copy")
    arguments = {
        "repo": str(folder / "repo"),
        "instrument": "LSSTComCam",
        "sources": [str(folder / "raw")],
        "transfer": "copy",
        "batch_size": 2,
    }
    with ThreadPoolExecutor(2) as threads:
        results = [
            play.result() for play in [threads.submit(run, "butler_raws", arguments) for _unused in "ab"]
        ]
    assert not any(result.failed for result in results), [result.message for result in results]
    assert not difference(alone, dump(folder / "repo"))
    assert not run("butler_raws", arguments).changed
