# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nights of DEEP on the embedded default: planned, built, kept, joined by others, processed, corrected.

The tests of this file are one story on one repository, told in order: each starts where the one before it
ended. What processing makes is put there by hand.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from astropy.table import Table
from lsst.daf.butler import Butler, DatasetType

from tests.integration.ansible_play import Playbook
from tests.integration.calibrations import put, valid
from tests.integration.campaign_site import Changes, Site, assert_as_planned, named
from tests.integration.canonical import difference
from tests.integration.killed_plays import KilledPlays, calls_of

FIRST, SECOND = 20190402, 20190403
TYPES = ("bias", "flat", "science", "drp")
OLD, NEW = "20241111T115007Z", "20241211T090000Z"
DETECTORS = (1, 25, 57)
CHAINS, RAW, VISIT = "3) Collection and 7) Collection", "2) Raw", "4) Visit"
CERTIFY = "8) Decertify and 9) Certify"
DEFECTS = "Defects - certify them for all times"
BEHIND = ["refcats", "DEEP/calib", "DECam/calib"]
VALID = "2000-01-01 to 2050-01-01"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"), "deep", "data/deep")
    yield made
    shutil.rmtree(made.root)


@pytest.fixture(scope="module")
def story() -> dict[str, Any]:
    """What earlier tests leave for later ones."""
    return {}


def run(site: Site, *arguments: str, nights: tuple[int, ...] = (FIRST,)) -> Playbook:
    done = site.run("--diff", *arguments, deep_nights=nights)
    assert done.returncode == 0, done.output
    return done


def chains(site: Site) -> dict[str, list[str]]:
    """Give the children of the nights' chains."""
    with Butler.from_config(site.repo) as butler:
        infos = butler.collections.query_info("DEEP/*", include_chains=True)
        return {info.name: list(info.children) for info in infos if info.children}


def processed(site: Site, kind: str, night: int, time: str, **more: str) -> str:
    """Have a pipeline make a bias or a flat of each detector."""
    name = f"DEEP/{night}/{kind}/DEEP-{kind}/step1/{time}"
    with Butler.from_config(site.repo, writeable=True) as butler:
        dimensions = ["instrument", "detector", *more]
        dataset_type = DatasetType(
            kind, dimensions, "ExposureF", universe=butler.dimensions, isCalibration=True
        )
        butler.registry.registerDatasetType(dataset_type)
        put(butler, kind, name, DETECTORS, **more)
    return name


def added(night: int) -> set[tuple[str, str]]:
    """Name what a new night changes."""
    tags = [f"DEEP/{night}/{kind}/raw" for kind in TYPES]
    return {
        *(("collection", tag) for tag in tags),
        *(("datasets", f"raw in {tag}") for tag in tags),
        *(("chain", f"DEEP/{night}/{kind}") for kind in TYPES),
        *((f"{name} records", "DECam") for name in ("day_obs", "group", "exposure")),
        ("raws", f"DECam/raw/all day_obs={night}"),
        ("visits", f"DECam one-to-one day_obs={night}"),
    }


def shown(changes: Changes, name: str) -> Any:
    (change,) = (change for change in changes if change["name"] == name)
    return change["after"]


def test_check_on_an_empty_target_prints_the_whole_plan_and_writes_nothing(
    site: Site, story: dict[str, Any]
) -> None:
    done = run(site, "--check")
    assert not (site.root / "butler").exists()
    assert "+collection DEEP/20190402/bias/raw: {type: TAGGED}" in done.output
    story["plan"] = done.changes


def test_the_run_does_exactly_that_plan(site: Site, story: dict[str, Any]) -> None:
    done = run(site)
    assert_as_planned(done.changes, story["plan"], {RAW, CHAINS, VISIT, DEFECTS})
    story["first"] = calls_of(site.playbook, done)
    story["built"] = site.dump()


def test_the_counts_are_the_generators(site: Site) -> None:
    manifest = site.manifest()
    with Butler.from_config(site.repo) as butler:
        for name, counts in manifest["datasets"].items():
            if f"DEEP/{SECOND}" not in name:
                found = {kind: butler.registry.queryDatasets(kind, collections=name) for kind in counts}
                assert {kind: len({ref.id for ref in refs}) for kind, refs in found.items()} == counts
        exposures = butler.query_dimension_records("exposure", instrument="DECam")
        assert sorted(each.id for each in exposures) == manifest["exposures"][str(FIRST)]
        visits = butler.query_dimension_records("visit", instrument="DECam")
        assert sorted(each.id for each in visits) == manifest["visits"][str(FIRST)]
        # Times and pointings of the sample go together.
        assert max(each.zenith_angle for each in visits) < 70.0
    assert chains(site) == {
        "DEEP/20190402/bias": ["DECam/calib", "DEEP/20190402/bias/raw"],
        "DEEP/20190402/flat": ["DECam/calib", "DEEP/20190402/flat/raw"],
        "DEEP/20190402/science": ["DEEP/fakes", *BEHIND, "DEEP/20190402/science/raw"],
        "DEEP/20190402/drp": ["DEEP/fakes", *BEHIND, "DEEP/20190402/drp/raw"],
    }
    for name in ("defects", "suspectMask"):
        assert {each for spans in valid(site.repo, name, "DEEP/calib").values() for each, _run in spans} == {
            "always"
        }


@pytest.mark.parametrize("mode", ["run", pytest.param("check", marks=pytest.mark.exhaustive)])
def test_again_changes_no_row_and_no_file(mode: str, site: Site) -> None:
    before = site.exact()
    done = run(site, *(["--check"] if mode == "check" else []))
    assert "changed=0" in done.output and done.changes == []
    assert not [line for line in done.output.splitlines() if line.startswith(("+", "-", "@@"))]
    assert site.exact() == before


def test_one_night_more_is_all_that_changes(site: Site, story: dict[str, Any]) -> None:
    both = (FIRST, SECOND)
    planned = run(site, "--check", nights=both).changes
    done = run(site, nights=both)
    assert named(done.changes) == added(SECOND)
    assert_as_planned(done.changes, planned, {RAW, VISIT})
    assert not [line for line in difference(story["built"], site.dump()) if ": - " in line]


@pytest.mark.exhaustive
def test_what_processing_has_made_is_searched_first_and_certified(site: Site, story: dict[str, Any]) -> None:
    both = (FIRST, SECOND)
    bias = processed(site, "bias", FIRST, OLD)
    flat = processed(site, "flat", FIRST, OLD, physical_filter="VR DECam c0007 6300.0 2600.0")
    planned = run(site, "--check", nights=both).changes
    done = run(site, nights=both)
    assert_as_planned(done.changes, planned, set())
    nightly = ["DEEP/20190402/calib/flat", "DEEP/20190402/calib/bias"]
    assert named(done.changes) == {
        *(("collection", name) for name in nightly),
        *(("chain", f"DEEP/20190402/{kind}") for kind in TYPES),
        *(("certifications", f"{name.rsplit('/', 1)[-1]} in {name} ({VALID})") for name in nightly),
    }
    found = chains(site)
    assert found["DEEP/20190402/bias"] == [bias, "DECam/calib", "DEEP/20190402/bias/raw"]
    assert found["DEEP/20190402/flat"] == [flat, nightly[1], "DECam/calib", "DEEP/20190402/flat/raw"]
    science = ["DEEP/fakes", "refcats", *nightly, "DEEP/calib", "DECam/calib", "DEEP/20190402/science/raw"]
    assert found["DEEP/20190402/science"] == science
    assert valid(site.repo) == {number: [(VALID, bias)] for number in DETECTORS}


@pytest.mark.exhaustive
def test_a_newer_run_goes_ahead_and_takes_the_place_of_the_older(site: Site, story: dict[str, Any]) -> None:
    both = (FIRST, SECOND)
    name = "DEEP/20190402/bias"
    with Butler.from_config(site.repo, writeable=True) as butler:
        butler.collections.register("u/someone/by_hand")
        butler.collections.extend_chain(name, "u/someone/by_hand")
        children = list(butler.collections.get_info(name).children)
    newer = processed(site, "bias", FIRST, NEW)
    story["start"] = site.root / "start"
    shutil.copytree(site.repo, story["start"], symlinks=True)
    planned = run(site, "--check", nights=both).changes
    done = run(site, nights=both)
    assert_as_planned(done.changes, planned, set())
    assert {change["task"] for change in done.changes} == {CHAINS, CERTIFY}
    assert chains(site)[name] == [newer, *children]
    assert valid(site.repo) == {number: [(VALID, newer)] for number in DETECTORS}


@pytest.mark.exhaustive
def test_a_corrected_list_brings_just_that_exposure(site: Site, story: dict[str, Any]) -> None:
    both = (FIRST, SECOND)
    table = site.data / "downloaded_exposures.ecsv"
    content = Table.read(table)
    row = next(index for index, good in enumerate(content["valid_on_disk"]) if not good)
    # The file was downloaded again: that of another exposure stands for it.
    from tools.sample_deep.campaign import EXPOSURES
    from tools.sample_deep.raws import image_file

    (broken, *_unused) = (each for each in EXPOSURES if each.state == "broken")
    path = site.data / "images" / content["path"][row].rsplit("/", 1)[-1]
    path.write_bytes(image_file(broken))
    content["valid_on_disk"][row] = True
    content.write(table, format="ascii.ecsv", overwrite=True)
    expected = {name: kinds["raw"] for name, kinds in site.manifest()["datasets"].items() if kinds.get("raw")}
    for kind in ("science", "drp"):
        expected[f"DEEP/{FIRST}/{kind}/raw"] += len(DETECTORS)
    done = site.run("--diff", deep_nights=both, deep_expected=expected)
    assert done.returncode == 0, done.output
    assert named(done.changes) == {
        ("group records", "DECam"),
        ("exposure records", "DECam"),
        ("raws", f"DECam/raw/all day_obs={FIRST}"),
        ("datasets", "raw in DEEP/20190402/science/raw"),
        ("datasets", "raw in DEEP/20190402/drp/raw"),
        ("visits", f"DECam one-to-one day_obs={FIRST}"),
    }
    assert shown(done.changes, "raw in DEEP/20190402/drp/raw") == {"datasets": 9}
    again = site.run(deep_nights=both, deep_expected=expected)
    assert again.returncode == 0 and "changed=0" in again.output, again.output
    inspection = "--start-at-task=Inspecting the repository - read it"
    forgotten = site.run(inspection, deep_nights=both)
    assert forgotten.returncode != 0
    assert "raws of the repository differ from those of DEEP" in forgotten.output
    story["corrected"] = calls_of(site.playbook, done)
    story["end"] = site.dump()


@pytest.mark.exhaustive
def test_a_play_that_is_killed_is_finished_by_the_next(kills: int, site: Site, story: dict[str, Any]) -> None:
    calls, corrected = story["first"], story["corrected"]
    scratch, later = site.root, kills // 2
    met = KilledPlays(calls, site.repo, None, scratch).prove_finished(kills - later, seed=6)
    met += KilledPlays(corrected, site.repo, story["start"], scratch).prove_finished(later, 7, story["end"])
    assert len(met) == kills
