# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_skymap: killed at any point, run twice at once, and with a database that goes away."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps import geometry
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import polygons
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import SkyMapsState
from lsst.daf.butler import Butler, Config
from lsst.sphgeom import ConvexPolygon

from tests.integration.at_once import at_once
from tests.integration.canonical import difference, dump
from tests.integration.converging import converge_here
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished, some
from tests.integration.postgres import Database, Server
from tests.integration.sky_maps import FIELDS, counts, declared, random_ids, stored

SEVEN = {
    **FIELDS,
    "ra_list": [10.0 * number for number in range(7)],
    "dec_list": [-30.0] * 7,
    "radius_list": [0.3] * 7,
}
SKY_MAPS = {
    "skymaps": [
        declared("small_discrete", discrete=FIELDS),
        declared("seven_fields", discrete=SEVEN),
    ]
}
BATCH = 30
"""Patches in a transaction: one tract of the first sky map, three of the second."""


def state() -> SkyMapsState:
    return SkyMapsState(SkyMapsState.from_params(SKY_MAPS).declared, BATCH)


def attempt(folder: Path) -> Attempt:
    return Attempt(
        "_states.skymaps.state:SkyMapsState",
        SKY_MAPS,
        folder / "repo",
        {"batch_size": BATCH},
        random=random_ids,
    )


@pytest.mark.exhaustive
def test_a_killed_run_is_finished_by_the_next(tmp_path: Path) -> None:
    template = tmp_path / "template"
    Butler.makeRepo(template / "repo")

    def steps(gone_through: list[str]) -> set[int]:
        return {
            *every("checkpoint", "commit")(gone_through),
            *some(6, 4, "statement", "transfer")(gone_through),
        }

    kills = prove_killed_runs_are_finished(template, attempt, steps=steps, moments=1, seed=4)
    assert kills >= 16


def test_two_runs_that_planned_the_same_lose_nothing_of_each_other(repo: Path) -> None:
    first, second = (open_repository(str(repo), writeable=True) for _unused in range(2))
    plans = [state().plan(state().observe(repository)) for repository in (first, second)]
    inner, calls = Report(), 0

    def interrupt() -> None:
        nonlocal calls
        calls += 1
        # After the type, the run, a sky map (a record, three batches, a file), a record and a batch.
        if calls == 10:
            state().apply(second, plans[1], inner)

    outer = Report(checkpoint=interrupt)
    state().apply(first, plans[0], outer)
    assert "another writer is registering seven_fields too" in (*outer.notices, *inner.notices)
    for repository in (first, second):
        repository.butler.close()
    assert counts(repo, "seven_fields") == (7, 63) and counts(repo, "small_discrete") == (3, 75)
    assert set(stored(repo)) == {"small_discrete", "seven_fields"}
    assert not converge_here(state(), repo).changed


def _run(repo: str, barrier: Barrier) -> bool:
    """Plan, wait for the other, and apply, as a host of its own would."""
    repository = open_repository(repo, writeable=True)
    plan = state().plan(state().observe(repository))
    barrier.wait()
    state().apply(repository, plan, Report())
    return True


def test_two_processes_at_once_make_what_one_would(repo: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    Butler.makeRepo(alone)
    converge_here(state(), alone)
    assert all(at_once(_run, [(str(repo),)] * 2))
    theirs, mine = (dump(root, random_ids(root)) for root in (alone, repo))
    assert not difference(theirs, mine)
    assert not converge_here(state(), repo).changed


@pytest.fixture
def on_server(database: Database, tmp_path: Path) -> Path:
    root = tmp_path / "server"
    Butler.makeRepo(root, Config({"registry": {"db": database.url, "namespace": "sky"}}))
    return root


def test_two_processes_at_once_on_a_server(on_server: Path) -> None:
    assert all(at_once(_run, [(str(on_server),)] * 2))
    assert counts(on_server, "seven_fields") == (7, 63)
    assert counts(on_server, "small_discrete") == (3, 75)
    assert set(stored(on_server)) == {"small_discrete", "seven_fields"}
    assert not converge_here(state(), on_server).changed


def test_a_database_that_goes_away_ends_the_run_and_loses_nothing(
    postgres: Server, database: Database, on_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def cut(vertices: Any) -> list[ConvexPolygon]:
        nonlocal calls
        calls += 1
        # In the second transaction of the second sky map, after its tracts.
        if calls == 3 * 2 + 4:
            Database("postgres", postgres.host, postgres.port).execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'",
                role="postgres",
            )
        return polygons(vertices)

    monkeypatch.setattr(geometry, "polygons", cut)
    with pytest.raises(ButlerError, match=r"seven_fields broke off: OperationalError"):
        converge_here(state(), on_server)
    assert counts(on_server, "seven_fields") == (3, 27)
    assert converge_here(state(), on_server).changed
    assert counts(on_server, "seven_fields") == (7, 63)
