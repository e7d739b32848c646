# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make setup`` must not do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.dev import prepare


def test_an_environment_behind_a_link_is_not_emptied(tmp_path: Path) -> None:
    other, link = tmp_path / "other", tmp_path / ".venv"
    prepare.make_empty(sys.executable, other)
    package = other / "package"
    package.touch()
    link.symlink_to(other)
    with pytest.raises(SystemExit, match=f"{link} is a link to {other}.*remove the link"):
        prepare.make_empty(sys.executable, link)
    assert package.exists()
    prepare.make_empty(sys.executable, other)
    assert not package.exists() and (other / "bin" / "python").exists()
