# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raw_index: killed at any point, stopped at a boundary, and run twice at once."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import StoppedError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index import RawIndexState
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN

from tests.integration.at_once import at_once
from tests.integration.converging import converge_here
from tests.integration.killing import Attempt, kill_after, kill_at, run
from tests.integration.raw_files import write_raws

pytestmark = pytest.mark.exhaustive

INDEX = "_index.json"
OLD = b'{"__CONTENT__": "translated", "__COMMON__": {}}\n'


def params(folder: Path) -> dict[str, Any]:
    return {
        "directories": [str(folder)],
        "instrument": "LSSTComCam",
        "content": "translated",
        "file_pattern": FILE_PATTERN,
        "on_error": "fail",
        "processes": None,
    }


def attempt(folder: Path) -> Attempt:
    return Attempt("_states.raw_index:RawIndexState", params(folder), folder, opens=False)


def beside_raws(folder: Path) -> dict[str, bytes]:
    """Give all files that are no raws, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".fits"
    }


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Give raws in eight directories; of the indexes half are missing and half stale."""
    folder = tmp_path / "template"
    for number, path in enumerate(sorted({path.parent for path in write_raws(folder)})):
        if number % 2:
            (path / INDEX).write_bytes(OLD)
    return folder


def test_a_killed_run_leaves_whole_indexes_and_is_finished_by_the_next(
    template: Path, tmp_path: Path
) -> None:
    unkilled = shutil.copytree(template, tmp_path / "folder")
    done = run(attempt(unkilled))
    wanted = beside_raws(unkilled)
    shutil.rmtree(unkilled)
    assert len(wanted) == 8 and done["steps"].count("checkpoint") == 8 and done["steps"].count("file") >= 8
    choice = random.Random(20241108)
    kills = 0
    for number in [*range(len(done["steps"])), *(choice.uniform(0.0, 1.0) for _unused in range(6))]:
        folder = shutil.copytree(template, tmp_path / "folder")
        kills += (kill_at if isinstance(number, int) else kill_after)(attempt(folder), number)
        for name, data in beside_raws(folder).items():
            assert name not in wanted or data in (wanted[name], OLD), (
                f"killed at {number}: {name} is half done"
            )
        assert run(attempt(folder))["left"] == []
        assert beside_raws(folder) == wanted, f"killed at {number}"
        shutil.rmtree(folder)
    assert kills >= len(done["steps"])


def test_a_run_is_stopped_between_indexes_and_goes_on_there(template: Path) -> None:
    seen: list[int] = []

    def count() -> int:
        return sum(data != OLD for data in beside_raws(template).values())

    while True:
        calls = 0

        def stop() -> None:
            nonlocal calls
            calls += 1
            if calls > 3:
                raise StoppedError("stopped at a batch boundary: SIGTERM")

        try:
            state = RawIndexState.from_params(params(template))
            outcome = converge_here(state, None, report=Report(checkpoint=stop))
        except StoppedError:
            seen.append(count())
            continue
        break
    assert seen == [3, 6] and count() == 8
    assert outcome.stats["present"] == 6


def test_how_far_a_run_is(template: Path) -> None:
    steps: list[tuple[str, int, int | None]] = []
    state = RawIndexState.from_params(params(template))
    converge_here(state, None, report=Report(step=lambda *step: steps.append(step)))
    assert steps[:22] == [("reading headers", number, None) for number in range(1, 23)]
    assert steps[22:] == [("writing indexes", number, 8) for number in range(1, 9)]


def _run(folder: str, barrier: Barrier) -> bool:
    """Plan, wait for the other, and apply, as a host of its own would."""
    state = RawIndexState.from_params(params(Path(folder)))
    plan = state.plan(state.observe(None))
    barrier.wait()
    state.apply(None, plan, Report())
    return True


def test_two_processes_at_once_make_what_one_would(template: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(template, tmp_path / "alone")
    run(attempt(alone))
    assert all(at_once(_run, [(str(template),)] * 2))
    assert beside_raws(template) == beside_raws(alone)
