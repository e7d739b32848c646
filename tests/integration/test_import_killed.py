# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_import killed at any step: the next run ends in the repository of a run that nobody killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from tests.integration.exports import CALIBRATIONS, declare, write_case
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished, some

pytestmark = pytest.mark.exhaustive

STATE = "_states.imports.state:ImportsState"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    root = tmp_path / "template"
    write_case(CALIBRATIONS, root / "site")
    Butler.makeRepo(root / "repo")
    return root


def attempt_with(transfer: str):  # type: ignore[no-untyped-def]
    def attempt_in(folder: Path) -> Attempt:
        params = declare(folder / "site/export.yaml", transfer=transfer)
        return Attempt(STATE, params, folder / "repo", {"batch_size": 2})

    return attempt_in


def test_killed_at_every_batch_boundary(template: Path) -> None:
    kills = prove_killed_runs_are_finished(
        template, attempt_with("copy"), steps=every("checkpoint"), moments=0, seed=1
    )
    assert kills >= 12


@pytest.mark.parametrize(("transfer", "count"), [("copy", 7), ("hardlink", 3), ("symlink", 3), ("direct", 4)])
def test_killed_between_any_two_writes(template: Path, transfer: str, count: int) -> None:
    kills = prove_killed_runs_are_finished(
        template, attempt_with(transfer), steps=some(count, seed=2), moments=1, seed=3
    )
    assert kills >= count


def test_killed_while_artifacts_are_written(template: Path) -> None:
    kills = prove_killed_runs_are_finished(
        template, attempt_with("copy"), steps=some(4, 4, "transfer", "transferred"), moments=0, seed=5
    )
    assert kills == 4


def test_killed_while_files_are_moved(template: Path) -> None:
    names = ("transferred", "commit", "remove")
    kills = prove_killed_runs_are_finished(
        template, attempt_with("move"), steps=some(6, 6, *names), moments=0, seed=7
    )
    assert kills == 6
