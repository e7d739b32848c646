# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_visits: once, only what is missing, and only for exposures that are meant."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan

from tests.integration.ansible_play import cycle, run
from tests.integration.documented import run_examples
from tests.integration.long_plays import start
from tests.integration.raw_files import write_raws
from tests.integration.raw_states import RUN, ingest, register
from tests.integration.visit_states import (
    add_exposures,
    assert_visits_are_official,
    define,
    everything,
    rows,
    with_exposures,
)
from tests.visit_facts import changed, official_exposures, official_visits

BY_COUNTER = "one-to-one-and-by-counter"
EXPOSURES = {exposure.id: exposure for exposure in official_exposures("LSSTComCam")}
FIRST, SECOND = EXPOSURES[2024110800300], EXPOSURES[2024110800301]
ON_SKY = [row["id"] for row in official_visits("LSSTComCam")["visit"]]
SHOWN = re.compile(r"^butler_visits \[here\]: \w[\w ]* [\d,]+( / [\d,]+)? visits( \(\d+ %\))?.*$")


def snaps(last: int = 301) -> list[Any]:
    """Give exposures that belong together, the first three of one sequence."""
    third = changed(SECOND, id=SECOND.id + 1, seq_num=302, obs_id="CC_O_20241108_000302")
    return [changed(exposure, seq_end=last) for exposure in (FIRST, SECOND, third)[: last - 299]]


def exposures_of(repo: Path) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for record in rows(repo, "visit_definition"):
        found.setdefault(record.visit, []).append(record.exposure)
    return {visit: sorted(members) for visit, members in sorted(found.items())}


def test_visits_are_defined_once_as_the_official_tool_does(repo: Path) -> None:
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    ingest(repo, repo.parent / "raw", transfer="direct")
    done = cycle(
        "butler_visits",
        {"repo": str(repo), "instrument": "lsst.obs.lsst.LsstComCam", "collections": [RUN]},
    )
    done.assert_converges()
    assert_visits_are_official(repo, "LSSTComCam")
    assert done.run["geometry"] == "built-in, nominal"
    assert done.run["stats"] == {
        "present": 0,
        "added": 6,
        "replaced": 0,
        "removed": 0,
        "skipped": 3,
        "failed": 0,
    }
    assert done.run_again["stats"]["present"] == 5 and done.run_again["stats"]["skipped"] == 3
    assert done.run["diff"]["after"].splitlines() == [
        "visit_system LSSTComCam 0: {id: 0, instrument: LSSTComCam, name: one-to-one}",
        "visits LSSTComCam one-to-one day_obs=20241108: {detector_regions: 36, visits: 4}",
        "visits LSSTComCam one-to-one day_obs=20241110: {detector_regions: 9, visits: 1}",
    ]
    # Calibrations are no visits, which is nothing to warn of at each run.
    assert "warnings" not in done.run.result


def test_nothing_on_the_sky_is_said(repo: Path) -> None:
    dark = [
        changed(exposure, can_see_sky=False)
        for exposure in official_exposures("LSSTComCam")
        if exposure.tracking_ra is not None
    ]
    with_exposures(repo, exposures=dark)
    outcome = define(repo)
    assert not outcome.changed and outcome.stats["skipped"] == len(dark)
    assert outcome.notices == [
        f"none of the {len(dark)} exposures is on the sky and has a pointing: no visit is defined"
    ]


def test_examples(repo: Path) -> None:
    places = {}
    for name in ("ccms1", "snaps"):
        places[f"/data/butler/{name}"] = str(shutil.copytree(repo, repo.parent / name))
        with_exposures(repo.parent / name)
    with Butler.from_config(repo.parent / "ccms1", writeable=True) as butler:
        butler.collections.register(RUN, CollectionType.RUN)
    first, second, third = run_examples("butler_visits", places)
    assert first.result["warnings"] == [
        f"no exposures of LSSTComCam were found (raws in {RUN}): no visit is defined"
    ]
    assert second["stats"]["added"] == 6 + 2 and second["stats"]["skipped"] == 3
    assert third["stats"]["added"] == 2 + 1


def test_only_exposures_with_raws_in_the_collections(repo: Path) -> None:
    with_exposures(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        raw = DatasetType(
            "raw", ("instrument", "detector", "exposure"), "Exposure", universe=butler.dimensions
        )
        butler.registry.registerDatasetType(raw)
        for name, members, detectors in (("a", ON_SKY[:2], (0, 5)), ("b", ON_SKY[1:3], (3, 5))):
            butler.collections.register(name, CollectionType.RUN)
            for number in members:
                for detector in detectors:
                    data_id = {"instrument": "LSSTComCam", "exposure": number, "detector": detector}
                    butler.registry.insertDatasets(raw, [data_id], run=name)
        butler.collections.register("tagged", CollectionType.TAGGED)
        butler.collections.register("chain", CollectionType.CHAINED)
        butler.collections.redefine_chain("chain", ["b", "tagged"])

    def found(**selected: Any) -> int:
        return define(repo, check_mode=True, **selected).stats["added"] - 1

    assert found(collections=["a"]) == found(collections=["chain"]) == 2
    assert found(collections=["a", "chain"]) == 3
    assert found(collections=["a", "b"], exposures=[str(ON_SKY[1]), str(ON_SKY[4])]) == 1
    assert found(collections=["a", "b"], where=f"exposure > {ON_SKY[1]}") == 1
    assert found(collections=["a", "b"], where="detector = 0 OR detector > 5") == 2
    assert found(collections=["a", "b"], where="detector = 3", exposures=["1..2024119999999"]) == 2
    nothing = define(repo, collections=["tagged"])
    assert not nothing.changed
    assert nothing.notices == ["no exposures of LSSTComCam were found (raws in tagged): no visit is defined"]


def test_ids_ranges_and_an_expression_select(repo: Path) -> None:
    with_exposures(repo)
    one = define(repo, exposures=["2024110800266"])
    assert one.stats["added"] == 2 and [record.id for record in rows(repo, "visit")] == [2024110800266]
    more = define(repo, exposures=["2024110800260..2024110800299", "2024110800300..2024110800310:5"])
    assert more.stats["present"] == 1 and more.stats["added"] == 2
    where = "exposure.day_obs = 20241108 AND exposure.observation_type = 'science'"
    rest = define(repo, where=where, exposures=["2024110800000..2024111099999"])
    assert rest.stats["present"] == 3 and rest.stats["added"] == 1
    last = define(repo)
    assert last.stats["added"] == 1 and last.stats["present"] == 4
    assert_visits_are_official(repo, "LSSTComCam")


def test_many_ids_and_ranges_can_be_named(repo: Path) -> None:
    with_exposures(repo)
    ranges = [f"{number}..{number + 1}" for number in range(10**6, 10**6 + 900, 3)]
    assert define(repo, exposures=[*ranges, f"{ON_SKY[0]}..{ON_SKY[0]}"]).stats["added"] == 2
    many = [changed(FIRST, id=number, obs_id=str(number)) for number in range(10**6, 10**6 + 1500)]
    add_exposures(repo, many)
    ids = [str(exposure.id) for exposure in many]
    assert define(repo, exposures=ids).stats["added"] == 1500
    with pytest.raises(ButlerError, match="exposure LSSTComCam 7, 8, 9, 10, 11 and 1193 more does not exist"):
        define(repo, exposures=[*ids, *map(str, range(7, 1205))])


def test_an_absent_repository_can_be_checked(tmp_path: Path) -> None:
    arguments = {"repo": str(tmp_path / "none"), "instrument": "LSSTComCam", "collections": [RUN]}
    check = run("butler_visits", arguments, check_mode=True, diff=True)
    assert not check.failed, check.message
    assert check["assumes"] == [
        f"collections: collection {RUN} does not exist",
        "instrument: instrument LSSTComCam does not exist",
    ]
    [change] = check["changes"]
    assert change["unresolved"] and change["name"] == "LSSTComCam one-to-one"
    assert check["diff"]["after"].startswith("visits LSSTComCam one-to-one: the visits of the selected")
    real = run("butler_visits", arguments)
    assert real.failed and "there is no Butler repository" in real.message


@pytest.mark.parametrize("registered", [False, True])
def test_what_earlier_tasks_would_make_is_assumed_and_otherwise_needed(registered: bool, repo: Path) -> None:
    if registered:
        register(repo, "LSSTComCam")
    declared = {"collections": [RUN], "exposures": ["2024110800266", "1..5"]}
    check = define(repo, check_mode=True, **declared)
    named = {
        False: ["instrument: instrument LSSTComCam does not exist"],
        True: [
            f"collections: collection {RUN} does not exist",
            "exposures: exposure LSSTComCam 2024110800266 does not exist",
        ],
    }[registered]
    assert set(named) <= set(check.assumes)
    assert [change.unresolved for change in check.changes] == [True]
    with pytest.raises(ButlerError, match=r"(?s)the task needs what is not there.*" + named[0]):
        define(repo, **declared)


def test_detectors_that_are_not_registered_are_needed(repo: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert("instrument", {"name": "LSSTComCam", "detector_max": 9, "class_name": "x"})
        for detector in range(7):
            insert("detector", {"instrument": "LSSTComCam", "id": detector, "full_name": str(detector)})
        for exposure in EXPOSURES.values():
            insert(
                "physical_filter",
                {"instrument": "LSSTComCam", "name": exposure.physical_filter, "band": "r"},
                skip_existing=True,
            )
    add_exposures(repo, EXPOSURES.values())
    with pytest.raises(ButlerError, match="detector LSSTComCam 7, 8 does not exist"):
        define(repo)
    assert rows(repo, "visit") == rows(repo, "visit_system") == []


def test_groups_are_visits(repo: Path) -> None:
    with_exposures(repo)
    outcome = define(repo, grouping="by-group-metadata")
    assert outcome.stats["added"] == 4 + 1
    [snaps_together] = [members for members in exposures_of(repo).values() if len(members) > 1]
    assert snaps_together == [FIRST.id, SECOND.id]
    assert {record.name for record in rows(repo, "visit")} == {EXPOSURES[number].group for number in ON_SKY}
    assert {record.visit_system for record in rows(repo, "visit_system_membership")} == {1}
    assert len(rows(repo, "visit_detector_region")) == 4 * 9
    assert not define(repo, grouping="by-group-metadata", check_detector_regions=True).changed


@pytest.mark.parametrize("grouping", [BY_COUNTER, "by-group-metadata"])
def test_snaps_that_come_one_by_one_make_the_visits_of_all(grouping: str, repo: Path) -> None:
    whole = shutil.copytree(repo, repo.parent / "whole")
    with_exposures(whole, exposures=snaps(302))
    define(whole, grouping=grouping)
    register(repo, "LSSTComCam")
    together = None
    for number, exposure in enumerate(snaps(302)):
        add_exposures(repo, [exposure])
        declared = {"grouping": grouping, "exposures": [str(exposure.id)], "incremental": True}
        promised = define(repo, check_mode=True, **declared)
        outcome = define(repo, **declared)
        assert promised.changes == outcome.changes and promised.stats == outcome.stats
        assert outcome.stats["replaced"] == (1 if number else 0)
        if number:
            [grown] = [change for change in outcome.changes if change.action == "replace"]
            assert grown.kind == "grown visits" and grown.count == 1
            assert "region" not in grown.after["the first"]
            together = grown.after["the first"]["id"]
        assert not define(repo, **declared).changed
    assert everything(repo) == everything(whole)
    assert exposures_of(repo)[together or 0] == [exposure.id for exposure in snaps(302)]


def test_a_first_snap_that_comes_last_completes_its_visit(repo: Path) -> None:
    first, second = snaps()
    with_exposures(repo, exposures=[second])
    alone = define(repo, grouping=BY_COUNTER)
    assert exposures_of(repo) == {SECOND.id: [SECOND.id]}
    assert alone.notices == [
        "the first exposure of 1 sequences is not there, and no visit is defined for all of a sequence: "
        "20241108 300..301"
    ]
    add_exposures(repo, [first])
    define(repo, grouping=BY_COUNTER, exposures=[str(FIRST.id)], incremental=True)
    assert exposures_of(repo) == {
        FIRST.id: [FIRST.id, SECOND.id],
        SECOND.id: [SECOND.id],
        int(f"9{FIRST.id}"): [FIRST.id],
    }


def test_visits_of_one_grouping_join_the_systems_of_another(repo: Path) -> None:
    alone = [exposure for exposure in EXPOSURES.values() if exposure.seq_start == exposure.seq_end]
    with_exposures(repo, exposures=alone)
    define(repo)
    outcome = define(repo, grouping=BY_COUNTER)
    assert [(change.kind, change.name, change.count) for change in outcome.changes] == [
        ("visit system memberships", "LSSTComCam by-seq-start-end", 3),
        ("visit_system", "LSSTComCam 2", 1),
    ]
    assert outcome.stats["added"] == 4 and outcome.stats["present"] == 3
    whole = repo.parent / "whole"
    Butler.makeRepo(whole)
    with_exposures(whole, exposures=alone)
    define(whole, grouping=BY_COUNTER)
    assert everything(repo) == everything(whole)


def test_a_camera_in_the_collections_is_told(repo: Path) -> None:
    with_exposures(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        raw, camera = (
            DatasetType(name, dimensions, "Exposure", universe=butler.dimensions, isCalibration=calibration)
            for name, dimensions, calibration in (
                ("raw", ("instrument", "detector", "exposure"), False),
                ("camera", ("instrument",), True),
            )
        )
        for dataset_type in (raw, camera):
            butler.registry.registerDatasetType(dataset_type)
        for name in ("raws", "calib/unbounded"):
            butler.collections.register(name, CollectionType.RUN)
        butler.collections.register("calib", CollectionType.CALIBRATION)
        butler.collections.register("defaults", CollectionType.CHAINED)
        butler.collections.redefine_chain("defaults", ["raws", "calib"])
        data_id = {"instrument": "LSSTComCam", "exposure": FIRST.id, "detector": 0}
        butler.registry.insertDatasets(raw, [data_id], run="raws")
        [ref] = butler.registry.insertDatasets(camera, [{"instrument": "LSSTComCam"}], run="calib/unbounded")
        butler.registry.certify("calib", [ref], Timespan(None, None))
    [notice] = define(repo, check_mode=True, collections=["defaults"]).notices
    assert "camera datasets, which can't be read without the Science Pipelines" in notice
    assert "the built-in, nominal geometry of LSSTComCam" in notice
    assert define(repo, check_mode=True, collections=["raws"]).notices == []


def test_a_person_sees_how_far_it_is(repo: Path, tmp_path: Path) -> None:
    many = [changed(FIRST, id=FIRST.id + n, obs_id=f"exposure {n}") for n in range(2000)]
    with_exposures(repo, exposures=many)
    started = start(
        "butler_visits", {"repo": str(repo), "instrument": "LSSTComCam", "batch_size": 90}, tmp_path
    )
    said, lines = started.shown_at("defining")
    assert started.process.returncode == 0, (said, lines)
    assert lines and all(SHOWN.match(line) for line in lines), lines
    assert any(re.search(r"defining [\d,]+ / 2,000 visits \(", line) for line in lines), lines
    assert len(rows(repo, "visit_detector_region")) == 2000 * 9
