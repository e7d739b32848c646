# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracts are divided into transactions by the patches that they have."""

from __future__ import annotations

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.writing import batches


@pytest.mark.parametrize(
    ("patches", "size", "expected"),
    [
        ([], 10, []),
        ([4, 4, 4, 4, 4], 8, [[10, 11], [12, 13], [14]]),
        ([4, 4, 4, 4, 4], 7, [[10], [11], [12], [13], [14]]),
        ([1, 2, 3, 4, 5], 6, [[10, 11, 12], [13], [14]]),
        # A tract is never divided.
        ([1, 20, 1, 1], 6, [[10], [11], [12, 13]]),
    ],
)
def test_batches(patches: list[int], size: int, expected: list[list[int]]) -> None:
    tracts = np.arange(10, 10 + len(patches))
    found = batches(tracts, np.array(patches, dtype=np.int64), size)
    assert [batch.tolist() for batch in found] == expected
