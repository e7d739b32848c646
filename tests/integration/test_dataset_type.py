# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_dataset_type through Ansible, and its state on real repositories."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import DatasetTypesState
from lsst.daf.butler import Butler, DatasetType

from tests.integration.ansible_play import cycle
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some

DEFAULTS = {"dimensions": None, "storage_class": None, "is_calibration": False, "state": "present"}
REFCAT = {"name": "the_monster_20240904", "dimensions": ["htm7"], "storage_class": "SimpleCatalog"}


def params(*items: Mapping[str, Any]) -> dict[str, Any]:
    return {"dataset_types": [{**DEFAULTS, **item} for item in items]}


def converged(repo: Path, *items: Mapping[str, Any], check_mode: bool = False) -> Outcome:
    state = DatasetTypesState.from_params(params(*items))
    return converge_here(state, repo, check_mode=check_mode)


def registered(repo: Path) -> dict[str, DatasetType]:
    with Butler.from_config(repo) as butler:
        return {item.name: item for item in butler.registry.queryDatasetTypes("*")}


def test_dataset_types_are_registered_once(repo: Path) -> None:
    bias = {"name": "bias", "dimensions": ["detector"], "storage_class": "ExposureF", "is_calibration": True}
    done = cycle("butler_dataset_type", {"repo": str(repo), "dataset_types": [REFCAT, bias]})
    done.assert_converges()
    assert done.run["diff"]["after"].splitlines() == [
        "dataset type bias: {dimensions: [instrument, detector], is_calibration: true, "
        "storage_class: ExposureF}",
        "dataset type the_monster_20240904: {dimensions: [htm7], storage_class: SimpleCatalog}",
    ]
    assert done.run_again["stats"]["present"] == 2
    found = registered(repo)
    universe = found["bias"].dimensions.universe
    assert found == {
        "bias": DatasetType(
            "bias", ["instrument", "detector"], "ExposureF", universe=universe, isCalibration=True
        ),
        "the_monster_20240904": DatasetType(
            "the_monster_20240904", ["htm7"], "SimpleCatalog", universe=universe
        ),
    }


def test_classes_of_storage_classes_are_not_imported(repo: Path) -> None:
    converged(
        repo, REFCAT, {"name": "raw", "dimensions": ["exposure", "detector"], "storage_class": "Exposure"}
    )
    assert not converged(
        repo, REFCAT, {"name": "raw", "dimensions": ["detector", "exposure"], "storage_class": "Exposure"}
    ).changed
    assert not [name for name in sys.modules if name.startswith("lsst.afw")]


def test_every_difference_of_a_definition_is_shown_and_nothing_is_written(repo: Path) -> None:
    converged(repo, REFCAT, {"name": "same", "dimensions": [], "storage_class": "Packages"})
    before = registered(repo)
    with pytest.raises(ButlerError) as caught:
        converged(
            repo,
            {"name": "new", "dimensions": ["visit"], "storage_class": "Packages"},
            {**REFCAT, "dimensions": ["skymap", "tract"], "storage_class": "SourceCatalog"},
            {"name": "same", "dimensions": [], "storage_class": "Packages", "is_calibration": True},
        )
    assert caught.value.details == (
        "dataset type same: it is registered with another definition: "
        "is_calibration is False, and True was declared",
        "dataset type the_monster_20240904: it is registered with another definition: "
        "dimensions is ['htm7'], and ['skymap', 'tract'] was declared, "
        "storage_class is 'SimpleCatalog', and 'SourceCatalog' was declared",
    )
    assert registered(repo) == before


def test_unknown_dimensions_and_storage_classes_are_all_named_with_near_ones(repo: Path) -> None:
    with pytest.raises(ButlerError) as caught:
        converged(
            repo,
            {"name": "one", "dimensions": ["detectr", "visit"], "storage_class": "SimpleCatalogue"},
            {"name": "two", "dimensions": ["zzz"], "storage_class": "Packages"},
            {"name": "instrument", "dimensions": [], "storage_class": "Packages"},
        )
    details = list(caught.value.details)
    assert details[0] == "dataset_types[0].dimensions: there is no dimension 'detectr', near it are detector"
    assert details[1].startswith(
        "dataset_types[0].storage_class: there is no storage class 'SimpleCatalogue', "
        "near it are SimpleCatalog, "
    )
    assert details[2:] == [
        "dataset_types[1].dimensions: there is no dimension 'zzz'",
        "dataset_types[2].name: instrument is a dimension and can't be a dataset type too",
    ]
    assert registered(repo) == {}


def test_only_an_unused_dataset_type_is_removed(repo: Path) -> None:
    converged(
        repo,
        {"name": "used", "dimensions": [], "storage_class": "StructuredDataDict"},
        {"name": "unused", "dimensions": [], "storage_class": "StructuredDataDict"},
    )
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("run")
        butler.put({"a": 1}, "used", run="run")
    with pytest.raises(ButlerError, match="dataset type used: there are datasets of it; remove those first"):
        converged(repo, {"name": "used", "state": "absent"}, {"name": "unused", "state": "absent"})
    assert set(registered(repo)) == {"used", "unused"}
    gone = [{"name": "unused", "state": "absent"}, {"name": "never", "state": "absent"}]
    outcome = converged(repo, *gone)
    assert outcome.stats["removed"] == 1 and outcome.stats["present"] == 1
    assert set(registered(repo)) == {"used"}
    assert not converged(repo, *gone).changed


def test_an_empty_target_is_checked_as_the_run_does_it(repo: Path, tmp_path: Path) -> None:
    wanted = [REFCAT, {"name": "bias", "dimensions": ["detector"], "storage_class": "ExposureF"}]
    check = converged(tmp_path / "none", *wanted, check_mode=True)
    assert check.changes == converged(repo, *wanted).changes and check.assumes == []
    own = {"name": "own", "dimensions": [], "storage_class": "OurOwn"}
    assert converged(tmp_path / "none", own, check_mode=True).assumes == [
        "dataset_types[0].storage_class: storage class OurOwn does not exist"
    ]


def test_a_storage_class_of_the_repository_is_known(tmp_path: Path) -> None:
    config = Butler.makeRepo(tmp_path / "repo")
    config["storageClasses", "OurOwn", "pytype"] = "our.package.Own"
    config.dumpToUri(str(tmp_path / "repo" / "butler.yaml"))
    own = {"name": "own", "dimensions": [], "storage_class": "OurOwn"}
    assert converged(tmp_path / "repo", own).stats["added"] == 1
    assert registered(tmp_path / "repo")["own"].storageClass_name == "OurOwn"


def test_a_killed_registration_is_finished_by_the_next(repo: Path) -> None:
    bias = {"name": "bias", "dimensions": ["detector"], "storage_class": "ExposureF", "is_calibration": True}
    template = repo.parent

    def attempt_in(folder: Path) -> Attempt:
        state = "_states.dataset_types:DatasetTypesState"
        return Attempt(state, params(REFCAT, bias), folder / repo.name)

    kills = prove_killed_runs_are_finished(
        template, attempt_in, steps=some(5, 1, "statement", "commit"), moments=0, seed=1
    )
    assert kills == 5


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([REFCAT, REFCAT], r"dataset_types\[1\]\.name: the_monster_20240904 is dataset_types\[0\] already"),
        (
            [{**REFCAT, "name": "calexp.wcs"}],
            r"dataset_types\[0\].name: 'calexp.wcs' can't be a dataset type",
        ),
        ([{"name": "a", "dimensions": []}], r"dataset_types\[0\].storage_class: it is needed to register a"),
        ([{"name": "a", "storage_class": "Packages"}], r"dataset_types\[0\].dimensions: it is needed"),
    ],
)
def test_declarations_that_can_not_be_meant(items: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ButlerError, match=message):
        DatasetTypesState.from_params(params(*items))


def test_examples(repo: Path) -> None:
    results = run_examples("butler_dataset_type", {"/data/butler/ccms1": str(repo)})
    assert [result.changed for result in results] == [True, True, True]
    assert set(registered(repo)) == {"the_monster_20250219", "bias"}
