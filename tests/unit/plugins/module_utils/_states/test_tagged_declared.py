# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of ids, and declarations that can't be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged_declared import (
    declared_tags,
    read_ids,
)

TAG: dict[str, Any] = {
    "name": "tag",
    "dataset_type": ["raw"],
    "collections": ["raw/all"],
    "where": None,
    "bind": None,
    "ids_file": None,
    "ids": None,
    "ids_dimension": "exposure",
    "prune": False,
    "doc": None,
}


def test_ids_are_read_with_comments_blank_lines_and_repeats(tmp_path: Path) -> None:
    path = tmp_path / "dp1_good_visits.txt"
    path.write_text("# DM-49594\n2024110800245\n\n  2024110800246  # twilight\r\n2024110800245\n")
    assert read_ids(str(path), "ids_file") == [2024110800245, 2024110800246]


def test_every_bad_line_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "visits"
    path.write_text("1\n2 3\n-4\n\n5.0\nvisit\n\N{SUPERSCRIPT TWO}\n7\n")
    with pytest.raises(ButlerError) as caught:
        read_ids(str(path), "collections[0].ids_file")
    assert str(caught.value).splitlines() == [
        f"collections[0].ids_file: {path} has 5 lines that are not one exposure or visit id each",
        "  - line 2: '2 3'",
        "  - line 3: '-4'",
        "  - line 5: '5.0'",
        "  - line 6: 'visit'",
        "  - line 7: '\N{SUPERSCRIPT TWO}'",
    ]


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ButlerError, match=r"ids_file: .*/none can't be read: No such file or directory"):
        read_ids(str(tmp_path / "none"), "collections[0].ids_file")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe1")
    with pytest.raises(ButlerError, match="it is not a text file"):
        read_ids(str(binary), "collections[0].ids_file")


def test_ids_are_taken_from_either_option(tmp_path: Path) -> None:
    path = tmp_path / "ids"
    path.write_text("3\n1\n")
    first, second = declared_tags([{**TAG, "ids_file": str(path)}, {**TAG, "name": "b", "ids": [3, 1, 3]}])
    assert first.ids == second.ids == (1, 3)
    assert first.ids_option == "collections[0].ids_file" and second.ids_option == "collections[1].ids"
    assert declared_tags([TAG])[0].ids is None


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([TAG, TAG], r"collections\[1\].name: tag is collections\[0\] already; declare it once"),
        ([{**TAG, "dataset_type": []}], r"collections\[0\].dataset_type: at least one is needed"),
        ([{**TAG, "collections": []}], r"collections\[0\].collections: at least one is needed"),
        ([{**TAG, "collections": ["a", "tag"]}], r"collections\[0\].collections: tag can't be selected from"),
        ([{**TAG, "ids": [1], "ids_file": "x"}], r"collections\[0\]: give ids or ids_file, not both"),
        ([{**TAG, "ids": []}], r"collections\[0\].ids: there is no id"),
    ],
)
def test_declarations_that_can_not_be_meant(items: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ButlerError, match=message):
        declared_tags(items)
