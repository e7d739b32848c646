# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module on PostgreSQL, by logins that share a role and by one that may only read."""

from __future__ import annotations

import re
from itertools import cycle as around
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, DataCoordinate

from tests.integration.ansible_play import Cycle
from tests.integration.canonical import Dump, difference, dump
from tests.integration.modules_here import module_here
from tests.integration.postgres import PASSWORD, Database, Logins, Server
from tests.integration.sky_maps import stored
from tests.integration.whole_campaign import Task, campaign, undoing, write_sources

NAMESPACE = "ccms1"
CONNECTIONS = 2
"""How many a task has at a time: the registry's, and that of the lock among writers."""


@pytest.fixture
def logins(postgres: Server, database: Database) -> Logins:
    return postgres.new_logins(database, NAMESPACE, CONNECTIONS)


def converge_as(task: Task, writer: str, logins: Logins, database: Database, server: Server) -> None:
    """Prove a task: the reader checks it, may not do it, and finds nothing to do when a writer has."""
    module, arguments = task
    reads = {"LSST_DB_AUTH_CREDENTIALS": database.credentials(logins.reader)}
    writes = {"LSST_DB_AUTH_CREDENTIALS": database.credentials(writer)}
    logged = len(server.log())
    check = module_here(module, arguments, check_mode=True, **reads)
    refused = [line for line in server.log()[logged:].splitlines() if "ERROR" in line]
    assert not check.failed, check.message
    assert refused == [], "the check has tried to write"
    tried = module_here(module, arguments, **reads)
    assert tried.failed and "exception" not in tried.result, tried.result
    assert "permission denied" in tried.message
    if "seed_config" in arguments:  # what makes a registry looks before it writes
        assert re.search(rf"the login {logins.reader} may not make (it|tables in it)\b", tried.message)
        assert database.url in tried.message
        assert "has the owner's role" in tried.message and "Nothing was written" in tried.message
    else:
        assert f"the login {logins.reader} may not do that in the registry {database.url}" in tried.message
        assert "owns the registry's tables" in tried.message
    assert PASSWORD not in str(tried.result)
    run = module_here(module, arguments, **writes)
    again = [module_here(module, arguments, check_mode=check_mode, **reads) for check_mode in (True, False)]
    Cycle(check, run, *again).assert_converges()
    assert not re.search("unexpected EOF|Connection reset", server.log()[logged:]), (
        "a connection was left open"
    )


def comparable(repo: Path, database: Database | None = None) -> Dump:
    """Write a repository down, but for the place of its registry and the random id of its sky map."""
    (sky_map,) = stored(repo).values()
    renames = dict.fromkeys((sky_map.id.hex, str(sky_map.id)), "<the stored sky map>")
    found = dump(repo, renames, database, NAMESPACE)
    found["files"] = [line for line in found["files"] if not line.startswith("butler.yaml ")]
    return found


def test_every_module_makes_on_postgresql_what_it_makes_on_sqlite(
    postgres: Server, database: Database, logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, repo, twin = tmp_path / "source", tmp_path / "repo", tmp_path / "twin"
    write_sources(source)
    seed = {"registry": {"db": database.url, "namespace": NAMESPACE}}
    writers = around(logins.writers)
    for task in campaign(repo, source, seed):
        converge_as(task, next(writers), logins, database, postgres)
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(logins.reader))
    info = module_here("butler_info", {"repo": str(repo)})
    assert not info.failed and not info.changed, info.message
    owners = database.execute(f"SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = '{NAMESPACE}'")
    assert owners == [(logins.owner,)]

    for module, arguments in campaign(twin, source, {}):
        done = module_here(module, arguments)
        assert not done.failed and done.changed, done.message
    assert difference(comparable(twin), comparable(repo, database)) == []
    with Butler.from_config(repo) as butler, Butler.from_config(twin) as other:
        # By way of the regions, which tell visits and tracts apart by the tables of what overlaps them.
        met, expected = (
            set(one.query_data_ids(["visit", "tract"], explain=False, limit=None)) for one in (butler, other)
        )
    assert met == expected
    with Butler.from_config(repo) as butler, butler.query() as query:
        # So many that they are sent to the server in a temporary table.
        universe = butler.dimensions
        sent = [
            DataCoordinate.standardize(instrument="LSSTComCam", detector=number, universe=universe)
            for number in range(2000)
        ]
        assert len(list(query.join_data_coordinates(sent).dimension_records("detector"))) == 9

    for task in undoing(repo):
        converge_as(task, next(writers), logins, database, postgres)
    assert database.tables(NAMESPACE) == [] and not repo.exists()
