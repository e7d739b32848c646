# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is, as JSON lines in a file that the play's end of the task reads from time to time.

The action plugin names a folder in the environment, not in an argument: so a task's arguments are its own.
The module makes the folder, and removes it at its end. In it are `PROGRESS` and `HEARTBEAT`, which is touched
at each reading.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import (
    HEARTBEAT_SECONDS,
    Heartbeat,
    StopRequest,
)

FOLDER_VARIABLE = "RUBIN_BUTLER_WATCHED_IN"
LIMIT_VARIABLE = "RUBIN_BUTLER_HEARTBEAT_SECONDS"
PROGRESS = "progress"
HEARTBEAT = "heartbeat"
FILES = (PROGRESS, HEARTBEAT)

LINE_SECONDS = 0.5
"""How long the writer waits before the next line of a stage, in seconds."""
MAX_BYTES = 256 * 1024
"""What the file may hold; then it is begun anew. The last few lines are all that is read."""

Step = Callable[[str, int, "int | None"], None]


class ProgressLines:
    """Writes how far a run is: the first and the last step of each stage, and of those between a few.

    Parameters
    ----------
    descriptor : `int`
        Of the file, opened for appending.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._stages: set[str] = set()
        self._waiting: tuple[str, int, int | None] | None = None
        self._next = 0.0
        self._size = 0

    def step(self, stage: str, done: int, total: int | None) -> None:
        """Say how far the run is.

        Parameters
        ----------
        stage : `str`
            What is done, as a person calls it.
        done : `int`
            How many items are.
        total : `int` or `None`
            Of how many, where that is known.
        """
        now = time.monotonic()
        if stage not in self._stages:
            self.flush()
            self._stages.add(stage)
        elif now < self._next:
            self._waiting = stage, done, total
            return
        self._waiting = None
        self._next = now + LINE_SECONDS
        self._write(stage, done, total)

    def flush(self) -> None:
        """Write the step that waits for its time, if there is one."""
        if self._waiting is not None:
            self._write(*self._waiting)
            self._waiting = None

    def _write(self, stage: str, done: int, total: int | None) -> None:
        line = json.dumps({"stage": stage, "done": done, "total": total, "time": round(time.time(), 3)})
        data = line.encode() + b"\n"
        # A full disk is no reason to fail: what is lost is a number on a screen.
        with suppress(OSError):
            if self._size + len(data) > MAX_BYTES:
                os.ftruncate(self._descriptor, 0)
                self._size = 0
            self._size += os.write(self._descriptor, data)


def _unwatched(stage: str, done: int, total: int | None) -> None:
    """Drop what nobody watches."""


@contextmanager
def watched(stop: StopRequest) -> Iterator[Step]:
    """Let the run be watched, if the environment names a folder for that.

    Parameters
    ----------
    stop : `StopRequest`
        Gets the heartbeat.

    Yields
    ------
    step : `~collections.abc.Callable`
        Takes the stage, how many of its items are done, and of how many.
    """
    # Processes that this one starts are not watched.
    folder = Path(os.environ.pop(FOLDER_VARIABLE, ""))
    limit = os.environ.pop(LIMIT_VARIABLE, "")
    descriptors = _opened(folder)
    try:
        if descriptors:
            stop.heartbeat = Heartbeat(folder / HEARTBEAT, float(limit or HEARTBEAT_SECONDS))
            lines = ProgressLines(descriptors[0])
            stop.besides = lines.flush
            yield lines.step
            lines.flush()
        else:
            yield _unwatched
    finally:
        # First of all: what follows is not to be interrupted.
        stop.finish()
        stop.heartbeat = stop.besides = None
        for descriptor in descriptors:
            os.close(descriptor)
        if descriptors:
            with suppress(OSError):
                for name in FILES:
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()


def _opened(folder: Path) -> list[int]:
    """Make the folder and its files, if that can be done: the work matters more than the look at it."""
    if not folder.is_absolute():
        return []
    try:
        folder.mkdir(0o700)  # not one that exists: the folder above it may be everybody's
        return [os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for name in FILES]
    except OSError:
        return []
