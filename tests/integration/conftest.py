# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.daf.butler import Butler


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Give an empty repository with an SQLite registry."""
    root = tmp_path / "repo"
    Butler.makeRepo(root)
    return root
