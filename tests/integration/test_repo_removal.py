# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_repo with state absent: what belongs to the repository goes, and nothing else."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler, CollectionType

from tests.integration import killing
from tests.integration.ansible_play import cycle, run
from tests.integration.killing import Attempt, kill_at
from tests.integration.repository_runs import absent, fill, official, params


def listing(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_repository_is_removed_with_its_datasets(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, tmp_path / "files")
    with Butler.from_config(root, writeable=True) as butler:
        butler.collections.register("tagged", CollectionType.TAGGED)
        butler.registry.associate("tagged", butler.query_datasets("frame", "run"))
        butler.collections.register("chain", CollectionType.CHAINED)
        butler.collections.redefine_chain("chain", ["run", "tagged"])
    done = cycle("butler_repo", {"repo": str(root), "state": "absent", "confirm": str(root)})
    done.assert_converges()
    assert [(change["kind"], change["name"], change["count"]) for change in done.run["changes"]] == [
        ("collections", "*", 3),
        ("datasets", "frame", 3),
        ("repository", str(root), 1),
    ]
    assert done.run["changes"][0]["examples"] == ["chain", "run", "tagged"]
    assert done.run["stats"]["removed"] == 7
    assert done.run["repository"]["exists"] is False and done.check["repository"]["exists"] is True
    assert listing(tmp_path) == {"files/d2.yaml": b"detector: 2\n"}
    assert not root.exists()


@pytest.mark.parametrize("confirm", ["", "/elsewhere", "repo"])
def test_without_the_confirmation_all_that_would_go_is_listed(confirm: str, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, tmp_path / "files")
    before = listing(tmp_path)
    for check in (True, False):
        with pytest.raises(ButlerError) as caught:
            absent(root, confirm, check=check)
        message = str(caught.value)
        assert "collections *: collections 1" in message
        assert "datasets frame: datasets 3" in message
        assert f"repository {root}: database sqlite:///<butlerRoot>/gen3.sqlite3" in message
        assert f"set confirm: {root}." in message
    assert listing(tmp_path) == before


def test_a_directory_that_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one.txt").write_text("mine")
    result = run(
        "butler_repo",
        {"repo": str(tmp_path / "letters"), "state": "absent", "confirm": str(tmp_path / "letters")},
    )
    assert result.failed
    assert "is not a Butler repository: it holds 1 entries (one.txt) and no butler.yaml" in result.message
    assert listing(tmp_path) == {"letters/one.txt": b"mine"}


def test_a_database_of_somebody_else_is_refused(tmp_path: Path) -> None:
    for content in ("CREATE TABLE invoices (id INTEGER)", None):
        (tmp_path / "gen3.sqlite3").write_bytes(
            b"" if content else b"This is a letter, and no database." * 100
        )
        if content:
            with sqlite3.connect(tmp_path / "gen3.sqlite3") as connection:
                connection.execute(content)
        before = listing(tmp_path)
        with pytest.raises(ButlerError, match="is not a Butler repository"):
            absent(tmp_path)
        assert listing(tmp_path) == before


@pytest.mark.parametrize("there", [False, True])
def test_what_is_not_there_is_absent(there: bool, tmp_path: Path) -> None:
    if there:
        (tmp_path / "repo").mkdir()
    outcome = absent(tmp_path / "repo")
    assert not outcome.changed and outcome.stats["present"] == 1


def test_files_of_others_stay_and_are_named(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, root / "in place")
    (root / "notes").mkdir()
    (root / "notes" / "mine.txt").write_text("mine")
    (root / "run" / "frame").mkdir(exist_ok=True)
    (root / "run" / "frame" / "orphan.yaml").write_text("nobody's")
    outcome = absent(root)
    assert listing(root) == {
        "in place/d2.yaml": b"detector: 2\n",
        "notes/mine.txt": b"mine",
        "run/frame/orphan.yaml": b"nobody's",
    }
    assert outcome.notices == [
        "3 files stay, of which the repository had no record, or which it did not own: "
        f"{root}/in place/d2.yaml, {root}/notes/mine.txt, {root}/run/frame/orphan.yaml"
    ]


def test_an_external_datastore_is_emptied_and_its_neighbours_stay(tmp_path: Path) -> None:
    root, store = tmp_path / "repo", tmp_path / "store"
    official(root, {"datastore": {"root": str(store)}}, override=True)
    fill(root, tmp_path / "files")
    (store / "neighbour" / "empty").mkdir(parents=True)
    (store / "neighbour" / "file").write_text("theirs")
    (store / "run" / "orphan").write_text("nobody's")
    outcome = absent(root)
    assert not root.exists()
    assert listing(store) == {"neighbour/file": b"theirs", "run/orphan": b"nobody's"}
    assert (store / "neighbour" / "empty").is_dir() and not (store / "run" / "frame").exists()
    assert [f"{store}/run/orphan" in notice for notice in outcome.notices] == [True]


def test_tables_of_others_in_its_database_stay(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, tmp_path / "files")
    with sqlite3.connect(root / "gen3.sqlite3") as connection:
        connection.execute("CREATE TABLE invoices (id INTEGER)")
    outcome = absent(root)
    with sqlite3.connect(root / "gen3.sqlite3") as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("invoices",)
        ]
    assert any("keeps tables that are not the registry's: invoices" in notice for notice in outcome.notices)


@pytest.mark.parametrize("missing", ["butler.yaml", "gen3.sqlite3"])
def test_half_a_repository_without_data_is_removed(missing: str, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    (root / missing).unlink()
    assert absent(root).changed
    assert not root.exists()


def test_half_a_repository_with_data_is_left_alone(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, tmp_path / "files")
    with sqlite3.connect(root / "gen3.sqlite3") as connection:
        connection.execute("DELETE FROM butler_attributes")
    before = listing(tmp_path)
    with pytest.raises(ButlerError, match=r"half made .* holds data in collection, .*\n.*can't be told"):
        absent(root)
    (root / "butler.yaml").rename(tmp_path / "butler.yaml")
    with pytest.raises(ButlerError, match="is not a Butler repository"):
        absent(root)
    (tmp_path / "butler.yaml").rename(root / "butler.yaml")
    assert listing(tmp_path) == before


def attempt_in(folder: Path) -> Attempt:
    root = folder / "repo"
    arguments = params(root, state="absent", confirm=str(root))
    state = "_states.repository_removal:AbsentRepositoryState"
    return Attempt(state, arguments, root, {"batch_size": 1}, opens=False)


def test_a_removal_killed_at_any_step_is_finished_by_the_next_run(tmp_path: Path) -> None:
    template = tmp_path / "template"
    official(template / "repo")
    fill(template / "repo", tmp_path / "files")
    attempt = attempt_in(tmp_path / "attempt")
    shutil.copytree(template, tmp_path / "attempt")
    steps = killing.run(attempt)["steps"]
    assert not attempt.repo.exists()
    begin = steps.index("checkpoint")
    wanted = [step for step in range(begin, len(steps)) if steps[step] in ("remove", "file")]
    commits = [step for step in range(begin, len(steps)) if steps[step] == "commit"]
    for step in [*wanted[:-2], *commits[::3]]:
        shutil.rmtree(tmp_path / "attempt")
        shutil.copytree(template, tmp_path / "attempt")
        assert kill_at(attempt, step), step
        absent(attempt.repo)
        assert listing(tmp_path / "attempt") == {}, f"killed at {step} ({steps[step]})"
        assert not attempt.repo.exists(), f"killed at {step} ({steps[step]})"
        assert (tmp_path / "files" / "d2.yaml").exists()
