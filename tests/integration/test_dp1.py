# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository of DP1 on the embedded default: planned, built, kept, and grown by a dataset type.

The tests of this file are one story on one repository, told in order: each starts where the one before it
ended.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, CollectionType

from tests.integration.ansible_play import CHECKOUT
from tests.integration.campaign_site import Site, assert_as_planned, named
from tests.integration.canonical import Dump, difference, dump
from tests.integration.exporting import export_here
from tests.integration.exports import declare, import_here, official_import
from tests.integration.killed_plays import KilledPlays, calls_of
from tests.integration.sky_maps import random_ids

CHAIN = "LSSTComCam/DP1"
TREE = CHECKOUT / "tests/unit/data/rtn103/tree.txt"
RAWS = "LSSTComCam/raw/all"
LATER = "source"
LEFT_OUT = {"calibrateImage_log", "calibrateImage_metadata", "calibrateImage_config"}

# Two tracts of 16 patches, of the sample's name.
SKY_MAP = """\
config.name = "sample_cells"
config.skyMap.name = "discrete"
config.skyMap["discrete"].raList = [53.125, 37.86]
config.skyMap["discrete"].decList = [-28.1, 6.98]
config.skyMap["discrete"].radiusList = [0.75, 0.75]
config.skyMap["discrete"].pixelScale = 1.0
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    sky_map = root / "sky_map.py"
    sky_map.write_text(SKY_MAP)
    made = Site(root, "dp1", "data/dp1", dp1_skymap_config=str(sky_map))
    yield made
    shutil.rmtree(made.root)


@pytest.fixture(scope="module")
def later(site: Site) -> Path:
    """The export of a dataset type that arrives after the first run; until then it lies elsewhere."""
    export = site.data / f"exports/products/{LATER}.yaml"
    export.rename(site.data / export.name)
    return export


@pytest.fixture(scope="module")
def few(site: Site, later: Path) -> dict[str, Any]:
    """What is expected meanwhile."""
    counts = site.manifest()["in_runs"]
    return {
        "dp1_expected": {name: count for name, count in counts.items() if not name.startswith(f"{LATER} ")}
    }


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    """What earlier tests leave for later ones."""
    return {}


def test_check_on_an_empty_target_prints_the_whole_plan_and_writes_nothing(
    site: Site, few: dict[str, Any], story: dict[str, Any]
) -> None:
    done = site.run("--check", "--diff", **few)
    assert done.returncode == 0, done.output
    assert not (site.root / "butler").exists()
    story["plan"] = done.changes


def test_the_run_does_exactly_that_plan(site: Site, few: dict[str, Any], story: dict[str, Any]) -> None:
    done = site.run("--diff", **few)
    assert done.returncode == 0, done.output
    assert_as_planned(done.changes, story["plan"], {"Define visits"})
    story["built"] = site.dump()
    story["alike"] = dump(site.repo, random_ids(site.repo))
    story["calls"] = calls_of(site.playbook, done)


@pytest.mark.parametrize("mode", ["run", pytest.param("check", marks=pytest.mark.exhaustive)])
def test_products_whose_exports_are_not_there_are_an_error(
    mode: str, site: Site, few: dict[str, Any]
) -> None:
    products = site.data / "exports/products"
    products.rename(site.data / "elsewhere")
    done = site.run(*(["--check"] if mode == "check" else []), **few)
    (site.data / "elsewhere").rename(products)
    assert done.returncode != 0 and done.changes == []
    assert f"0 files *.yaml were found in {products}; not read: " in done.results[-1].message
    assert f"{products}' is not a directory. Have the exports" in done.results[-1].message


def test_the_second_run_changes_no_row_and_no_file(site: Site, few: dict[str, Any]) -> None:
    before = site.exact()
    done = site.run(**few)
    assert done.returncode == 0, done.output
    assert "changed=0" in done.output and done.changes == []
    assert site.exact() == before


def test_the_chain_is_flat_and_has_the_calibrations_of_rtn_103(site: Site) -> None:
    lines = (line.split() for line in TREE.read_text().splitlines()[2:])
    calibrations = [name for name, kind in lines if kind == "CALIBRATION" and "DM-48650" not in name]
    with Butler.from_config(site.repo) as butler:
        children = list(butler.collections.get_info(CHAIN).children)
        kinds = {info.name: info.type.name for info in butler.collections.query_info(children)}
    start = children.index(RAWS) + 1
    assert children[start : start + len(calibrations)] == calibrations
    # RTN-119's command names 46: four runs of products, the raws, these 35 calibrations, and six more.
    assert (len(calibrations), len(children)) == (35, 46) and "CHAINED" not in kinds.values()
    assert children[0] == "LSSTComCam/runs/DRP/DP1/DM-51335"
    assert children[-1] == "LSSTComCam/calib/fgcmcal/DM-48089/standard_passbands"


def test_the_datasets_are_those_of_the_list_and_of_the_exports(site: Site) -> None:
    manifest = site.manifest()
    wanted = {
        name: {kind: count for kind, count in kinds.items() if kind != LATER}
        for name, kinds in manifest["datasets"].items()
    }
    with Butler.from_config(site.repo) as butler:
        found = {
            name: {
                kind: len({ref.id for ref in butler.registry.queryDatasets(kind, collections=name)})
                for kind in butler.collections.get_info(name, include_summary=True).dataset_types or ()
            }
            for name in wanted
            if name in butler.collections.query("*")
        }
        assert found == {name: kinds for name, kinds in wanted.items() if kinds}
        raws = butler.query_datasets("raw", collections=CHAIN, limit=None, find_first=False)
        assert sorted({ref.dataId["exposure"] for ref in raws}) == manifest["visits"]
        assert not LEFT_OUT & {kind.name for kind in butler.registry.queryDatasetTypes()}


def test_one_more_dataset_type_is_all_that_the_next_run_imports(
    site: Site, later: Path, story: dict[str, Any]
) -> None:
    (site.data / later.name).rename(later)
    planned = site.run("--check", "--diff")
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    run = "LSSTComCam/runs/DRP/DP1/v29_0_0/DM-50260/20250417T034317Z"
    assert named(done.changes) == {("dataset type", LATER), ("datasets", f"{LATER} in {run}")}
    assert planned.changes == done.changes
    assert {line for line in done.output.splitlines() if re.match(r"[+-][^+-]", line)} == {
        line for line in planned.output.splitlines() if re.match(r"[+-][^+-]", line)
    }
    assert not [line for line in difference(story["built"], site.dump()) if ": - " in line]
    assert "changed=0" in site.run().output


@pytest.mark.exhaustive
def test_the_whole_repository_makes_both_round_trips(
    site: Site, repo: Path, empty_repository: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(empty_repository, tmp_path / "other"))
    everything = {"dataset_type": ["*"], "collections": [CHAIN], "with_collections": [CHAIN]}
    ours = export_here(site.repo, {**everything, "file": str(tmp_path / "ours.yaml")}).files[0]
    official_import(other, ours, "direct", site.repo)
    assert difference(registered(site.repo), registered(other)) == []
    theirs = tmp_path / "theirs.yaml"
    with Butler.from_config(site.repo) as butler, butler.export(filename=str(theirs)) as export:
        runs = butler.collections.query("*", collection_types=CollectionType.RUN)
        export.saveDatasets(butler.query_all_datasets(runs, name="*", find_first=False, limit=None))
        for name in butler.collections.query(CHAIN, flatten_chains=True, include_chains=True):
            export.saveCollection(name)
    import_here(repo, declare(theirs, directory=str(site.repo), transfer="direct"))
    assert difference(registered(site.repo), registered(repo)) == []


def registered(repo: Path) -> Dump:
    """Give datasets with their ids, collections, chains and certifications, but not where artifacts are."""
    return {
        name: lines
        for name, lines in dump(repo).items()
        if name.startswith(("collection", "dataset")) and not name.startswith("dataset_location")
    }


@pytest.mark.exhaustive
def test_a_play_that_is_killed_is_finished_by_the_next(kills: int, site: Site, story: dict[str, Any]) -> None:
    plays = KilledPlays(story["calls"], site.repo, None, site.root, random_ids)
    assert len(plays.prove_finished(kills, 119, story["alike"])) == kills
