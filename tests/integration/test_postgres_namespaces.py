# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several registries in one database, and one of them saved and restored."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.canonical import difference, dump
from tests.integration.modules_here import module_here
from tests.integration.postgres import PASSWORD, Database, Server, program
from tests.integration.whole_campaign import campaign, undoing, write_sources

MINE, OTHER = "ccms1", "dp02"


def tool(name: str, *arguments: str, database: Database, login: str) -> None:
    """Run a program of PostgreSQL's client, as README.md has it."""
    subprocess.run(
        [
            program(name),
            "--host",
            database.host,
            "--port",
            str(database.port),
            "--username",
            login,
            *arguments,
        ],
        check=True,
        env={**os.environ, "PGPASSWORD": PASSWORD},
    )


def test_one_of_two_registries_is_saved_lost_and_restored(
    postgres: Server, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = postgres.new_logins(database, MINE)
    postgres.new_schema(database, OTHER)
    writer = logins.writers[0]
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(writer))
    repo, other, source = tmp_path / "repo", tmp_path / "other", tmp_path / "source"
    write_sources(source)
    seeds = {name: {"registry": {"db": database.url, "namespace": name}} for name in (MINE, OTHER)}
    tasks = campaign(repo, source, seeds[MINE])
    others = campaign(other, source, seeds[OTHER])[:2]
    # In turns: neither sees what the other has made.
    for task in (*others, *tasks):
        done = module_here(*task)
        assert not done.failed and done.changed, done.message
    mine, foreign = dump(repo, None, database, MINE), dump(other, None, database, OTHER)
    assert "exposure" in mine and "exposure" not in foreign and "instrument" in foreign

    saved = str(tmp_path / "ccms1.dump")
    tool("pg_dump", "-Fc", "-n", MINE, "-f", saved, database.name, database=database, login=writer)
    database.execute(f"DROP SCHEMA {MINE} CASCADE", role="postgres")
    postgres.new_schema(database, MINE)
    tool("pg_restore", "--no-owner", "--exit-on-error", "-n", MINE, "-d", database.name, saved,
         database=database, login=writer)  # fmt: skip
    assert difference(mine, dump(repo, None, database, MINE)) == []
    counted = f"SELECT reltuples FROM pg_class WHERE oid = '{MINE}.exposure'::regclass"
    # Without ANALYZE the server plans for tables that it has not counted (-1).
    assert database.execute("ANALYZE", counted, role=writer) == [(len(mine["exposure"]),)]
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(logins.reader))
    for task in tasks:
        again = module_here(*task)
        assert not again.failed and not again.changed, again.message

    # What numbers the rows was restored too.
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(logins.writers[1]))
    more = module_here("butler_collection", {"repo": str(repo), "collections": [{"name": "u/one/more"}]})
    assert not more.failed and more["stats"]["added"] == 1, more.message
    gone = module_here(*undoing(repo)[-1])
    assert not gone.failed and database.tables(MINE) == [], gone.message
    assert difference(foreign, dump(other, None, database, OTHER)) == []
    assert not module_here(*others[1]).changed
