# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that is told to end, or whose play has gone, stops between two batches; the next run finishes it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler

from tests.integration.ansible_play import run
from tests.integration.long_plays import start
from tests.integration.shards import RUN, dataset_type
from tests.waiting import PATIENCE, is_running, until

FILES = 4_000
FIRST = 131_072


@pytest.fixture
def arguments(repo: Path, tmp_path: Path) -> dict[str, Any]:
    """Give the arguments of a task of eight batches."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for htm7 in range(FIRST, FIRST + FILES):
        (folder / f"{htm7}.fits").touch()
    with Butler.from_config(repo, writeable=True) as butler:
        butler.registry.registerDatasetType(dataset_type(butler.dimensions))
    return {
        "repo": str(repo),
        "dataset_type": "monster",
        "run": RUN,
        "directory": str(folder),
        "pattern": r"(?P<htm7>\d+)\.fits",
        "transfer": "copy",
        "log_file": str(tmp_path / "log"),
    }


def writer_of(log: Path) -> int | None:
    """Find the process that holds the log open and has written its first batch."""
    if not log.exists() or "ingested" not in log.read_text():
        return None
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if any(link.resolve() == log for link in (entry / "fd").iterdir()):
                return int(entry.name)
        except OSError:
            continue
    return None


def ingested(repo: str) -> int:
    with Butler.from_config(repo) as butler:
        return len(butler.query_datasets("monster", collections=RUN, limit=None, explain=False))


def finish(arguments: dict[str, Any]) -> None:
    """Check that complete batches are there, and that the next run adds just the rest."""
    there = ingested(arguments["repo"])
    assert 0 < there < FILES and there % 500 == 0
    again = run("butler_files", arguments)
    assert not again.failed, again.message
    assert again["stats"]["present"] == there and again["stats"]["added"] == FILES - there
    assert ingested(arguments["repo"]) == FILES


def test_sigterm_stops_between_two_batches(arguments: dict[str, Any], tmp_path: Path) -> None:
    log = Path(arguments["log_file"])
    started = start("butler_files", arguments, tmp_path)
    os.kill(until(lambda: writer_of(log)), signal.SIGTERM)
    started.process.communicate(timeout=PATIENCE)
    (line,) = (tmp_path / "results").read_text().splitlines()
    result = json.loads(line)
    assert result["status"] == "failed"
    assert "stopped at a batch boundary: SIGTERM" in result["result"]["msg"]
    finish(arguments)


def test_a_play_that_has_gone_takes_its_task_along(arguments: dict[str, Any], tmp_path: Path) -> None:
    log = Path(arguments["log_file"])
    started = start("butler_files", arguments, tmp_path)
    until(lambda: writer_of(log))
    # Ansible runs each task from a worker that leads a session: it reads the result, and dies with its play.
    with started.held():
        for number in (started.worker(), started.process.pid):
            os.kill(number, signal.SIGKILL)
        started.process.wait(PATIENCE)
    started.none_is_left()
    assert "nobody waits for the result any more" in log.read_text()
    finish(arguments)


def test_a_tasks_timeout_stops_it_between_two_batches(arguments: dict[str, Any], tmp_path: Path) -> None:
    results, gone = tmp_path / "results", tmp_path / "gone"
    # A play that ends at once sends a SIGTERM to what its workers have started: this one goes on.
    waits = {"ansible.builtin.wait_for": {"path": str(gone), "timeout": PATIENCE}}
    log, seconds = Path(arguments["log_file"]), 4
    while True:
        task = {"timeout": seconds, "ignore_errors": True}
        started = start("butler_files", arguments, tmp_path, task=task, then=[waits])
        # How long the module takes to its first batch depends on the machine.
        if until(lambda: writer_of(log) or results.exists()) is not True:
            break
        gone.touch()
        started.process.communicate(timeout=PATIENCE)
        started.none_is_left()
        for path in (log, results, gone):
            path.unlink(missing_ok=True)
        seconds *= 2
    worker = started.worker()
    with started.held():
        until(lambda: results.exists() and not is_running(worker))
    started.none_is_left()
    gone.touch()
    started.process.communicate(timeout=PATIENCE)
    assert "imed out" in results.read_text().splitlines()[0]
    assert "nobody waits for the result any more" in log.read_text()
    finish(arguments)


def test_the_log_is_the_owners_alone_and_tells_plan_and_batches(repo: Path, tmp_path: Path) -> None:
    log = tmp_path / "task.log"
    arguments = {"repo": str(repo), "collections": [{"name": "skymaps"}], "log_file": str(log)}
    assert run("butler_collection", arguments, check_mode=True).changed
    assert not log.exists()
    assert run("butler_collection", arguments).changed
    assert log.stat().st_mode & 0o777 == 0o600
    assert "plan: add collection skymaps" in log.read_text()
    bad = run("butler_collection", {**arguments, "log_file": str(tmp_path / "none" / "log")})
    assert bad.failed and bad.message.startswith("log_file: ") and "can't be written" in bad.message
