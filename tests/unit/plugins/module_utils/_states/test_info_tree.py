# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of collections as rows and as text."""

from __future__ import annotations

from ansible_collections.rubin.butler.plugins.module_utils._states.info import Row, lines_of, walk
from lsst.daf.butler import CollectionInfo, CollectionType


def test_a_chain_is_followed_in_search_order_at_all_levels() -> None:
    known = {
        info.name: info
        for info in (
            CollectionInfo(name="top", type=CollectionType.CHAINED, children=("b", "a", "inner")),
            CollectionInfo(name="inner", type=CollectionType.CHAINED, children=("a",)),
            CollectionInfo(name="a", type=CollectionType.RUN),
            CollectionInfo(name="b", type=CollectionType.TAGGED),
        )
    }
    rows = list(walk(known, "top"))
    assert rows == [
        Row(0, "top", "CHAINED"),
        Row(1, "b", "TAGGED"),
        Row(1, "a", "RUN"),
        Row(1, "inner", "CHAINED"),
        Row(2, "a", "RUN"),
    ]
    assert lines_of(rows) == [
        "top     CHAINED",
        "  b     TAGGED",
        "  a     RUN",
        "  inner CHAINED",
        "    a   RUN",
    ]


def test_an_empty_tree_has_no_lines() -> None:
    assert lines_of([]) == []
