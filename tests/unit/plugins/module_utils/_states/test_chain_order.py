# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places of children in a chain."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import (
    arrange,
    find_cycles,
    is_pattern,
    matching,
)
from hypothesis import given
from hypothesis import strategies as st

CHAINS = st.lists(st.sampled_from("abcdefgh"), unique=True)
ORDERS = st.sampled_from(["append", "prepend"])


@given(CHAINS, CHAINS, ORDERS, st.booleans())
def test_arranging_twice_is_arranging_once(
    existing: list[str], declared: list[str], order: str, prune: bool
) -> None:
    once = arrange(existing, declared, order=order, prune=prune)
    assert arrange(once, declared, order=order, prune=prune) == once


@given(CHAINS, CHAINS, ORDERS, st.booleans())
def test_the_declared_order_is_kept(
    existing: list[str], declared: list[str], order: str, prune: bool
) -> None:
    result = arrange(existing, declared, order=order, prune=prune)
    assert [child for child in result if child in declared] == declared
    assert len(set(result)) == len(result)


@given(CHAINS, CHAINS, ORDERS)
def test_without_prune_nothing_is_lost_and_the_others_keep_their_order(
    existing: list[str], declared: list[str], order: str
) -> None:
    result = arrange(existing, declared, order=order, prune=False)
    assert set(result) == {*existing, *declared}
    others = [child for child in existing if child not in declared]
    assert [child for child in result if child not in declared] == others


@given(CHAINS, CHAINS, ORDERS)
def test_with_prune_it_is_exactly_what_is_declared(
    existing: list[str], declared: list[str], order: str
) -> None:
    assert arrange(existing, declared, order=order, prune=True) == declared


@given(CHAINS, st.data(), ORDERS)
def test_a_chain_that_has_the_declared_order_is_left_alone(
    existing: list[str], data: st.DataObject, order: str
) -> None:
    declared = [child for child in existing if data.draw(st.booleans())]
    assert arrange(existing, declared, order=order, prune=False) == existing


@pytest.mark.parametrize(
    ("existing", "declared", "order", "expected"),
    [
        ("", "ab", "append", "ab"),
        ("x", "ab", "append", "xab"),
        ("x", "ab", "prepend", "abx"),
        ("ax", "ab", "append", "axb"),
        ("ax", "na", "prepend", "nax"),
        ("axb", "anb", "append", "axnb"),
        ("axb", "anb", "prepend", "anxb"),
        ("bxa", "ab", "append", "axb"),
        ("axb", "ab", "append", "axb"),
        ("xay", "", "append", "xay"),
    ],
)
def test_places(existing: str, declared: str, order: str, expected: str) -> None:
    assert "".join(arrange(existing, declared, order=order, prune=False)) == expected


def test_newest_runs_come_first_and_undated_names_last() -> None:
    names = [
        "u/a/20250417T034317Z",
        "u/b/20250418T000000Z",
        "u/notes",
        "u/inputs",
        "u/c/20241231T235959Z",
        "v/20260101T000000Z",
    ]
    assert matching("u/*", names, "newest") == [
        "u/b/20250418T000000Z",
        "u/a/20250417T034317Z",
        "u/c/20241231T235959Z",
        "u/inputs",
        "u/notes",
    ]
    assert matching("u/?/*", reversed(names), "name") == [
        "u/a/20250417T034317Z",
        "u/b/20250418T000000Z",
        "u/c/20241231T235959Z",
    ]


def test_patterns_are_told_from_names() -> None:
    assert all(map(is_pattern, ("a*", "a?", "a[12]")))
    assert not is_pattern("LSSTComCam/calib/DM-48520/DP1/flat-y.20250207a")


def test_cycles_are_found_with_their_way() -> None:
    children = {"a": ["b"], "b": ["run", "c"], "c": ["a"], "d": ["d"], "e": ["a", "run"]}
    assert find_cycles(children, ["e", "a", "d"]) == [("a", "b", "c", "a"), ("d", "d")]
    assert find_cycles({"a": ["b", "c"], "b": ["c"], "c": ["run"]}, ["a", "b"]) == []
