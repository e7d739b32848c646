# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: however a campaign is cut up, ordered, read or interrupted, the repository is the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import pool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import shard_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, Config

from tests.integration.at_once import at_once
from tests.integration.canonical import Dump, difference, dump
from tests.integration.killing import Attempt, kill_at
from tests.integration.postgres import Database
from tests.integration.raw_files import TOTAL, official, write_raws
from tests.integration.raw_states import (
    DEFAULTS,
    assert_datasets_are_official,
    assert_records_are_official,
    ingest,
    raws,
    register,
)

MOST_STEPS = 60


@dataclass(frozen=True)
class Campaign:
    """A repository without raws, the raws, and what one run makes of them by each transfer mode."""

    empty: Path
    files: tuple[Path, ...]
    expected: dict[str, Dump]

    def copy(self) -> Path:
        repo = self.empty.with_name("repo")
        shutil.rmtree(repo, ignore_errors=True)
        return Path(shutil.copytree(self.empty, repo))


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    folder = tmp_path_factory.mktemp("campaign")
    Butler.makeRepo(folder / "empty")
    register(folder / "empty", "LSSTComCam")
    campaign = Campaign(folder / "empty", tuple(write_raws(folder / "raw")), {})
    for transfer in ("copy", "direct"):
        repo = campaign.copy()
        ingest(repo, folder / "raw", transfer=transfer)
        assert_records_are_official(repo)
        assert_datasets_are_official(repo, folder=folder / "raw" if transfer == "direct" else None)
        campaign.expected[transfer] = dump(repo)
    return campaign


@pytest.fixture(scope="module", autouse=True)
def _small_pools() -> Iterator[None]:
    """Let few files be enough for several processes to read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "WORTH_IT", 2)
        yield


@settings(max_examples=10, derandomize=True)
@given(st.data())
def test_any_way_leads_to_the_same_repository(campaign: Campaign, data: st.DataObject) -> None:
    files = data.draw(st.permutations(campaign.files), "files")
    transfer = data.draw(st.sampled_from(["copy", "direct"]), "transfer")
    count = data.draw(st.integers(1, 4), "shards")
    how = {
        "transfer": transfer,
        "batch_size": data.draw(st.sampled_from([1, 2, 3, 7, 10_000]), "batch size"),
        "processes": data.draw(st.sampled_from([1, 2]), "processes"),
    }
    killed = data.draw(st.integers(-MOST_STEPS // 3, MOST_STEPS), "step to be killed at")
    repo = campaign.copy()
    present = 0
    for number, index in enumerate(data.draw(st.permutations(range(count)), "order of shards")):
        shard = {"index": index, "count": count}
        if number == 0 and killed >= 0:
            params = {**DEFAULTS, **how, "sources": [str(path) for path in files], "shard": shard}
            kill_at(Attempt("_states.raws.state:RawsState", params, repo), killed)
        ingest(repo, *files, shard=shard, **how)
        again = ingest(repo, *files, shard=shard, **how)
        assert not again.changed
        present += again.stats["present"]
    assert present == TOTAL
    assert not difference(campaign.expected[transfer], dump(repo))
    assert not ingest(repo, *files, check_paths=True, **how).changed


def test_several_processes_find_the_same_failures_and_notices(campaign: Campaign, tmp_path: Path) -> None:
    files = write_raws(tmp_path / "raw")
    for path in files[::5]:
        path.write_bytes(path.read_bytes()[:-100])
    outcomes = []
    for processes in (1, 2):
        repo = campaign.copy()
        outcome = ingest(repo, tmp_path / "raw", processes=processes, on_error="skip")
        outcomes.append((outcome.changes, outcome.stats, outcome.failures, outcome.notices))
    assert outcomes[0] == outcomes[1] and outcomes[0][1]["failed"] == len(files[::5])


def _run(repo: str, source: str, index: int, count: int, barrier: Barrier) -> list[str]:
    """Plan, wait for the others, and apply, as a host of its own would."""
    state = raws(source, transfer="direct", batch_size=2, shard={"index": index, "count": count})
    repository = open_repository(repo, writeable=True)
    plan = state.plan(state.observe(repository))
    barrier.wait()
    report = Report()
    state.apply(repository, plan, report)
    assert report.failed == 0
    return report.notices


def shared_by_shards(count: int) -> set[object]:
    """Give the days and groups that several shards have exposures of."""
    owners: dict[object, set[int]] = {}
    for record in official()["exposure"]:
        for key in (record["day_obs"], record["group"]):
            owners.setdefault(key, set()).add(shard_of(record["id"], count))
    return {key for key, shards in owners.items() if len(shards) > 1}


@pytest.mark.parametrize("count", [2, 3])
def test_shards_at_once_on_sqlite(count: int, campaign: Campaign) -> None:
    assert shared_by_shards(count)
    repo = campaign.copy()
    source = str(campaign.files[0].parents[2])
    at_once(_run, [(str(repo), source, index, count) for index in range(count)])
    assert not difference(campaign.expected["direct"], dump(repo))


@pytest.mark.parametrize("shards", [[(0, 2), (1, 2)], [(0, 3), (1, 3), (2, 3)], [(0, 1), (0, 1)]])
def test_shards_at_once_on_postgresql(
    shards: list[tuple[int, int]], campaign: Campaign, database: Database, tmp_path: Path
) -> None:
    """Also where two hosts were given the same share: a race that is lost is no error."""
    repo, source = tmp_path / "repo", campaign.files[0].parents[2]
    seed = {"registry": {"db": database.url}, "datastore": {"root": str(tmp_path / "datastore")}}
    Butler.makeRepo(repo, Config(seed), forceConfigRoot=False)
    register(repo, "LSSTComCam")
    at_once(_run, [(str(repo), str(source), index, count) for index, count in shards])
    assert_records_are_official(repo)
    assert_datasets_are_official(repo, folder=source)
    assert not ingest(repo, source, transfer="direct", check_paths=True).changed


def test_two_shards_share_days_and_a_group() -> None:
    """What the tests above rely on: shards bring the same records along."""
    groups = {record["name"] for record in official()["group"]}
    assert any(key in groups for count in (2, 3, 4) for key in shared_by_shards(count))
    assert 20241108 in shared_by_shards(2)
