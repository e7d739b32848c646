# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips that were ingested are known without being opened, and nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import zip_files
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle
from tests.integration.raw_states import ingest, register
from tests.integration.raw_zips import (
    CALIBRATION,
    CAMERA,
    RUN,
    SKY,
    edit_zip,
    fill_summit,
    make_zip,
    run_zips,
)

RAWS = {SKY: 3, CALIBRATION: 1}


@pytest.fixture(scope="session")
def made(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a repository that has raws, zips of two exposures, and a repository to ingest to."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(empty_repository, folder / "summit")
    fill_summit(folder / "summit", folder / "files")
    for exposure in RAWS:
        make_zip(folder / "summit", folder / "zips", exposure)
    shutil.copytree(empty_repository, folder / "repo")
    register(folder / "repo", CAMERA)
    return folder


@pytest.fixture
def camera(made: Path, tmp_path: Path) -> Path:
    """Give a repository with LSSTCam."""
    return Path(shutil.copytree(made / "repo", tmp_path / "repo"))


@pytest.fixture
def zips(made: Path, tmp_path: Path) -> list[Path]:
    """Give the zip of the sky and that of the calibration exposure."""
    folder = Path(shutil.copytree(made / "zips", tmp_path / "zips"))
    return [folder / f"{name}.zip" for name in ("MC_O_20250415_000060", "MC_C_20250425_000031")]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the zips that are opened to look at them."""
    paths: list[str] = []
    opening = zip_files._opened

    def note(path: str) -> Any:
        paths.append(path)
        return opening(path)

    monkeypatch.setattr(zip_files, "_opened", note)
    return paths


def present(repo: Path, *paths: Path, **params: Any) -> int:
    """Give what is present, expecting that nothing is to be done."""
    plan = run_zips(repo, *paths, **params)
    assert (plan.changes, plan.conflicts, plan.assumes, plan.failures, plan.notices) == ([],) * 5
    return plan.present


def drop(repo: Path, *detectors: int, purge: bool = True) -> None:
    """Remove raws of the sky by hand, or only their places; all of them if no detector is named."""
    with Butler.from_config(repo, writeable=True) as butler:
        refs = butler.query_datasets(
            "raw", collections=RUN, where=f"instrument = '{CAMERA}' AND exposure = {SKY}"
        )
        chosen = [ref for ref in refs if not detectors or ref.dataId["detector"] in detectors]
        butler.pruneDatasets(chosen, disassociate=purge, unstore=True, purge=purge)


@pytest.mark.parametrize("transfer", ["direct", "copy", "hardlink", "symlink"])
def test_no_zip_is_opened_again(camera: Path, zips: list[Path], transfer: str, opened: list[str]) -> None:
    run_zips(camera, *zips, transfer=transfer)
    assert set(map(Path, opened)) == set(zips)
    opened.clear()
    assert present(camera, *zips) == sum(RAWS.values())
    assert opened == []
    assert present(camera, *zips, check_paths=True) == sum(RAWS.values())
    assert set(map(Path, opened)) == set(zips)


def test_a_new_zip_is_opened_among_known_ones(camera: Path, zips: list[Path], opened: list[str]) -> None:
    run_zips(camera, zips[0])
    opened.clear()
    plan = run_zips(camera, *zips)
    assert plan.present == RAWS[SKY]
    assert [change.count for change in plan.changes if change.kind == "raw zips"] == [RAWS[CALIBRATION]]
    assert {Path(path) for path in opened} == {zips[1]}


@pytest.mark.parametrize("transfer", ["direct", "copy"])
def test_another_zip_of_the_same_exposure_is_opened(
    camera: Path, zips: list[Path], transfer: str, tmp_path: Path, opened: list[str]
) -> None:
    run_zips(camera, zips[0], transfer=transfer)
    (tmp_path / "other").mkdir()
    other = edit_zip(zips[0], tmp_path / "other" / zips[0].name, drop=("MC_O_20250415_000060_R01_S01.fits",))
    opened.clear()
    [(path, reason)] = run_zips(camera, other).failures
    assert opened == [path] == [str(other)] and "lacks 1 files" in reason


def test_raws_beside_a_zip_are_no_reason_to_believe_it(
    camera: Path, zips: list[Path], opened: list[str]
) -> None:
    fill_summit(camera, camera.parent / "files", guiders=False)
    [conflict] = run_zips(camera, zips[0]).conflicts
    assert "3 of its 4 datasets are known already" in str(conflict) and opened == [str(zips[0])]


def test_two_zips_of_an_exposure_are_opened(
    made: Path, camera: Path, tmp_path: Path, opened: list[str]
) -> None:
    halves = [
        make_zip(made / "summit", tmp_path / str(detector), SKY, detectors=(detector,))
        for detector in (1, 94)
    ]
    run_zips(camera, *halves)
    opened.clear()
    assert present(camera, *halves) == 2 and len(opened) == 2


@pytest.mark.parametrize("detector", [1, 94])
def test_a_raw_that_was_removed_by_hand(
    detector: int, camera: Path, zips: list[Path], opened: list[str]
) -> None:
    run_zips(camera, *zips)
    drop(camera, detector)
    opened.clear()
    # As with files, what is there counts, unless places are to be checked.
    assert present(camera, *zips) == sum(RAWS.values()) - 1 and opened == []
    for on_conflict in ("fail", "replace"):
        [conflict] = run_zips(camera, *zips, check_paths=True, on_conflict=on_conflict).conflicts
        assert f"{zips[0]}: 3 of its 4 datasets are known already" in str(conflict)
        assert f"and the others are not (raw of exposure {SKY} detector {detector})" in str(conflict)
    kept = run_zips(camera, *zips, check_paths=True, on_conflict="keep")
    assert (kept.present, kept.skipped, kept.changes) == (sum(RAWS.values()) - 1, 1, [])


def test_a_zip_of_which_nothing_is_recorded_is_opened(
    camera: Path, zips: list[Path], opened: list[str]
) -> None:
    run_zips(camera, *zips)
    for detector in range(189):
        drop(camera, detector, purge=False)
    opened.clear()
    [conflict] = run_zips(camera, *zips).conflicts
    assert "1 of its 4 datasets are known already (guider_raw" in str(conflict)
    assert opened == [str(zips[0])]


def test_limits_by_names_open_nothing_else(camera: Path, zips: list[Path], opened: list[str]) -> None:
    sources = {"instrument": CAMERA, "transfer": "direct"}
    for limits in ({"limit": 1}, {"day_obs": ["20250415"]}, {"exposures": [str(SKY)]}):
        opened.clear()
        outcome = ingest(camera, *zips, check_mode=True, **sources, **limits)
        assert [change.count for change in outcome.changes if change.kind == "raw zips"] == [4]
        assert {Path(path) for path in opened} == {zips[0]}
    assert ingest(camera, *zips, **sources, limit=1).changed
    opened.clear()
    assert ingest(camera, *zips, **sources, limit=1).stats["present"] == RAWS[SKY] and opened == []
    # Of a zip whose name does not tell the exposure, it has to be known whether it is the first.
    untold = zips[1].rename(zips[1].with_name("untold.zip"))
    assert not ingest(camera, zips[0], untold, **sources, limit=1).changed
    assert ingest(camera, zips[0], untold, **sources, limit=2).changed


def test_the_module_finds_nothing_to_do(camera: Path, zips: list[Path]) -> None:
    sources = [str(path) for path in zips]
    done = cycle(
        "butler_raws", {"repo": str(camera), "instrument": CAMERA, "sources": sources, "transfer": "direct"}
    )
    done.assert_converges()
    assert done.run_again["stats"]["present"] == sum(RAWS.values())


def test_a_raw_in_a_zip_and_in_a_file_is_in_conflict(made: Path, camera: Path, zips: list[Path]) -> None:
    sources: dict[str, Any] = {"instrument": CAMERA, "transfer": "direct"}
    [loose] = (made / "files").rglob("MC_O_20250415_000060_R22_S11.fits")
    said = f"1 raws of exposure {SKY} are in more than one file: in this zip, and in files such as {loose}"
    for on_conflict in ("fail", "replace"):
        with pytest.raises(ButlerError) as caught:
            ingest(camera, loose, *zips, on_conflict=on_conflict, **sources)
        assert f"raw zip {zips[0]}: {said}" in str(caught.value)
        with Butler.from_config(camera) as butler:
            assert not butler.collections.query("*")
    outcome = ingest(camera, loose, *zips, on_conflict="keep", **sources)
    assert outcome.stats["skipped"] == RAWS[SKY]
    assert any(said in text for text in outcome.notices)
    again = ingest(camera, loose, *zips, on_conflict="keep", **sources)
    assert not again.changed
