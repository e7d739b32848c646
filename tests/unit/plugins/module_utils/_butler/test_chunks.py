# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams in parts."""

from __future__ import annotations

from itertools import count

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers()), st.integers(1, 10))
def test_chunks_are_full_but_for_the_last_and_lose_nothing(items: list[int], size: int) -> None:
    chunks = list(in_chunks(items, size))
    assert [item for chunk in chunks for item in chunk] == items
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(chunks)


def test_a_stream_is_read_only_as_far_as_it_is_asked_for() -> None:
    stream = count()
    chunks = in_chunks(stream, 3)
    assert next(chunks) == [0, 1, 2]
    assert next(stream) == 3
