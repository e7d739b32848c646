# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that end what takes too long: statements, transactions without any, and sessions without any."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, Config
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.integration.postgres import Database, Server
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import RUN, assert_records_are_official, ingest, register, stored

SHORT, LONG = 5.0, 8.0
"""What the server permits, and what takes longer (seconds): nothing else does, on a busy machine either."""


@pytest.fixture
def repo(database: Database, tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": database.url}}))
    register(root, "LSSTComCam")
    write_raws(tmp_path / "raw")
    return root


@contextmanager
def limited(database: Database, *names: str, seconds: float = SHORT) -> Iterator[None]:
    """Have the server end what takes longer, in the sessions that begin meanwhile."""
    for name in names:
        database.execute(f"ALTER DATABASE {database.name} SET {name} = {int(seconds * 1000)}")
    yield
    database.execute(f"ALTER DATABASE {database.name} RESET ALL")


def completes(repo: Path) -> None:
    """Check that a run completes what is there, and that one more finds nothing to do."""
    ingest(repo, repo.parent / "raw")
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    assert not ingest(repo, repo.parent / "raw").changed


def test_files_are_read_while_nothing_is_open(repo: Path, database: Database, postgres: Server) -> None:
    """Whatever a site does not want to last long: a run may read headers for hours."""
    slow = {"reading"}

    def step(stage: str, _done: int, _total: int | None) -> None:
        if stage in slow:
            slow.discard(stage)
            time.sleep(LONG)

    logged = len(postgres.log())
    with limited(database, "idle_in_transaction_session_timeout", "idle_session_timeout"):
        outcome = ingest(repo, repo.parent / "raw", report=Report(step=step))
    assert not slow, "no headers were read"
    assert outcome.changed and outcome.stats["failed"] == 0
    assert "due to idle-session timeout" in postgres.log()[logged:]
    assert "due to idle-in-transaction timeout" not in postgres.log()[logged:]
    completes(repo)


def test_a_lock_outlasts_the_timeout_of_idle_transactions(repo: Path, database: Database) -> None:
    waited = []
    with limited(database, "idle_in_transaction_session_timeout"):
        repository = open_repository(str(repo), writeable=True)
        with repository.writer_lock(RUN, waited.append):
            time.sleep(LONG)
            locks = database.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert locks == [(1,)]
        repository.butler.close()


SLEEP = """
CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
CREATE TRIGGER sleep BEFORE INSERT ON dataset EXECUTE FUNCTION sleep()
"""


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_statement_that_takes_too_long_ends_the_run(on_error: str, repo: Path, database: Database) -> None:
    database.execute(SLEEP.format(seconds=LONG))
    with limited(database, "statement_timeout"), pytest.raises(ButlerError) as caught:
        ingest(repo, repo.parent / "raw", on_error=on_error)
    assert f"the ingest into {RUN} broke off: " in str(caught.value)
    assert "canceling statement due to statement timeout" in str(caught.value)
    assert "The statement_timeout of the server, or of this login" in str(caught.value)
    assert stored(repo) == {}
    database.execute("DROP FUNCTION sleep CASCADE")
    completes(repo)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_transaction_that_is_idle_for_too_long_ends_the_run(
    on_error: str, repo: Path, database: Database
) -> None:
    """As while large files are copied: a batch of them is one transaction."""
    begun = []

    def pause(_connection: Any, _cursor: Any, statement: str, *_unused: Any) -> None:
        if statement.startswith("INSERT INTO public.dataset ") and not begun:
            begun.append(statement)
            time.sleep(LONG)

    event.listen(Engine, "after_cursor_execute", pause)
    with limited(database, "idle_in_transaction_session_timeout"), pytest.raises(ButlerError) as caught:
        ingest(repo, repo.parent / "raw", batch_size=4, on_error=on_error)
    event.remove(Engine, "after_cursor_execute", pause)
    assert f"the ingest into {RUN} broke off: " in str(caught.value)
    assert "idle_in_transaction_session_timeout is to be longer" in str(caught.value)
    assert stored(repo) == {}
    assert not [path for path in (repo / RUN).rglob("*") if path.is_file()]
    completes(repo)
