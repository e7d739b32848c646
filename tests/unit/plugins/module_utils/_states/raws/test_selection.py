# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are selected from the tables that DEEP keeps, and from others that look like them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError, SecretError
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.selection import (
    Selected,
    SelectedFiles,
    equals,
    select_files,
    verify_md5,
)
from astropy.table import MaskedColumn, Table
from astropy.time import Time


def digest(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


NIGHTS = [20190401, 20190402, 20190402, 20190402, 20190402, 20190402]
TYPES = ["zero", "zero", "zero", "dome flat", "zero", "object"]


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Give a table of exposures with another of what was downloaded, as DEEP writes them."""
    exposures = Table(
        {
            "obs_type": TYPES,
            "exposure": [0.0, 0.0, 0.0, 12.5, 0.0, 60.0],
            "md5sum": [digest(number) for number in range(6)],
            "proc_type": ["raw"] * 4 + ["instcal", "raw"],
            "archive_filename": [f"/net/archive/mtn/c4d_{number}_zri.fits.fz" for number in range(6)],
            "EXPNUM": [845288 + number for number in range(6)],
            "night": NIGHTS,
            "band": MaskedColumn(["", "", "", "r", "", "VR"], mask=[True, True, True, False, True, False]),
            "dateobs_min": Time([58575.0 + number for number in range(6)], format="mjd"),
        }
    )
    # The rows of the other table are in another order; the file of exposure 2 is broken.
    order = [5, 4, 3, 2, 1, 0]
    downloaded = Table(
        {
            "path": [f"/download/{digest(number)}_c4d_{number}_zri.fits.fz" for number in order],
            "md5sum": [digest(number) for number in order],
            "did_download": [True] * 6,
            "valid_on_disk": [number != 2 for number in order],
        }
    )
    exposures.write(tmp_path / "exposures.ecsv", format="ascii.ecsv")
    downloaded.write(tmp_path / "downloaded_exposures.ecsv", format="ascii.ecsv")
    return tmp_path / "exposures.ecsv"


def select(table: Path, root: str | None = None, **where: Any) -> SelectedFiles:
    return select_files({"table": str(table), "where": where, "root": root})


def numbers(selected: SelectedFiles) -> list[int]:
    """Give the numbers of the selected exposures."""
    return sorted(int(file.path.split("c4d_")[1].split("_")[0]) for file in selected.files)


def test_the_technote_selects_the_zeros_of_a_night(deep: Path) -> None:
    found = select(deep, "/data/images", night=20190402, obs_type="zero")
    assert found.files == (Selected(f"/data/images/{digest(1)}_c4d_1_zri.fits.fz", digest(1)),)
    assert (found.matched, found.invalid, found.absent, found.duplicates, found.skipped) == (2, 1, 0, 0, 1)
    assert found.notices == ("select: 1 of the selected files are not valid on disk and are left out",)


def test_without_a_root_files_are_where_they_were_downloaded(deep: Path) -> None:
    assert select(deep, night=20190401).files == (
        Selected(f"/download/{digest(0)}_c4d_0_zri.fits.fz", digest(0)),
    )


def test_a_root_may_be_a_uri(deep: Path) -> None:
    assert select(deep, "s3://bucket/raw/", night=20190401).files[0].path == (
        f"s3://bucket/raw/{digest(0)}_c4d_0_zri.fits.fz"
    )


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({}, [0, 1, 3, 5]),
        ({"proc_type": "instcal"}, [4]),
        ({"proc_type": ["raw", "instcal"], "obs_type": "zero"}, [0, 1, 4]),
        ({"night": [20190401, "20190402"]}, [0, 1, 3, 5]),
        ({"night": "20190402"}, [1, 3, 5]),
        ({"night": 20190402.0}, [1, 3, 5]),
        ({"obs_type": "dome flat"}, [3]),
        ({"exposure": 60}, [5]),
        ({"exposure": "12.5"}, [3]),
        ({"band": "VR"}, [5]),
        ({"band": None}, [0, 1]),
        ({"band": [None, "r"]}, [0, 1, 3]),
        ({"EXPNUM": 845293}, [5]),
        ({"did_download": True, "obs_type": "object"}, [5]),
        ({"did_download": "yes", "obs_type": "object"}, [5]),
        ({"dateobs_min": "58576.0"}, [1]),
    ],
)
def test_conditions_compare_as_columns_are(deep: Path, where: dict[str, Any], wanted: list[int]) -> None:
    assert numbers(select(deep, **where)) == wanted


@pytest.mark.parametrize(
    ("cell", "wanted", "equal"),
    [
        (1, True, True),
        ("False", False, True),
        (True, "false", False),
        ("007", 7, True),
        ("007", "7", False),
        (2**60 + 1, str(2**60), False),
        (2**60 + 1, str(2**60 + 1), True),
        (float("nan"), "nan", False),
        ("zero ", "zero", True),
        ("zero", 0, False),
        ("", None, True),
        (0, None, False),
        (None, 0, False),
    ],
)
def test_a_cell_is_what_was_asked_for(cell: object, wanted: object, equal: bool) -> None:
    assert equals(cell, wanted) is equal


def test_nothing_selected_is_told_with_what_there_is(deep: Path) -> None:
    found = select(deep, night=20190403)
    assert (found.files, found.matched) == ((), 0)
    [notice] = found.notices
    assert f"no row of {deep} has night=20190403, proc_type='raw'" in notice
    assert "night is 20190401, 20190402" in notice


def test_what_was_not_downloaded_is_left_out(deep: Path) -> None:
    beside = deep.with_name("downloaded_exposures.ecsv")
    Table.read(beside)[:2].write(beside, format="ascii.ecsv", overwrite=True)
    found = select(deep, obs_type=["object", "zero"])
    assert numbers(found) == [5]
    assert (found.matched, found.absent, found.skipped) == (4, 3, 3)
    assert found.notices == (f"select: 3 of the selected exposures are not in {beside} and are left out",)


def test_digests_join_in_either_case(deep: Path) -> None:
    table = Table.read(deep)
    table["md5sum"] = [value.upper() for value in table["md5sum"]]
    table.write(deep, format="ascii.ecsv", overwrite=True)
    assert numbers(select(deep)) == [0, 1, 3, 5]


def test_one_table_will_do(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "path,night,valid_on_disk,md5sum\n"
        f"b.fits,20190402,True,{digest(1)}\n"
        "sub/a.fits,20190402,true,\n"
        "/abs/c.fits,20190402,1,\n"
        "s3://bucket/d.fits,20190402,True,\n"
        "e.fits,20190402,False,\n"
        "f.fits,20190402,,\n"
    )
    found = select(tmp_path / "t.csv", night=20190402)
    assert [file.path for file in found.files] == [
        "/abs/c.fits",
        f"{tmp_path}/b.fits",
        f"{tmp_path}/sub/a.fits",
        "s3://bucket/d.fits",
    ]
    assert [file.md5 for file in found.files] == [None, digest(1), None, None]
    assert (found.matched, found.invalid) == (6, 2)
    moved = select(tmp_path / "t.csv", "/images")
    assert [file.path for file in moved.files] == [
        "/images/b.fits",
        "/images/c.fits",
        "/images/d.fits",
        "/images/sub/a.fits",
    ]


def test_a_table_without_optional_columns_has_valid_files(tmp_path: Path) -> None:
    Table({"path": ["b.fits", "a.fits", "b.fits"], "n": np.arange(3)}).write(tmp_path / "t.ecsv")
    found = select(tmp_path / "t.ecsv")
    assert [(file.path, file.md5) for file in found.files] == [
        (f"{tmp_path}/a.fits", None),
        (f"{tmp_path}/b.fits", None),
    ]
    assert (found.matched, found.duplicates) == (3, 1)


@pytest.mark.parametrize(
    ("text", "where", "option", "message"),
    [
        (None, {}, "select.table", "t.csv can't be read: it does not exist"),
        ("path,n\n", {}, "select.table", "t.csv has no row"),
        ("file,n\na,1\n", {}, "select.table", "has no column 'path', expected one of file, n"),
        ("path,n\na,1\n", {"m": 1}, "select.where", "has no column 'm', expected one of path, n"),
        ("path,n\na,1\n", {"n": {"x": 1}}, "select.where", "for n, expected a value or a list of values"),
        ("path,n\na,1\n,1\n", {"n": 1}, "select", "t.csv row 2: path is empty"),
        (
            f"path,md5sum\na,{digest(0)}\na,{digest(1)}\n",
            {},
            "select",
            f"/a has md5sum {digest(1)}, an earlier row has {digest(0)}",
        ),
    ],
)
def test_what_can_not_be_used_is_named(
    tmp_path: Path, text: str | None, where: dict[str, Any], option: str, message: str
) -> None:
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ButlerError, match=re.escape(message)) as caught:
        select(tmp_path / "t.csv", **where)
    assert caught.value.option == option


def test_a_downloaded_table_needs_the_digests(deep: Path) -> None:
    beside = deep.with_name("downloaded_exposures.ecsv")
    Table({"path": ["a"]}).write(beside, format="ascii.ecsv", overwrite=True)
    with pytest.raises(ButlerError, match=re.escape(f"{beside} has no column 'md5sum'")):
        select(deep)


def test_a_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path\ndavs://user:word@host/a.fits\n")
    with pytest.raises(SecretError) as caught:
        select(tmp_path / "t.csv")
    assert "word" not in str(caught.value)
    with pytest.raises(SecretError):
        select(tmp_path / "t.csv", "davs://user:word@host/")


def test_a_digest_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "a file.fits"
    path.write_bytes(b"x" * 3_000_000)
    right = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    for name in (str(path), path.as_uri()):
        verify_md5(name, right)
        verify_md5(name, f" {right.upper()} ")
        with pytest.raises(ButlerError) as caught:
            verify_md5(name, digest(1))
        assert caught.value.message == f"{name} has the MD5 digest {right}, expected {digest(1)}"
    with pytest.raises(ButlerError, match="expected 32 hexadecimal digits"):
        verify_md5(str(path), "d41d8")
    with pytest.raises(ButlerError, match=r"gone\.fits can't be read: No such file or directory"):
        verify_md5(str(tmp_path / "gone.fits"), right)
    with pytest.raises(ButlerError, match="can't be read"):
        verify_md5((tmp_path / "gone.fits").as_uri(), right)
