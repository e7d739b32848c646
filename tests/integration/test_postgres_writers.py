# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two writers, a reader and an outage on a PostgreSQL registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import Ingester
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, Config, DimensionRecord

from tests.integration.ansible_play import run
from tests.integration.postgres import PASSWORD, READER, Database, Server
from tests.integration.shards import (
    RUN,
    WHOLE,
    dataset_type,
    prove_a_second_writer_waits,
    shards,
    stored,
    write_shards,
)


@pytest.fixture
def repo(database: Database, tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": database.url, "namespace": "ccms1"}}))
    with Butler.from_config(root, writeable=True) as butler:
        butler.registry.registerDatasetType(dataset_type(butler.dimensions))
        butler.collections.register(RUN)
    write_shards(tmp_path / "source")
    return root


@pytest.mark.parametrize("transfer", ["copy", "direct", "symlink"])
def test_a_second_writer_waits_for_the_advisory_lock(transfer: str, repo: Path, tmp_path: Path) -> None:
    repository = open_repository(str(repo), writeable=True)
    prove_a_second_writer_waits(repository, repo, tmp_path / "source", transfer)


def test_check_mode_works_with_a_readers_credentials(
    database: Database, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    arguments = {"repo": str(repo), "collections": [{"name": "skymaps"}, {"name": RUN}]}
    check = run("butler_collection", arguments, check_mode=True)
    assert not check.failed, check.message
    assert check["stats"]["added"] == 1 and check["stats"]["present"] == 1
    real = run("butler_collection", arguments)
    assert real.failed and "permission denied" in real.message


def test_wrong_credentials_are_named_without_the_password(
    database: Database, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(password="wr0ng-secret"))
    result = run("butler_collection", {"repo": str(repo), "collections": [{"name": "skymaps"}]})
    assert result.failed and "password authentication failed" in result.message
    assert "db-auth.yaml" in result.message
    assert "wr0ng-secret" not in str(result.result) and PASSWORD not in str(result.result)


def test_a_database_that_goes_away_ends_the_run_and_loses_nothing(
    postgres: Server, database: Database, repo: Path, tmp_path: Path
) -> None:
    repository = open_repository(str(repo), writeable=True)
    files = shards(tmp_path / "source", repository.butler.dimensions)
    batches = 0

    def records(batch: object) -> dict[str, list[DimensionRecord]]:
        nonlocal batches
        batches += 1
        if batches == 3:
            Database("postgres", postgres.host, postgres.port).execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'",
                role="postgres",
            )
        return {}

    with pytest.raises(ButlerError, match="broke off: OperationalError"):
        Ingester(repository, "copy", Report(), batch_size=4).ingest(files, records)
    assert len(stored(repo)) == 8
    again = open_repository(str(repo), writeable=True)
    Ingester(again, "copy", Report(), batch_size=4).ingest(files)
    assert stored(repo) == WHOLE
