# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry behind pgbouncer in transaction mode."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle as around
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from lsst.daf.butler import Butler, Config

from tests.integration.modules_here import module_here
from tests.integration.pgbouncer import pooled
from tests.integration.postgres import Database, Server
from tests.integration.shards import RUN, dataset_type, prove_a_second_writer_waits, write_shards
from tests.integration.whole_campaign import campaign, write_sources

CONNECTIONS = 2
"""How many a task that writes has at a time: the registry's, and that of the lock among writers."""


@pytest.fixture
def pooler(postgres: Server, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with pooled(postgres, database, CONNECTIONS) as through:
        monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", through.credentials())
        yield through


def test_every_module_works_through_a_pooler(
    postgres: Server, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logins = postgres.new_logins(database, "ccms1", CONNECTIONS)
    write_sources(tmp_path / "source")
    with pooled(postgres, database, CONNECTIONS, users=[*logins.writers, logins.reader]) as through:
        seed = {"registry": {"db": through.url, "namespace": "ccms1"}}
        for writer, task in zip(
            around(logins.writers), campaign(tmp_path / "repo", tmp_path / "source", seed)
        ):
            monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", through.credentials(writer))
            done = module_here(*task)
            assert not done.failed and done.changed, done.message
            monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", through.credentials(logins.reader))
            again = module_here(*task)
            assert not again.failed and not again.changed, again.message
    # The role that a login acts as is that of the pooler's connections too.
    owners = database.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'ccms1'")
    assert owners == [(logins.owner,)]


def test_a_writer_that_waits_keeps_no_connection_from_the_one_that_works(
    pooler: Database, tmp_path: Path
) -> None:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": pooler.url}}))
    with Butler.from_config(root, writeable=True) as butler:
        butler.registry.registerDatasetType(dataset_type(butler.dimensions))
        butler.collections.register(RUN)
    write_shards(tmp_path / "source")
    repository = open_repository(str(root), writeable=True)
    prove_a_second_writer_waits(repository, root, tmp_path / "source", "copy")


def test_a_pool_that_is_too_small_is_an_error_that_tells_what_to_change(
    postgres: Server, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    with pooled(postgres, database, 1, query_wait_timeout="2") as small:
        monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", small.credentials())
        Butler.makeRepo(root, Config({"registry": {"db": small.url}}))
        arguments = {"repo": str(root), "chains": [{"name": "refcats", "children": []}]}
        done = module_here("butler_chain", arguments)
        assert done.failed and "a pooler" in done.message and "two connections" in done.message, done.message
    with pooled(postgres, database, CONNECTIONS) as large:
        config = root / "butler.yaml"
        config.write_text(config.read_text().replace(small.url, large.url))
        monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", large.credentials())
        again = module_here("butler_chain", arguments)
        assert not again.failed and again["stats"]["added"] == 1, again.message
