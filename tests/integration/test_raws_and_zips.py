# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws with zips among its sources, alone and beside files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle
from tests.integration.canonical import difference, dump
from tests.integration.raw_files import official, write_fits
from tests.integration.raw_states import assert_records_are_official, ingest, refs_in, register
from tests.integration.raw_zips import CALIBRATION, CAMERA, RUN, SKY, fill_summit, make_zip

LATEST = 2025060900578
COUNTS = {SKY: 3, CALIBRATION: 1, LATEST: 2}
FOLDERS = {SKY: "20250415", CALIBRATION: "20250425", LATEST: "20250609"}


@pytest.fixture(scope="module")
def summit(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a repository that has raws in place, its files, and a zip of each exposure."""
    folder = tmp_path_factory.mktemp("summit")
    shutil.copytree(empty_repository, folder / "repo")
    fill_summit(folder / "repo", folder / "files", guiders=False)
    for exposure in COUNTS:
        make_zip(folder / "repo", folder / "zips" / str(exposure), exposure)
    return folder


@pytest.fixture
def camera(repo: Path) -> Path:
    register(repo, CAMERA)
    return repo


def zip_of(summit: Path, exposure: int) -> Path:
    [path] = (summit / "zips" / str(exposure)).iterdir()
    return path


def files_of(summit: Path, exposure: int) -> Path:
    return summit / "files" / FOLDERS[exposure]


def take(repo: Path, *sources: Path, **params: object) -> Outcome:
    """Check, run, and run again, which has nothing to do."""
    how = {"instrument": CAMERA, "transfer": "direct", **params}
    promised = ingest(repo, *sources, check_mode=True, **how)
    outcome = ingest(repo, *sources, **how)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    again = ingest(repo, *sources, **how)
    assert not again.changed, again.changes
    assert again.stats["present"] == sum(COUNTS[number] for number in held(repo))
    return outcome


def held(repo: Path) -> list[int]:
    with Butler.from_config(repo) as butler:
        return sorted({int(ref.dataId["exposure"]) for ref in refs_in(butler, RUN)})


def added(outcome: Outcome) -> dict[str, int]:
    counts: dict[str, int] = {}
    for change in outcome.changes:
        counts[change.kind] = counts.get(change.kind, 0) + change.count
    return counts


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_zips_through_ansible(transfer: str, camera: Path, summit: Path) -> None:
    done = cycle(
        "butler_raws",
        {
            "repo": str(camera),
            "instrument": CAMERA,
            "sources": [str(zip_of(summit, number)) for number in COUNTS],
            "transfer": transfer,
        },
    )
    done.assert_converges()
    assert held(camera) == sorted(COUNTS)
    assert done.run_again["stats"]["present"] == sum(COUNTS.values())
    assert_records_are_official(camera, CAMERA)


def test_zips_and_files_through_ansible(camera: Path, summit: Path) -> None:
    done = cycle(
        "butler_raws",
        {
            "repo": str(camera),
            "instrument": CAMERA,
            "sources": [
                str(zip_of(summit, SKY)),
                str(files_of(summit, CALIBRATION)),
                str(summit / "zips" / str(LATEST) / "*.zip"),
            ],
            "transfer": "direct",
        },
    )
    done.assert_converges()
    assert held(camera) == sorted(COUNTS)
    kinds = {(change["kind"], change["name"]): change["count"] for change in done.run["changes"]}
    assert kinds["day_obs records", CAMERA] == kinds["exposure records", CAMERA] == 3
    assert kinds["collection", RUN] == kinds["dataset type", "raw"] == 1
    assert done.run_again["stats"]["present"] == sum(COUNTS.values())
    assert_records_are_official(camera, CAMERA)


def test_files_and_zips_of_one_exposure_share_its_records(camera: Path, summit: Path, tmp_path: Path) -> None:
    first = make_zip(summit / "repo", tmp_path / "zips", SKY, detectors=(1, 94))
    [rest] = files_of(summit, SKY).rglob("*_R43_S22.fits")
    outcome = take(camera, first, rest)
    assert held(camera) == [SKY]
    counts = added(outcome)
    assert counts["exposure records"] == counts["day_obs records"] == counts["group records"] == 1
    assert counts["raws"] == 1 and counts["raw zips"] == 2


@pytest.mark.parametrize("zipped", [False, True])
def test_a_day_and_a_group_of_files_and_zips_are_added_once(
    zipped: bool, camera: Path, summit: Path, tmp_path: Path
) -> None:
    """The exposures are different ones of a night, and of one group."""
    path = tmp_path / "files" / "MC_O_20250415_000061_R22_S11.fits"
    headers = official(CAMERA)["files_headers_by_hdu"]
    [name] = [name for name in headers if name.endswith("20250415_000060_R22_S11.fits")]
    primary, *rest = headers[name]
    write_fits(path, [primary | {"OBSID": "MC_O_20250415_000061", "SEQNUM": 61}, *rest])
    how = {"instrument": CAMERA, "transfer": "direct"}
    if zipped:
        other = Path(shutil.copytree(camera, tmp_path / "other"))
        ingest(other, path, **how)
        path = make_zip(other, tmp_path / "zips", SKY + 1)
    # A file of another night makes it a task of both kinds.
    sources = (path, zip_of(summit, SKY), files_of(summit, LATEST))
    promised = ingest(camera, *sources, check_mode=True, **how)
    outcome = ingest(camera, *sources, **how)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    assert held(camera) == [SKY, SKY + 1, LATEST]
    counts = added(outcome)
    assert (counts["exposure records"], counts["day_obs records"], counts["group records"]) == (3, 2, 2)
    assert not ingest(camera, *sources, **how).changed


def test_raws_that_are_in_a_zip_and_in_files_are_a_conflict(camera: Path, summit: Path) -> None:
    before = dump(camera)
    for check_mode in (True, False):
        with pytest.raises(ButlerError) as caught:
            ingest(
                camera,
                zip_of(summit, SKY),
                summit / "files",
                instrument=CAMERA,
                transfer="direct",
                check_mode=check_mode,
            )
        [detail] = caught.value.details
        assert str(zip_of(summit, SKY)) in detail and f"exposure {SKY}" in detail
    assert not difference(before, dump(camera))


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_first_exposures_of_zips_and_files_together(limit: int, camera: Path, summit: Path) -> None:
    first = sorted(COUNTS)[:limit]
    sources = [files_of(summit, SKY), zip_of(summit, CALIBRATION), files_of(summit, LATEST)]
    take(camera, *sources, limit=limit)
    assert held(camera) == first


@pytest.mark.parametrize("limit", [1, 2])
def test_the_first_exposures_of_zips(limit: int, camera: Path, summit: Path) -> None:
    take(camera, *(zip_of(summit, number) for number in COUNTS), limit=limit)
    assert held(camera) == sorted(COUNTS)[:limit]


def test_days_and_exposures_of_zips_and_files(camera: Path, summit: Path) -> None:
    sources = [files_of(summit, SKY), zip_of(summit, CALIBRATION), zip_of(summit, LATEST)]
    take(camera, *sources, day_obs=["20250415", "20250425"])
    assert held(camera) == [SKY, CALIBRATION]
    take(camera, *sources)
    assert held(camera) == sorted(COUNTS)
