# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the registry while artifacts go to a WebDAV server, and two writers on one root there."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

from tests.integration.davs_repository import DavsRepository, make_davs_repository, write_remote_raws
from tests.integration.interruptions import at_boundary, before_insert
from tests.integration.postgres import PASSWORD, Database, Server
from tests.integration.raw_files import TOTAL
from tests.integration.raw_states import BEFORE_BATCHES, raws
from tests.integration.raw_writers import ingest_at_once
from tests.integration.webdav import WebDav


@pytest.fixture
def repo(
    webdav: WebDav, server: Server, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DavsRepository:
    repository = make_davs_repository(webdav, database, tmp_path, monkeypatch)
    repository.register()
    return repository


def completes(repo: DavsRepository, source: str, transfer: str) -> None:
    """Check that a run completes what is there, and that one more finds nothing to do."""
    repo.converge(raws(source, transfer=transfer))
    stored = repo.stored()
    assert len(stored) == TOTAL
    inside = sorted(stored.values()) if transfer == "copy" else []
    assert sorted(map(repo.server.uri, repo.artifacts())) == inside
    assert not repo.converge(raws(source, transfer=transfer)).changed


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_a_database_that_restarts_within_a_batch_ends_the_run(
    transfer: str, server: Server, repo: DavsRepository
) -> None:
    source = write_remote_raws(repo.server)
    with (
        before_insert("dataset", 3, server.restart, repo.namespace),
        pytest.raises(ButlerError, match=r"broke off: OperationalError: ") as caught,
    ):
        repo.converge(raws(source, batch_size=4, transfer=transfer))
    assert "Completed batches stay" in str(caught.value) and PASSWORD not in str(caught.value)
    assert len(repo.stored()) == 8
    completes(repo, source, transfer)


def test_a_database_that_restarts_between_two_batches_is_not_even_noticed(
    server: Server, repo: DavsRepository
) -> None:
    source = write_remote_raws(repo.server)
    done = repo.converge(raws(source, batch_size=4), report=at_boundary(BEFORE_BATCHES + 2, server.restart))
    assert done.changed and done.stats["failed"] == 0
    completes(repo, source, "copy")


def test_a_database_that_goes_away_ends_the_run(server: Server, repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)
    with pytest.raises(ButlerError, match=r"broke off: OperationalError: ") as caught:
        repo.converge(raws(source, batch_size=4), report=at_boundary(BEFORE_BATCHES + 3, server.stop))
    assert "refused" in str(caught.value) and "Completed batches stay" in str(caught.value)
    with pytest.raises(ButlerError, match=f"localhost:{server.port}|{server.host}:{server.port}"):
        repo.converge(raws(source))
    server.start()
    assert len(repo.stored()) == 8
    completes(repo, source, "copy")


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_two_processes_at_once_make_what_one_would(transfer: str, repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)
    results = ingest_at_once(repo.uri, source, transfer)
    assert [failed for _added, failed in results] == [0, 0]
    completes(repo, source, transfer)
