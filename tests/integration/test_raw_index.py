# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raw_index: equal to the official indexes, once, and only where they are missing or stale."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import translator_of
from ansible_collections.rubin.butler.plugins.module_utils._states import raw_index_made
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index import RawIndexState
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import pool
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import read_header
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN
from astro_metadata_translator import ObservationInfo, indexing
from astro_metadata_translator.bin.writeindex import write_index_files
from astro_metadata_translator.file_helpers import read_basic_metadata_from_file

from tests.integration.ansible_play import cycle, run
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.raw_files import official, write_raws

DAY = "20241110/CC_O_20241110_000005"
NAMES = [f"CC_O_20241110_000005_R22_S{slot}.fits" for slot in ("00", "11", "22")]
STATS = {"present": 0, "added": 0, "replaced": 0, "removed": 0, "skipped": 0, "failed": 0}
YEAR = 365 * 86400


def arguments(*folders: Path, **more: Any) -> dict[str, Any]:
    return {"directories": [str(folder) for folder in folders], "instrument": "LSSTComCam", **more}


def converge(folder: Path, *, check_mode: bool = False, **more: Any) -> Outcome:
    """Do what the module does, without the time that Ansible takes."""
    defaults = {"content": "translated", "file_pattern": FILE_PATTERN, "on_error": "fail", "processes": None}
    state = RawIndexState.from_params({**defaults, **arguments(folder, **more)})
    return converge_here(state, None, check_mode=check_mode)


def replaced(folder: Path, **more: Any) -> dict[str, Any]:
    """Converge, expecting one index to be replaced as check mode promises; give the change."""
    promised = converge(folder, check_mode=True, **more)
    outcome = converge(folder, **more)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    assert not converge(folder, **more).changed
    [change] = outcome.changes
    assert (change.kind, change.action) == ("index", "replace")
    assert outcome.stats["replaced"] == 1
    return change.as_dict()


def index_of(folder: Path) -> dict[str, Any]:
    """Give the entries of an index as the official reader has them, without making objects of them."""
    content = json.loads((folder / "_index.json").read_text())
    entries: Any = indexing.process_index_data(content, force_metadata=True, force_dict=True)
    return dict(entries)


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Give what identifies each file: inode, time and bytes."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def state_of_indexes(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Give time and bytes of each index."""
    return {path: (time, data) for path, (_inode, time, data) in state_of(folder).items() if "_index" in path}


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """Give a directory with three raws, written a year ago, and their index."""
    write_raws(tmp_path, wanted=lambda name: name.startswith(DAY))
    folder = tmp_path / DAY
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_mtime - YEAR,) * 2)
    assert converge(folder).stats == {**STATS, "added": 1}
    return folder


@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam"])
def test_indexes_are_those_of_the_official_tool(name: str, tmp_path: Path) -> None:
    write_raws(tmp_path / "ours", name=name)
    shutil.copytree(tmp_path / "ours", tmp_path / "theirs")
    done = cycle("butler_raw_index", arguments(tmp_path / "ours", instrument=name))
    done.assert_converges()
    translator_of(name)  # so that the official tool finds a translator
    okay, failed = write_index_files([str(tmp_path / "theirs")], FILE_PATTERN, -1, print_trace=False)
    assert not failed and len(okay) == len(official(name)["files_headers_by_hdu"])
    theirs = {
        str(path.relative_to(tmp_path / "theirs")): json.loads(path.read_text())
        for path in (tmp_path / "theirs").rglob("_index.json")
    }
    ours = {
        str(path.relative_to(tmp_path / "ours")): json.loads(path.read_text())
        for path in (tmp_path / "ours").rglob("_index.json")
    }
    assert ours == theirs
    assert done.run["stats"] == {**STATS, "added": len(theirs)}
    assert done.run_again["stats"] == {**STATS, "present": len(theirs)}


def test_the_official_reader_makes_of_an_index_what_it_makes_of_the_files(day: Path) -> None:
    infos = indexing.read_index(str(day / "_index.json"), force_dict=True)
    assert sorted(infos) == NAMES
    for name, info in infos.items():
        header = read_basic_metadata_from_file(day / name, -1)
        assert info == ObservationInfo(dict(header or {}), translator_class=translator_of("LSSTComCam"))


@pytest.mark.parametrize("name", ["LSSTComCam", "DECam"])
def test_headers_are_kept_as_they_are(name: str, tmp_path: Path) -> None:
    files = write_raws(tmp_path, name=name)
    done = cycle("butler_raw_index", arguments(tmp_path, instrument=name, content="metadata"))
    done.assert_converges()
    for path in files:
        header = read_basic_metadata_from_file(path, -1)
        assert header is not None
        entry = index_of(path.parent)[path.name]
        wanted = {key: value for key, value in header.items() if key not in ("", "COMMENT", "HISTORY")}
        assert entry.keys() == wanted.keys()
        for key, value in entry.items():
            assert value is None or value == wanted[key], key


def test_nothing_is_written_in_check_mode_nor_where_all_is_current(day: Path) -> None:
    before = state_of(day)
    outcome = converge(day)
    assert not outcome.changed and outcome.stats == {**STATS, "present": 1}
    assert state_of(day) == before
    (day / "_index.json").unlink()
    assert converge(day, check_mode=True).changed
    assert not (day / "_index.json").exists()


def test_an_index_of_the_official_tool_is_current(tmp_path: Path) -> None:
    write_raws(tmp_path)
    translator_of("LSSTComCam")
    write_index_files([str(tmp_path)], FILE_PATTERN, -1, print_trace=False)
    before = state_of(tmp_path)
    assert not converge(tmp_path).changed
    assert state_of(tmp_path) == before


def test_no_file_is_opened_for_a_current_index(day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def read(path: str, **more: Any) -> Any:
        opened.append(Path(path).name)
        return read_header(path, **more)

    monkeypatch.setattr(f"{raw_index_made.__name__}.read_header", read)
    converge(day)
    assert opened == []
    os.utime(day / NAMES[1])
    converge(day)
    assert opened == [NAMES[1]]


def test_an_index_of_the_same_files_has_the_same_bytes_and_the_time_of_the_newest(day: Path) -> None:
    index = day / "_index.json"
    first = index.read_bytes()
    assert index.stat().st_mtime_ns == max((day / name).stat().st_mtime_ns for name in NAMES)
    (day / NAMES[1]).rename(day / "kept")
    replaced(day)
    assert list(index_of(day)) == [NAMES[0], NAMES[2]]
    (day / "kept").rename(day / NAMES[1])
    replaced(day)
    assert index.read_bytes() == first


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_who_may_read_files_may_read_the_index(day: Path, umask: int) -> None:
    (day / "_index.json").unlink()
    before = os.umask(umask)
    try:
        converge(day)
    finally:
        assert os.umask(before) == umask
    assert (day / "_index.json").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_file_without_an_entry(day: Path) -> None:
    shutil.copy2(day / NAMES[0], day / "again.fits")
    change = replaced(day)
    assert change["before"] == {
        "content": "translated",
        "files": 3,
        "stale": ["it has no entry of again.fits"],
    }
    assert change["after"] == {"content": "translated", "files": 4}
    assert change["examples"] == ["again.fits"]
    assert index_of(day)["again.fits"] == index_of(day)[NAMES[0]]


def test_an_entry_whose_file_is_gone(day: Path) -> None:
    (day / NAMES[0]).unlink()
    change = replaced(day)
    assert change["before"]["stale"] == [f"it has entries without a file, of {NAMES[0]}"]
    assert "examples" not in change
    assert list(index_of(day)) == NAMES[1:]


def test_a_file_that_is_newer(day: Path, tmp_path: Path) -> None:
    [corrected] = write_raws(
        tmp_path / "new", wanted=lambda name: name.endswith(NAMES[2]), changed={"OBJECT": "elsewhere"}
    )
    shutil.copy(corrected, day / NAMES[2])
    change = replaced(day)
    assert change["before"]["stale"] == [f"it is older than {NAMES[2]}"]
    assert change["examples"] == [NAMES[2]]
    assert [index_of(day)[name]["object"] == "elsewhere" for name in NAMES] == [False, False, True]


def test_a_file_that_is_newer_and_says_the_same(day: Path) -> None:
    before = (day / "_index.json").read_bytes()
    os.utime(day / NAMES[0])
    assert replaced(day)["before"]["stale"] == [f"it is older than {NAMES[0]}"]
    assert (day / "_index.json").read_bytes() == before


def test_a_file_from_the_future_is_no_reason_to_write_for_ever(day: Path) -> None:
    later = (day / NAMES[0]).stat().st_mtime + 10 * YEAR
    os.utime(day / NAMES[0], (later, later))
    replaced(day)


def test_content_of_the_other_kind(day: Path) -> None:
    change = replaced(day, content="metadata")
    assert change["before"]["stale"] == ["its content is translated"]
    assert index_of(day)[NAMES[0]]["INSTRUME"] == "ComCam"
    assert replaced(day)["before"]["stale"] == ["its content is metadata"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no JSON: Expecting value"),
        (b"[]", "holds a list, expected an object"),
        (b"{}", "has no __COMMON__, so it is no index of raw files"),
    ],
)
def test_a_broken_index(day: Path, data: bytes, reason: str) -> None:
    before = (day / "_index.json").read_bytes()
    (day / "_index.json").write_bytes(data)
    change = replaced(day)
    [stale] = change["before"]["stale"]
    assert stale.startswith(reason)
    assert (day / "_index.json").read_bytes() == before


def test_each_directory_has_its_own_index_and_is_listed_once(tmp_path: Path) -> None:
    write_raws(tmp_path / "raw")
    write_raws(tmp_path / "raw", wanted=lambda name: name.endswith(NAMES[0]))
    (tmp_path / "raw" / DAY / "back").symlink_to(tmp_path / "raw")
    (tmp_path / "raw/empty").mkdir()
    (tmp_path / f"raw/{DAY}/x_guider.fits").write_text("not read")
    # An index of what is below, as the official tool writes if told so, in a directory without files.
    (tmp_path / "raw/_index.json").write_text("not read")
    sources = (tmp_path / "raw", tmp_path / "raw/20241108", tmp_path / "raw/empty", tmp_path / "raw/")
    result = run("butler_raw_index", arguments(*sources))
    assert result["stats"] == {**STATS, "added": 8, "skipped": 1}
    assert (tmp_path / "raw/_index.json").read_text() == "not read"
    assert not converge(tmp_path / "raw").changed


def test_where_nothing_is_found_it_is_said(tmp_path: Path) -> None:
    result = run("butler_raw_index", arguments(tmp_path))
    assert not result.changed and not result.failed
    assert result["warnings"] == [f"no raw file was found in {tmp_path}"]


def test_entries_of_files_that_the_pattern_leaves_out_stay(day: Path) -> None:
    only: dict[str, Any] = {"file_pattern": "S00.fits$"}
    assert not converge(day, **only).changed
    (day / NAMES[0]).unlink()
    shutil.copy2(day / NAMES[1], day / "more_S00.fits")
    replaced(day, **only)
    assert sorted(index_of(day)) == [*NAMES[1:], "more_S00.fits"]


BROKEN = {
    "text.fits": b"no FITS at all",
    "empty.fits": b"",
}


def break_some(folder: Path) -> None:
    for name, data in BROKEN.items():
        (folder / name).write_bytes(data)
    (folder / "short.fits").write_bytes((folder / NAMES[0]).read_bytes()[:-2880])
    (folder / "nowhere.fits").symlink_to("not there")
    write_raws(folder, name="DECam", wanted=lambda name: "229388" in name)


@pytest.mark.parametrize("content", ["translated", "metadata"])
def test_several_processes_make_what_one_makes(
    content: str, day: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = day.parents[1]
    write_raws(top)
    break_some(day)
    monkeypatch.setattr(pool, "WORTH_IT", 1)
    # Some folders together, and the last of them alone.
    monkeypatch.setattr(raw_index_made, "FILES_AT_ONCE", 7)
    made = []
    for processes in (1, 2):
        for index in top.rglob("_index.json"):
            index.unlink()
        outcome = converge(top, content=content, on_error="skip", processes=processes)
        made.append((outcome.changes, outcome.stats, outcome.failures, state_of_indexes(top)))
    assert made[0] == made[1] and len(made[0][3]) == 8 and made[0][1]["failed"] == 5


def test_files_that_can_not_be_read_are_listed_and_nothing_is_written(day: Path) -> None:
    break_some(day)
    before = state_of(day)
    result = run("butler_raw_index", arguments(day))
    assert result.failed
    for text in (
        "directories: 5 of the files can't be put into an index",
        f"{day}/text.fits is no FITS file",
        f"{day}/empty.fits is empty",
        f"{day}/short.fits is truncated",
        f"{day}/nowhere.fits is a symbolic link to not there, which is not there",
        f"{day}/DECam_00229388.fits is a raw of DECam",
        "set on_error to skip",
    ):
        assert text in result.message
    assert state_of(day) == before


def test_files_that_can_not_be_read_are_left_out(day: Path) -> None:
    break_some(day)
    before = (day / "_index.json").read_bytes()
    outcome = converge(day, on_error="skip")
    assert not outcome.changed and outcome.stats == {**STATS, "present": 1, "failed": 5}
    (day / "_index.json").unlink()
    done = cycle("butler_raw_index", arguments(day, on_error="skip"))
    done.assert_converges()
    assert done.run["stats"] == {**STATS, "added": 1, "failed": 5}
    assert (day / "_index.json").read_bytes() == before
    assert {Path(entry["name"]).name for entry in done.run["failures"]} == {
        *BROKEN,
        "short.fits",
        "nowhere.fits",
        "DECam_00229388.fits",
    }


def test_a_file_that_breaks_loses_its_entry(day: Path) -> None:
    (day / NAMES[0]).write_bytes(b"")
    change = replaced(day, on_error="skip")
    assert change["before"]["stale"] == [f"it is older than {NAMES[0]}"]
    assert list(index_of(day)) == NAMES[1:]
    for name in NAMES[1:]:
        (day / name).write_bytes(b"")
    replaced(day, on_error="skip")
    assert index_of(day) == {}
    (day / "_index.json").unlink()
    assert not converge(day, on_error="skip").changed


def test_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ButlerError) as caught:
        state = {"content": "translated", "file_pattern": FILE_PATTERN, "on_error": "fail", "processes": None}
        wanted = [f"{tmp_path}/file", str(tmp_path), f"{tmp_path}/no"]
        RawIndexState.from_params({**state, "directories": wanted, "instrument": "LSSTComCam"}).observe(None)
    assert f"directories[0]: {tmp_path}/file is no directory" in str(caught.value)
    assert f"directories[2]: {tmp_path}/no is not there" in str(caught.value)
    for changed, message in (
        ({"file_pattern": "("}, r"file_pattern: '\(' is no regular expression"),
        ({"directories": ["raw"]}, r"directories\[0\]: 'raw' is not the absolute path of a directory"),
        ({"directories": ["s3://b/raw"]}, r"directories\[0\]: 's3://b/raw' is not the absolute path"),
        ({"processes": 0}, "processes: got 0, expected 1 or more"),
        ({"instrument": "Kodak"}, "instrument: instrument 'Kodak' is not known"),
    ):
        with pytest.raises(ButlerError, match=message):
            converge(tmp_path, **changed)


def test_an_index_that_can_not_be_written_is_told_before_any_is(day: Path) -> None:
    (day / "_index.json").unlink()
    (day / "_index.json").mkdir()
    top = day.parents[1]
    write_raws(top)
    with pytest.raises(ButlerError, match=r"1 of the indexes can't be written\n.*_index.json is a directory"):
        converge(top)
    assert [path for path in top.rglob("_index.json") if path.is_file()] == []


def test_examples(tmp_path: Path) -> None:
    write_raws(tmp_path / "data")
    write_raws(tmp_path / "archive")
    (tmp_path / "archive/20241110/text.fits").write_text("no FITS")
    first, second = run_examples(
        "butler_raw_index",
        {
            "/data/raw/LSSTComCam": str(tmp_path / "data"),
            "/archive/raw/LSSTComCam": str(tmp_path / "archive"),
        },
    )
    assert first["stats"] == {**STATS, "added": 8}
    assert second["stats"] == {**STATS, "added": 8, "failed": 1}
