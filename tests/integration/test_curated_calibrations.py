# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_curated_calibrations: what an instrument's class writes, written once; and what to do without it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.curated.state import CuratedState
from lsst.daf.butler import Butler
from lsst.daf.butler.registry import ConflictingDefinitionError

from tests.integration.canonical import difference, dump
from tests.integration.converging import converge_here
from tests.integration.modules_here import cycle_here, module_here
from tests.integration.postgres import READER, Database
from tests.integration.repository_runs import present
from tests.integration.small_camera import DETECTORS, SmallCamera
from tests.module_texts import texts_of

MODULE = "butler_curated_calibrations"
CAMERA = f"{SmallCamera.__module__}.SmallCamera"
LABEL = "DM-49734"
CALIB = f"SmallCam/calib/{LABEL}"
OLD = f"{CALIB}/curated/19700101T000000Z"


def prepare(repo: Path) -> Path:
    with Butler.from_config(repo, writeable=True) as butler:
        SmallCamera().register(butler.registry)
    return repo


@pytest.fixture
def camera_repo(repo: Path) -> Path:
    return prepare(repo)


def declare(repo: Path, **options: Any) -> dict[str, Any]:
    return {"repo": str(repo), "instrument": CAMERA, "label": LABEL, **options}


def contents(repo: Path) -> dict[tuple[str, str, str], list[Any]]:
    """Give what is in each dataset, with when it is valid."""
    found: dict[tuple[str, str, str], list[Any]] = {}
    with Butler.from_config(repo) as butler:
        for name in ("camera", "crosstalk"):
            for each in butler.registry.queryDatasetAssociations(name, CALIB, flattenChains=False):
                place = (name, each.ref.run, str(each.ref.dataId))
                found.setdefault(place, [butler.get(each.ref)]).append(str(each.timespan))
    return found


def test_what_the_class_writes_is_there_once(
    camera_repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    done = cycle_here(MODULE, declare(camera_repo))
    done.assert_converges()
    assert done.run["stats"]["added"] > 0 and done.run_again["stats"]["added"] == 0
    official = tmp_path / "official"
    Butler.makeRepo(official)
    prepare(official)
    with Butler.from_config(official, writeable=True) as butler:
        SmallCamera().writeCuratedCalibrations(butler, labels=(LABEL,))
        with pytest.raises(ConflictingDefinitionError):
            SmallCamera().writeCuratedCalibrations(butler, labels=(LABEL,))
    assert contents(camera_repo) == contents(official)
    assert len(contents(official)) == 1 + 2 * len(DETECTORS)
    assert not list(aside.glob("butler-curated-*"))


def test_what_the_class_had_written_itself_is_present(camera_repo: Path) -> None:
    with Butler.from_config(camera_repo, writeable=True) as butler:
        SmallCamera().writeCuratedCalibrations(butler, labels=(LABEL,))
    before = dump(camera_repo)
    done = module_here(MODULE, declare(camera_repo, instrument="SmallCam"))
    assert not done.failed and not done["changed"], done.message
    assert dump(camera_repo) == before


def test_only_what_is_missing_is_written(camera_repo: Path) -> None:
    assert not module_here(MODULE, declare(camera_repo)).failed
    whole = contents(camera_repo)
    with Butler.from_config(camera_repo, writeable=True) as butler:
        first, second, *_others = sorted(butler.query_datasets("crosstalk", collections=OLD))
        kept = {ref.id for ref in butler.query_datasets("crosstalk", collections=OLD)} - {first.id}
        butler.pruneDatasets([first], disassociate=True, unstore=True, purge=True)
        (certified,) = (
            each
            for each in butler.registry.queryDatasetAssociations("crosstalk", CALIB)
            if each.ref == second
        )
        butler.registry.decertify(CALIB, "crosstalk", certified.timespan, dataIds=[second.dataId])
    done = cycle_here(MODULE, declare(camera_repo))
    done.assert_converges()
    assert {(each["kind"], each["name"], each["count"]) for each in done.run["changes"]} == {
        ("datasets", f"crosstalk in {OLD}", 1),
        ("certifications", f"crosstalk in {CALIB}", 2),
    }
    assert contents(camera_repo) == whole
    with Butler.from_config(camera_repo) as butler:
        assert kept <= {ref.id for ref in butler.query_datasets("crosstalk", collections=OLD)}


def test_how_far_it_is(camera_repo: Path) -> None:
    state = CuratedState.from_params({"instrument": CAMERA, "label": [LABEL], "collection": None})
    said: list[tuple[str, int, int | None]] = []
    report = Report(step=lambda *step: said.append(step))
    converge_here(state, camera_repo, report=report)
    datasets = 1 + 2 * len(DETECTORS)
    assert {stage for stage, _done, _total in said} == {"reading exports", "looking for", "ingesting"}
    assert said[-1] == ("ingesting", datasets, datasets)


def test_another_certified_dataset_is_a_conflict_and_nothing_is_written(camera_repo: Path) -> None:
    assert not module_here(MODULE, declare(camera_repo, label=["DM-1"], collection=CALIB)).failed
    before = dump(camera_repo)
    done = module_here(MODULE, declare(camera_repo))
    assert done.failed and f"{CALIB}" in done.message and "is certified for" in done.message
    assert difference(before, dump(camera_repo)) == []


def test_an_instrument_that_is_not_registered_is_taken_for_granted_in_a_check_only(repo: Path) -> None:
    checked = module_here(MODULE, declare(repo), check_mode=True)
    assert not checked.failed and any("SmallCam" in line for line in checked["assumes"])
    done = module_here(MODULE, declare(repo))
    assert done.failed and "instrument SmallCam" in done.message
    absent = module_here(MODULE, declare(repo.with_name("absent")), check_mode=True)
    assert not absent.failed and absent["changed"]


def test_the_same_on_postgresql_and_a_reader_may_check(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "postgres"
    present(root, {"registry": {"db": database.url}})
    prepare(root)
    reads = {"LSST_DB_AUTH_CREDENTIALS": database.credentials(READER)}
    checked = module_here(MODULE, declare(root), check_mode=True, **reads)
    assert not checked.failed, checked.message
    done = cycle_here(MODULE, declare(root))
    done.assert_converges()
    assert checked["changes"] == done.run["changes"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("lsst.obs.lsst.LsstComCam", "lsst.obs.lsst.LsstComCam can't be imported"),
        ("LSSTComCam", "lsst.obs.lsst.LsstComCam can't be imported"),
        (f"{SmallCamera.__module__}.UncuratedCamera", "has no writeCuratedCalibrations"),
        ("NoCam", "is no class name"),
    ],
)
def test_a_host_without_the_package_is_told_the_two_ways_out(
    wanted: str, reason: str, camera_repo: Path
) -> None:
    before = dump(camera_repo)
    done = module_here(MODULE, declare(camera_repo, instrument=wanted))
    assert done.failed and reason in done.message and wanted in done.message
    assert "ansible_python_interpreter" in done.message and "rubin.butler.butler_import" in done.message
    assert dump(camera_repo) == before


def test_a_class_that_fails_changes_nothing(camera_repo: Path) -> None:
    before = dump(camera_repo)
    done = module_here(MODULE, declare(camera_repo, instrument=f"{SmallCamera.__module__}.BrokenCamera"))
    assert done.failed and "BrokenCamera.writeCuratedCalibrations failed" in done.message
    assert "no defects for S1" in done.message and dump(camera_repo) == before


@pytest.mark.parametrize("option", ["instrument", "label", "collection"])
def test_empty_names_are_refused(option: str, repo: Path) -> None:
    done = module_here(MODULE, declare(repo, **{option: " "}))
    assert done.failed and option in done.message and "empty" in done.message


def test_the_example_is_right_but_for_the_package(repo: Path) -> None:
    (example,) = yaml.safe_load(texts_of(MODULE)["EXAMPLES"])
    arguments = {**example[f"rubin.butler.{MODULE}"], "repo": str(repo)}
    done = module_here(MODULE, arguments)
    assert done.failed and re.search("curated calibrations of .* can't be written on this host", done.message)


def test_a_check_writes_nothing(camera_repo: Path) -> None:
    before = dump(camera_repo)
    state = CuratedState.from_params({"instrument": CAMERA, "label": [LABEL], "collection": None})
    outcome = converge_here(state, camera_repo, check_mode=True)
    assert outcome.changes and dump(camera_repo) == before
