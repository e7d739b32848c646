# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness that kills runs notices what it is there to notice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lsst.daf.butler import Butler

from tests.integration.canonical import difference, dump
from tests.integration.killing import (
    Attempt,
    every,
    kill_after,
    kill_at,
    last_of_each_state,
    prove_killed_runs_are_finished,
    run,
    some,
)

PARAMS = {
    "collections": [
        {"name": name, "type": "RUN", "doc": None, "state": "present"} for name in ("one", "two", "three")
    ]
}


def attempt_in(folder: Path) -> Attempt:
    return Attempt("_states.collections:CollectionsState", PARAMS, folder / "repo")


def test_a_run_is_killed_at_a_step_and_at_a_moment(tmp_path: Path) -> None:
    Butler.makeRepo(tmp_path / "repo")
    attempt = attempt_in(tmp_path)
    # Opening it for the first time registers the tables of its datastore.
    Butler.from_config(tmp_path / "repo", writeable=True).close()
    before = dump(attempt.repo)
    assert kill_at(attempt, 0)
    assert dump(attempt.repo) == before
    assert kill_after(attempt, 0.0)
    Butler.makeRepo(tmp_path / "other")
    steps = run(replace(attempt, repo=tmp_path / "other"))["steps"]
    assert kill_at(attempt, steps.index("checkpoint", steps.index("checkpoint") + 1))
    assert difference(before, dump(attempt.repo)), "nothing of a half-done run is left"
    assert run(attempt)["stats"]["added"] == 2
    idle = run(attempt)["steps"]
    assert "checkpoint" not in idle and "statement" not in idle, "a run that has nothing to do writes"
    assert not kill_at(attempt, len(idle)), "killed at a step that is not there"


def test_steps_are_counted_and_killed_runs_are_finished(tmp_path: Path) -> None:
    template = tmp_path / "template"
    Butler.makeRepo(template / "repo")
    kills = prove_killed_runs_are_finished(
        template, attempt_in, steps=every("checkpoint", "statement", "commit"), moments=1, seed=1
    )
    assert kills >= 3


def test_a_dump_names_what_differs(tmp_path: Path) -> None:
    for name, order in (("a", ("one", "two")), ("b", ("two", "one")), ("c", ("one",))):
        Butler.makeRepo(tmp_path / name)
        with Butler.from_config(tmp_path / name, writeable=True) as butler:
            for collection in order:
                butler.collections.register(collection)
    first, second, third = (dump(tmp_path / name) for name in "abc")
    assert first == second
    assert difference(first, third) == [
        "collection: - doc=None, name='two', type=1",
        "run: - collection_id='two', host=None, timespan_begin=None, timespan_end=None",
    ]


def test_of_steps_that_leave_the_same_on_disk_the_last_is_taken() -> None:
    steps = ["checkpoint", "statement", "statement", "commit", "checkpoint", "transfer", "transferred"]
    assert last_of_each_state(range(len(steps)), steps) == [3, 5, 6]
    assert last_of_each_state([0, 2, 4], steps) == [2, 4]
    assert some(10, 1)(steps) == some(10, 1)(steps) and sorted(some(10, 1)(steps)) == [3, 5, 6]
