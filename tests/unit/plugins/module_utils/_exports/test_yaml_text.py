# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written as YAML is read as the same values, by PyYAML and by the reader of exports."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._exports.values import parse
from ansible_collections.rubin.butler.plugins.module_utils._exports.yaml_text import (
    iso,
    mapping_item,
    scalar,
)
from astropy.time import Time
from hypothesis import example, given
from hypothesis import strategies as some
from lsst.daf.butler import Timespan
from lsst.sphgeom import Angle, Circle, UnitVector3d

SCALARS = (
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**63 - 1)
    | some.floats(allow_nan=False)
    | some.text(some.characters(exclude_categories=["Cs"]))
    | some.uuids()
)
WORDS = [
    "yes", "No", "on", "y", "null", "~", "", " ", "a ", "1", "1.0", "1e5", "0x1", "0o7", "1_000", "12:30:00",
    "2025-01-02", "a: b", "a #b", "- a", "=", "<<", "!x", "&a", "*a", "@a", "%a", "[a", "{a", "a:", ":a", "?",
    "|", ">", "\t", "a\nb", "\x7f\x85\u2028\ufeff", "\U0001f52d", ".inf", ".NaN", "file:///a%20b/c.fits",
    "davs://host:2880/a", "u/x@y+z",
]  # fmt: skip


def read(text: str) -> list[Any]:
    """Read an item of a list in both ways."""
    ours = parse(f"version: 1\ndata:\n{text}".encode("ascii")).sections
    theirs = yaml.safe_load(text)
    assert ours is not None
    assert [value for _unused, value in ours] == theirs
    return theirs


@given(some.dictionaries(some.sampled_from(["name", "id", "begin"]), SCALARS, min_size=1))
@example({"name": uuid.UUID(int=1), "id": 1e17, "begin": 5e-324})
def test_values_are_read_as_they_were(values: dict[str, Any]) -> None:
    assert read(mapping_item(values, "")) == [values]


@pytest.mark.parametrize("word", WORDS)
def test_text_that_looks_like_something_else_stays_text(word: str) -> None:
    assert read(mapping_item({"name": word}, "")) == [{"name": word}]


@given(some.integers(1, 4_102_444_799 * 10**9))
def test_times_are_those_of_the_official_tool(nanoseconds: int) -> None:
    days, rest = divmod(nanoseconds, 86_400 * 10**9)
    time = Time(2_440_587.5 + days, rest / (86_400 * 10**9), format="jd", scale="tai")
    exact = Timespan(time, None).begin
    assert iso(exact) == Time(exact.tai, precision=9).to_value("iso")
    (back,) = read(f"- {scalar(exact)}\n")
    assert Timespan(back, None) == Timespan(exact, None)


def test_a_time_of_another_scale_is_converted() -> None:
    assert iso(Time("2025-01-01T00:00:00", scale="utc")) == "2025-01-01 00:00:37.000000000"


def test_regions_are_read_as_they_were() -> None:
    region = Circle(UnitVector3d.X(), Angle(0.1))
    assert read(mapping_item({"id": 1, "region": region, "hash": "0"}, "")) == [
        {"id": 1, "region": region, "hash": "0"}
    ]


def test_what_is_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="no way to write a list"):
        scalar([1])
