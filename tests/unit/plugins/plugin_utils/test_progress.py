# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a module's progress."""

from __future__ import annotations

import json

import pytest
from ansible_collections.rubin.butler.plugins.plugin_utils.progress import (
    Step,
    duration,
    read_steps,
    sentence,
)


def test_how_far_how_fast_and_how_long() -> None:
    steps = [Step("reading", 9, 9, 90.0), Step("ingesting", 0, 148_849, 100.0)]
    assert sentence(steps, "files") == "ingesting 0 / 148,849 files (0 %)"
    steps.append(Step("ingesting", 60_000, 148_849, 117.08))
    assert sentence(steps, "files") == "ingesting 60,000 / 148,849 files (40 %), 3,513/s, 25 s left"


def test_what_is_not_known_is_not_said() -> None:
    listing = [Step("listing", 10, None, 5.0), Step("listing", 20, None, 7.0)]
    assert sentence(listing[:1], "files") == "listing 10 files"
    assert sentence(listing, "files") == "listing 20 files, 5.0/s"
    assert sentence([Step("reading", 0, 0, 1.0)], "files") == "reading 0 / 0 files"
    # The clock of the managed host was set back, and the total grew less than what was done.
    assert sentence([Step("a", 1, 5, 9.0), Step("a", 2, 5, 3.0)], "files") == "a 2 / 5 files (40 %)"
    assert sentence([Step("a", 1, 5, 1.0), Step("a", 7, 5, 3.0)], "files") == "a 7 / 5 files (140 %), 3.0/s"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_only_what_a_module_writes_reaches_the_terminal() -> None:
    good = {"stage": "reading", "done": 1, "total": 2, "time": 3.5}
    bad = [
        {**good, "stage": "\x1b]0;title\x07"},
        {**good, "stage": "x" * 61},
        {**good, "stage": ""},
        {**good, "stage": 7},
        {**good, "done": "many"},
        {**good, "done": True},
        {**good, "total": [1]},
        {**good, "time": None},
        {"stage": "reading"},
        [good],
        "reading",
        None,
    ]
    text = "\r\n".join(["Last login: never", *map(json.dumps, bad), json.dumps(good), '{"stage": "rea'])
    assert read_steps(text) == [Step("reading", 1, 2, 3.5)]
