# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of repository indexes: what is edited, what stays, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.index_text import edit_index, read_index
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import Config

HAND_MADE = """\
# The repositories of this site.
---
includeConfigs: [other.yaml]

# the big one
"/repo/main": '/data/main'  # since 2021
dp02:   /data/dp02
# the end, without a newline"""


def test_comments_order_and_quotes_stay() -> None:
    edited = edit_index(
        HAND_MADE, "i.yaml", {"dp02": "davs://h:2880/dp02", "new one": "/data/#1", "ccms1": "/c"}
    )
    assert (
        edited
        == HAND_MADE.replace("/data/dp02", "davs://h:2880/dp02") + '\nccms1: /c\n"new one": "/data/#1"\n'
    )


def test_an_entry_goes_with_its_line() -> None:
    edited = edit_index(HAND_MADE, "i.yaml", {"/repo/main": None})
    assert edited == HAND_MADE.replace("\"/repo/main\": '/data/main'  # since 2021\n", "")
    assert edit_index("a: /x", "i.yaml", {"a": None}) == ""


def test_json_is_written_in_its_order() -> None:
    edited = edit_index('{"b": "/b", "a": "/a"}', "i.json", {"a": "/é", "c": "/c"})
    assert edited == '{\n  "b": "/b",\n  "a": "/é",\n  "c": "/c"\n}\n'


def test_windows_lines_and_an_indented_mapping_can_be_edited() -> None:
    assert edit_index("  a: /x\r\n  b: /y\r\n", "i.yaml", {"b": None, "c": "/z"}) == "  a: /x\r\n  c: /z\n"


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("{}", "c: /y\n"),
        ("{}\n", "c: /y\n"),
        ("# ours\n---\n{ } # none\n", "# ours\n---\n# none\nc: /y\n"),
        ("--- {}\n", "--- \nc: /y\n"),
        ("a: /x\n...\n", "a: /x\nc: /y\n...\n"),
        ("a: /x\n...", "a: /x\nc: /y\n..."),
        ("{}\n... \n# the end\n", "c: /y\n... \n# the end\n"),
        ("a: /...\n", "a: /...\nc: /y\n"),
    ],
)
def test_an_empty_mapping_and_the_mark_of_the_end_are_no_hindrance(text: str, edited: str) -> None:
    assert edit_index(text, "i.yaml", {"c": "/y"}) == edited


@pytest.mark.parametrize(
    "text",
    ["{a: /x}", "a: &here /x\nb: *here\n"],
)
def test_what_can_not_be_edited_is_refused_and_not_spoiled(text: str) -> None:
    with pytest.raises(ButlerError, match="can't be edited"):
        edit_index(text, "i.yaml", {"a": None, "c": "/y"})


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("i.yaml", "a: /x\na: /y\n", "has more than once: a"),
        ("i.json", '{"a": "/x", "a": "/y"}', "has more than once: a"),
        ("i.yaml", "- /x\n", "no mapping"),
        ("i.json", "[]", "no mapping"),
        ("i.yaml", "a: 3\nb:\n", "no labels with a URI: a, b"),
        ("i.yaml", "1: /x\n", "no labels with a URI: 1"),
        ("i.yaml", "a: [/x\n", "in line 2"),
        ("i.json", '{"a": "/x"', "in line 1"),
    ],
)
def test_what_is_no_index_is_an_error(path: str, text: str, reason: str) -> None:
    with pytest.raises(ButlerError, match=reason):
        read_index(text, path)


_WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)


@given(there=st.dictionaries(_WORDS, _WORDS, max_size=4), wanted=st.dictionaries(_WORDS, _WORDS | st.none()))
def test_any_entry_is_read_back(there: dict[str, str], wanted: dict[str, str | None]) -> None:
    for path in ("i.yaml", "i.json"):
        text = edit_index("", path, there)
        assert read_index(text, path) == there
        left = {label: uri for label, uri in {**there, **wanted}.items() if uri is not None}
        assert read_index(edit_index(text, path, wanted), path) == left


def test_the_butler_reads_what_is_written(tmp_path: Path) -> None:
    wanted = {"/repo/main": "/x", "a.b": "davs://h/x", "yes": "file:///y", "1": "/1", "null": "/n", "~": "/t"}
    for name in ("i.yaml", "i.json"):
        path = tmp_path / name
        path.write_text(edit_index("", name, wanted))
        assert dict(Config(str(path)).items()) == wanted
