# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first line of an export that tells whose it is, and sections that hold nothing."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._exports import writer

CONTENTS = {"datasets": {"bias": [9, "00ff"]}, "records": {}}


@pytest.mark.parametrize("mark", [writer.Mark(0, CONTENTS), writer.Mark(0, {}), writer.Mark(12)])
def test_a_mark_is_read_as_it_was_written(mark: writer.Mark) -> None:
    assert writer.Mark.read(mark.line()) == mark
    assert yaml.safe_load(mark.line()) is None, "it is a comment"


@pytest.mark.parametrize(
    "line",
    [
        "description: Butler Data Repository Export\n",
        "# Written by rubin.butler.butler_export: part 12",
        "# Written by rubin.butler.butler_export: part x\n",
        "# Written by rubin.butler.butler_export: {}{\n",
        '# Written by rubin.butler.butler_export: {"datasets": [1]}\n',
        '# Written by rubin.butler.butler_export: {"datasets": {"bias": [1]}}\n',
        '# Written by rubin.butler.butler_export: {"datasets": {"bias": 1}}\n',
        "",
    ],
)
def test_other_lines_are_no_marks(line: str) -> None:
    assert writer.Mark.read(line) is None


def test_sections_that_hold_nothing_are_lists_nevertheless() -> None:
    text = writer.collection("chain", "CHAINED") + writer.dataset_type("t", [], "S", False)
    chain, kind = yaml.safe_load(text)
    assert chain["children"] == [] and kind["dimensions"] == []
    assert "doc" not in chain and kind["is_calibration"] is False
