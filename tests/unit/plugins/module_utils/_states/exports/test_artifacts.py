# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says of an artifact, and what is at its place in an export."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.artifacts import (
    DIFFERENT,
    PRESENT,
    Found,
    modified_at,
    state_at,
)
from lsst.resources import ResourcePath


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, None),
        (datetime.min, None),  # what a WebDAV server does not tell
        (datetime(2025, 4, 10, 15, 12, 51, tzinfo=UTC), 1_744_297_971_000_000_000),
        (
            datetime(2025, 4, 10, 11, 12, 51, 227854, tzinfo=timezone(timedelta(hours=-4))),
            1_744_297_971_227_854_000,
        ),
    ],
)
def test_when_it_was_stored(said: datetime | None, expected: int | None) -> None:
    assert modified_at(said) == expected


def test_without_a_time_the_content_tells(tmp_path: Path) -> None:
    # The packages' own files are read as those of a server are.
    source = ResourcePath("resource://lsst.daf.butler/configs/dimensions.yaml")
    content, copy = source.read(), tmp_path / "copy"
    for text, expected in ((content, PRESENT), (content.swapcase(), DIFFERENT)):
        copy.write_bytes(text)
        assert state_at(str(copy), source, Found(len(content), None)) == expected
