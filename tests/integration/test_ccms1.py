# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole ccms1 campaign on the embedded default: planned, built, kept, repaired.

The tests of this file are one story on one repository, told in order: each starts where the one before it
ended.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, CollectionType

from tests.integration.ansible_play import CHECKOUT
from tests.integration.campaign_site import Site, assert_as_planned, named
from tests.integration.canonical import difference

DEFAULTS = "LSSTComCam/DP1/defaults"
TREE = CHECKOUT / "tests/unit/data/rtn103/tree.txt"
SELECTED = "LSSTComCam/raw/DP1-RC3/DM-49594"
TAGGED = {
    SELECTED: "raw",
    "LSSTComCam/calib/DM-49977/DP1.0/preloaded_SsObjects.20250409": "preloaded_DRP_SsObjects",
}
UNTOLD = {
    "Define visits",
    "Ingest Solar System Objects catalog - its tagged collection",
    "Create global collection - the selected exposures",
}
NEW_TICKET = "DM-99999"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), "ccms1")
    yield made
    shutil.rmtree(made.root)


@pytest.fixture(scope="module")
def manifest(site: Site) -> dict[str, Any]:
    return site.manifest()


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    """What earlier tests leave for later ones."""
    return {}


def test_check_on_an_empty_target_prints_the_whole_plan_and_writes_nothing(
    site: Site, story: dict[str, Any]
) -> None:
    done = site.run("--check", "--diff")
    assert done.returncode == 0, done.output
    assert not site.repo.exists() and not (site.root / "butler").exists()
    assert "collection LSSTComCam/calib/DM-48520/DP1/flat-y.20250207a: {type: CALIBRATION}" in done.output
    story["plan"] = done.changes


def test_a_half_built_repository_is_planned_to_its_end(site: Site, story: dict[str, Any]) -> None:
    # The list of good visits is missing, so the run ends two steps before the end.
    broken = site.run(ccms1_good_visits=str(site.data / "none.txt"))
    assert broken.returncode != 0 and "none.txt" in broken.output
    half = site.exact()
    rest = site.run("--check", "--diff")
    assert rest.returncode == 0, rest.output
    assert named(rest.changes) == {
        ("chain", DEFAULTS),
        ("collection", SELECTED),
        ("datasets", f"raw in {SELECTED}"),
    }
    assert site.exact() == half
    story["first half"] = broken.changes


def test_the_run_does_exactly_that_plan(site: Site, story: dict[str, Any]) -> None:
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    ran, planned = [*story["first half"], *done.changes], story["plan"]
    assert {("datasets", f"{kind} in {tag}") for tag, kind in TAGGED.items()} <= named(ran) & named(planned)
    assert_as_planned(ran, planned, UNTOLD)
    story["built"] = site.dump()


def test_the_tree_is_rtn_103s_line_by_line(site: Site) -> None:
    command = [str(Path(sys.executable).with_name("butler")), "query-collections", "--chains=tree"]
    done = subprocess.run([*command, str(site.repo), DEFAULTS], capture_output=True, text=True, check=True)
    tree = TREE.read_text().splitlines()[2:]
    wanted = [line.split() for line in tree]
    found = [line.split() for line in done.stdout.splitlines()]
    depths = [len(line) - len(line.lstrip()) for line in done.stdout.splitlines()]
    wanted_depths = [len(line) - len(line.lstrip()) for line in tree]
    start = found.index([DEFAULTS, "CHAINED"])
    assert found[start : start + len(wanted)] == wanted
    assert depths[start : start + len(wanted)] == wanted_depths
    assert len(wanted) == 59


def test_the_counts_are_the_generators(site: Site, manifest: dict[str, Any]) -> None:
    with Butler.from_config(site.repo) as butler:
        found: dict[str, dict[str, int]] = {}
        for name in manifest["datasets"]:
            types = butler.collections.get_info(name, include_summary=True).dataset_types or ()
            found[name] = {
                # Certified for two ranges, a dataset still is one.
                kind: len({ref.id for ref in butler.registry.queryDatasets(kind, collections=name)})
                for kind in types
            }
        assert found == manifest["datasets"]
        raws = butler.query_datasets("raw", collections="LSSTComCam/raw/all", limit=None)
        assert len(raws) == manifest["raws"]["files"]
        good = {int(ref.dataId["exposure"]) for ref in butler.query_datasets("raw", collections=SELECTED)}
        assert good == set(manifest["good_visits"])


def test_the_second_run_changes_no_row_and_no_file(site: Site) -> None:
    before = site.exact()
    done = site.run()
    assert done.returncode == 0, done.output
    assert "changed=0" in done.output and done.changes == []
    assert site.exact() == before


@pytest.mark.exhaustive
def test_check_on_a_converged_repository_prints_nothing(site: Site) -> None:
    before = site.exact()
    done = site.run("--check", "--diff")
    assert done.returncode == 0 and done.changes == [], done.output
    assert not [line for line in done.output.splitlines() if line.startswith(("+", "-", "@@"))]
    assert site.exact() == before


@pytest.mark.exhaustive
def test_what_was_broken_by_hand_is_repaired_and_nothing_else_is_touched(
    site: Site, story: dict[str, Any]
) -> None:
    tag, calib = SELECTED, "LSSTComCam/calib/DM-48520/DP1/biasGen"
    with Butler.from_config(site.repo, writeable=True) as butler:
        butler.collections.remove_from_chain("refcats", "refcats/DM-49042/the_monster_20250219")
        members = butler.query_datasets("raw", collections=tag)
        others = set(butler.query_datasets("raw", collections="LSSTComCam/raw/all", limit=None)) - set(
            members
        )
        butler.registry.disassociate(tag, members[:2])
        butler.registry.associate(tag, sorted(others)[:1])
        (run,) = (name for name in butler.collections.query("*") if name.startswith(calib))
        (bias, *_unused) = butler.query_datasets("bias", collections=run)
        butler.pruneDatasets([bias], disassociate=False, unstore=True, purge=False)
        free = others.difference(
            *(
                butler.query_datasets("raw", collections=name, explain=False, limit=None)
                for name in butler.collections.query("*", collection_types=CollectionType.TAGGED)
            )
        )
        raw = min(ref for ref in free if ref.dataId["exposure"] // 100_000 == 20241108)
        butler.pruneDatasets([raw], disassociate=True, unstore=True, purge=True)
    done = site.run("--diff")
    assert done.returncode == 0, done.output
    assert named(done.changes) == {
        ("chain", "refcats"),
        ("datasets", f"raw in {tag}"),
        ("datasets", f"raw no longer in {tag}"),
        ("datastore records", f"bias in {run}"),
        ("raws", "LSSTComCam/raw/all day_obs=20241108"),
    }
    assert sum(change["count"] for change in done.changes) == 1 + 2 + 1 + 1 + 1
    assert difference(site.dump(), story["built"]) == []


@pytest.mark.exhaustive
def test_a_new_tickets_export_is_all_that_the_next_run_imports(site: Site, story: dict[str, Any]) -> None:
    old = site.data / "ancillary/LSSTComCam/calib/DM-47741"
    new = site.data / f"ancillary/LSSTComCam/calib/{NEW_TICKET}"
    shutil.copytree(old, new)
    export = new / "export.yaml"
    text = export.read_text().replace("DM-47741", NEW_TICKET)
    for number, line in enumerate(sorted({part for part in text.split("'") if part.count("-") == 4})):
        text = text.replace(line, f"00000000-0000-4000-8000-{number:012}")
    export.write_text(text)
    for path in sorted(new.rglob("*DM-47741*"), key=lambda path: len(path.parts), reverse=True):
        path.rename(path.with_name(path.name.replace("DM-47741", NEW_TICKET)))
    tickets = _tickets()
    # The chain grows by the ticket, so RTN-103's tree no longer is what is expected.
    done = site.run(ccms1_calibration_tickets=[NEW_TICKET, *tickets])
    assert {change["task"] for change in done.changes} == {
        "Ingest calibration data",
        "Ingest calibration data - the global calibration collection",
    }, done.output
    gone = [line for line in difference(story["built"], site.dump()) if ": - " in line]
    assert len(gone) == 1 and gone[0].startswith("collection_chain: - parent='LSSTComCam/calib', "), gone
    assert done.returncode != 0 and NEW_TICKET in done.output
    assert "tree of the repository differ" in done.output


def _tickets() -> list[str]:
    import yaml

    facts = yaml.safe_load((CHECKOUT / "playbooks/vars/ccms1.yml").read_text())
    return list(facts["ccms1_calibration_tickets"])
