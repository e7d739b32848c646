# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_repo with a registry in PostgreSQL."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle, run
from tests.integration.documented import run_examples
from tests.integration.postgres import PASSWORD, READER, Database, Server
from tests.integration.repository_runs import OBSCORE, absent, fill, killed, nth, official, present
from tests.waiting import PATIENCE


def seed(database: Database, namespace: str | None = "ccms1", **managers: Any) -> dict[str, Any]:
    registry: dict[str, Any] = {"db": database.url}
    if namespace is not None:
        registry["namespace"] = namespace
    if managers:
        registry["managers"] = managers
    return {"datastore": {"name": "ccms1"}, "registry": registry}


def attributes(database: Database, namespace: str = "ccms1") -> list[tuple[Any, ...]]:
    return sorted(database.execute(f"SELECT name, value FROM {namespace}.butler_attributes"))


def test_a_repository_is_created_and_removed(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    arguments = {"repo": str(root), "seed_config": seed(database), "override": True}
    done = cycle("butler_repo", arguments)
    done.assert_converges()
    assert done.run["repository"]["database"] == database.url
    assert done.run["repository"]["namespace"] == "ccms1"
    official(tmp_path / "official", seed(database, "official"), override=True)
    text = (
        (tmp_path / "official" / "butler.yaml").read_text().replace("namespace: official", "namespace: ccms1")
    )
    assert (root / "butler.yaml").read_text() == text
    assert attributes(database) == attributes(database, "official")
    assert database.tables("ccms1") == database.tables("official")
    fill(root, tmp_path / "files")
    database.execute("CREATE TABLE ccms1.invoices (id INTEGER)")
    gone = cycle("butler_repo", {"repo": str(root), "state": "absent", "confirm": str(root)})
    gone.assert_converges()
    assert gone.run["stats"]["removed"] == 5
    assert not root.exists() and (tmp_path / "files" / "d2.yaml").exists()
    assert database.tables("ccms1") == ["invoices"]
    assert database.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'ccms1'") == []
    assert len(database.tables("official")) > 40, "another registry in the same database was touched"
    database.execute("DROP TABLE ccms1.invoices")
    assert present(root, seed(database), override=True).changed


def test_a_reader_may_check(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    assert present(tmp_path / "repo", seed(database), check=True).changed
    with pytest.raises(ButlerError, match="permission denied"):
        present(tmp_path / "repo", seed(database))
    assert list(tmp_path.iterdir()) == [] and database.tables("ccms1") == []
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    present(tmp_path / "repo", seed(database))
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    assert not present(tmp_path / "repo", seed(database), check=True).changed


def test_a_wrong_password_is_told_and_not_shown(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(password="wr0ng-pass"))
    arguments = {"repo": str(tmp_path / "repo"), "seed_config": seed(database)}
    check = run("butler_repo", arguments, check_mode=True)
    assert not check.failed and check.changed, check.message
    (assumed,) = check["assumes"]
    assert assumed.startswith(
        f"seed_config.registry.db: the registry {database.url} (namespace ccms1) can't be"
    )
    assert "password authentication failed" in assumed
    real = run("butler_repo", arguments)
    assert real.failed and "password authentication failed" in real.message
    assert "wr0ng-pass" not in json.dumps(real.result) + json.dumps(check.result)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extension_is_named(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.new_database(btree_gist=False)
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    assert "CREATE EXTENSION btree_gist" in present(tmp_path / "repo", seed(database), check=True).assumes[0]
    with pytest.raises(ButlerError, match="lacks the extension btree_gist"):
        present(tmp_path / "repo", seed(database))
    assert list(tmp_path.iterdir()) == []
    database.execute("CREATE EXTENSION btree_gist")
    assert present(tmp_path / "repo", seed(database)).changed
    postgres.drop(database)


def test_a_database_that_is_gone_is_an_error_and_nothing_is_removed(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    database = postgres.new_database()
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    present(root, seed(database))
    refs = fill(root, tmp_path / "files")
    with Butler.from_config(root) as butler:
        artifact = Path(butler.getURI(refs[0]).ospath)
    postgres.drop(database)
    for check in (True, False):
        with pytest.raises(
            ButlerError, match=f"the registry {database.url} .* can't be reached .*does not exist"
        ):
            present(root, seed(database), check=check)
        with pytest.raises(ButlerError, match="does not exist"):
            absent(root, check=check)
    assert artifact.exists() and (root / "butler.yaml").exists()


def test_a_server_that_does_not_answer_is_an_error(database: Database, tmp_path: Path) -> None:
    elsewhere = Database(database.name, database.host, 1)
    with pytest.raises(ButlerError, match=r"can't be reached.*Connection refused"):
        present(tmp_path / "repo", seed(elsewhere))
    assert list(tmp_path.iterdir()) == []


def half(database: Database, name: str, root: Path) -> None:
    if name == "no attributes":
        database.execute("DELETE FROM ccms1.butler_attributes")
    elif name == "no configuration":
        (root / "butler.yaml").unlink()
    elif name == "some tables":
        database.execute("DROP TABLE ccms1.butler_attributes", "DROP TABLE ccms1.collection_chain")
    elif name == "no tables":
        database.execute("DROP SCHEMA ccms1 CASCADE")


@pytest.mark.parametrize("name", ["no attributes", "no configuration", "some tables", "no tables"])
def test_half_a_repository_is_completed_unless_it_holds_data(
    name: str, database: Database, tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    declared = seed(database, obscore=OBSCORE)
    official(root, declared)
    wanted = (root / "butler.yaml").read_text(), attributes(database), database.tables("ccms1")
    half(database, name, root)
    assert "half made" in str(present(root, declared, check=True).changes[0].before)
    assert present(root, declared).changed
    assert ((root / "butler.yaml").read_text(), attributes(database), database.tables("ccms1")) == wanted
    assert not present(root, declared).changed
    if name in ("no attributes", "no configuration"):
        fill(root, tmp_path / "files")
        half(database, name, root)
        with pytest.raises(ButlerError, match=r"holds data in collection, "):
            present(root, declared)


def test_tables_of_others_are_left_alone(database: Database, tmp_path: Path) -> None:
    database.execute("CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(ButlerError, match=r"(?s)not a Butler registry's: invoices.*namespace"):
        present(tmp_path / "repo", seed(database, None))
    assert database.tables() == ["invoices"] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [1, 4, 9])
@pytest.mark.parametrize("word", ["CREATE", "INSERT", "commit"])
def test_a_killed_create_is_finished_by_the_next_run(
    word: str, number: int, database: Database, tmp_path: Path
) -> None:
    """Counted are the statements on the server alone: the seed is tried in SQLite before."""
    root = tmp_path / "repo"

    def child() -> None:
        present(root, seed(database))

    counted = nth(number, word)
    begun = [False]

    def at(statement: str) -> bool:
        begun[0] = begun[0] or "pg_try_advisory_xact_lock" in statement
        return begun[0] and counted(statement)

    assert killed(child, at)
    present(root, seed(database))
    wanted = attributes(database)
    assert len(wanted) == 13 and len(database.tables("ccms1")) > 40
    Butler.from_config(root, writeable=True).close()
    assert not present(root, seed(database)).changed


@pytest.mark.parametrize(("word", "number"), [("commit", 1), ("commit", 4), ("commit", 6), ("DROP", 20)])
def test_a_killed_removal_is_finished_by_the_next_run(
    word: str, number: int, database: Database, tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    present(root, seed(database))
    fill(root, tmp_path / "files")
    begun = [False]
    counted = nth(number, word)

    def at(statement: str) -> bool:
        begun[0] = begun[0] or "pg_try_advisory_xact_lock" in statement
        return begun[0] and counted(statement)

    assert killed(lambda: absent(root), at)
    absent(root)
    assert not root.exists() and database.tables("ccms1") == []
    assert not absent(root).changed


def _create(root: str, declared: dict[str, Any], answers: Any) -> None:
    try:
        outcome = present(root, declared)
        answers.put("made" if outcome.stats["added"] else "found")
    except ButlerError as error:
        answers.put(str(error))


def test_of_two_creates_at_once_one_wins(database: Database, tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    arguments = (str(tmp_path / "repo"), seed(database), answers)
    processes = [context.Process(target=_create, args=arguments) for _number in range(3)]
    for process in processes:
        process.start()
    said = sorted(answers.get(timeout=PATIENCE) for _process in processes)
    for process in processes:
        process.join()
    assert said == ["found", "found", "made"]
    assert len(attributes(database)) == 13
    assert not present(tmp_path / "repo", seed(database)).changed


def test_the_examples(database: Database, tmp_path: Path) -> None:
    registry = {"db": database.url, "namespace": "ccms1"}
    store = {"name": "ccms1", "root": str(tmp_path / "artifacts")}
    (tmp_path / "seed.yaml").write_text(json.dumps({"datastore": store, "registry": registry}))
    results = run_examples(
        "butler_repo",
        {
            "postgresql://db.example.org:5432/lsst": database.url,
            "/data/artifacts/ccms1": store["root"],
            "/data/butler-seed_ccms1.yaml": str(tmp_path / "seed.yaml"),
            "/data/butler/embedded": str(tmp_path / "embedded"),
            "/data/butler/ccms1": str(tmp_path / "ccms1"),
        },
    )
    assert [result.changed for result in results] == [True, True, False, True]
    assert PASSWORD not in json.dumps([result.result for result in results])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifacts", "embedded", "seed.yaml"]
