# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_repo: half a repository is diagnosed by name, completed where that is safe, else left alone."""

from __future__ import annotations

import multiprocessing
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.locks import writer_lock
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states import repository, repository_create
from lsst.daf.butler import Butler, ButlerConfig
from lsst.resources import ResourcePath

from tests.integration.ansible_play import cycle
from tests.integration.canonical import difference, dump
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished
from tests.integration.repository_runs import OBSCORE, fill, killed, nth, official, params, present
from tests.waiting import PATIENCE

pytestmark = pytest.mark.exhaustive

SEED = {"datastore": {"name": "ccms1"}, "registry": {"managers": {"obscore": OBSCORE}}}


def execute(root: Path, *statements: str) -> None:
    connection = sqlite3.connect(root / "gen3.sqlite3")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def without_config(root: Path) -> None:
    (root / "butler.yaml").unlink()


def without_database(root: Path) -> None:
    (root / "gen3.sqlite3").unlink()


def with_empty_database(root: Path) -> None:
    (root / "gen3.sqlite3").write_bytes(b"")


def without_attributes(root: Path) -> None:
    execute(root, "DELETE FROM butler_attributes")


def with_some_attributes(root: Path) -> None:
    execute(root, "DELETE FROM butler_attributes WHERE name LIKE '%json'")


def without_obscore_attribute(root: Path) -> None:
    execute(root, "DELETE FROM butler_attributes WHERE name = 'config:obscore.json'")


def with_some_tables(root: Path) -> None:
    execute(root, "DROP TABLE butler_attributes", "DROP TABLE obscore", "DROP TABLE collection_chain")


def with_some_tables_and_no_config(root: Path) -> None:
    with_some_tables(root)
    without_config(root)


def with_other_managers_and_no_config(root: Path) -> None:
    execute(root, "UPDATE butler_attributes SET value = 'x.Y' WHERE name = 'config:registry.managers.opaque'")
    without_config(root)


def with_half_a_config(root: Path) -> None:
    text = (root / "butler.yaml").read_text()
    (root / "butler.yaml").write_text(text[: len(text) // 2])


def with_an_empty_config_and_no_database(root: Path) -> None:
    (root / "butler.yaml").write_text("")
    without_database(root)


LACKS = "butler.yaml with tables that lack the registry's attributes"
HALVES: dict[Callable[[Path], None], str | None] = {
    without_config: "a registry without butler.yaml",
    without_database: "butler.yaml without a database",
    with_empty_database: "butler.yaml with an empty database",
    without_attributes: LACKS,
    with_some_attributes: LACKS,
    without_obscore_attribute: LACKS,
    with_some_tables: LACKS,
    with_some_tables_and_no_config: "tables that lack the registry's attributes, without butler.yaml",
    with_other_managers_and_no_config: "a registry without butler.yaml",
    with_half_a_config: "a registry without butler.yaml",
    with_an_empty_config_and_no_database: None,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole") / "repo"
    official(root, SEED)
    return root


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half.__name__)
def test_half_a_repository_is_named_and_completed(
    half: Callable[[Path], None], whole: Path, tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    shutil.copytree(whole, root)
    half(root)
    before = (root / "butler.yaml").read_bytes() if (root / "butler.yaml").exists() else None
    check = present(root, SEED, check=True)
    assert ((root / "butler.yaml").read_bytes() if (root / "butler.yaml").exists() else None) == before
    done = present(root, SEED)
    assert check.changes == done.changes and len(done.changes) == 1
    assert done.changes[0].before == ({"half made": HALVES[half]} if HALVES[half] else None)
    assert difference(dump(whole), dump(root)) == []
    assert sorted(path.name for path in root.iterdir() if path.suffix != ".lock") == [
        "butler.yaml", "gen3.sqlite3",
    ]  # fmt: skip
    with Butler.from_config(root) as butler:
        assert butler.registry.obsCoreTableManager is not None
    assert not present(root, SEED).changed


def test_a_completion_through_ansible_is_what_check_mode_promised(tmp_path: Path) -> None:
    official(tmp_path / "repo")
    without_attributes(tmp_path / "repo")
    done = cycle("butler_repo", {"repo": str(tmp_path / "repo")})
    done.assert_converges()
    assert done.run["stats"]["replaced"] == 1
    assert done.run["diff"]["before"] == f'repository {tmp_path}/repo: {{half made: "{LACKS}"}}\n'


@pytest.mark.parametrize(
    ("half", "message"),
    [
        (without_config, "a registry without butler.yaml"),
        (without_attributes, LACKS),
        (with_half_a_config, "a registry without butler.yaml"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_half_a_repository_that_holds_data_is_left_alone(
    half: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    official(root, SEED)
    fill(root, tmp_path / "files")
    half(root)
    database = (root / "gen3.sqlite3").read_bytes()
    names = sorted(path.name for path in root.rglob("*"))
    with pytest.raises(ButlerError) as caught:
        present(root, SEED)
    assert f"it is half made ({message}), and " in str(caught.value)
    assert "holds data in collection, " in str(caught.value)
    assert "Restore butler.yaml or the database from a backup" in str(caught.value)
    assert (root / "gen3.sqlite3").read_bytes() == database
    assert sorted(path.name for path in root.rglob("*")) == names


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    execute(tmp_path / "repo", "CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(ButlerError, match=r"holds tables that are not a Butler registry's: invoices"):
        present(tmp_path / "repo")
    (tmp_path / "repo" / "gen3.sqlite3").write_bytes(b"This is a letter, and no database." * 100)
    with pytest.raises(ButlerError, match="file is not a database"):
        present(tmp_path / "repo")
    assert (tmp_path / "repo" / "gen3.sqlite3").read_bytes().startswith(b"This is a letter")


def test_a_half_made_repository_that_disagrees_with_the_seed_is_not_completed(tmp_path: Path) -> None:
    official(tmp_path / "repo", {"datastore": {"name": "other"}})
    without_database(tmp_path / "repo")
    with pytest.raises(ButlerError, match=r"datastore\.name is other, and ccms1 was declared"):
        present(tmp_path / "repo", {"datastore": {"name": "ccms1"}})
    assert not (tmp_path / "repo" / "gen3.sqlite3").exists()


@pytest.mark.parametrize("statement", ["CREATE", "INSERT", "commit"])
@pytest.mark.parametrize("number", [1, 5])
def test_what_a_killed_butler_create_leaves_is_completed(
    statement: str, number: int, whole: Path, tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    assert killed(lambda: official(root, SEED), nth(number, statement))
    with pytest.raises(FileExistsError):
        official(root, SEED)
    assert present(root, SEED).changed
    assert difference(dump(whole), dump(root)) == []


def attempt_in(folder: Path) -> Attempt:
    root = folder / "repo"
    return Attempt(
        "_states.repository:RepositoryState", params(root, SEED), root, {"grace": 0.0}, opens=False
    )


def test_a_create_killed_at_every_step_is_finished_by_the_next_run(tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()

    def chosen(steps: list[str]) -> list[int]:
        # Before the first checkpoint the seed is tried in temporary folders. The tables are one transaction.
        begin = steps.index("checkpoint")
        tables = steps.index("commit", begin)
        inserts = list(range(tables, len(steps)))
        return [
            *(index for index in every("checkpoint", "file")(steps) if index >= begin),
            *(begin + 3, (begin + tables) // 2, tables - 1),
            *(inserts[:-2:12] + inserts[-2:]),
        ]

    kills = prove_killed_runs_are_finished(template, attempt_in, steps=chosen, moments=0, seed=4)
    assert kills >= 6


def test_a_failed_create_removes_what_it_made_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            repository_create,
            "put_config",
            lambda *_unused: (_unused for _unused in ()).throw(OSError(28, "No space")),
        )
        with pytest.raises(ButlerError, match="deep/repo can't be made: No space"):
            present(tmp_path / "deep" / "repo")
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "repo").mkdir()
        (tmp_path / "repo" / "notes.txt").write_text("mine")
        with pytest.raises(ButlerError, match="No space"):
            present(tmp_path / "repo")
        assert [path.name for path in (tmp_path / "repo").iterdir()] == ["notes.txt"]
    assert present(tmp_path / "repo").changed
    assert (tmp_path / "repo" / "notes.txt").read_text() == "mine"


def _create(root: str, planned: Any, answers: Any) -> None:
    check = repository_create.check_writeable

    def at_the_start_of_apply(found: Any) -> None:
        planned.release()
        check(found)

    repository_create.check_writeable = at_the_start_of_apply
    outcome = present(root, SEED)
    answers.put((outcome.stats["added"] == 1, outcome.notices))


def test_two_creates_at_once(whole: Path, tmp_path: Path) -> None:
    """All see nothing there; one makes it while the others wait for the lock, and then find it."""
    root = tmp_path / "repo"
    root.mkdir()
    context = multiprocessing.get_context("fork")
    planned, answers = context.Semaphore(0), context.Queue()
    arguments = (str(root), planned, answers)
    processes = [context.Process(target=_create, args=arguments) for _number in range(3)]
    uri = ResourcePath(str(root), forceDirectory=True)
    with writer_lock(ButlerConfig(str(whole)), uri, repository_create.LOCK, print):
        for process in processes:
            process.start()
        for _process in processes:
            assert planned.acquire(timeout=PATIENCE)
        processes[0].join(0.5)
        assert all(process.is_alive() for process in processes), "it does not wait for the lock"
        assert not (root / "gen3.sqlite3").exists()
    results = sorted(answers.get(timeout=PATIENCE) for _process in processes)
    for process in processes:
        process.join()
    notices = [f"{root} was made by another run meanwhile"]
    assert results == [(False, notices), (False, notices), (True, [])]
    assert difference(dump(whole), dump(root)) == []


def test_another_program_that_creates_it_at_this_moment_is_not_disturbed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    official(root, SEED)
    without_attributes(root)
    seconds: list[float] = []

    def meanwhile(grace: float) -> None:
        seconds.append(grace)
        shutil.copy(whole / "gen3.sqlite3", root / "gen3.sqlite3")

    monkeypatch.setattr("time.sleep", meanwhile)
    outcome = present(root, SEED)
    assert seconds == [0.0] and outcome.notices == [f"{root} was made by another run meanwhile"]
    assert difference(dump(whole), dump(root)) == []


def test_a_failure_while_another_run_makes_it_removes_nothing_of_that(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    find, looks = repository.find, []

    def look(*arguments: Any, **more: Any) -> Any:
        looks.append(arguments)
        if len(looks) == 2:  # under the lock
            shutil.copytree(whole, root, dirs_exist_ok=True)
            raise ButlerError("the disk is gone for a moment")
        return find(*arguments, **more)

    monkeypatch.setattr(repository, "find", look)
    with pytest.raises(ButlerError, match="gone for a moment"):
        present(root, SEED)
    assert difference(dump(whole), dump(root)) == []


def test_another_program_that_is_not_done_yet_is_not_disturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    official(root, SEED)
    without_attributes(root)
    monkeypatch.setattr(
        "time.sleep", lambda _unused: execute(root, "INSERT INTO butler_attributes VALUES ('config:a', 'b')")
    )
    with pytest.raises(ButlerError, match="is being made by another program at this moment"):
        present(root, SEED)
    assert (root / "butler.yaml").exists()
