# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: what is in doubt is decided before anything is written, and bad input is answered."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset

from tests.integration.canonical import difference, dump
from tests.integration.raw_files import TOTAL, official, official_datasets, write_fits, write_raws
from tests.integration.raw_states import (
    RUN,
    assert_records_are_official,
    ingest,
    raws,
    refs_in,
    register,
    stored,
    unstore,
)

BIAS = "20241108/CC_O_20241108_000010/CC_O_20241108_000010_R22_S00.fits"
OTHER_RUN = "LSSTComCam/raw/trial"


@pytest.fixture
def comcam(repo: Path) -> Path:
    """Give a repository with LSSTComCam, its raws beside it."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    return repo


@pytest.fixture
def source(comcam: Path) -> Path:
    return comcam.parent / "raw"


def refused(comcam: Path, *sources: Path, **params: Any) -> ButlerError:
    """Ingest, which has to fail in check mode and in earnest in the same way and to write nothing."""
    before = dump(comcam)
    errors = []
    for check_mode in (True, False):
        with pytest.raises(ButlerError) as caught:
            ingest(comcam, *sources, check_mode=check_mode, **params)
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert not difference(before, dump(comcam)), "something was written"
    return errors[0]


def test_a_file_in_two_directories(comcam: Path, source: Path) -> None:
    copy = source / "again" / Path(BIAS).name
    copy.parent.mkdir()
    shutil.copy(source / BIAS, copy)
    error = refused(comcam, source)
    assert error.details == (
        f"raw exposure 2024110800010 detector 0: is in more than one file: {source / BIAS}, {copy}",
    )
    assert refused(comcam, source, on_conflict="replace").details == error.details
    outcome = ingest(comcam, source, transfer="direct", on_conflict="keep")
    assert outcome.stats["skipped"] == 1 and "took the first" in outcome.notices[0]
    assert f"file://{source / BIAS}" in stored(comcam).values()
    assert len(stored(comcam)) == TOTAL
    # What is recorded counts, wherever it stands in the list.
    again = ingest(comcam, copy.parent, source / BIAS, transfer="direct", on_conflict="keep")
    assert not again.changed


def test_two_names_of_one_file_are_no_conflict(comcam: Path, source: Path) -> None:
    (source.parent / "links").symlink_to(source)
    outcome = ingest(comcam, source, source.parent / "links")
    assert len(stored(comcam)) == TOTAL and outcome.notices == []


def test_a_copy_under_a_name_that_says_nothing(comcam: Path, source: Path) -> None:
    shutil.copy(source / BIAS, source / "copy.fits")
    error = refused(comcam, source)
    assert error.details == (
        f"raw exposure 2024110800010 detector 0: is in more than one file: {source / BIAS}, "
        f"{source / 'copy.fits'}",
    )


def test_a_file_recorded_at_another_place(comcam: Path, source: Path) -> None:
    ingest(comcam, source, transfer="direct")
    moved = source.parent / "moved"
    shutil.copytree(source, moved)
    assert not ingest(comcam, moved, transfer="direct").changed, "places were compared without being asked"
    error = refused(comcam, moved, transfer="direct", check_paths=True)
    assert len(error.details) == TOTAL
    assert error.details[0] == (
        f"raw exposure 2024110800010 detector 0: it is recorded at {source / BIAS}, not at {moved / BIAS}"
    )
    kept = ingest(comcam, moved, transfer="direct", on_conflict="keep", check_paths=True)
    assert not kept.changed and kept.stats["present"] == TOTAL
    assert kept.notices == [
        f"kept {TOTAL} raws at other places than those listed; the first is exposure 2024110800010 "
        f"detector 0, at {source / BIAS}"
    ]
    promised = ingest(
        comcam, moved, transfer="direct", on_conflict="replace", check_paths=True, check_mode=True
    )
    replaced = ingest(comcam, moved, transfer="direct", on_conflict="replace", check_paths=True)
    assert promised.changes == replaced.changes and promised.stats == replaced.stats
    assert replaced.stats["replaced"] == TOTAL and replaced.stats["added"] == 0
    assert sorted(stored(comcam).values()) == sorted(f"file://{path}" for path in moved.rglob("*.fits"))
    assert len(list(source.rglob("*.fits"))) == TOTAL, "a source was removed"
    assert not ingest(comcam, moved, transfer="direct", check_paths=True).changed


def test_a_raw_that_another_run_has(comcam: Path, source: Path) -> None:
    ingest(comcam, source / "20241110", run=OTHER_RUN)
    error = refused(comcam, source)
    assert len(error.details) == 3
    assert f"it is in run {OTHER_RUN} already, not in {RUN}" in error.details[0]
    kept = ingest(comcam, source, on_conflict="keep")
    assert kept.stats["skipped"] == 3 and len(stored(comcam)) == TOTAL - 3
    assert kept.notices[0].startswith("left out 3 raws that other runs have; the first is exposure")
    again = ingest(comcam, source, on_conflict="keep")
    assert not again.changed and again.stats["present"] == TOTAL - 3
    replaced = ingest(comcam, source, on_conflict="replace")
    assert [(change.kind, change.count) for change in replaced.changes] == [("raws", 3)]
    assert len(stored(comcam)) == TOTAL and len(stored(comcam, OTHER_RUN)) == 3


def test_a_raw_with_another_id(comcam: Path, source: Path) -> None:
    ingest(comcam, source / "20241108")
    with Butler.from_config(comcam, writeable=True) as butler:
        [first, *_unused] = refs_in(butler)
        butler.pruneDatasets([first], purge=True, unstore=True, disassociate=True)
        formatter = formatter_class(official_datasets()["formatter"])
        random = DatasetRef(first.datasetType, first.dataId, RUN)
        butler.ingest(
            FileDataset(path=str(source / BIAS), refs=[random], formatter=formatter), transfer="copy"
        )
    for on_conflict in ("fail", "replace"):
        error = refused(comcam, source / "20241108", on_conflict=on_conflict)
        assert error.details == (
            f"raw exposure 2024110800010 detector 0: {RUN} has it as dataset {random.id}, the id of an "
            f"ingested raw is {first.id} ({source / BIAS})",
        )
    kept = ingest(comcam, source / "20241108", on_conflict="keep")
    assert not kept.changed and "kept 1 raws under other ids" in kept.notices[0]


@pytest.fixture
def drifted(comcam: Path, source: Path) -> Path:
    """Give a repository in which two records of an exposure with one detector differ from the headers."""
    ingest(comcam, *source.rglob("CC_O_20241108_000266_R22_S00.fits"))
    with Butler.from_config(comcam, writeable=True) as butler:
        [exposure] = butler.query_dimension_records("exposure")
        wrong = exposure.toDict() | {"target_name": "elsewhere", "dark_time": 17.5}
        butler.registry.insertDimensionData("exposure", wrong, replace=True)
    return comcam


def test_an_exposure_that_differs_from_the_header(drifted: Path, source: Path) -> None:
    error = refused(drifted, source)
    [detail] = error.details
    assert detail.startswith("exposure LSSTComCam 2024110800266: dark_time: 17.5 -> ")
    assert "target_name: 'elsewhere' -> " in detail
    assert "on_conflict" in str(error)


def test_an_exposure_that_differs_is_kept(drifted: Path, source: Path) -> None:
    outcome = ingest(drifted, source, on_conflict="keep")
    assert "kept exposure LSSTComCam 2024110800266, which differs: dark_time" in outcome.notices[0]
    with Butler.from_config(drifted) as butler:
        [exposure] = butler.query_dimension_records("exposure", where="exposure.target_name = 'elsewhere'")
    assert exposure.dark_time == 17.5 and len(stored(drifted)) == TOTAL


def test_an_exposure_that_differs_is_replaced(drifted: Path, source: Path) -> None:
    promised = ingest(drifted, source, on_conflict="replace", check_mode=True)
    outcome = ingest(drifted, source, on_conflict="replace")
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    [change] = [change for change in outcome.changes if change.action == "replace"]
    assert change.name == "LSSTComCam 2024110800266" and change.before["dark_time"] == 17.5
    assert_records_are_official(drifted)
    assert not ingest(drifted, source).changed


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def no_fits(path: Path) -> None:
    path.write_text("<html>503</html>")


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.fits")


def without_keyword(path: Path) -> None:
    headers = official()["files_headers_by_hdu"][BIAS]
    write_fits(path, [{key: value for key, value in headers[0].items() if key != "OBSID"}, *headers[1:]])


def of_another_instrument(path: Path) -> None:
    facts = official("LSSTCam-imSim")["files_headers_by_hdu"]
    write_fits(path, next(iter(facts.values())))


FAULTS = [
    (empty, "is empty (0 bytes), expected a FITS file"),
    (truncated, "is truncated: it ends within the data of HDU 1"),
    (no_fits, "is no FITS file"),
    (dangling, "is a symbolic link to nowhere.fits, which is not there"),
    (without_keyword, "keyword OBSID is missing or has no value"),
    (of_another_instrument, "is a raw of LSSTCam-imSim"),
]


@pytest.mark.parametrize(("damage", "said"), FAULTS, ids=[damage.__name__ for damage, _unused in FAULTS])
def test_files_that_can_not_be_ingested(
    damage: Callable[[Path], None], said: str, comcam: Path, source: Path
) -> None:
    damage(source / BIAS)
    error = refused(comcam, source)
    [detail] = error.details
    assert said in detail and "CC_O_20241108_000010_R22_S" in detail
    assert "1 of the files can't be ingested as raws of LSSTComCam" in str(error)
    assert "on_error" in str(error)
    promised = ingest(comcam, source, on_error="skip", max_errors=1, check_mode=True)
    outcome = ingest(comcam, source, on_error="skip", max_errors=1)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    assert outcome.stats["failed"] == 1 and len(stored(comcam)) == TOTAL - 1
    [failure] = outcome.failures
    assert failure["name"].startswith(str((source / BIAS).parent)) and said in failure["reason"]
    again = ingest(comcam, source, on_error="skip")
    assert not again.changed and again.failures == outcome.failures


def test_files_of_an_exposure_that_contradict_each_other(comcam: Path, source: Path) -> None:
    last = BIAS.replace("R22_S00", "R22_S22")
    headers = official()["files_headers_by_hdu"][last]
    write_fits(source / last, [headers[0] | {"FILTER": "r_03"}, *headers[1:]])
    error = refused(comcam, source)
    assert error.details == (
        f"{source / last}: its filter is r_03, but exposure 2024110800010 was taken with g_01",
    )
    outcome = ingest(comcam, source, on_error="skip")
    assert outcome.stats["failed"] == 1 and len(stored(comcam)) == TOTAL - 1
    # Alone, it contradicts the exposure that the others have told.
    assert refused(comcam, source, on_error="skip").details == (
        "exposure LSSTComCam 2024110800010: physical_filter: 'g_01' -> 'r_03'",
    )


def test_all_that_is_wrong_is_listed_at_once(comcam: Path, source: Path) -> None:
    files = sorted(source.rglob("*.fits"))
    empty(files[0])
    truncated(files[4])
    shutil.copy(files[7], source / files[7].name)
    error = refused(comcam, source)
    assert len(error.details) == 3
    error = refused(comcam, source, on_error="skip", max_errors=1, on_conflict="keep")
    assert str(error).startswith("max_errors: 2 of the files can't be ingested, and 1 are borne")


def test_an_exposure_is_told_by_the_next_file_if_the_first_is_broken(comcam: Path, source: Path) -> None:
    empty(source / BIAS)
    ingest(comcam, source, on_error="skip")
    assert_records_are_official(comcam)


def test_a_file_that_vanishes_after_the_plan(comcam: Path, source: Path) -> None:
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

    for on_error in ("fail", "skip"):
        state = raws(source, on_error=on_error, batch_size=50)
        repository = open_repository(str(comcam), writeable=True)
        plan = state.plan(state.observe(repository))
        lost = source / BIAS
        content = lost.read_bytes()
        lost.unlink()
        report = Report()
        if on_error == "fail":
            with pytest.raises(ButlerError, match=f"{lost} can't be ingested"):
                state.apply(repository, plan, report)
        else:
            state.apply(repository, plan, report)
            assert report.failed == 1 and report.failures[0]["name"] == str(lost)
            assert len(stored(comcam)) == TOTAL - 1
        repository.butler.close()
        lost.write_bytes(content)
    outcome = ingest(comcam, source)
    assert [(change.kind, change.count) for change in outcome.changes] == [("raws", 1)]
    assert_records_are_official(comcam)


def test_a_run_that_is_a_chain(comcam: Path, source: Path) -> None:
    with Butler.from_config(comcam, writeable=True) as butler:
        butler.collections.register(RUN, CollectionType.CHAINED)
    error = refused(comcam, source)
    assert error.details == (f"collection {RUN}: it is a CHAINED collection, and RUN was declared",)


def test_a_dataset_type_that_is_another(comcam: Path, source: Path) -> None:
    with Butler.from_config(comcam, writeable=True) as butler:
        dimensions = butler.dimensions.conform(["instrument", "exposure"])
        butler.registry.registerDatasetType(DatasetType("raw", dimensions, "Exposure"))
    error = refused(comcam, source)
    assert error.details == (
        "dataset type raw: it is (instrument, exposure), Exposure, and raws are (instrument, detector, "
        "exposure), Exposure",
    )


def test_a_filter_and_a_detector_that_are_not_registered(comcam: Path, source: Path) -> None:
    repo = comcam.parent / "other"
    Butler.makeRepo(repo)
    facts = official()
    with Butler.from_config(repo, writeable=True) as butler:
        butler.registry.insertDimensionData(
            "instrument",
            {"name": "LSSTComCam", "visit_max": 1, "exposure_max": 1, "detector_max": 9, "class_name": "x.Y"},
        )
        names = {row["physical_filter"] for row in facts["exposure"]} - {"g_01"}
        for name in names:
            butler.registry.insertDimensionData(
                "physical_filter", {"instrument": "LSSTComCam", "name": name, "band": name[0]}
            )
        for number in (0, 4):
            butler.registry.insertDimensionData(
                "detector", {"instrument": "LSSTComCam", "id": number, "full_name": f"D{number}"}
            )
    with pytest.raises(ButlerError) as caught:
        ingest(repo, source)
    assert caught.value.details == (
        "detector LSSTComCam 8 does not exist",
        "physical_filter LSSTComCam g_01 does not exist",
    )
    assert ingest(repo, source, check_mode=True).assumes == list(caught.value.details)


def test_orphans_are_replaced_and_those_that_differ_are_listed(comcam: Path, source: Path) -> None:
    ingest(comcam, source)
    complete = dump(comcam)
    for number in (3, 11):
        path = Path(next(iter(_artifact(comcam, number))))
        content = path.read_bytes()
        unstore(comcam, number)
        assert not path.exists()
        path.write_bytes(content if number == 3 else b"something else")
    promised = ingest(comcam, source, check_paths=True, check_mode=True)
    outcome = ingest(comcam, source, check_paths=True)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    assert outcome.stats["replaced"] == 2 and outcome.stats["added"] == 2
    [change] = [change for change in outcome.changes if change.kind == "orphan"]
    assert (change.action, change.name, change.count) == ("replace", RUN, 2)
    assert change.before == {"files without a dataset": 2, "that differ": 1}
    assert change.examples == (str(path.relative_to(comcam)),)
    assert not difference(complete, dump(comcam))


def _artifact(repo: Path, number: int) -> list[str]:
    with Butler.from_config(repo) as butler:
        return [butler.getURI(refs_in(butler)[number]).ospath]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"instrument": "LATISS"}, "instrument: instrument 'LATISS' is not known"),
        ({"sources": []}, "sources: it is empty"),
        ({"sources": ["https://me:word@host/raw/"]}, "sources[0]: https://host/raw/ comes with user info"),
        ({"batch_size": 0}, "batch_size: got 0, expected 1 or more"),
        ({"max_errors": -1}, "max_errors: got -1, expected 0 or more"),
    ],
)
def test_bad_options_are_answered_first(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ButlerError) as caught:
        raws("/nowhere", **params) if "sources" not in params else raws(**params)
    assert str(caught.value).startswith(said) and "word" not in str(caught.value)


def test_sources_that_can_not_be_listed(comcam: Path, source: Path) -> None:
    error = refused(comcam, source, source / "none", source / "2025*")
    assert "sources[1]" in error.details[0] and "sources[2]" in error.details[1]
    assert refused(comcam, source, file_pattern="(").option == "file_pattern"
    remote = Path("s3://bucket/x.fits")
    with pytest.raises(ButlerError, match="sources"):
        ingest(comcam, source, str(remote).replace("s3:/", "s3://"))
