# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DC2 rebuilt from exports and half-broken backups, as artifacts come and go.

The tests of this file are one story on one repository, told in order: each starts where the one before it
ended.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from lsst.daf.butler import Butler

from tests.integration.ansible_play import Playbook
from tests.integration.campaign_site import Site, assert_as_planned, named, printed
from tests.integration.canonical import dump
from tests.integration.killed_plays import KilledPlays, calls_of
from tests.integration.sky_maps import random_ids
from tools.sample_dc2_replication.sample import lost_files
from tools.samples.writing import write_sample

LATE = 10
VISITS = {"Defining visits"}

# What the workshop's script, create_dc2_at_once.py, prints of its chains; the last line has no type there.
TREE = """\
2.2i/defaults CHAINED
  2.2i/raw/all RUN
  2.2i/calib CHAINED
    2.2i/calib/DM-30694 CALIBRATION
    2.2i/calib/gen2 CALIBRATION
    2.2i/calib/DM-30694/unbounded RUN
  skymaps RUN
  refcats CHAINED
    refcats/PREOPS-301 RUN
  2.2i/truth_summary"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), "dc2_replication", "data/dc2_replication")
    yield made
    shutil.rmtree(made.root)


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    """What earlier tests leave for later ones."""
    return {}


def held(site: Site) -> dict[str, Counter[str]]:
    """Count the datasets of each RUN by dataset type."""
    found: dict[str, Counter[str]] = {}
    with Butler.from_config(site.repo) as butler:
        for name in butler.collections.query("*"):
            info = butler.collections.get_info(name, include_summary=True)
            if info.type.name == "RUN" and name != "skymaps":
                for kind in info.dataset_types or ():
                    refs = butler.query_datasets(kind, name, find_first=False, explain=False)
                    found.setdefault(name, Counter())[kind] = len(refs)
    return found


def left_out(done: Playbook) -> dict[str, int]:
    """Give how many datasets of each type the play says that it has left out."""
    [task] = [
        task
        for task in done.results
        if task.task == "Importing exports - selected raws, all raws, calibrations, refcats, products"
    ]
    counts: dict[str, int] = task["missing_datasets"]
    return counts


def test_check_on_an_empty_target_prints_the_whole_plan_and_writes_nothing(
    site: Site, story: dict[str, Any]
) -> None:
    done = site.run("--check", "--diff")
    assert done.returncode == 0, done.output
    assert not (site.root / "butler").exists()
    lost = Counter(site.manifest()["lost"].values())
    assert left_out(done) == lost
    assert f"datasets left out, by dataset type: {dict(sorted(lost.items()))}" in done.output
    story["plan"] = done.changes


def test_the_run_does_exactly_that_plan(site: Site, story: dict[str, Any]) -> None:
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    assert_as_planned(done.changes, story["plan"], VISITS)
    story["calls"] = calls_of(site.playbook, done)
    story["built"] = dump(site.repo, random_ids(site.repo))


def test_what_has_an_artifact_is_there(site: Site) -> None:
    manifest = site.manifest()
    assert held(site) == manifest["datasets"]
    with Butler.from_config(site.repo) as butler:
        visits = butler.query_dimension_records("visit", instrument="LSSTCam-imSim")
        assert sorted(visit.id for visit in visits) == manifest["visits"]
        raw = min(butler.query_datasets("raw", "2.2i/raw/all"))
        # The selected raws are taken from where they are, though the list of all raws has them elsewhere.
        assert "/dp02_raws/2.2i/raw/all/raw/" in butler.getURI(raw).geturl()
        flats = list(butler.registry.queryDatasetAssociations("flat", "2.2i/calib/gen2"))
        assert len(flats) == held(site)["2.2i/calib/gen2/20220806T000000Z"]["flat"]


def test_the_chains_are_those_that_the_workshop_prints(site: Site) -> None:
    assert "\n".join(printed(site, "query-collections", "--chains=tree", "2.2i/defaults")) == f"{TREE} RUN"


@pytest.mark.parametrize("mode", ["run", pytest.param("check", marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (["raw", "not_copied"], "5 files _export_*.yaml were found in {0}/raw, {0}/not_copied; not read: "),
        (["skymaps"], "0 files _export_*.yaml were found in {0}/skymaps; not read: none. Have "),
    ],
    ids=["no folder", "no export"],
)
def test_exports_that_cannot_be_found_are_an_error(
    mode: str, folders: list[str], told: str, site: Site
) -> None:
    before = site.exact()
    done = site.run(*(["--check"] if mode == "check" else []), dc2_replication_folders=folders)
    assert done.returncode != 0 and done.changes == []
    assert told.format(site.data) in done.results[-1].message
    assert ("not_copied" in folders) == ("not_copied' is not a directory. Have" in done.results[-1].message)
    assert site.exact() == before


def test_the_second_run_changes_no_row_and_no_file(site: Site) -> None:
    before = site.exact()
    checked = site.run("--check")
    assert checked.returncode == 0 and checked.changes == [], checked.output
    done = site.run()
    assert done.returncode == 0, done.output
    assert "changed=0" in done.output and done.changes == []
    assert site.exact() == before


def test_artifacts_that_arrive_are_exactly_what_the_next_run_adds(site: Site, story: dict[str, Any]) -> None:
    story["start"] = site.root / "start"
    shutil.copytree(site.repo, story["start"], symlinks=True)
    late = dict(list(lost_files().items())[::3][:LATE])
    assert len(late) == LATE
    write_sample(site.data, late)
    manifest, before = site.manifest(), held(site)
    arrived = Counter(manifest["lost"][place] for place in late)
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    added = Counter(
        {change["name"]: change["count"] for change in done.changes if change["kind"] == "datasets"}
    )
    assert added.total() == LATE and {kind for kind, _unused in named(done.changes)} <= {
        "datasets",
        "certifications",
    }
    assert Counter(name.split()[0] for name in added.elements()) == arrived
    more = Counter({kind: number for kinds in held(site).values() for kind, number in kinds.items()})
    less = Counter({kind: number for kinds in before.values() for kind, number in kinds.items()})
    assert more - less == arrived
    left = Counter(manifest["lost"].values()) - arrived
    assert left_out(done) == left
    story["late"] = sorted(late)


@pytest.mark.exhaustive
def test_what_is_gone_is_forgotten_and_comes_back(site: Site, story: dict[str, Any]) -> None:
    built = site.dump()
    gone = story["late"][:4]
    content = {place: (site.data / place).read_bytes() for place in gone}
    for place in gone:
        (site.data / place).unlink()
    few = site.run(dc2_replication_max_forgotten=3)
    assert few.returncode != 0 and "max_removals" in few.output and site.dump() == built
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    assert {change["action"] for change in done.changes} == {"remove"}
    forgotten = [change for change in done.changes if change["kind"] == "datasets"]
    assert sum(change["count"] for change in forgotten) == 4
    again = site.run()
    assert again.returncode == 0 and again.changes == [], again.output
    write_sample(site.data, content)
    back = site.run()
    assert back.returncode == 0, back.output
    assert {change["action"] for change in back.changes} == {"add"}
    assert site.dump() == built


@pytest.mark.exhaustive
def test_nothing_is_dropped_without_the_repositorys_name(site: Site) -> None:
    before = site.dump()
    other = site.run(dc2_replication_remove=str(site.repo.parent))
    assert other.returncode != 0 and site.dump() == before
    planned = site.run("--check", dc2_replication_remove=str(site.repo))
    assert ("repository", str(site.repo)) in named(planned.changes) and site.dump() == before


@pytest.mark.exhaustive
def test_a_play_that_is_killed_is_finished_by_the_next(kills: int, site: Site, story: dict[str, Any]) -> None:
    """Once as it builds the repository, and once as artifacts that have arrived and others that are gone."""
    calls, late, second = story["calls"], [site.data / place for place in story["late"]], kills // 2
    content = {path: path.read_bytes() for path in late}
    for path in late:
        path.unlink()
    met = KilledPlays(calls, site.repo, None, site.root, random_ids).prove_finished(
        kills - second, 22, story["built"]
    )
    for path, arrived in content.items():
        path.write_bytes(arrived)
    backup = site.data / "dc2_ncsa_backup"
    kept = [sorted(set((backup / part).rglob("*.fits")) - content.keys()) for part in ("2.2i/calib", "u")]
    gone = [path for paths in kept for path in paths[::3][:4]]
    for path in gone:
        path.unlink()
    met += KilledPlays(calls, site.repo, story["start"], site.root, random_ids).prove_finished(second, 23)
    assert len(met) == kills
    there = sum(sum(kinds.values()) for kinds in site.manifest()["datasets"].values())
    assert sum(kinds.total() for kinds in held(site).values()) == there + LATE - len(gone)
