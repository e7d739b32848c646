# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is, as a module writes it."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import StopRequest
from ansible_collections.rubin.butler.plugins.module_utils._module import progress
from ansible_collections.rubin.butler.plugins.module_utils._module.progress import (
    FOLDER_VARIABLE,
    HEARTBEAT,
    PROGRESS,
    watched,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that the environment names."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "watched"))
    return tmp_path / "watched"


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / PROGRESS).read_text().splitlines()]


def test_first_and_last_of_each_stage_are_written_and_few_between(folder: Path) -> None:
    with watched(StopRequest()) as step:
        for done in range(5_000):
            step("listing", done + 1, None)
        for done in range(5_001):
            step("reading", done, 5_000)
        step("ingesting", 0, 5_000)
        found = lines(folder)
    told = [(line["stage"], line["done"], line["total"]) for line in found]
    assert told[0] == ("listing", 1, None) and ("listing", 5_000, None) in told
    assert ("reading", 0, 5_000) in told
    assert told[-2:] == [("reading", 5_000, 5_000), ("ingesting", 0, 5_000)]
    assert len(told) < 100
    assert all(first["time"] <= second["time"] for first, second in itertools.pairwise(found))


def test_the_file_does_not_grow_without_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "MAX_BYTES", 2_000)
    with watched(StopRequest()) as step:
        for done in range(1_000):
            step("reading", done, 1_000)
            assert (folder / PROGRESS).stat().st_size <= 2_000
        assert lines(folder)[-1]["done"] == 999


def test_only_the_owner_reads_it_and_nothing_is_left(folder: Path) -> None:
    stop = StopRequest()
    with watched(stop) as step:
        step("reading", 0, None)
        modes = [path.stat().st_mode & 0o777 for path in (folder, folder / PROGRESS, folder / HEARTBEAT)]
        assert modes == [0o700, 0o600, 0o600]
        assert stop.heartbeat is not None
        assert FOLDER_VARIABLE not in os.environ
    assert not folder.exists() and stop.heartbeat is None


def test_nobody_watches_in_a_folder_that_was_there(folder: Path) -> None:
    folder.mkdir()
    stop = StopRequest()
    with watched(stop) as step:
        step("reading", 0, None)
        assert stop.heartbeat is None
    assert list(folder.iterdir()) == []


def test_nobody_watches_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with watched(StopRequest()) as step:
        step("reading", 0, None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_removed_meanwhile_is_no_error(folder: Path) -> None:
    with watched(StopRequest()) as step:
        for path in (folder / PROGRESS, folder / HEARTBEAT):
            path.unlink()
        folder.rmdir()
        step("reading", 0, None)
