# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of ccms1, made once for the tests of a file as a user makes them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def generate() -> Callable[[Path], str]:
    """Give a function that runs the generator in a process of its own and returns what it said."""

    def run(root: Path) -> str:
        line = [sys.executable, "-m", "tools.sample_ccms1", str(root)]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, generate: Callable[[Path], str]) -> Path:
    root = tmp_path_factory.mktemp("sample") / "data"
    said = generate(root)
    assert "782 written, 0 replaced, 0 already there" in said
    assert said.count("\n") == 1
    return root


@pytest.fixture(scope="session")
def manifest(data: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((data / "manifest.json").read_text())
    return content
