# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws says how far it is, and stops when nobody watches it any more."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import HEARTBEAT_SECONDS
from ansible_collections.rubin.butler.plugins.module_utils._module.progress import HEARTBEAT, LIMIT_VARIABLE
from ansible_collections.rubin.butler.plugins.plugin_utils import watched
from lsst.daf.butler import Butler

from tests.integration.ansible_play import play, run
from tests.integration.long_plays import Started, start, write_many_raws
from tests.integration.raw_states import register, stored
from tests.integration.ssh import Server, running_server
from tests.waiting import PATIENCE, until

FILES = 1_500
SHOWN = re.compile(
    r"^butler_raws \[here\]: \w[\w ]* [\d,]+( / [\d,]+)? files( \(\d+ %\))?(, [\d.,]+/s)?(, \S.* left)?$"
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, empty_repository: Path) -> Path:
    """Give a folder with many raws, and a repository that has their instrument."""
    folder = tmp_path_factory.mktemp("many")
    write_many_raws(folder / "raw", FILES)
    shutil.copytree(empty_repository, folder / "repo")
    register(folder / "repo", "LSSTComCam")
    return folder


@pytest.fixture
def arguments(many: Path, tmp_path: Path) -> dict[str, Any]:
    """Give the arguments of a task that takes long, because its batches are small."""
    return {
        "repo": str(shutil.copytree(many / "repo", tmp_path / "repo")),
        "instrument": "LSSTComCam",
        "sources": [str(many / "raw")],
        "transfer": "direct",
        "batch_size": 2,
        "processes": 1,
        "log_file": str(tmp_path / "log"),
    }


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a way to this host by ssh."""
    with running_server(tmp_path_factory.mktemp("ssh")) as server:
        yield server


def has_ingested(arguments: Mapping[str, Any]) -> bool:
    log = Path(arguments["log_file"])
    return log.exists() and "ingested" in log.read_text()


def finish(arguments: Mapping[str, Any]) -> None:
    """Check that a part is there, and that the next run adds just the rest."""
    there = len(stored(Path(arguments["repo"])))
    assert 0 < there < FILES
    again = run("butler_raws", {**arguments, "batch_size": 10_000, "progress": False})
    assert not again.failed, again.message
    assert again["stats"]["present"] == there and len(stored(Path(arguments["repo"]))) == FILES


def result_of(started: Started) -> dict[str, Any]:
    [line] = (started.folder / "results").read_text().splitlines()
    return dict(json.loads(line)["result"])


def test_a_person_sees_how_far_it_is_and_a_program_does_not(
    arguments: dict[str, Any], tmp_path: Path
) -> None:
    results = []
    own_words = ("invocation", "seconds")
    for name, progress in (("shown", True), ("quiet", False)):
        folder = tmp_path / name
        folder.mkdir()
        own = {
            **arguments,
            "repo": str(shutil.copytree(arguments["repo"], folder / "repo")),
            "progress": progress,
            "batch_size": 50,
        }
        started = start("butler_raws", own, folder, ANSIBLE_STDOUT_CALLBACK="json_lines")
        where = until(started.watched_folder)
        if progress:
            said, lines = started.shown_at("ingesting")
            assert any(f" / {FILES:,} files (" in line for line in lines), lines
        else:
            said, shown = started.process.communicate(timeout=PATIENCE)
            lines = shown.splitlines()
            assert lines == []
        assert started.process.returncode == 0, (said, lines)
        [printed] = [json.loads(line) for line in said.splitlines()]
        assert printed == result_of(started)
        assert all(SHOWN.match(line) for line in lines), lines
        assert not where.exists()
        results.append({key: value for key, value in printed.items() if key not in own_words})
    assert results[0] == results[1]
    assert not {"ansible_job_id", "finished", "results_file", "started"} & results[0].keys()
    assert results[0]["stats"]["added"] > FILES


def said_that_it_stops(shown: str) -> bool:
    """Tell whether the task has said so; the play sends its worker a SIGTERM, which may be there first."""
    return any(
        f"butler_raws [here]: {name}: stops at the next batch boundary" in shown
        for name in ("SIGINT", "SIGTERM")
    )


def test_ctrl_c_stops_it_between_two_batches(arguments: dict[str, Any], tmp_path: Path) -> None:
    started = start("butler_raws", arguments, tmp_path)
    where = until(started.watched_folder)
    until(lambda: has_ingested(arguments))
    os.killpg(started.process.pid, signal.SIGINT)
    _unused, shown = started.process.communicate(timeout=PATIENCE)
    assert said_that_it_stops(shown)
    started.none_is_left()
    assert "stopped at a batch boundary" in Path(arguments["log_file"]).read_text()
    assert not where.exists()
    finish(arguments)


def test_before_the_first_write_ctrl_c_ends_it(arguments: dict[str, Any], tmp_path: Path) -> None:
    started = start("butler_raws", arguments, tmp_path)
    where = until(started.watched_folder)
    os.killpg(started.process.pid, signal.SIGINT)
    started.process.communicate(timeout=PATIENCE)
    started.none_is_left()
    assert not where.exists()
    with Butler.from_config(arguments["repo"]) as butler:
        assert list(butler.registry.queryDatasetTypes("raw")) == []


def test_a_play_that_was_killed_takes_its_task_along(arguments: dict[str, Any], tmp_path: Path) -> None:
    started = start("butler_raws", arguments, tmp_path)
    until(started.watched_folder)
    until(lambda: has_ingested(arguments))
    for process in (started.worker(), started.process.pid):
        os.kill(process, signal.SIGKILL)
    started.process.wait(PATIENCE)
    started.none_is_left()
    assert "nobody waits for the result any more" in Path(arguments["log_file"]).read_text()
    finish(arguments)


def test_a_play_that_looks_no_more_stops_it(arguments: dict[str, Any], tmp_path: Path) -> None:
    # As when the network is gone: the other end of the module's output stays open, and nobody is there.
    limit = 20
    started = start("butler_raws", arguments, tmp_path, set_for_task={LIMIT_VARIABLE: str(limit)})
    heartbeat = until(started.watched_folder) / HEARTBEAT
    first = heartbeat.stat().st_mtime_ns
    until(lambda: heartbeat.stat().st_mtime_ns != first and has_ingested(arguments))
    # The module looks between two batches: only what it has seen once can be missed.
    log = Path(arguments["log_file"])
    batches = log.read_text().count("ingested")
    until(lambda: log.read_text().count("ingested") > batches + 1)
    worker = started.worker()
    os.kill(worker, signal.SIGSTOP)
    try:
        # On a fast machine it would have done all of its work before it misses anybody.
        with started.held():
            time.sleep(limit + 1)
        until(lambda: "no sign of the play for 20 s" in log.read_text())
    finally:
        for process in (worker, started.process.pid):
            os.kill(process, signal.SIGKILL)
    started.process.wait(PATIENCE)
    started.none_is_left()
    finish(arguments)


def test_a_heartbeat_is_renewed_many_times_before_it_is_missed() -> None:
    assert 20 * max(watched.FIRST_LOOK, watched.LOOKS, watched.LOOKS_LATER) < HEARTBEAT_SECONDS


def test_a_tasks_timeout_stops_it(arguments: dict[str, Any], tmp_path: Path) -> None:
    started = start("butler_raws", arguments, tmp_path, task={"timeout": 8})
    # However fast the machine is, the module has not ended then; on a slow one it may not have begun.
    until(lambda: started.watched_folder() or started.process.poll() is not None)
    with started.held():
        started.process.communicate(timeout=PATIENCE)
    assert "timed out" in str(result_of(started)).lower() or "timeout" in str(result_of(started)).lower()
    started.none_is_left()
    run("butler_raws", {**arguments, "batch_size": 10_000})
    assert len(stored(Path(arguments["repo"]))) == FILES


def test_async_is_refused(arguments: dict[str, Any]) -> None:
    refused = run("butler_raws", arguments, **{"async": 60, "poll": 1})
    assert refused.failed and refused.message.startswith("async: got 60")
    assert "Remove async and poll" in refused.message
    assert not Path(arguments["log_file"]).exists()


def test_a_plays_defaults_reach_the_module(arguments: dict[str, Any]) -> None:
    repo = arguments.pop("repo")
    defaults = {"group/rubin.butler.butler": {"repo": repo}, "rubin.butler.butler_raws": {"progress": False}}
    [result] = play(
        [
            {
                "rubin.butler.butler_raws": arguments,
                "module_defaults": [defaults],
                "check_mode": True,
                "diff": True,
            }
        ]
    )
    assert not result.failed, result.message
    assert result.changed and result["stats"]["added"] > FILES and result["diff"]["before"] == ""


@pytest.mark.parametrize("more", [{"_watched": "/tmp"}, {"progress": "often"}], ids=["unknown", "no boolean"])
def test_bad_arguments_are_the_modules_to_refuse(arguments: dict[str, Any], more: dict[str, Any]) -> None:
    refused = run("butler_raws", {**arguments, **more})
    [option] = more
    assert refused.failed and option in refused.message


@pytest.mark.parametrize("pipelining", ["False", "True"])
def test_by_ssh(arguments: dict[str, Any], tmp_path: Path, ssh: Server, pipelining: str) -> None:
    started = start(
        "butler_raws",
        arguments,
        tmp_path,
        host=ssh.variables,
        set_for_task={LIMIT_VARIABLE: "60"},
        ANSIBLE_PIPELINING=pipelining,
        ANSIBLE_SSH_CONTROL_PATH_DIR=str(ssh.sockets),
    )
    heartbeat = until(started.watched_folder) / HEARTBEAT
    first = heartbeat.stat().st_mtime_ns
    until(lambda: heartbeat.stat().st_mtime_ns != first and has_ingested(arguments))
    os.killpg(started.process.pid, signal.SIGINT)
    _unused, shown = started.process.communicate(timeout=PATIENCE)
    assert said_that_it_stops(shown)
    started.none_is_left()
    assert not heartbeat.exists()
    finish(arguments)
