# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: files that tables and lists name, and files that fail, all of them in a report file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle, run
from tests.integration.canonical import difference, dump
from tests.integration.decam_files import (
    DETECTORS,
    FLAT,
    LATER,
    NIGHT,
    OBJECT,
    PER_FILE,
    ZERO,
    md5,
    write_deep,
    write_exposure,
    write_tables,
)
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import ingest, refs_in, register, stored

RUN = "DECam/raw/all"
WRONG = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def decam(repo: Path) -> Path:
    register(repo, "DECam")
    return repo


@pytest.fixture
def deep(repo: Path) -> Path:
    """Give a folder with the tables of DEEP and the files."""
    folder = repo.parent / "deep"
    folder.mkdir()
    return folder


@pytest.fixture
def comcam(repo: Path) -> Path:
    """Give a repository with LSSTComCam and its raws beside it."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    return repo


def select(deep: Path, **where: Any) -> dict[str, Any]:
    return {"table": str(deep / "exposures.ecsv"), "root": str(deep / "images"), "where": where}


def take(repo: Path, deep: Path, *sources: Path, where: dict[str, Any] | None = None, **params: Any) -> Any:
    return ingest(repo, *sources, instrument="DECam", select=select(deep, **(where or {})), **params)


def exposures(repo: Path) -> set[int]:
    with Butler.from_config(repo) as butler:
        if not butler.collections.query("*"):
            return set()
        return {int(ref.dataId["exposure"]) for ref in refs_in(butler, RUN)}


def rows(deep: Path) -> list[tuple[int, int, str, Path]]:
    """Give the rows of the tables, of which two exposures are of another night."""
    files = write_deep(deep)
    nights = {ZERO: NIGHT, FLAT: NIGHT, OBJECT: NIGHT, LATER: 20190403}
    kinds = {ZERO: "zero", FLAT: "dome flat", OBJECT: "zero", LATER: "zero"}
    return [(number, nights[number], kinds[number], path) for number, path in files.items()]


def test_a_night_of_deep_through_ansible(decam: Path, deep: Path) -> None:
    write_tables(deep, rows(deep), invalid=[OBJECT])
    report = deep / "failed.jsonl"
    done = cycle(
        "butler_raws",
        {
            "repo": str(decam),
            "instrument": "DECam",
            "select": select(deep, night=NIGHT, obs_type="zero"),
            "verify": "md5",
            "transfer": "direct",
            "report_file": str(report),
        },
    )
    done.assert_converges()
    assert exposures(decam) == {ZERO} and report.read_text() == ""
    assert done.run["stats"]["skipped"] == 1 and done.run_again["stats"]["present"] == PER_FILE
    assert done.run["warnings"] == ["select: 1 of the selected files are not valid on disk and are left out"]


def test_what_was_not_downloaded_is_skipped(decam: Path, deep: Path) -> None:
    write_tables(deep, rows(deep), absent=[FLAT, LATER], invalid=[ZERO])
    outcome = take(decam, deep)
    assert exposures(decam) == {OBJECT} and outcome.stats["skipped"] == 3
    assert len(outcome.notices) == 2
    write_tables(deep, rows(deep))
    outcome = take(decam, deep)
    assert exposures(decam) == {ZERO, FLAT, OBJECT, LATER}
    assert outcome.stats["present"] == PER_FILE and outcome.stats["skipped"] == 0


def test_a_table_and_sources_together(decam: Path, deep: Path) -> None:
    write_tables(deep, rows(deep))
    one = next(path for number, *_unused, path in rows(deep) if number == FLAT)
    outcome = take(decam, deep, one, deep / "images", where={"obs_type": "zero"})
    assert exposures(decam) == {ZERO, FLAT, OBJECT, LATER} and outcome.stats["present"] == 0
    assert not take(decam, deep, one, where={"obs_type": "zero"}).changed


def test_nothing_that_a_table_has_is_said(decam: Path, deep: Path) -> None:
    write_tables(deep, rows(deep))
    outcome = take(decam, deep, where={"obs_type": "dark"})
    assert not outcome.changed and exposures(decam) == set()
    [notice] = outcome.notices
    assert notice.startswith(f"select: no row of {deep / 'exposures.ecsv'} has obs_type='dark'")
    assert "dome flat" in notice
    with pytest.raises(ButlerError) as caught:
        take(decam, deep, where={"kind": "dark"})
    assert caught.value.option == "select.where" and "expected one of obs_type" in str(caught.value)
    with pytest.raises(ButlerError) as caught:
        take(decam, deep.parent)
    assert caught.value.option == "select.table"


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_a_file_with_another_digest_is_not_ingested(transfer: str, decam: Path, deep: Path) -> None:
    files = rows(deep)
    write_tables(deep, files, digests={FLAT: WRONG})
    wrong = next(path for number, *_unused, path in files if number == FLAT)
    before = dump(decam)
    for check_mode in (True, False):
        with pytest.raises(ButlerError) as caught:
            take(decam, deep, verify="md5", transfer=transfer, check_mode=check_mode)
        assert str(caught.value).startswith("select: 1 of the files can't be ingested as raws of DECam")
        assert caught.value.details == (f"{wrong} has the MD5 digest {md5(wrong)}, expected {WRONG}",)
    assert not difference(before, dump(decam))
    outcome = take(decam, deep, verify="md5", transfer=transfer, on_error="skip")
    assert exposures(decam) == {ZERO, OBJECT, LATER} and outcome.stats["failed"] == 1
    assert [failure["name"] for failure in outcome.failures] == [str(wrong)]
    assert take(decam, deep, transfer=transfer).changed, "without verify, digests are not looked at"
    assert FLAT in exposures(decam)


@pytest.mark.parametrize("detectors", [DETECTORS, range(1, 61)])
def test_only_what_is_missing_is_verified(detectors: range, decam: Path, deep: Path) -> None:
    """Also of files that lack detectors, which have to be opened to know that nothing is missing."""
    path = deep / "images" / "one.fits"
    write_exposure(path, ZERO, detectors)
    row = (ZERO, NIGHT, "zero", path)
    write_tables(deep, [row])
    take(decam, deep, verify="md5", detectors=["1..40"])
    write_tables(deep, [row], digests={ZERO: WRONG})
    assert not take(decam, deep, verify="md5", detectors=["1..40"]).changed
    with pytest.raises(ButlerError, match="has the MD5 digest"):
        take(decam, deep, verify="md5")
    write_tables(deep, [row])
    outcome = take(decam, deep, verify="md5")
    assert outcome.stats["present"] == 40 and outcome.stats["added"] == len(detectors) - 40
    write_tables(deep, [row], digests={ZERO: WRONG})
    for params in ({}, {"check_paths": True}):
        again = take(decam, deep, verify="md5", **params)
        assert not again.changed and again.stats["present"] == len(detectors)
    with Butler.from_config(decam, writeable=True) as butler:
        butler.pruneDatasets(refs_in(butler, RUN)[5:6], disassociate=False, unstore=True)
    with pytest.raises(ButlerError, match="has the MD5 digest"):
        take(decam, deep, verify="md5", check_paths=True)


def test_a_text_file_names_the_files(comcam: Path) -> None:
    source = comcam.parent / "raw"
    names = source.parent / "night.txt"
    chosen = sorted(source.rglob("*_000010_*.fits"))
    lines = ["# the biases", "", *(str(path.relative_to(source.parent)) for path in chosen), "raw/20241110"]
    names.write_text("\n".join(lines))
    done = cycle("butler_raws", {"repo": str(comcam), "instrument": "LSSTComCam", "sources": [str(names)]})
    done.assert_converges()
    assert len(stored(comcam)) == len(chosen) + 3 == done.run_again["stats"]["present"]


def broken(source: Path, count: int) -> list[Path]:
    """Make so many files that are none."""
    folder = source / "broken"
    folder.mkdir()
    paths = [folder / f"CC_O_20241112_{number:06}_R22_S00.fits" for number in range(1, count + 1)]
    for path in paths:
        path.write_text("<html>503</html>")
    return paths


def test_all_failures_are_in_the_report_file(comcam: Path) -> None:
    source, report = comcam.parent / "raw", comcam.parent / "failed.jsonl"
    paths = broken(source, 130)
    arguments = {
        "repo": str(comcam),
        "instrument": "LSSTComCam",
        "sources": [str(source)],
        "on_error": "skip",
        "report_file": str(report),
    }
    checked = run("butler_raws", arguments, check_mode=True)
    assert not checked.failed and not report.exists(), "check mode writes nothing"
    done = run("butler_raws", arguments)
    assert done.changed and done["stats"] == checked["stats"] and done["stats"]["failed"] == 130
    names = [str(path) for path in paths]
    assert [failure["name"] for failure in done["failures"]] == names[:100]
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [line["name"] for line in lines] == names
    assert all(set(line) == {"name", "reason"} and "is no FITS file" in line["reason"] for line in lines)
    assert len(stored(comcam)) == TOTAL
    # The same again where they are an error: the message lists some, the file all.
    refused = run("butler_raws", arguments | {"on_error": "fail"})
    assert refused.failed and "130 of the files can't be ingested" in refused.message
    assert len(report.read_text().splitlines()) == 130
    shutil.rmtree(source / "broken")
    again = run("butler_raws", arguments)
    assert not again.changed and report.read_text() == ""


def test_a_report_file_that_can_not_be_written_is_answered_first(comcam: Path) -> None:
    report = comcam.parent / "none" / "failed.jsonl"
    before = dump(comcam)
    result = run(
        "butler_raws",
        {
            "repo": str(comcam),
            "instrument": "LSSTComCam",
            "sources": [str(comcam.parent / "raw")],
            "report_file": str(report),
        },
    )
    assert result.failed
    assert result.message == f"report_file: {report} can't be written: No such file or directory"
    assert not difference(before, dump(comcam))


def test_a_file_whose_name_tells_another_raw_than_its_header(comcam: Path) -> None:
    source = comcam.parent / "raw"
    [first, second, *_unused] = sorted(source.rglob("*_20241108_000010_*.fits"))
    renamed = second.rename(first.with_name("CC_O_20241108_000010_R22_S12.fits"))
    with pytest.raises(ButlerError) as caught:
        ingest(comcam, source)
    said = (
        f"{renamed} is exposure 2024110800010 detector 4 by its header, but exposure 2024110800010 "
        "detector 5 by its name"
    )
    assert caught.value.details == (said,)
    outcome = ingest(comcam, source, on_error="skip")
    assert outcome.failures == [{"name": str(renamed), "reason": said}]
    assert len(stored(comcam)) == TOTAL - 1
