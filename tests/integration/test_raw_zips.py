# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips of raws are ingested whole, with the UUIDs and runs that they bring along."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    StoppedError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from lsst.daf.butler import Butler, DatasetRef, FileDataset

from tests.integration.canonical import difference, dump
from tests.integration.raw_states import register
from tests.integration.raw_zips import (
    CALIBRATION,
    CAMERA,
    GUIDER_RUN,
    RUN,
    SKY,
    edit_zip,
    fill_summit,
    make_zip,
    run_zips,
)
from tests.integration.repository_runs import killed, nth

SKY_DATASETS = 4
"""Three raws and a guider file."""

SKY_RAWS = 3
"""What of them counts as present."""


@pytest.fixture(scope="session")
def summit(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a repository that has raws, and zips of two exposures."""
    folder = tmp_path_factory.mktemp("summit")
    shutil.copytree(empty_repository, folder / "repo")
    fill_summit(folder / "repo", folder / "files")
    for exposure in (SKY, CALIBRATION):
        make_zip(folder / "repo", folder / str(exposure), exposure)
    return folder


@pytest.fixture
def sky(summit: Path, tmp_path: Path) -> Path:
    """Give a zip of an exposure of the sky."""
    [path] = (summit / str(SKY)).glob("*.zip")
    return Path(shutil.copy(path, tmp_path))


@pytest.fixture
def calibration(summit: Path, tmp_path: Path) -> Path:
    """Give a zip of a calibration exposure, of one raw."""
    [path] = (summit / str(CALIBRATION)).glob("*.zip")
    return Path(shutil.copy(path, tmp_path))


@pytest.fixture(scope="session")
def registered(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with LSSTCam, to which nobody writes."""
    root = Path(shutil.copytree(empty_repository, tmp_path_factory.mktemp("registered") / "repo"))
    register(root, CAMERA)
    return root


@pytest.fixture
def camera(registered: Path, tmp_path: Path) -> Path:
    """Give a repository with LSSTCam."""
    return Path(shutil.copytree(registered, tmp_path / "camera"))


def converges(repo: Path, *paths: Path | str, **params: Any) -> Plan[Any]:
    """Check, run, check, run: the run does what the check has promised, then nothing is left."""
    before = dump(repo)
    checked = run_zips(repo, *paths, check_mode=True, **params)
    assert not difference(before, dump(repo)), "a check has written something"
    done = run_zips(repo, *paths, **params)
    assert checked.sorted_changes() == done.sorted_changes() and done.changes
    after = dump(repo)
    for check_mode in (True, False):
        again = run_zips(repo, *paths, check_mode=check_mode, **params)
        assert (again.changes, again.conflicts, again.assumes) == ([], [], [])
    assert not difference(after, dump(repo)), "a repeated run has written something"
    return done


def refused(repo: Path, *paths: Path | str, **params: Any) -> list[str]:
    """Plan, which has to be in conflict and to write nothing; give the conflicts."""
    before = dump(repo)
    plan = run_zips(repo, *paths, **params)
    assert plan.conflicts and not difference(before, dump(repo))
    return [str(conflict) for conflict in plan.conflicts]


def held(repo: Path) -> dict[str, tuple[str, str, str]]:
    """Give type, run and URI of every dataset of an exposure by its id."""
    with Butler.from_config(repo) as butler:
        refs: list[DatasetRef] = []
        for dataset_type in butler.registry.queryDatasetTypes("*raw"):
            refs += butler.query_datasets(
                dataset_type, collections="*", find_first=False, explain=False, limit=None
            )
        uris = butler.get_many_uris(refs, allow_missing=True)
        return {str(ref.id): (ref.datasetType.name, ref.run, str(uris[ref].primaryURI)) for ref in uris}


def records(repo: Path, *exposures: int) -> dict[str, dict[str, Any]]:
    """Give the records that some exposures bring along."""
    found = {}
    with Butler.from_config(repo) as butler:
        for element in ("day_obs", "group", "exposure"):
            for number in exposures:
                where = {"instrument": CAMERA, "exposure": number}
                for record in butler.query_dimension_records(element, explain=False, **where):  # type: ignore[arg-type]
                    found[f"{element} {record.dataId}"] = record.toDict()
    return found


def test_a_zip_is_ingested_as_the_repository_has_it_that_it_comes_from(
    camera: Path, summit: Path, sky: Path, calibration: Path
) -> None:
    done = converges(camera, sky, calibration)
    assert [(change.kind, change.name, change.count) for change in done.sorted_changes()] == [
        ("collection", RUN, 1),
        ("collection", GUIDER_RUN, 1),
        ("dataset type", "guider_raw", 1),
        ("dataset type", "raw", 1),
        ("day_obs records", CAMERA, 2),
        ("exposure records", CAMERA, 2),
        ("group records", CAMERA, 2),
        ("raw zips", f"{RUN} and {GUIDER_RUN} day_obs=20250415", SKY_DATASETS),
        ("raw zips", f"{RUN} day_obs=20250425", 1),
    ]
    original = held(summit / "repo")
    found = held(camera)
    assert len(found) == SKY_DATASETS + 1
    for uuid, (name, run, uri) in found.items():
        assert (name, run) == original[uuid][:2]
        assert uri.split("#zip-path=")[1] == Path(original[uuid][2]).name
        assert uri.startswith((sky.as_uri(), calibration.as_uri()))
    assert records(camera, SKY, CALIBRATION) == records(summit / "repo", SKY, CALIBRATION)
    assert "bring their own runs" in done.notices[0]


@pytest.mark.parametrize("transfer", ["copy", "move", "hardlink", "split"])
def test_zips_are_transferred_whole(camera: Path, sky: Path, transfer: str) -> None:
    content = sky.read_bytes()
    run_zips(camera, sky, transfer=transfer)
    assert sky.exists() == (transfer != "move")
    places = {uri.split("#")[0] for _name, _run, uri in held(camera).values()}
    assert len(places) == 1
    place = Path(places.pop().removeprefix("file://"))
    assert place.read_bytes() == content
    assert place.is_relative_to(camera) == (transfer != "split")


def test_a_zip_elsewhere_with_the_same_datasets_is_present(camera: Path, sky: Path, tmp_path: Path) -> None:
    run_zips(camera, sky)
    other = Path(shutil.copy(sky, tmp_path / "other.zip"))
    plan = run_zips(camera, other)
    assert (plan.present, plan.changes, plan.conflicts) == (SKY_RAWS, [], [])
    assert plan.notices == [
        f"the datasets of 1 zips are recorded at other places; the first is {other}, recorded at {sky}"
    ]


def test_nothing_is_known_of_an_absent_repository(sky: Path) -> None:
    plan = run_zips(None, sky, check_mode=True)
    assert plan.total("add") == SKY_DATASETS + 2 + 2 + 3
    assert [str(assumption) for assumption in plan.assumes] == [
        f"instrument: instrument {CAMERA} does not exist"
    ]


def test_what_a_zip_stands_on_is_assumed(repo: Path, sky: Path) -> None:
    plan = run_zips(repo, sky)
    assert [str(assumption) for assumption in plan.assumes] == [
        f"instrument: instrument {CAMERA} does not exist"
    ]
    assert held(repo) == {}


def test_a_partly_known_zip_is_in_conflict(camera: Path, summit: Path, sky: Path) -> None:
    fill_summit(camera, camera.parent / "files", guiders=False)
    [conflict] = refused(camera, sky)
    assert conflict.startswith(
        f"raw zip {sky}: 3 of its 4 datasets are known already (raw of exposure {SKY} "
    )
    assert "_R01_S01.fits), and the others are not (guider_raw of exposure " in conflict
    assert [
        str(item) for item in run_zips(camera, sky, on_conflict="replace", check_mode=True).conflicts
    ] == [conflict]
    plan = run_zips(camera, sky, on_conflict="keep")
    assert (plan.present, plan.skipped, plan.changes, plan.conflicts) == (SKY_RAWS, 0, [], [])
    assert plan.notices[0].startswith(
        f"left out 1 zips that can't be ingested whole; the first is {sky}: 3 of"
    )


def test_the_same_raws_in_another_run_are_in_conflict(camera: Path, calibration: Path) -> None:
    fill_summit(camera, camera.parent / "files", run=f"{CAMERA}/raw/trial", guiders=False)
    [conflict] = refused(camera, calibration)
    assert (
        f"raw of exposure {CALIBRATION} detector 1 is in run {CAMERA}/raw/trial already as dataset"
        in conflict
    )
    assert conflict.endswith(f"of run {RUN}")
    assert run_zips(camera, calibration, on_conflict="keep", check_mode=True).skipped == 1
    done = converges(camera, calibration, on_conflict="replace")
    assert done.total("add") == 2
    assert sum(run == RUN for _name, run, _uri in held(camera).values()) == 1


def test_the_same_raws_under_other_ids_are_in_conflict(camera: Path, summit: Path, calibration: Path) -> None:
    run_zips(camera, calibration)
    with Butler.from_config(camera, writeable=True) as butler:
        [ref] = butler.query_datasets("raw", collections=RUN)
        butler.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
        strange = DatasetRef(ref.datasetType, ref.dataId, RUN)
        other = shutil.copy(calibration, calibration.with_name("raw.fits"))
        formatter = formatter_class("lsst.obs.lsst.LsstCamRawFormatter")
        butler.ingest(FileDataset(other, [strange], formatter=formatter), transfer="direct")
    for on_conflict in ("fail", "replace"):
        [conflict] = refused(camera, calibration, on_conflict=on_conflict)
        assert f"already as dataset {strange.id}, in the zip it is dataset {ref.id}" in conflict
    assert run_zips(camera, calibration, on_conflict="keep").skipped == 1


def test_two_zips_of_the_same_raws_are_in_conflict(camera: Path, sky: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(sky, tmp_path / "a.zip"))
    [conflict] = refused(camera, sky, other)
    assert conflict == f"raw zip {other}: {sky} holds datasets with the same data IDs"


def test_zips_that_share_an_exposure_only_are_ingested(camera: Path, summit: Path, tmp_path: Path) -> None:
    halves = [
        make_zip(summit / "repo", tmp_path / str(detector), SKY, detectors=(detector,))
        for detector in (1, 94)
    ]
    done = converges(camera, *halves)
    assert done.total("add") == 2 + 3 + 2
    assert len(held(camera)) == 2


def test_a_record_that_differs_is_in_conflict(camera: Path, calibration: Path) -> None:
    fill_summit(camera, camera.parent / "files", run=f"{CAMERA}/raw/trial", guiders=False)
    with Butler.from_config(camera, writeable=True) as butler:
        [record] = butler.query_dimension_records("exposure", instrument=CAMERA, exposure=CALIBRATION)
        changed = {**record.toDict(), "science_program": "another"}
        butler.registry.insertDimensionData("exposure", changed, replace=True)
        refs = butler.query_datasets("raw", collections=f"{CAMERA}/raw/trial")
        butler.pruneDatasets(refs, disassociate=True, unstore=True, purge=True)
    [conflict] = refused(camera, calibration)
    assert conflict.startswith(f"exposure {CAMERA} {CALIBRATION}: science_program")
    kept = run_zips(camera, calibration, on_conflict="keep", check_mode=True)
    assert kept.total("add") == 2 and "science_program" in kept.notices[0]
    done = converges(camera, calibration, on_conflict="replace")
    assert (done.total("add"), done.total("replace")) == (2, 1)


def test_the_type_of_a_run_is_in_conflict(camera: Path, calibration: Path) -> None:
    with Butler.from_config(camera, writeable=True) as butler:
        from lsst.daf.butler import CollectionType

        butler.collections.register(RUN, CollectionType.TAGGED)
    [conflict] = refused(camera, calibration, run="other")
    assert conflict == f"collection {RUN}: it is a TAGGED collection, and RUN was declared"


def test_a_zip_without_headers_needs_its_exposure(camera: Path, summit: Path, tmp_path: Path) -> None:
    bare = make_zip(summit / "repo", tmp_path / "bare", CALIBRATION, headers=False)
    [(path, reason)] = run_zips(camera, bare).failures
    assert path == str(bare) and f"no header of exposure {CALIBRATION}" in reason
    fill_summit(camera, camera.parent / "files", guiders=False)
    with Butler.from_config(camera, writeable=True) as butler:
        butler.removeRuns([RUN])
    assert converges(camera, bare).total("add") == 2


def broken_zips(source: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """Give zips that are none, each with what has to be said of it."""
    gone = folder / "gone.zip"
    yield gone, f"{gone} can't be read: No such file or directory"
    cut = folder / "cut.zip"
    cut.write_bytes(source.read_bytes()[:-50])
    yield cut, f"{cut} is no zip, or not all of one: "
    plain = edit_zip(source, folder / "plain.zip", drop=("_butler_zip_index.json",))
    yield plain, f"{plain} has no _butler_zip_index.json, expected a zip of datasets as a Butler makes it"
    member = "MC_C_20250425_000031_R01_S01.fits"
    lacking = edit_zip(source, folder / "lacking.zip", drop=(member,))
    yield lacking, f"{lacking} lacks 1 files that its index names: {member}"
    text = edit_zip(source, folder / "text.zip", _butler_zip_index="{}")
    yield text, f"{text} can't be read as a zip of datasets: ValidationError"
    none = edit_zip(source, folder / "none.zip", _metadata_index="{}")
    yield none, f"{none}#_metadata_index.json has no __COMMON__"
    with zipfile.ZipFile(source) as archive:
        index = archive.read("_butler_zip_index.json").decode()
    other = edit_zip(source, folder / "other.zip", _butler_zip_index=index.replace('"LSSTCam"', '"LATISS"'))
    yield other, f"{other} is a zip of raws of LATISS, expected raws of {CAMERA}"
    moved = edit_zip(
        source, folder / "moved.zip", _butler_zip_index=index.replace("20250425000", "20250424000")
    )
    yield moved, "detector 1 by its header, but exposure 2025042400031 detector 1 by the index of datasets"


def test_zips_that_can_not_be_ingested_are_named(
    camera: Path, sky: Path, calibration: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    for path, reason in broken_zips(calibration, tmp_path / "broken"):
        plan = run_zips(camera, path, sky, check_mode=True)
        assert len(plan.failures) == 1, path
        [(failed, said)] = plan.failures
        assert failed == str(path) and reason in said, said
        assert plan.total("add") == 2 + 2 + 3 + SKY_DATASETS


def test_limits_leave_zips_out(camera: Path, sky: Path, calibration: Path) -> None:
    definition = find_built_in(CAMERA)
    assert definition is not None

    def limited(paths: list[Path], **params: Any) -> Plan[Any]:
        return run_zips(camera, *paths, limits=Limits.from_params(params, definition), check_mode=True)

    def datasets(plan: Plan[Any]) -> int:
        return sum(change.count for change in plan.changes if change.kind == "raw zips")

    # Names that tell, and names that do not.
    told = [sky, calibration]
    untold = [Path(shutil.copy(path, path.with_name(f"{path.stat().st_size}.zip"))) for path in told]
    for paths in (told, untold):
        assert datasets(limited(paths, exposures=[CALIBRATION])) == 1
        assert datasets(limited(paths, day_obs=[20250415])) == SKY_DATASETS
        shards = [datasets(limited(paths, shard={"index": index, "count": 2})) for index in (0, 1)]
        assert sum(shards) == SKY_DATASETS + 1
    run_zips(camera, sky)
    for paths in (told, untold):
        plan = limited(paths, day_obs=[20250425])
        assert (plan.present, plan.skipped, plan.total("add")) == (0, 0, 4)
    with pytest.raises(ButlerError) as caught:
        limited([sky], detectors=["R22_S11"])
    assert caught.value.option == "detectors"


def test_a_stopped_run_goes_on_with_the_next_zip(camera: Path, sky: Path, calibration: Path) -> None:
    report = Report()

    def stop(stage: str, done: int, _total: int | None) -> None:
        if stage == "ingesting zips" and done == 0:
            report.checkpoint = stopped

    def stopped() -> None:
        raise StoppedError("stopped")

    report.step = stop
    with pytest.raises(StoppedError):
        run_zips(camera, sky, calibration, report=report)
    assert len(held(camera)) == SKY_DATASETS
    assert records(camera, SKY) and not records(camera, CALIBRATION)
    rest = run_zips(camera, sky, calibration)
    assert (rest.present, rest.total("add")) == (SKY_RAWS, 2)
    assert len(held(camera)) == SKY_DATASETS + 1


def test_a_zip_that_fails_leaves_nothing_and_the_others(camera: Path, sky: Path, calibration: Path) -> None:
    def spoil(stage: str, done: int, _total: int | None) -> None:
        # After the plan was made, the zip of the sky is replaced by another file.
        if stage == "ingesting zips" and done == 0:
            sky.write_bytes(b"no zip any more")

    with pytest.raises(ButlerError, match=f"{sky} can't be ingested: BadZipFile: File is not a zip file"):
        run_zips(camera, sky, calibration, report=Report(step=spoil))
    assert held(camera) == {} and records(camera, SKY).keys() == set()


def test_failures_are_counted_if_they_are_borne(camera: Path, sky: Path, calibration: Path) -> None:
    report = Report()

    def spoil(stage: str, done: int, _total: int | None) -> None:
        if stage == "ingesting zips" and done == 0:
            sky.write_bytes(b"no zip any more")

    report.step = spoil
    run_zips(camera, sky, calibration, report=report, on_error="skip", counted=False)
    assert report.failed == 1 and report.failures[0]["name"] == str(sky)
    assert len(held(camera)) == 1


def test_another_writer_may_be_faster(camera: Path, sky: Path) -> None:
    report = Report()

    def overtake(stage: str, done: int, _total: int | None) -> None:
        if stage == "ingesting zips" and done == 0 and not held(camera):
            run_zips(camera, sky)

    report.step = overtake
    run_zips(camera, sky, report=report, counted=False)
    assert report.notices == [f"another writer ingested {SKY_DATASETS} of the planned datasets meanwhile"]
    assert len(held(camera)) == SKY_DATASETS


@pytest.mark.parametrize(
    "statement", [("INSERT", 2), ("INSERT", 8), ("INSERT", 13), ("commit", 3), ("commit", 5)]
)
def test_a_killed_run_is_finished_by_the_next(camera: Path, sky: Path, statement: tuple[str, int]) -> None:
    word, number = statement
    assert killed(lambda: run_zips(camera, sky, transfer="copy"), nth(number, word))
    assert len(held(camera)) in (0, SKY_DATASETS)
    run_zips(camera, sky, transfer="copy")
    assert len(held(camera)) == SKY_DATASETS
    again = run_zips(camera, sky, transfer="copy")
    assert (again.present, again.changes) == (SKY_RAWS, [])
    assert len(list(camera.glob("zips/*/*"))) == 1
