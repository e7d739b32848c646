# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of an export is that of its values, and does not depend on that of a database."""

from __future__ import annotations

import uuid

from ansible_collections.rubin.butler.plugins.module_utils._states.exports.spool import (
    Member,
    Row,
    Spool,
    sort_key,
)
from hypothesis import given
from hypothesis import strategies as some

KEYS = some.tuples(
    some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"])), some.integers(-5, 2**62)
)


@given(some.lists(KEYS, unique=True))
def test_keys_sort_as_values_do(keys: list[tuple[str, int]]) -> None:
    assert sorted(keys, key=sort_key) == sorted(keys)
    assert len(set(map(sort_key, keys))) == len(keys)


def row(number: int, path: str) -> Row:
    return Row(uuid.UUID(int=number).bytes, "bias", "run", path, sort_key([number]), "a.B", "", "[]")


def test_datasets_are_sorted_and_kept_once() -> None:
    spool = Spool()
    spool.add_datasets([row(2, "b"), row(1, "c"), row(2, "b"), row(10, "a"), row(9, "a")])
    assert spool.order() == 4
    assert [uuid.UUID(bytes=each.id).int for each in spool.datasets(1, 9)] == [9, 10, 2, 1]
    assert [each.path for each in spool.datasets(2, 3)] == ["a", "b"]
    assert spool.known([uuid.UUID(int=1), uuid.UUID(int=3)]) == {uuid.UUID(int=1)}


def test_an_open_begin_comes_first_and_an_open_end_last() -> None:
    spool = Spool()
    spool.add_datasets([row(1, "a"), row(2, "b")])
    spool.order()
    spans = [("2025", ""), ("", ""), ("2025", "2026"), ("", "2024")]
    spool.add_members(Member("calib", "CALIBRATION", *span, uuid.UUID(int=1).bytes) for span in spans)
    found = [(each.since, each.until) for each in spool.members(1, 2)]
    assert found == [("", "2024"), ("", ""), ("2025", "2026"), ("2025", "")]
    assert list(spool.members(2, 2)) == []


def test_records_that_come_along_are_found_by_those_that_are_wanted() -> None:
    spool = Spool()
    spool.add_records([(3, ("Cam", 2), "visit 2"), (3, ("Cam", 1), "visit 1"), (5, ("Cam", 7, 1), "seven")])
    spool.add_links([(3, sort_key(("Cam", 1)), 5, sort_key(("Cam", 7, 1)))])
    assert spool.keys(3) == [("Cam", 1), ("Cam", 2)]
    for number, along in ((1, ["seven"]), (2, [])):
        spool.want_nothing()
        spool.want([(3, sort_key(("Cam", number)))])
        spool.want_linked()
        assert list(spool.records(3, wanted_only=True)) == [f"visit {number}"]
        assert list(spool.records(5, wanted_only=True)) == along
        assert spool.ranks(wanted_only=True) == ([3, 5] if along else [3])
    assert spool.ranks(wanted_only=False) == [3, 5]
