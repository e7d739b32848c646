# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_visits: killed at any point, stopped at a boundary, and run twice at once."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import StoppedError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, Config

from tests.integration.ansible_play import run
from tests.integration.at_once import at_once
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished
from tests.integration.postgres import Database
from tests.integration.visit_states import (
    DEFAULTS,
    add_exposures,
    assert_visits_are_official,
    define,
    everything,
    rows,
    visits,
    with_exposures,
)
from tests.visit_facts import changed, official_exposures

DETECTORS = 9
TWO_VISITS = 2 * DETECTORS + 1


def corrected() -> list[Any]:
    """Give all exposures on the sky with another pointing."""
    return [
        changed(exposure, tracking_ra=(exposure.tracking_ra + 1) % 360)
        for exposure in official_exposures("LSSTComCam")
        if exposure.tracking_ra is not None
    ]


@pytest.mark.exhaustive
@pytest.mark.parametrize("on_conflict", ["fail", "replace"])
def test_a_killed_run_is_finished_by_the_next(on_conflict: str, tmp_path: Path) -> None:
    template = tmp_path / "template"
    Butler.makeRepo(template / "repo")
    with_exposures(template / "repo")
    if on_conflict == "replace":
        define(template / "repo", grouping="one-to-one-and-by-counter")
        add_exposures(template / "repo", corrected(), replace=True)
    params = {
        **DEFAULTS,
        "grouping": "one-to-one-and-by-counter",
        "batch_size": TWO_VISITS,
        "on_conflict": on_conflict,
    }

    def attempt(folder: Path) -> Attempt:
        return Attempt("_states.visits.state:VisitsState", params, folder / "repo")

    kills = prove_killed_runs_are_finished(
        template,
        attempt,
        steps=every("checkpoint", "statement", "commit"),
        moments=2,
        seed=20241108,
    )
    assert kills >= 3


def test_a_run_is_stopped_at_every_boundary_and_goes_on_there(repo: Path) -> None:
    with_exposures(repo)
    seen: list[int] = []
    while True:
        calls = -1

        def begin() -> None:
            nonlocal calls
            calls = 0

        def stop() -> None:
            nonlocal calls
            calls += calls >= 0
            if calls > 1:
                raise StoppedError("stopped at a batch boundary: SIGTERM")

        try:
            define(repo, batch_size=TWO_VISITS, report=Report(checkpoint=stop, begin=begin))
        except StoppedError:
            seen.append(len(rows(repo, "visit_detector_region")) // DETECTORS)
            continue
        break
    # The visit system, then two visits at a time.
    assert seen == [0, 2, 4]
    assert_visits_are_official(repo, "LSSTComCam")


@pytest.mark.parametrize("boundary", [1, 2, 4])
def test_two_runs_that_planned_the_same_do_it_once(boundary: int, repo: Path) -> None:
    with_exposures(repo)
    state = visits(batch_size=TWO_VISITS)
    first, second = (open_repository(str(repo), writeable=True) for _unused in range(2))
    plans = [state.plan(state.observe(repository)) for repository in (first, second)]
    inner = Report()
    calls = 0

    def interrupt() -> None:
        nonlocal calls
        calls += 1
        if calls == boundary:
            state.apply(second, plans[1], inner)

    outer = Report(checkpoint=interrupt)
    state.apply(first, plans[0], outer)
    for repository in (first, second):
        repository.butler.close()
    said = [notice for report in (outer, inner) for notice in report.notices]
    assert said and all("another writer defined" in notice for notice in said)
    assert_visits_are_official(repo, "LSSTComCam")
    assert not define(repo, check_detector_regions=True).changed


def _run(repo: str, barrier: Barrier) -> bool:
    """Plan, wait for the other, and apply, as a host of its own would."""
    state = visits(batch_size=1)
    repository = open_repository(repo, writeable=True)
    plan = state.plan(state.observe(repository))
    barrier.wait()
    state.apply(repository, plan, Report())
    return True


def prove_two_processes_make_what_one_would(repo: Path) -> None:
    many = [
        changed(exposure, id=exposure.id + 1000 * number, obs_id=f"{exposure.obs_id}_{number}")
        for exposure in official_exposures("LSSTComCam")
        for number in range(10)
    ]
    with_exposures(repo, exposures=many)
    assert all(at_once(_run, [(str(repo),)] * 2))
    assert len(rows(repo, "visit")) == 50 and len(rows(repo, "visit_detector_region")) == 50 * DETECTORS
    assert not define(repo, check_detector_regions=True).changed


def test_two_processes_at_once_make_what_one_would(repo: Path) -> None:
    alone = shutil.copytree(repo, repo.parent / "alone")
    prove_two_processes_make_what_one_would(repo)
    with Butler.from_config(repo) as butler:
        found = butler.query_dimension_records("exposure", explain=False, limit=None)
    with_exposures(alone, exposures=found)
    define(alone)
    assert everything(repo) == everything(alone)


@pytest.fixture
def on_a_server(database: Database, tmp_path: Path) -> Path:
    """Give a repository with a PostgreSQL registry."""
    root = tmp_path / "server"
    Butler.makeRepo(root, Config({"registry": {"db": database.url, "namespace": "visits"}}))
    return root


def test_two_processes_at_once_on_postgresql(on_a_server: Path) -> None:
    prove_two_processes_make_what_one_would(on_a_server)


def test_postgresql_holds_the_same(on_a_server: Path) -> None:
    with_exposures(on_a_server)
    define(on_a_server, grouping="one-to-one-and-by-counter", batch_size=TWO_VISITS)
    assert_visits_are_official(on_a_server, "LSSTComCam", "one-to-one-and-by-counter")
    add_exposures(on_a_server, corrected(), replace=True)
    replaced = define(on_a_server, grouping="one-to-one-and-by-counter", on_conflict="replace")
    assert replaced.stats["replaced"] == 6
    add_exposures(on_a_server, official_exposures("LSSTComCam"), replace=True)
    define(on_a_server, grouping="one-to-one-and-by-counter", on_conflict="replace")
    assert_visits_are_official(on_a_server, "LSSTComCam", "one-to-one-and-by-counter")


def test_two_plays_at_once_make_what_one_would(repo: Path) -> None:
    with_exposures(repo)
    arguments = {"repo": str(repo), "instrument": "LSSTComCam", "batch_size": 1}
    with ThreadPoolExecutor(2) as threads:
        results = [
            play.result() for play in [threads.submit(run, "butler_visits", arguments) for _unused in "ab"]
        ]
    assert not any(result.failed for result in results), [result.message for result in results]
    assert_visits_are_official(repo, "LSSTComCam")
