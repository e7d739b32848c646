# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the storage share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def without_privileges(tmp_path: Path) -> Iterator[None]:
    """Nothing below the test's folder may be read: root, who may read everything, is nobody meanwhile."""
    modes = {path: path.stat().st_mode for path in (tmp_path, *tmp_path.rglob("*"))}
    for path in modes:
        if path != tmp_path:
            path.chmod(0)
    was_root = os.geteuid() == 0
    above = [
        parent for parent in tmp_path.parents if parent.stat().st_uid == 0 and not parent.stat().st_mode & 1
    ]
    above_modes = {parent: parent.stat().st_mode for parent in above}
    if was_root:
        for path in (tmp_path, *above):
            path.chmod(path.stat().st_mode | 0o755)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)
        for path, mode in (above_modes | modes).items():
            path.chmod(mode)
