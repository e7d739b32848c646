# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_datasets killed at any step: the next run ends in the repository of a run that nobody killed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.killing import Attempt, every, kill_at, prove_killed_runs_are_finished, run, some
from tests.integration.removal_cases import (
    CHAIN,
    LATER,
    RAWS,
    RUN,
    STATE,
    TAG,
    artifacts,
    filled_copy,
    held,
    params,
    removed,
    trash,
)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    root = tmp_path / "template"
    root.mkdir()
    filled_copy(root / "repo")
    return root


def attempt_with(collections: list[str], **options: Any):  # type: ignore[no-untyped-def]
    # One of each removal more than a batch; what is in place too.
    arguments = params(collections, dataset_type="*", **options)

    def attempt_in(folder: Path) -> Attempt:
        return Attempt(STATE, arguments, folder / "repo", {"batch_size": 2})

    return attempt_in


@pytest.mark.exhaustive
@pytest.mark.parametrize("removal", ["purge", "unstore"])
def test_killed_at_every_batch_boundary_commit_and_artifact(removal: str, template: Path) -> None:
    kills = prove_killed_runs_are_finished(
        template,
        attempt_with([CHAIN, RAWS], removal=removal),
        steps=some(12, 1, "checkpoint", "commit", "remove"),
        moments=1,
        seed=2,
    )
    assert kills >= 12


@pytest.mark.parametrize("removal", ["purge", "unstore"])
def test_killed_between_any_two_writes_of_a_batch(removal: str, template: Path) -> None:
    kills = prove_killed_runs_are_finished(
        template, attempt_with([RUN], removal=removal), steps=some(4, 3, "statement"), moments=0, seed=4
    )
    assert kills == 4


def test_killed_while_forgetting_and_while_taking_out_of_collections(template: Path) -> None:
    taken = attempt_with([RUN], removal="disassociate", tags=[TAG])
    assert prove_killed_runs_are_finished(template, taken, steps=every("statement"), moments=0, seed=5)
    shutil.rmtree(template / "repo" / LATER)
    kills = prove_killed_runs_are_finished(
        template,
        attempt_with([CHAIN], forget_unstored=True),
        steps=every("statement", "commit", "checkpoint"),
        moments=0,
        seed=7,
    )
    assert kills == 2


def paths(repo: Path, table: str, column: str) -> set[Path]:
    """Give the artifacts in the repository that the datastore records of the datasets of a table."""
    with closing(sqlite3.connect(repo / "gen3.sqlite3")) as database:
        rows = database.execute(
            f"SELECT path FROM file_datastore_records AS record JOIN {table} ON {column} = record.dataset_id"
        )
        return {repo / path for (path,) in rows if not path.startswith("file:")}


@pytest.mark.parametrize("removal", ["purge", "unstore"])
def test_at_no_step_is_a_stored_dataset_without_artifact_or_an_artifact_without_dataset(
    removal: str, tmp_path: Path
) -> None:
    def attempt(root: Path) -> Attempt:
        return Attempt(STATE, params(removal=removal), filled_copy(root), {"batch_size": 2})

    steps = run(attempt(tmp_path / "whole"))["steps"]
    chosen = every("commit", "remove")(steps)
    assert len([step for step in chosen if steps[step] == "remove"]) == 3
    for step in chosen:
        killed = attempt(tmp_path / "repo")
        assert kill_at(killed, step)
        there = set(artifacts(killed.repo))
        told = f"killed at step {step} ({steps[step]})"
        assert paths(killed.repo, "dataset_location", "dataset_location.dataset_id") <= there, told
        assert there <= paths(killed.repo, "dataset", "dataset.id"), told
        shutil.rmtree(killed.repo)


def test_what_a_killed_removal_has_marked_can_be_forgotten_too(tmp_path: Path) -> None:
    repo = filled_copy(tmp_path / "repo")
    steps = run(Attempt(STATE, params(removal="purge"), filled_copy(tmp_path / "whole")))["steps"]
    last = every("remove")(steps)[-1]
    assert kill_at(Attempt(STATE, params(removal="purge"), repo), last + 1) and trash(repo) == 2
    assert removed(repo, forget_unstored=True).stats["removed"] == 2 + 1 + 2 and trash(repo) == 0
    assert held(repo)[RUN] == [] and len(artifacts(repo)) == 3
