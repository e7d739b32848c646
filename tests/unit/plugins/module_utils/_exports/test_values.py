# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML of exports, parsed as the official loader does it."""

from __future__ import annotations

import gc
import uuid
from pathlib import Path
from typing import Any

import lsst.daf.butler.tests.registry_data
import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports.values import parse
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import Timespan
from lsst.sphgeom import Circle, ConvexPolygon, UnitVector3d

OFFICIAL = Path(lsst.daf.butler.tests.registry_data.__path__[0])
RTN103 = Path(__file__).parents[4] / "data" / "rtn103"
FILES = [*sorted(OFFICIAL.glob("*.yaml")), *sorted(RTN103.glob("*.yaml.txt"))]

NORTH = UnitVector3d(0, 0, 1)
TRIANGLE = ConvexPolygon([NORTH, UnitVector3d(1, 0, 0), UnitVector3d(0, 1, 0)])


def whole(content: bytes) -> Any:
    document = parse(content)
    assert document.sections is not None
    return {**document.head, "data": [value for _line, value in document.sections]}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_files_have_the_values_of_the_official_loader(file: Path) -> None:
    content = file.read_bytes()
    assert whole(content) == yaml.safe_load(content)


def test_every_object_that_the_official_tool_writes_comes_back() -> None:
    identifier = uuid.uuid4()
    begin = Time("2024-11-08T12:00:00", scale="tai")
    data = {
        "version": "1.0.2",
        "data": [
            # One object in two places becomes an anchor and an alias.
            {"id": [identifier], "again": identifier, "hash": b"\x00\xff"},
            {"span": Timespan(begin, None), "empty": Timespan.makeEmpty(), "begin": begin},
            {"region": TRIANGLE, "circle": Circle(NORTH)},
        ],
    }
    text = yaml.dump(data, sort_keys=False)
    assert "&id001" in text
    assert whole(text.encode()) == data


PLAIN = st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | PLAIN | st.uuids(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=4))
def test_whatever_is_dumped_is_parsed(values: list[Any]) -> None:
    text = yaml.dump({"version": "1.0.2", "data": values}, allow_unicode=True)
    assert whole(text.encode()) == {"version": "1.0.2", "data": values}


@pytest.mark.parametrize("word", ["yes", "No", "~", "null", "1_000", "0x1F", "1:30", "1e3", ".inf"])
def test_words_that_yaml_reads_in_its_own_way(word: str) -> None:
    content = f"data: [[{word}]]\n".encode()
    assert whole(content) == yaml.safe_load(content)


def test_the_line_of_each_entry_is_known() -> None:
    document = parse(b"version: 1\ndata:\n- a: 1\n  b: 2\n- c: 3\n")
    assert document.sections == [(3, {"a": 1, "b": 2}), (5, {"c": 3})]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("data:\n- !!python/name:os.system ''\n", "line 2: the tag tag:yaml.org,2002:python/name:os.system"),
        ("data:\n- !mine {a: 1}\n", "line 2: the tag !mine is not one of an export"),
        ("data:\n- !mine [1]\n", "line 2: the tag !mine is not one of an export"),
        ("data:\n- !uuid nonsense\n", "line 2: this is no !uuid"),
        ("data:\n- !lsst.daf.butler.Timespan {begin: 1}\n", "line 2: this is no !lsst.daf.butler.Timespan"),
        ("data:\n- !<lsst.sphgeom.Circle> {encoded: zz}\n", "line 2: this is no lsst.sphgeom.Circle"),
        ("data:\n- ? [a]\n  : 1\n", "line 2: a key is neither text nor a number"),
        ("data:\n- 'open\n", "it is not YAML: line "),
        ("data:\n- \x00\n", "it is not YAML"),
    ],
)
def test_what_an_export_can_not_have(text: str, reason: str) -> None:
    with pytest.raises(ButlerError) as caught:
        parse(text.encode())
    assert reason in caught.value.message


def test_other_encodings_and_garbage_collection() -> None:
    with pytest.raises(ButlerError, match="it is not YAML"):
        parse(b"data: \xff\xfe\xfd")
    assert gc.isenabled()
