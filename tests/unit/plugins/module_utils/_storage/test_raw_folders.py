# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories with raw files are found, and their indexes looked into and put into place."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN, list_raws
from ansible_collections.rubin.butler.plugins.module_utils._storage.raw_folders import (
    RawFolder,
    held_index,
    index_bytes,
    raw_folders,
    write_index,
)
from astro_metadata_translator.indexing import read_index

PATTERN = re.compile(FILE_PATTERN)
NAMES = (
    "b/2/x_R22_S01.fits",
    "b/2/x_R22_S00.fits.fz",
    "b/2/x_guider.fits",
    "b/2/x_R22_S00.fits.json",
    "b/2/_index.json",
    "b/2/._index.json.k1ll3d",
    "b/2/x_R22_S00.fits.md5",
    "b/1/y.fit",
    "b/1/y.fitsx",
    "b/only_guider.fits",
    "a/notes.txt",
    "top.fits",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, ns=(number, 1000 + number))
    (tmp_path / "b/1/back").symlink_to(tmp_path)
    (tmp_path / "b/1/nowhere.fits").symlink_to("gone")
    return tmp_path


def folder_of(path: Path) -> RawFolder:
    return next(raw_folders(str(path), PATTERN, set()))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_directory_with_raws_comes_once_with_all_that_is_told_of_it(tree: Path) -> None:
    seen: set[tuple[int, int]] = set()
    assert list(raw_folders(str(tree), PATTERN, seen)) == [
        RawFolder(str(tree), {"top.fits": 1011}, None, 0, ()),
        RawFolder(f"{tree}/b/1", {"nowhere.fits": None, "y.fit": 1007}, None, 0, ()),
        RawFolder(
            f"{tree}/b/2",
            {"x_R22_S00.fits.fz": 1001, "x_R22_S01.fits": 1000},
            1004,
            1,
            ("._index.json.k1ll3d",),
        ),
    ]
    assert list(raw_folders(f"{tree}/b", PATTERN, seen)) == []


def test_the_files_are_those_that_are_ingested(tree: Path) -> None:
    found = [
        f"{folder.path}/{name}" for folder in raw_folders(str(tree), PATTERN, set()) for name in folder.files
    ]
    assert sorted(found) == list(list_raws([str(tree)]).files)


def test_what_can_be_kept_of_an_index(tree: Path) -> None:
    entries = {
        "x_R22_S00.fits.fz": {"EXPID": 1},
        "x_R22_S01.fits": {"EXPID": 2},
        "x_guider.fits": {"EXPID": 3},
        "../1/y.fit": {"EXPID": 4},
        "gone.fits": {"EXPID": 5},
        "below/gone.fits": {"EXPID": 6},
    }
    index = tree / "b/2/_index.json"
    index.write_bytes(index_bytes("metadata", entries))
    os.utime(index, ns=(0, 1001))
    held = held_index(folder_of(tree / "b/2"))
    assert held.entries == {
        "x_R22_S00.fits.fz": {"EXPID": 1},
        "x_R22_S01.fits": {"EXPID": 2},
    }
    assert held.times == {"x_R22_S00.fits.fz": 1001, "x_R22_S01.fits": 1000}
    assert (held.content, held.size, held.broken) == ("metadata", 6, "")
    assert held.gone == ("below/gone.fits", "gone.fits")
    assert held.changed == (f"{tree}/b/1/y.fit", "x_guider.fits")


def test_a_broken_index_has_nothing_to_keep(tree: Path) -> None:
    held = held_index(folder_of(tree / "b/2"))
    assert (held.entries, held.content, held.size) == ({}, None, 0)
    assert held.broken.startswith("is no JSON")


def test_an_index_does_not_depend_on_any_order() -> None:
    values = {"b.fits": {"Y": 2, "X": 1, "Z": 0}, "a.fits": {"Z": 0, "X": 2, "Y": 1}}
    turned = {name: dict(reversed(values[name].items())) for name in reversed(values)}
    data = index_bytes("metadata", values)
    assert data == index_bytes("metadata", turned)
    assert data.decode() == (
        '{"__CONTENT__": "metadata", "__COMMON__": {"Z": 0}, '
        '"a.fits": {"X": 2, "Y": 1}, "b.fits": {"X": 1, "Y": 2}}\n'
    )


def test_an_index_of_nothing_is_one(tmp_path: Path) -> None:
    path = tmp_path / "_index.json"
    path.write_bytes(index_bytes("translated", {}))
    assert read_index(str(path), force_dict=True) == {}


def test_what_a_killed_run_has_left_is_removed(tree: Path) -> None:
    write_index(folder_of(tree / "b/2"), b"{}", 5_000_000_000)
    assert names_in(tree / "b/2") == sorted(
        [Path(name).name for name in NAMES if name.startswith("b/2") and "k1ll3d" not in name]
    )
    index = tree / "b/2/_index.json"
    assert index.read_bytes() == b"{}" and index.stat().st_mtime_ns == 5_000_000_000


def test_another_run_may_take_the_place(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tree / "b/2")
    replace = Path.replace

    def late(self: Path, target: str) -> Path:
        monkeypatch.undo()
        write_index(folder_of(tree / "b/2"), b'{"other": 1}', 7)
        assert not self.exists(), "the other run has taken this for what a killed run has left"
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", late)
    write_index(folder, b'{"first": 1}', 7)
    assert json.loads((tree / "b/2/_index.json").read_text()) == {"other": 1}


def test_what_can_not_be_put_into_place_is_not_left_either(tree: Path) -> None:
    folder = folder_of(tree / "b/1")
    (tree / "b/1/_index.json").mkdir()
    before = names_in(tree / "b/1")
    with pytest.raises(IsADirectoryError):
        write_index(folder, b"{}", 1)
    assert names_in(tree / "b/1") == before


def test_a_directory_that_may_not_be_listed_is_named(tree: Path, request: pytest.FixtureRequest) -> None:
    (tree / "b/1/nowhere.fits").unlink()
    request.getfixturevalue("without_privileges")
    with pytest.raises(PermissionError) as caught:
        list(raw_folders(str(tree), PATTERN, set()))
    assert caught.value.filename == f"{tree}/a"
