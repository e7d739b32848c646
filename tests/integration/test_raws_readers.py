# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: its readers are killed, or it is killed or told to end while storage does not answer.

A pipe stands for a file on storage that does not answer: whoever reads it waits.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import StopRequest
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import pool

from tests.integration.canonical import difference, dump
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import assert_records_are_official, ingest, register, stored
from tests.waiting import is_running, until

LAST = "20241110/CC_O_20241110_000005/CC_O_20241110_000005_R22_S22.fits"


@pytest.fixture
def source(repo: Path) -> Path:
    """Give raws beside a repository that knows their instrument; one of them does not answer."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw", wanted=lambda name: name != LAST)
    assert not (repo.parent / "raw" / LAST).exists()
    os.mkfifo(repo.parent / "raw" / LAST)
    return repo.parent / "raw"


def children(process: int) -> list[int]:
    """Give the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _ingest(repo: Path, source: Path, folder: Path, send: Any) -> None:
    """Ingest as the module does, with two readers however few files there are."""
    os.environ["SQLITE_TMPDIR"] = str(folder)
    pool.WORTH_IT = pool.GROUPS_AT_ONCE = 1
    stop = StopRequest()
    stop.install()
    try:
        report = Report(stop.check, stop.begin)
        outcome = ingest(repo, source, transfer="copy", processes=2, report=report)
        send.send(outcome.stats)
    except BaseException as error:
        send.send(f"{type(error).__name__}: {error}")


class Run:
    """A run in a process of its own that waits for a file to be read."""

    def __init__(self, repo: Path, source: Path, folder: Path) -> None:
        context = multiprocessing.get_context("fork")
        self._receive, send = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=_ingest, args=(repo, source, folder, send))
        self.process.start()
        send.close()
        self._writer = until(lambda: self._opened(source / LAST))
        self.readers = children(self.pid)
        assert len(self.readers) == 2

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def _opened(self, path: Path) -> int | None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None  # nobody reads it yet

    def said(self) -> Any:
        """Give what the run ended with."""
        assert self._receive.poll(60), "the run does not end"
        return self._receive.recv()

    def ended(self) -> None:
        """Check that nothing of the run is left."""
        self.process.join(60)
        assert not self.process.is_alive(), "the run does not end"
        until(lambda: not any(map(is_running, self.readers)))

    def close(self) -> None:
        """Let the file be read to its end, which is no FITS file, and end what is left."""
        os.close(self._writer)
        for process in (self.pid, *self.readers):
            if is_running(process):
                os.kill(process, signal.SIGKILL)
        self.process.join()


@pytest.fixture
def run(repo: Path, source: Path, tmp_path: Path) -> Iterator[Run]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    run = Run(repo, source, folder)
    yield run
    run.close()


def nothing_is_left_and_the_next_run_completes(run: Run, repo: Path, source: Path, before: Any) -> None:
    run.ended()
    assert not difference(before, dump(repo)), "something was written"
    assert list((repo.parent / "temporary").iterdir()) == []
    (source / LAST).unlink()
    write_raws(source, wanted=lambda name: name == LAST)
    ingest(repo, source)
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    assert not ingest(repo, source).changed


@pytest.fixture
def before(repo: Path, source: Path) -> Any:
    return dump(repo)


def test_a_reader_that_is_killed_is_said(before: Any, run: Run, repo: Path, source: Path) -> None:
    os.kill(run.readers[0], signal.SIGKILL)
    said = run.said()
    assert said.startswith("ButlerError: processes: one of the processes that read headers was killed"), said
    assert "try fewer. Nothing was written." in said
    nothing_is_left_and_the_next_run_completes(run, repo, source, before)


def test_nobody_reads_for_a_run_that_was_killed(before: Any, run: Run, repo: Path, source: Path) -> None:
    os.kill(run.pid, signal.SIGKILL)
    nothing_is_left_and_the_next_run_completes(run, repo, source, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_reads_is_told_to_end(
    number: signal.Signals, before: Any, run: Run, repo: Path, source: Path
) -> None:
    os.kill(run.pid, number)
    assert run.said() == f"InterruptedBeforeWritingError: {number.name}"
    nothing_is_left_and_the_next_run_completes(run, repo, source, before)
