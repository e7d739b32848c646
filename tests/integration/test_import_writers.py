# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two imports at the same time: the second waits, and nothing of the first is lost."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
from lsst.daf.butler import Butler, Config

from tests.integration.canonical import dump
from tests.integration.exports import (
    CALIB,
    CALIBRATIONS,
    DATASETS,
    RUNS,
    declare,
    import_here,
    write_case,
)
from tests.integration.held_up import assert_waits, report_that_tells, waiting_for
from tests.integration.postgres import READER, Database
from tests.waiting import PATIENCE

pytestmark = pytest.mark.exhaustive


def import_elsewhere(repo: str, params: dict[str, Any], planned: Event, go: Event) -> dict[str, Any]:
    """Plan while nothing is there, and carry the plan out when told to."""
    repository = open_repository(repo, writeable=True)
    with repository.butler:
        state = ImportsState.from_params(params)
        plan = state.plan(state.observe(repository))
        assert not plan.conflicts and not plan.assumes
        planned.set()
        assert go.wait(PATIENCE)
        report = Report()
        state.apply(repository, plan, report)
        return {"notices": report.notices, "failed": report.failed}


@pytest.mark.parametrize(
    "transfer", ["auto", "copy", "direct", "hardlink", "link", "move", "relsymlink", "split", "symlink"]
)
def test_an_importer_that_planned_too_early_loses_nothing(transfer: str, repo: Path, tmp_path: Path) -> None:
    params = declare(write_case(CALIBRATIONS, tmp_path / "site"), transfer=transfer)
    context = multiprocessing.get_context("forkserver")
    with context.Manager() as manager, context.Pool(1) as pool:
        planned, go = manager.Event(), manager.Event()
        second = pool.apply_async(import_elsewhere, (str(repo), params, planned, go))
        assert planned.wait(PATIENCE)
        import_here(repo, params)
        before = dump(repo)
        go.set()
        result = second.get(PATIENCE)
    assert result["failed"] == 0
    assert any("another writer ingested" in notice for notice in result["notices"])
    assert dump(repo) == before
    with Butler.from_config(repo) as butler:
        refs = butler.query_all_datasets("*", find_first=False)
        assert len(refs) == DATASETS and all(butler.get(ref) is not None for ref in refs)


@pytest.fixture
def postgres_repo(database: Database, tmp_path: Path) -> Path:
    root = tmp_path / "postgres"
    Butler.makeRepo(root, Config({"registry": {"db": database.url, "namespace": "calibs"}}))
    return root


def test_two_importers_and_a_reader_on_postgresql(
    postgres_repo: Path, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = declare(write_case(CALIBRATIONS, tmp_path / "site"), transfer="copy")
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(1) as pool:
        planned, go = manager.Event(), manager.Event()
        second = pool.apply_async(import_elsewhere, (str(postgres_repo), params, planned, go))
        assert planned.wait(PATIENCE)
        assert import_here(postgres_repo, params).stats["failed"] == 0
        go.set()
        assert any("another writer ingested" in notice for notice in second.get(PATIENCE)["notices"])
    with Butler.from_config(postgres_repo) as butler:
        refs = butler.query_all_datasets("*", find_first=False)
        assert len(refs) == DATASETS and all(butler.get(ref) is not None for ref in refs)
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    again = import_here(postgres_repo, params, check=True)
    assert not again.changed and again.stats["present"] > DATASETS


def import_held_up(repo: str, params: dict[str, Any], waits: Event, name: str) -> dict[str, Any]:
    """Import while somebody else holds a lock."""
    repository = open_repository(repo, writeable=True)
    with repository.butler:
        state = ImportsState.from_params(params)
        report = report_that_tells(waits, name)
        converge(state, repository, check_mode=False, report=report)
        return {"notices": report.notices, "failed": report.failed}


@pytest.mark.parametrize("name", [RUNS[1], CALIB])
def test_an_importer_waits_for_the_lock_of_what_it_writes(name: str, repo: Path, tmp_path: Path) -> None:
    params = declare(write_case(CALIBRATIONS, tmp_path / "site"), transfer="copy")
    context = multiprocessing.get_context("forkserver")
    with context.Manager() as manager, context.Pool(1) as pool:
        waits = manager.Event()
        holder = open_repository(str(repo), writeable=True)
        with holder.writer_lock(name, lambda line: None):
            second = pool.apply_async(import_held_up, (str(repo), params, waits, name))
            assert_waits(waits, second)
        assert second.get(PATIENCE) == {"notices": [waiting_for(name)], "failed": 0}
        holder.butler.close()
    assert not import_here(repo, params).changed
