# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files listed by tables and by their names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import (
    absolute,
    from_directory,
    from_table,
)
from astropy.table import MaskedColumn, Table


def test_an_ecsv_table_keeps_its_types_and_empty_cells(tmp_path: Path) -> None:
    table = Table(
        {
            "filename": ["a.fits", "sub/b.fits"],
            "htm7": [131072, 131073],
            "label": MaskedColumn(["007", "x"], mask=[False, True]),
        }
    )
    table.write(tmp_path / "t.ecsv")
    listing = from_table(str(tmp_path / "t.ecsv"), None)
    assert listing.keys == ("htm7", "label") and listing.option == "table"
    assert [(file.where, file.path, file.values) for file in listing.files] == [
        ("row 1", str(tmp_path / "a.fits"), (131072, "007")),
        ("row 2", str(tmp_path / "sub/b.fits"), (131073, None)),
    ]


def test_the_cells_of_a_csv_table_are_text(tmp_path: Path) -> None:
    (tmp_path / "t.CSV").write_text("file URI,skymap,tract\n/x/a.parq,007,38\ndavs://host/b.parq,,39\n")
    listing = from_table(str(tmp_path / "t.CSV"), "davs://other/data")
    assert [(file.path, file.values) for file in listing.files] == [
        ("/x/a.parq", ("007", "38")),
        ("davs://host/b.parq", (None, "39")),
    ]


def test_a_fits_table_is_a_table_too(tmp_path: Path) -> None:
    Table({"filename": ["a.fits"], "skymap": ["DC2"], "tract": [3]}).write(tmp_path / "t.fits")
    [file] = from_table(str(tmp_path / "t.fits"), "/data").files
    assert (file.path, file.values) == ("/data/a.fits", ("DC2", 3))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "file,htm7\n", "t.csv has no row"),
        ("t.csv", "file,htm7\na,1\n,2\n", "rows without a file in its first column 'file'\n  - row 2"),
        ("t.csv", "file,htm7\na,1,2\n", "is not a table that astropy can read"),
        ("t.dat2", "file htm7\n", "is not a table that astropy can read"),
        ("t.csv", "file,htm7\ndavs://user:secret@host/x,1\n", "table, row 1: davs://host/x comes with user"),
    ],
)
def test_tables_that_say_nothing(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ButlerError, match=re.escape(message)) as caught:
        from_table(str(tmp_path / name), None)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "base", "expected"),
    [
        ("a.fits", "/data/", "/data/a.fits"),
        ("../a.fits", "/data/x", "/data/a.fits"),
        ("/a.fits", "davs://host/x", "/a.fits"),
        ("a.fits", "davs://host/x/", "davs://host/x/a.fits"),
        ("file:///a%20b.fits", "/data", "/a b.fits"),
        ("a.fits", "file:///a%20b", "/a b/a.fits"),
        ("s3://bucket/a.fits", "/data", "s3://bucket/a.fits"),
    ],
)
def test_paths_become_absolute(path: str, base: str, expected: str) -> None:
    assert absolute(path, base) == expected


def test_a_directory_is_searched_by_whole_relative_paths(tmp_path: Path) -> None:
    for name in ("12.fits", "7.fits", "x7.fits", "7.fits.md5", "r/7.fits", "config.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    listing = from_directory(str(tmp_path), re.compile(r"(?P<htm7>\d+)\.fits"))
    assert [(file.where, file.values) for file in listing.files] == [("12.fits", ("12",)), ("7.fits", ("7",))]
    deeper = from_directory(str(tmp_path), re.compile(r"(?P<band>\w)/(x|y)?(?P<htm7>\d+)\.fits"))
    assert deeper.keys == ("band", "htm7")
    assert [(file.path, file.values) for file in deeper.files] == [(str(tmp_path / "r/7.fits"), ("r", "7"))]


def test_a_remote_directory_is_searched_the_same_way() -> None:
    from lsst.resources import ResourcePath

    resource = ResourcePath("resource://lsst.daf.butler/configs/", forceDirectory=True)
    listing = from_directory(resource.geturl(), re.compile(r"(?P<name>dim\w+)\.yaml"))
    assert [file.values for file in listing.files] == [("dimensions",)]
    assert ResourcePath(listing.files[0].path).exists()
