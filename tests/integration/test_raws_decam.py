# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws with files that hold many raws each: those of DECam."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage import fits_headers
from lsst.daf.butler import Butler

from tests.integration.canonical import difference, dump
from tests.integration.decam_files import (
    DETECTORS,
    FLAT,
    LATER,
    OBJECT,
    PER_FILE,
    ZERO,
    sample,
    spoil_extensions,
    write_exposure,
)
from tests.integration.raw_files import write_raws
from tests.integration.raw_states import ingest, refs_in, register, stored

RUN = "DECam/raw/all"
ALL = [(number, detector) for number in (ZERO, FLAT, OBJECT, LATER) for detector in (1, 25, 31)]


@pytest.fixture
def decam(repo: Path) -> Path:
    """Give a repository with DECam, and the samples beside it: three raws in each file."""
    register(repo, "DECam")
    write_raws(repo.parent / "raw", name="DECam")
    return repo


@pytest.fixture
def source(decam: Path) -> Path:
    return decam.parent / "raw"


@pytest.fixture
def whole(repo: Path) -> Path:
    """Give a repository with DECam, and beside it two files with all detectors."""
    register(repo, "DECam")
    for number in (ZERO, FLAT):
        write_exposure(repo.parent / "whole" / sample(number), number)
    return repo


def take(repo: Path, *sources: Path, **params: Any) -> Any:
    return ingest(repo, *sources, instrument="DECam", **params)


def held(repo: Path) -> list[tuple[int, int]]:
    """Give the raws that there are."""
    with Butler.from_config(repo) as butler:
        return [(int(ref.dataId["exposure"]), int(ref.dataId["detector"])) for ref in refs_in(butler, RUN)]


def unstored(repo: Path, *numbers: int, purge: bool = False) -> None:
    """Drop raws from the datastore, and with `purge` from the registry too."""
    with Butler.from_config(repo, writeable=True) as butler:
        refs = [refs_in(butler, RUN)[number] for number in numbers]
        butler.pruneDatasets(refs, disassociate=purge, unstore=True, purge=purge)


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_raws_of_a_file_that_are_missing_are_ingested_beside_the_others(
    transfer: str, decam: Path, source: Path
) -> None:
    first = take(decam, source, detectors=["1", "25"], transfer=transfer)
    assert held(decam) == [raw for raw in ALL if raw[1] != 31]
    again = take(decam, source, detectors=["1", "25"], transfer=transfer)
    assert not again.changed and again.stats["present"] == 8
    before, places = dump(decam), stored(decam, RUN)
    outcome = take(decam, source, transfer=transfer)
    [change] = [change for change in outcome.changes if change.name == f"{RUN} day_obs=20121211"]
    assert change.after == {"exposures": 2, "files": 2, "datasets": 2}
    assert outcome.stats["present"] == 8 and outcome.stats["added"] == 4
    assert held(decam) == ALL and first.stats["added"] == 2 + 8 + 3 + 4 + 4
    lost = [line for line in difference(before, dump(decam)) if ": - " in line]
    assert not lost, "what was there was touched"
    assert places.items() <= stored(decam, RUN).items()


def test_a_detector_at_a_time_gives_the_same_raws(decam: Path, source: Path) -> None:
    for name in ("S29", "S1", "S7"):
        assert take(decam, source, detectors=[name], transfer="direct").changed
    other = decam.parent / "other"
    Butler.makeRepo(other)
    register(other, "DECam")
    take(other, source, transfer="direct")
    assert not difference(dump(other), dump(decam))


def test_a_raw_that_was_removed_from_the_registry_is_ingested_again(decam: Path, source: Path) -> None:
    take(decam, source, transfer="direct")
    complete = dump(decam)
    unstored(decam, 4, purge=True)
    assert held(decam) == [*ALL[:4], *ALL[5:]]
    outcome = take(decam, source, transfer="direct")
    assert outcome.stats["added"] == 1 and outcome.stats["present"] == len(ALL) - 1
    assert not difference(complete, dump(decam))


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_an_unstored_raw_is_found_with_check_paths(transfer: str, whole: Path) -> None:
    source = whole.parent / "whole"
    take(whole, source, transfer=transfer)
    complete = dump(whole)
    unstored(whole, 5)
    assert not take(whole, source, transfer=transfer).changed, "only check_paths asks the datastore"
    outcome = take(whole, source, transfer=transfer, check_paths=True)
    assert [(change.action, change.kind, change.count) for change in outcome.changes] == [("add", "raws", 1)]
    assert outcome.stats["present"] == 2 * len(DETECTORS) - 1
    assert len(stored(whole, RUN)) == 2 * len(DETECTORS)
    if transfer == "direct":
        assert not difference(complete, dump(whole))


def test_raws_in_place_are_known_without_opening_a_file(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = whole.parent / "whole"
    take(whole, source, transfer="direct")
    monkeypatch.setattr(fits_headers, "_opened", None)
    for params in (
        {},
        {"check_paths": True},
        {"detectors": ["1..10"]},
        {"exposures": [str(ZERO), str(FLAT)]},
        {"day_obs": ["20121211"]},
        {"limit": 2},
    ):
        again = take(whole, source, transfer="direct", **params)
        wanted = 10 if "detectors" in params else len(DETECTORS)
        assert not again.changed and again.stats["present"] == 2 * wanted, params
    assert take(whole, source, transfer="direct", day_obs=["20121212"]).stats["present"] == 0
    assert take(whole, source, transfer="direct", limit=1).stats["present"] == len(DETECTORS)
    # The file of an exposure that is not meant is not opened either.
    one = take(whole, source, transfer="direct", exposures=[str(ZERO)])
    assert not one.changed and one.stats["present"] == len(DETECTORS)


def test_of_copied_files_only_the_primary_header_is_read_again(whole: Path) -> None:
    source = whole.parent / "whole"
    take(whole, source, transfer="copy")
    for path in source.iterdir():
        spoil_extensions(path)
    again = take(whole, source, transfer="copy")
    assert not again.changed and again.stats["present"] == 2 * len(DETECTORS)
    with pytest.raises(ButlerError, match="2 of the files can't be ingested"):
        take(whole, source, transfer="copy", check_paths=True)


def test_files_that_were_moved_are_told_apart_by_their_headers(whole: Path) -> None:
    source = whole.parent / "whole"
    take(whole, source, transfer="direct")
    moved = source.rename(source.with_name("moved"))
    assert not take(whole, moved, transfer="direct").changed
    outcome = take(whole, moved, transfer="direct", check_paths=True, on_conflict="replace")
    assert outcome.stats["replaced"] == 2 * len(DETECTORS) and outcome.stats["added"] == 0
    assert all(f"{moved}/" in uri for uri in stored(whole, RUN).values())
    assert not take(whole, moved, transfer="direct", check_paths=True).changed


def test_the_same_exposure_in_two_files_is_a_conflict(decam: Path, source: Path) -> None:
    copy = source / "copy.fits"
    shutil.copy(source / sample(ZERO), copy)
    before = dump(decam)
    with pytest.raises(ButlerError) as caught:
        take(decam, source)
    assert caught.value.details == tuple(
        f"raw exposure {ZERO} detector {detector}: is in more than one file: {source / sample(ZERO)}, {copy}"
        for detector in (1, 25, 31)
    )
    assert not difference(before, dump(decam))
    outcome = take(decam, source, on_conflict="keep")
    assert held(decam) == ALL and outcome.stats["skipped"] == PER_FILE


def test_two_files_with_different_detectors_of_an_exposure_are_both_taken(repo: Path) -> None:
    register(repo, "DECam")
    source = repo.parent / "parts"
    write_exposure(source / "a.fits", ZERO, range(1, 32))
    write_exposure(source / "b.fits", ZERO, range(32, 63))
    outcome = take(repo, source, transfer="direct")
    [change] = [change for change in outcome.changes if change.kind == "raws"]
    assert change.after == {"exposures": 1, "files": 2, "datasets": len(DETECTORS)}
    places = stored(repo, RUN)
    assert len(places) == len(DETECTORS) and len(set(places.values())) == 2
    for params in ({}, {"check_paths": True}, {"detectors": ["1"]}, {"detectors": ["62"]}):
        again = take(repo, source, transfer="direct", **params)
        assert not again.changed and again.notices == [], params
        assert again.stats["present"] == (1 if params.get("detectors") else len(DETECTORS)), params


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_of_two_files_of_an_exposure_the_recorded_one_counts(transfer: str, whole: Path) -> None:
    source = whole.parent / "whole"
    take(whole, source / sample(ZERO), transfer=transfer)
    before = dump(whole)
    copy = source / "a.fits"
    shutil.copy(source / sample(ZERO), copy)
    with pytest.raises(ButlerError, match="is in more than one file"):
        take(whole, copy, source / sample(ZERO), transfer=transfer)
    for params in ({}, {"check_paths": True}):
        kept = take(whole, copy, source / sample(ZERO), transfer=transfer, on_conflict="keep", **params)
        assert not kept.changed and kept.stats["present"] == kept.stats["skipped"] == len(DETECTORS)
    assert not difference(before, dump(whole))


def test_a_raw_that_is_present_is_present_wherever_its_file_is(decam: Path, source: Path) -> None:
    """Places are compared with check_paths only, also of the raws of a file that is opened anyway."""
    take(decam, source, transfer="direct", detectors=["1", "25"])
    unstored(decam, 0)
    moved = source.rename(source.with_name("moved"))
    outcome = take(decam, moved, transfer="direct")
    assert outcome.stats["present"] == 8 and outcome.stats["added"] == 4
    with pytest.raises(ButlerError) as caught:
        take(decam, moved, transfer="direct", check_paths=True)
    assert len(caught.value.details) == 7 and "it is recorded at" in caught.value.details[0]


def test_names_of_one_file_are_one_file(whole: Path) -> None:
    source = whole.parent / "whole"
    (source.parent / "links").symlink_to(source)
    take(whole, source, transfer="direct")
    for params in ({}, {"check_paths": True}):
        again = take(whole, source, source.parent / "links", transfer="direct", **params)
        assert not again.changed and again.stats["present"] == 2 * len(DETECTORS)


def test_extensions_that_are_no_detectors_are_left_out(repo: Path) -> None:
    register(repo, "DECam")
    path = repo.parent / "raw" / "guided.fits"
    write_exposure(path, ZERO, [1, 2, 63, 70])
    take(repo, path)
    assert held(repo) == [(ZERO, 1), (ZERO, 2)]
    write_exposure(path.with_name("guiders.fits"), FLAT, [63, 70])
    with pytest.raises(ButlerError, match=r"guiders\.fits holds no extension that is a raw of DECam"):
        take(repo, path.parent)
