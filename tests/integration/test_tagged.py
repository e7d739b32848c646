# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_tagged through Ansible, and its state on real repositories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    StoppedError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged import TaggedState
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType

from tests.integration.ansible_play import cycle
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some

NIGHT = 20241108
FIRST = 2024110800001
TAG = "LSSTComCam/raw/DP1-RC3/DM-49594"
DEFAULTS: dict[str, Any] = {
    "name": TAG,
    "dataset_type": ["raw"],
    "collections": ["LSSTComCam/raw/all"],
    "where": "instrument = 'LSSTComCam'",
    "bind": None,
    "ids_file": None,
    "ids": None,
    "ids_dimension": "exposure",
    "prune": False,
    "doc": None,
}


def exposure(number: int) -> int:
    return FIRST + number


@pytest.fixture
def raws(repo: Path) -> Path:
    """Give a repository with 6 exposures of 2 detectors, the last 2 of them darks and without a visit."""
    with Butler.from_config(repo, writeable=True) as butler:
        registry, camera = butler.registry, {"instrument": "LSSTComCam"}
        insert = registry.insertDimensionData
        insert(
            "instrument",
            {
                "name": "LSSTComCam",
                "detector_max": 9,
                "visit_max": 10**15,
                "exposure_max": 10**15,
                "visit_system": 2,
            },
        )
        insert("detector", *({**camera, "id": number, "full_name": f"d{number}"} for number in range(2)))
        insert("physical_filter", {**camera, "name": "r_03", "band": "r"})
        insert("day_obs", {**camera, "id": NIGHT})
        insert("group", *({**camera, "name": str(number)} for number in range(6)))
        common = {**camera, "physical_filter": "r_03", "day_obs": NIGHT}
        insert(
            "exposure",
            *(
                {
                    **common,
                    "id": exposure(number),
                    "obs_id": f"o{number}",
                    "group": str(number),
                    "observation_type": "science" if number < 4 else "dark",
                }
                for number in range(6)
            ),
        )
        visits = range(4)
        insert("visit", *({**common, "id": exposure(number) + 7, "name": f"v{number}"} for number in visits))
        insert(
            "visit_definition",
            *({**camera, "visit": exposure(number) + 7, "exposure": exposure(number)} for number in visits),
        )
        for name in ("raw", "preloaded_a", "preloaded_b"):
            dimensions = ["exposure", "detector"] if name == "raw" else ["detector"]
            registry.registerDatasetType(
                DatasetType(name, ["instrument", *dimensions], "Exposure", universe=butler.dimensions)
            )
        add(butler, "LSSTComCam/raw/all", range(6))
    return repo


def add(butler: Butler, run: str, numbers: Iterable[int]) -> list[DatasetRef]:
    butler.collections.register(run)
    data_ids = [
        {"instrument": "LSSTComCam", "exposure": exposure(number), "detector": detector}
        for number in numbers
        for detector in range(2)
    ]
    return butler.registry.insertDatasets("raw", data_ids, run=run)


def state_of(*tags: Mapping[str, Any], **options: Any) -> TaggedState:
    return TaggedState.from_params(
        {
            "collections": [{**DEFAULTS, **tag} for tag in tags],
            "on_missing": "fail",
            "on_conflict": "fail",
            **options,
        }
    )


def converged(repo: Path, *tags: Mapping[str, Any], check_mode: bool = False, **options: Any) -> Outcome:
    state = state_of(*tags, **options)
    return converge_here(state, repo, check_mode=check_mode)


def members(repo: Path, tag: str = TAG, dataset_type: str = "raw") -> list[tuple[int, int, str]]:
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets(dataset_type, tag, find_first=False, explain=False)
        return sorted(
            (ref.dataId["exposure"] - FIRST if dataset_type == "raw" else 0, ref.dataId["detector"], ref.run)
            for ref in refs
        )


def exposures(repo: Path, tag: str = TAG) -> list[int]:
    return sorted({number for number, _unused, _unused in members(repo, tag)})


def test_a_visit_list_becomes_a_tagged_collection_and_stays_it(raws: Path, tmp_path: Path) -> None:
    visits = tmp_path / "dp1_good_visits.txt"
    visits.write_text("# good\n" + "".join(f"{exposure(number)}\n" for number in (0, 2, 3)))
    tag = {
        "name": TAG,
        "dataset_type": "raw",
        "collections": ["LSSTComCam/raw/all"],
        "where": "instrument = 'LSSTComCam'",
        "ids_file": str(visits),
        "prune": True,
    }
    done = cycle("butler_tagged", {"repo": str(raws), "collections": [tag]})
    done.assert_converges()
    assert done.run["stats"]["added"] == 7 and done.run_again["stats"]["present"] == 6
    assert done.run["diff"]["after"].splitlines() == [
        f"collection {TAG}: {{type: TAGGED}}",
        f"datasets raw in {TAG}: {{datasets: 6}}",
    ]
    [_unused, datasets] = done.run["changes"]
    assert datasets["examples"][0] == (
        f"raw@{{instrument: 'LSSTComCam', detector: 0, exposure: {exposure(0)}}}"
    )
    assert exposures(raws) == [0, 2, 3]


def test_retagging_by_hand_is_repaired_and_only_that_changes(raws: Path) -> None:
    tag = {"ids": [exposure(0), exposure(1)], "prune": True}
    converged(raws, tag)
    with Butler.from_config(raws, writeable=True) as butler:
        query = butler.query_datasets
        butler.registry.disassociate(
            TAG, query("raw", TAG, where=f"instrument='LSSTComCam' AND exposure={FIRST}")
        )
        other = query(
            "raw", "LSSTComCam/raw/all", where=f"instrument='LSSTComCam' AND exposure={exposure(5)}"
        )
        butler.registry.associate(TAG, other)
    outcome = converged(raws, tag)
    assert [(c.action, c.name, c.before, c.after, c.count) for c in outcome.changes] == [
        ("add", f"raw in {TAG}", {"datasets": 4}, {"datasets": 4}, 2),
        ("remove", f"raw no longer in {TAG}", {"datasets": 2}, None, 2),
    ]
    assert outcome.stats["present"] == 2
    assert exposures(raws) == [0, 1]
    assert not converged(raws, tag).changed


def test_without_prune_members_stay_and_others_join(raws: Path) -> None:
    converged(raws, {"ids": [exposure(5)]})
    outcome = converged(
        raws,
        {
            "where": "instrument='LSSTComCam' AND exposure.observation_type=kind AND detector=0",
            "bind": {"kind": "science"},
        },
    )
    assert outcome.changes[0].before == {"datasets": 2} and outcome.changes[0].after == {"datasets": 6}
    assert exposures(raws) == [0, 1, 2, 3, 5]


def test_visits_select_the_raws_of_their_exposures(raws: Path) -> None:
    outcome = converged(
        raws, {"ids": [exposure(1) + 7, exposure(3) + 7, 5], "ids_dimension": "visit"}, on_missing="skip"
    )
    assert exposures(raws) == [1, 3]
    assert outcome.notices == [f"{TAG}: left out 1 of 3 visit ids that have no dataset: 5"]


def test_ids_without_datasets_are_counted_and_the_first_named(raws: Path) -> None:
    tag = {"ids": [exposure(0), *range(1, 8)], "prune": True}
    with pytest.raises(ButlerError) as caught:
        converged(raws, tag)
    assert caught.value.details == (
        "collections[0].ids: dataset of exposure 1, 2, 3, 4, 5 and 2 more (7 of 8 ids) does not exist",
    )
    outcome = converged(raws, tag, on_missing="skip")
    assert outcome.stats["skipped"] == 7
    assert outcome.notices == [
        f"{TAG}: left out 7 of 8 exposure ids that have no dataset: 1, 2, 3, 4, 5 and 2 more"
    ]
    assert exposures(raws) == [0]


def test_another_dataset_of_a_data_id_is_a_conflict_kept_or_replaced(raws: Path) -> None:
    converged(raws, {"ids": [exposure(0), exposure(1)]})
    with Butler.from_config(raws, writeable=True) as butler:
        add(butler, "other", [1, 2])
    tag = {"collections": ["other"]}
    with pytest.raises(ButlerError) as caught:
        converged(raws, tag)
    [detail] = caught.value.details
    assert detail.startswith(
        f"datasets raw in {TAG}: 2 members have the data ID of a selected dataset and are"
    )
    assert "the member is of run LSSTComCam/raw/all, the selected one of other" in detail
    assert exposures(raws) == [0, 1]
    kept = converged(raws, tag, on_conflict="keep")
    assert kept.notices == [f"{TAG}: kept 2 members that are not the selected datasets of their data IDs"]
    assert {run for number, _unused, run in members(raws) if number == 1} == {"LSSTComCam/raw/all"}
    outcome = converged(raws, tag, on_conflict="replace")
    [change] = outcome.changes
    assert (change.name, change.before, change.after) == (
        f"raw replaced in {TAG}",
        {"datasets": 2, "runs": ["LSSTComCam/raw/all"]},
        {"datasets": 2, "runs": ["other"]},
    )
    assert {number: run for number, _unused, run in members(raws)} == {
        0: "LSSTComCam/raw/all",
        1: "other",
        2: "other",
    }
    assert not converged(raws, tag, on_conflict="replace").changed


def test_named_collections_are_searched_in_order_and_matched_ones_must_agree(raws: Path) -> None:
    with Butler.from_config(raws, writeable=True) as butler:
        add(butler, "LSSTComCam/raw/other", [1])
    converged(raws, {"collections": ["LSSTComCam/raw/other", "LSSTComCam/raw/all"], "prune": True})
    assert {number: run for number, _unused, run in members(raws)}[1] == "LSSTComCam/raw/other"
    assert len(members(raws)) == 12
    with pytest.raises(
        ButlerError, match="2 data IDs have several datasets, and a TAGGED collection holds one"
    ):
        converged(raws, {"collections": ["LSSTComCam/raw/*"], "prune": True})


def test_dataset_types_by_pattern_and_prune_of_other_types(raws: Path) -> None:
    converged(raws, {"ids": [exposure(0)]})
    with Butler.from_config(raws, writeable=True) as butler:
        for name in ("preloaded_a", "preloaded_b"):
            butler.collections.register(f"u/{name}")
            butler.registry.insertDatasets(name, [{"instrument": "LSSTComCam", "detector": 1}], f"u/{name}")
    tag = {"dataset_type": ["preloaded_*"], "collections": ["u/*"], "prune": True}
    outcome = converged(raws, tag)
    assert [(change.action, change.name, change.count) for change in outcome.changes] == [
        ("add", f"preloaded_* in {TAG}", 2),
        ("remove", f"raw no longer in {TAG}", 2),
    ]
    assert members(raws) == [] and members(raws, dataset_type="preloaded_a") == [(0, 1, "u/preloaded_a")]
    assert not converged(raws, tag).changed


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_an_empty_target_is_checked_as_the_run_does_it(raws: Path, tmp_path: Path, on_missing: str) -> None:
    tags = [
        {"ids": [exposure(0), exposure(1)], "prune": True, "doc": "D"},
        {"name": "second", "dataset_type": ["ra*"], "collections": ["LSSTComCam/*"]},
    ]
    check = converged(tmp_path / "none", *tags, check_mode=True, on_missing=on_missing)
    run = converged(raws, *tags, on_missing=on_missing)
    assert [change.key for change in check.changes] == [change.key for change in run.changes]
    assert [change.name for change in check.changes if change.unresolved] == [
        "ra* in second",
        f"raw in {TAG}",
    ]
    for planned, done in zip(check.changes, run.changes, strict=True):
        assert planned.unresolved or planned == done
    assert len(check.assumes) == (4 if on_missing == "fail" else 0)
    # Registered, but nothing ingested yet.
    half = {"dataset_type": ["preloaded_a"], "where": None}
    planned = converged(raws, half, check_mode=True)
    assert [change.name for change in planned.changes] == [f"preloaded_a in {TAG}"]
    assert planned.changes[0].unresolved
    assert planned.assumes == [
        "collections[0]: selected dataset of type preloaded_a in LSSTComCam/raw/all does not exist"
    ]


def test_what_is_missing_is_all_named_and_nothing_is_written(raws: Path) -> None:
    with pytest.raises(ButlerError) as caught:
        converged(raws, {"dataset_type": ["raw", "rawww", "zz*"], "collections": ["none", "no/*"]})
    assert caught.value.details == (
        "collections[0].collections: collection matching no/* does not exist",
        "collections[0].collections: collection none does not exist",
        "collections[0].dataset_type: dataset type matching zz* does not exist",
        "collections[0].dataset_type: dataset type rawww does not exist",
    )
    with pytest.raises(
        ButlerError, match="LSSTComCam/raw/all: it is a RUN collection, and TAGGED was declared"
    ):
        converged(raws, {"name": "LSSTComCam/raw/all", "collections": ["LSSTComCam/raw/*"]})
    with Butler.from_config(raws) as butler:
        assert butler.collections.query("*") == ["LSSTComCam/raw/all"]


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ({"where": "instrument = "}, r"collections\[0\].where: the datasets can't be selected with"),
        ({"where": "nonsense = 3"}, "Unrecognized identifier 'nonsense'"),
        ({"where": None, "ids": [1]}, r"instrument = 'LSSTComCam' AND \.\.\."),
        (
            {"dataset_type": ["preloaded_a"], "ids": [1]},
            r"collections\[0\].ids: dataset type preloaded_a has neither",
        ),
    ],
)
def test_a_selection_that_is_not_one(raws: Path, tag: dict[str, Any], message: str) -> None:
    with pytest.raises(ButlerError, match=message):
        converged(raws, tag)


def test_a_run_stopped_between_batches_is_finished_by_the_next(raws: Path) -> None:
    state = replace(state_of({"prune": True}), batch_size=5)
    calls = iter(range(3))

    def checkpoint() -> None:
        if next(calls, None) is None:
            raise StoppedError("stopped")

    with pytest.raises(StoppedError):
        converge_here(state, raws, report=Report(checkpoint=checkpoint))
    assert len(members(raws)) == 10
    outcome = converged(raws, {"prune": True})
    assert outcome.stats["added"] == 2 and len(members(raws)) == 12


def test_a_killed_run_is_finished_by_the_next(raws: Path) -> None:
    converged(raws, {"ids": [exposure(5)]})
    with Butler.from_config(raws, writeable=True) as butler:
        add(butler, "other", [0, 5])
    tag = {**DEFAULTS, "collections": ["other", "LSSTComCam/raw/all"], "prune": True}
    params = {"collections": [tag], "on_missing": "fail", "on_conflict": "fail"}
    kills = prove_killed_runs_are_finished(
        raws.parent,
        lambda folder: Attempt("_states.tagged:TaggedState", params, folder / raws.name, {"batch_size": 2}),
        steps=some(3, 5, "checkpoint", "statement"),
        moments=0,
        seed=1,
    )
    assert kills == 3


def test_examples(raws: Path, tmp_path: Path) -> None:
    (tmp_path / "dp1_good_visits.txt").write_text(f"{exposure(1)}\n")
    with Butler.from_config(raws, writeable=True) as butler:
        butler.registry.registerDatasetType(
            DatasetType("preloaded_DRP_SsObjects", ["detector"], "ArrowAstropy", universe=butler.dimensions)
        )
        for number in (0, 1):
            run = f"u/jkurla/dp1_ephem_2{number}"
            butler.collections.register(run)
            data_id = {"instrument": "LSSTComCam", "detector": number}
            butler.registry.insertDatasets("preloaded_DRP_SsObjects", [data_id], run)
        assert CollectionType.TAGGED not in {info.type for info in butler.collections.query_info("*")}
    results = run_examples("butler_tagged", {"/data/butler/ccms1": str(raws), "/data/ccms1": str(tmp_path)})
    assert [result["stats"]["added"] for result in results] == [3, 3, 9]
