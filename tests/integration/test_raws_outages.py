# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws on PostgreSQL: the server restarts, goes away, and finds a deadlock."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import psycopg2
import pytest
import sqlalchemy
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import ATTEMPTS, transact
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, Config

from tests.integration.interruptions import at_boundary, before_insert
from tests.integration.postgres import OWNER, PASSWORD, Database, Server
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import (
    BEFORE_BATCHES,
    RUN,
    assert_records_are_official,
    ingest,
    register,
    stored,
)
from tests.integration.raw_writers import ingest_at_once
from tests.waiting import until


@pytest.fixture
def repo(database: Database, tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": database.url}}))
    register(root, "LSSTComCam")
    return root


@pytest.fixture
def source(repo: Path) -> Path:
    write_raws(repo.parent / "raw")
    return repo.parent / "raw"


def completes(repo: Path, source: Path) -> None:
    """Check that a run completes what is there, and that one more finds nothing to do."""
    ingest(repo, source)
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    assert not ingest(repo, source).changed
    artifacts = {f"file://{path}" for path in (repo / RUN).rglob("*") if path.is_file()}
    assert artifacts == set(stored(repo).values())


@pytest.mark.parametrize("boundary", [1, 3, 5])
def test_a_restart_between_two_batches_is_not_even_noticed(
    boundary: int, server: Server, repo: Path, source: Path
) -> None:
    report = at_boundary(boundary, server.restart)
    outcome = ingest(repo, source, batch_size=4, report=report)
    assert outcome.changed and outcome.stats["failed"] == 0
    completes(repo, source)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_restart_within_a_batch_ends_the_run(
    on_error: str, server: Server, repo: Path, source: Path
) -> None:
    with (
        before_insert("dataset", 3, server.restart),
        pytest.raises(ButlerError, match=f"the ingest into {RUN} broke off: OperationalError: ") as caught,
    ):
        ingest(repo, source, batch_size=4, on_error=on_error)
    assert "Completed batches stay" in str(caught.value) and PASSWORD not in str(caught.value)
    assert len(stored(repo)) == 8
    completes(repo, source)


def test_a_restart_while_shared_records_are_written(server: Server, repo: Path, source: Path) -> None:
    with (
        before_insert("day_obs", 1, server.restart),
        pytest.raises((ButlerError, sqlalchemy.exc.OperationalError)) as caught,
    ):
        ingest(repo, source)
    assert PASSWORD not in str(caught.value)
    assert stored(repo) == {}
    completes(repo, source)


@pytest.mark.parametrize("boundary", [BEFORE_BATCHES + 1, BEFORE_BATCHES + 3])
def test_a_server_that_goes_away_ends_the_run(
    boundary: int, server: Server, repo: Path, source: Path
) -> None:
    with pytest.raises(ButlerError, match=f"the ingest into {RUN} broke off: OperationalError: ") as caught:
        ingest(repo, source, batch_size=4, report=at_boundary(boundary, server.stop))
    assert "refused" in str(caught.value) and "Completed batches stay" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(ButlerError, match="can't be reached or used") as caught:
        ingest(repo, source)
    assert caught.value.option == "repo" and str(server.port) in str(caught.value)
    server.start()
    assert len(stored(repo)) == 4 * (boundary - BEFORE_BATCHES - 1)
    completes(repo, source)


def test_a_database_that_is_gone(postgres: Server, repo: Path, source: Path, database: Database) -> None:
    report = at_boundary(BEFORE_BATCHES + 3, lambda: postgres.drop(database))
    with pytest.raises(ButlerError, match="broke off: OperationalError: ") as caught:
        ingest(repo, source, batch_size=4, report=report)
    assert f'"{database.name}" does not exist' in str(caught.value)
    with pytest.raises(ButlerError, match="can't be reached or used") as caught:
        ingest(repo, source)
    assert f'"{database.name}" does not exist' in str(caught.value)
    # Somebody will drop it again.
    Database("postgres", postgres.host, postgres.port).execute(
        f"CREATE DATABASE {database.name}", role="postgres"
    )


def test_wrong_credentials(
    repo: Path, source: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(password="wr0ng-secret"))
    for check_mode in (True, False):
        with pytest.raises(ButlerError, match="password authentication failed") as caught:
            ingest(repo, source, check_mode=check_mode)
        assert "db-auth.yaml" in str(caught.value) and "wr0ng-secret" not in str(caught.value)
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    completes(repo, source)


class Rival:
    """A writer that takes two locks in the other order, and is patient: the run finds the deadlock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = psycopg2.connect(
            host=database.host, port=database.port, dbname=database.name, user="postgres", password=PASSWORD
        )
        self._cursor = self._connection.cursor()
        self.thread = Thread(target=self._take_second)

    def meet(self) -> None:
        """Take the first lock, and wait for the second, which the run has."""
        self._cursor.execute("SET deadlock_timeout = '60s'; LOCK TABLE dataset IN EXCLUSIVE MODE")
        self.thread.start()
        waits = "SELECT 1 FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'"
        process = self._connection.get_backend_pid()
        until(lambda: self._database.execute(waits % process, role="postgres"))

    def _take_second(self) -> None:
        self._cursor.execute("LOCK TABLE exposure IN EXCLUSIVE MODE")
        self._connection.commit()
        self._connection.close()


def test_a_deadlock_is_overcome(repo: Path, source: Path, database: Database) -> None:
    rival = Rival(database)
    report = Report()
    lines: list[str] = []
    report.log = lines.append
    # The run's transaction has its exposures, and goes on to its datasets.
    with before_insert("dataset", 2, rival.meet):
        outcome = ingest(repo, source, batch_size=4, report=report)
    rival.thread.join(60)
    assert outcome.stats["failed"] == 0
    again = [line for line in lines if "trying a transaction again" in line]
    assert len(again) == 1 and "deadlock detected" in again[0]
    assert outcome.stats["added"] == TOTAL + 2 + 2 + 7 + 8
    completes(repo, source)


@pytest.mark.parametrize(
    ("code", "failures", "attempts"),
    [
        ("40001", 1, 2),
        ("40P01", 2, 3),
        ("40001", ATTEMPTS, ATTEMPTS),
        ("57014", 1, 1),
    ],
)
def test_what_the_server_asks_to_be_tried_again(
    code: str, failures: int, attempts: int, repo: Path, database: Database
) -> None:
    url = sqlalchemy.URL.create("postgresql", "owner", PASSWORD, database.host, database.port, database.name)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    calls = 0

    def write() -> None:
        nonlocal calls
        calls += 1
        if calls <= failures:
            with engine.begin() as connection:
                connection.execute(
                    sqlalchemy.text(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$")
                )
        butler.collections.register("written")

    lines: list[str] = []
    with Butler.from_config(repo, writeable=True) as butler:
        if calls_succeed := failures < attempts:
            transact(butler, write, lines.append)
        else:
            with pytest.raises(sqlalchemy.exc.OperationalError):
                transact(butler, write, lines.append)
        assert bool(butler.collections.query("written*")) == calls_succeed
    assert calls == attempts and len(lines) == attempts - 1


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_two_processes_at_once_make_what_one_would(
    transfer: str, repo: Path, source: Path, database: Database
) -> None:
    results = ingest_at_once(str(repo), str(source), transfer)
    assert [failed for _added, failed in results] == [0, 0]
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    assert not ingest(repo, source, transfer=transfer).changed


def test_a_type_whose_tables_can_not_be_made_is_not_left(
    repo: Path, source: Path, database: Database
) -> None:
    database.execute(
        f"ALTER DATABASE {database.name} OWNER TO postgres",
        f"REVOKE CREATE ON SCHEMA public FROM {OWNER}, PUBLIC",
        role="postgres",
    )
    with pytest.raises(ButlerError, match="the tables of dataset type raw can't be made") as caught:
        ingest(repo, source)
    assert "may create tables" in str(caught.value)
    with Butler.from_config(repo) as butler:
        assert list(butler.registry.queryDatasetTypes()) == []
    database.execute(f"GRANT CREATE ON SCHEMA public TO {OWNER}", role="postgres")
    completes(repo, source)
