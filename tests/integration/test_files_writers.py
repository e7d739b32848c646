# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_files with a second writer, and after it was killed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import TRANSFERS
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.files import FilesState

from tests.integration.at_once import at_once
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some
from tests.integration.refcat_files import (
    PIXELS,
    WHOLE,
    converged,
    in_directory,
    in_table,
    places,
    register_type,
    stored,
    write_shards,
)

pytestmark = pytest.mark.exhaustive


def write(repo: str, params: dict[str, Any], barrier: Barrier) -> tuple[int, list[str]]:
    """Plan, wait until everybody has planned, then write in small batches, giving way after each."""
    state = replace(FilesState.from_params(params), batch_size=1)
    repository = open_repository(repo, writeable=True)
    plan = state.plan(state.observe(repository))
    assert len(plan.work.files) == len(PIXELS)
    barrier.wait()
    report = Report(checkpoint=lambda: time.sleep(0.01))
    state.apply(repository, plan, report)
    return report.added, report.notices


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_two_writers_that_planned_the_same_lose_nothing(repo: Path, tmp_path: Path, transfer: str) -> None:
    register_type(repo)
    shards = tmp_path / "source"
    write_shards(shards)
    params = in_directory(shards, transfer=transfer)
    results = at_once(write, [(str(repo), params)] * 2)
    assert stored(repo) == WHOLE
    # Each of them may count the run that both registered; no dataset is counted twice.
    datasets = sum(added for added, _unused in results) - 2
    assert datasets == len(PIXELS)
    inside = {str(repo) in place for place in places(repo).values()}
    assert inside == {transfer not in ("direct", "split")}
    assert not converged(repo, params).changed
    gone = [pixel for pixel in PIXELS if not (shards / f"{pixel}.fits").exists()]
    assert gone == (list(PIXELS) if transfer == "move" else [])


@pytest.mark.parametrize("transfer", ["copy", "move"])
def test_a_killed_run_is_finished_by_the_next(repo: Path, tmp_path: Path, transfer: str) -> None:
    register_type(repo)
    write_shards(tmp_path / "source")
    table = tmp_path / "t.csv"
    table.write_text("file,htm7\n" + "".join(f"{pixel}.fits,{pixel}\n" for pixel in PIXELS))

    def attempt_in(folder: Path) -> Attempt:
        params = in_table(folder / table.name, prefix=str(folder / "source"), transfer=transfer)
        return Attempt("_states.files:FilesState", params, folder / repo.name, {"batch_size": 2})

    kills = prove_killed_runs_are_finished(
        tmp_path,
        attempt_in,
        steps=some(4, 7, "checkpoint", "commit", "transferred", "remove"),
        moments=0,
        seed=11,
    )
    assert kills == 4
