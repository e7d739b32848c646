# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository of DP0.2 on the embedded default: planned, built, kept, repaired, and equal to RTN-029's.

The tests of this file are one story on one repository, told in order: each starts where the one before it
ended. The sky map has the name DC2 and a few tracts, for the real one takes a minute.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from lsst.daf.butler import Butler
from lsst.daf.butler.cli.butler import cli

from tests.integration.ansible_play import CHECKOUT
from tests.integration.campaign_site import Site, assert_as_planned, named
from tests.integration.canonical import difference

RTN029 = CHECKOUT / "tests/unit/data/rtn029"
TRUTH = "2.2i/truth_summary"

# What today's daf_butler and obs_lsst have beyond what the technote could print.
LATER_DIMENSIONS = {"raw": {"day_obs", "group"}}
LATER_FILTERS = [["LSSTCam-imSim", band, band] for band in "giruyz"]
LATER_COLUMN = "visit_system"

SKY_MAP = """\
config.name = "DC2"
config.skyMap.name = "discrete"
config.skyMap["discrete"].raList = [55.0, 56.5, 58.0, 59.5, 61.0, 62.5]
config.skyMap["discrete"].decList = [-31.0, -31.0, -31.0, -31.0, -31.0, -31.0]
config.skyMap["discrete"].radiusList = [0.75, 0.75, 0.75, 0.75, 0.75, 0.75]
config.skyMap["discrete"].projection = "TAN"
config.skyMap["discrete"].pixelScale = 1.0
"""
TRACTS, PATCHES = 6, 96


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    sky_map, truth = root / "small/DC2.py", root / "small/truth_summary"
    truth.mkdir(parents=True)
    sky_map.write_text(SKY_MAP)
    small = {"dp02_skymap_config": str(sky_map), "dp02_truth_summary": str(truth)}
    made = Site(root, "dp02", "data/dp02", **small, dp02_tracts=TRACTS, dp02_patches=PATCHES)
    # The tracts of this sky map are called 0 to 5.
    head, *rows = (made.data / "truth_summary/truth_tables.csv").read_text().splitlines()
    files = [made.data / "truth_summary" / row.split(",")[0] for row in rows]
    lines = [head, *(f"{file},DC2,{tract}" for tract, file in enumerate(files))]
    (truth / "truth_tables.csv").write_text("\n".join(lines) + "\n")
    yield made
    shutil.rmtree(made.root)


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    """What earlier tests leave for later ones."""
    return {}


def printed(site: Site, command: str, *arguments: str) -> list[str]:
    """Give the lines that the official command prints, from the head of the table on."""
    done = CliRunner().invoke(cli, [command, str(site.repo), *arguments])
    assert done.exit_code == 0, done.output
    lines = [line for line in done.output.splitlines() if line.strip()]
    rule = next(number for number, line in enumerate(lines) if line.strip().startswith("---"))
    return lines[rule - 1 :]


def technote(name: str) -> list[str]:
    return (RTN029 / f"{name}.txt").read_text().splitlines()


def blocks(lines: list[str]) -> list[list[tuple[int, ...] | tuple[str, ...]]]:
    """Give each collection that stands by itself with what it chains, sorted: the order has changed since."""
    found: list[list[Any]] = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if depth == 0:
            found.append([])
        found[-1].append((depth, *line.split()))
    return sorted(found)


def rows(lines: list[str]) -> list[dict[str, str]]:
    """Give the rows of a table by column."""
    head, _rule, *body = (line.split() for line in lines)
    return [dict(zip(head, row, strict=True)) for row in body]


def test_check_on_an_empty_target_prints_the_whole_plan_and_writes_nothing(
    site: Site, story: dict[str, Any]
) -> None:
    done = site.run("--check", "--diff")
    assert done.returncode == 0, done.output
    assert not (site.root / "butler").exists() and not list(site.data.rglob("_index.json"))
    assert "collection 2.2i/calib/gen2/20231201T000000Z: {type: RUN}" in done.output
    story["plan"] = done.changes


def test_the_run_does_exactly_that_plan(site: Site, story: dict[str, Any]) -> None:
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    assert_as_planned(done.changes, story["plan"], {"Define visits"})
    story["built"] = site.dump()


def test_the_collections_are_rtn_029s(site: Site) -> None:
    found = printed(site, "query-collections", "--chains=TREE")[2:]
    wanted = technote("collections")[2:]
    assert blocks(found) == blocks(wanted)
    assert len(wanted) == 27


def test_the_dataset_types_are_rtn_029s(site: Site) -> None:
    def table(lines: list[str]) -> dict[str, tuple[list[str], str]]:
        parts = (line.replace("[", "|").replace("]", "|").split("|") for line in lines)
        return {
            name.strip(): (dimensions.replace("'", "").split(", "), storage_class.strip())
            for name, dimensions, storage_class in parts
        }

    found = table(printed(site, "query-dataset-types", "--verbose")[2:])
    wanted = table(technote("dataset-types")[2:])
    assert list(found) == list(wanted)
    for name, (dimensions, storage_class) in wanted.items():
        later = LATER_DIMENSIONS.get(name, set())
        assert set(found[name][0]) - set(dimensions) == later
        assert ([each for each in found[name][0] if each not in later], found[name][1]) == (
            dimensions,
            storage_class,
        )


def test_the_dimension_records_are_rtn_029s(site: Site) -> None:
    (instrument,) = rows(printed(site, "query-dimension-records", "instrument"))
    assert instrument.pop(LATER_COLUMN) == "0"
    assert [instrument] == rows(technote("instrument"))
    filters = [
        list(row.values()) for row in rows(printed(site, "query-dimension-records", "physical_filter"))
    ]
    wanted = [list(row.values()) for row in rows(technote("physical_filter"))]
    assert sorted(filters) == sorted(wanted + LATER_FILTERS)
    detectors = rows(printed(site, "query-dimension-records", "detector"))
    assert detectors[:3] == rows(technote("detector")) and len(detectors) == 189


def test_the_counts_are_the_generators(site: Site) -> None:
    manifest = site.manifest()
    with Butler.from_config(site.repo) as butler:
        found = {
            name: {
                kind: len({ref.id for ref in butler.registry.queryDatasets(kind, collections=name)})
                for kind in butler.collections.get_info(name, include_summary=True).dataset_types or ()
            }
            for name in manifest["datasets"]
        }
        assert found == manifest["datasets"]
        visits = butler.query_dimension_records("visit", instrument="LSSTCam-imSim")
        assert sorted(visit.id for visit in visits) == manifest["visits"]
        # Each visit is above the horizon of Cerro Pachon, so the sample's times and pointings go together.
        assert max(visit.zenith_angle for visit in visits) < 60.0
        truth = butler.query_datasets("truth_summary", collections="2.2i/defaults")
        assert sorted(ref.dataId["tract"] for ref in truth) == list(range(TRACTS))
        assert {ref.run for ref in truth} == {TRUTH}


def test_the_second_run_changes_no_row_and_no_file(site: Site) -> None:
    before = site.exact()
    done = site.run()
    assert done.returncode == 0, done.output
    assert "changed=0" in done.output and done.changes == []
    assert site.exact() == before


@pytest.mark.exhaustive
def test_what_was_broken_by_hand_is_repaired_and_nothing_else_is_touched(
    site: Site, story: dict[str, Any]
) -> None:
    masters = "2.2i/calib/gen2/20220101T000000Z"
    index = next(site.data.rglob("y3-wfd/*/_index.json"))
    content = index.read_bytes()
    index.unlink()
    with Butler.from_config(site.repo, writeable=True) as butler:
        butler.collections.remove_from_chain("2.2i/defaults", "skymaps")
        butler.collections.remove_from_chain("2.2i/calib", "2.2i/calib/gen2")
        bias = min(butler.query_datasets("bias", collections=masters))
        butler.pruneDatasets([bias], disassociate=False, unstore=True, purge=False)
        raw = min(butler.query_datasets("raw", collections="LSSTCam-imSim/raw/all"))
        table = min(butler.query_datasets("truth_summary", collections=TRUTH))
        butler.pruneDatasets([raw, table], disassociate=True, unstore=True, purge=True)
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    assert named(done.changes) == {
        ("chain", "2.2i/calib"),
        ("chain", "2.2i/defaults"),
        ("datasets", f"truth_summary in {TRUTH}"),
        ("datastore records", f"bias in {masters}"),
        ("index", str(index)),
        ("raws", "LSSTCam-imSim/raw/all day_obs=20221005"),
    }
    assert difference(site.dump(), story["built"]) == []
    assert index.read_bytes() == content
