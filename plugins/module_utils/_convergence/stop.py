# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice that nobody wants the run to go on, and stop where it is safe."""

from __future__ import annotations

import os
import select
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import StoppedError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_SECONDS = 2.0
"""How often a run looks whether it is still wanted, in seconds."""
HEARTBEAT_SECONDS = 120.0
"""For how long a heartbeat may not be renewed, in seconds. It is, every few, also over a slow connection."""


class InterruptedBeforeWritingError(BaseException):
    """The run was asked to stop while it had not written anything; no handler of ordinary errors takes it."""


class Heartbeat:
    """A file that whoever watches the run touches now and then, and removes to end the run.

    Whether it was touched since the last look is all that counts: the clock of a file server may be wrong,
    and a host that slept has not lost its watcher. Nothing is missed before the first touch, because not
    every connection lets the run be watched.

    Parameters
    ----------
    path : `pathlib.Path`
        The file; it exists.
    limit : `float`, optional
        For how long it may stay as it is, in seconds.
    """

    def __init__(self, path: Path, limit: float = HEARTBEAT_SECONDS) -> None:
        self._path = path
        self._limit = limit
        self._stamp = path.stat().st_mtime_ns
        self._seen: float | None = None

    def lost(self) -> str | None:
        """Tell why the run is not watched any more.

        Returns
        -------
        reason : `str` or `None`
            `None` while it is, or was never.
        """
        now = time.monotonic()
        try:
            stamp = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return "the play that started the task has given it up"
        except OSError:
            stamp = self._stamp  # a file server that does not answer: it counts as time without a touch
        if stamp != self._stamp:
            self._stamp, self._seen = stamp, now
        if self._seen is not None and now - self._seen > self._limit:
            return f"no sign of the play for {self._limit:.0f} s (it was killed, or the connection was lost)"
        return None


class StopRequest:
    """Whether the run was asked to stop.

    Until `begin` that ends the run where it is, because nothing is written; from then on it is heeded between
    batches.

    A signal asks, and so does the loss of whoever reads the result: when a task's ``timeout`` expires or the
    connection breaks, the module is not told, but nobody holds the other end of its standard output any more.
    Where that end stays open, the heartbeat ends. Both are looked for every `LOOK_SECONDS`, by an alarm and
    not by a thread, because a run may fork.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.heartbeat: Heartbeat | None = None
        self.besides: Callable[[], None] | None = None
        """What else is done at each look."""
        self._writing = False
        self._output: int | None = None

    def install(self) -> None:
        """Take over the signals that end a run, and watch standard output if it is a pipe."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)
        try:
            if stat.S_ISFIFO(os.fstat(1).st_mode):
                self._output = 1
        except OSError:
            self._output = None
        signal.signal(signal.SIGALRM, self._on_alarm)
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)

    def finish(self) -> None:
        """Look no more: what was to be done is done, and only the result is left to be told."""
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.reason = signal.Signals(number).name
        if not self._writing:
            self.finish()
            raise InterruptedBeforeWritingError(self.reason)

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        if self.besides is not None:
            self.besides()
        self._look()
        if self.reason is not None:
            self.finish()  # once is enough, and what cleans up is not to be interrupted
            if not self._writing:
                raise InterruptedBeforeWritingError(self.reason)

    def begin(self) -> None:
        """Heed signals only between batches from now on: the first write follows."""
        self._writing = True
        self.check()

    def check(self) -> None:
        """Stop here if that was asked for.

        Raises
        ------
        StoppedError
            Raised with the reason; what was committed stays, and the same task run again finishes the rest.
        """
        self._look()
        if self.reason is not None:
            raise StoppedError(
                f"stopped at a batch boundary: {self.reason}",
                hint="What was committed stays. Run the task again to finish the rest.",
            )

    def _look(self) -> None:
        if self.reason is None and self._reader_is_gone():
            self.reason = "nobody waits for the result any more (a timeout, or a lost connection)"
        if self.reason is None and self.heartbeat is not None:
            self.reason = self.heartbeat.lost()

    def _reader_is_gone(self) -> bool:
        if self._output is None:
            return False
        poll = select.poll()
        poll.register(self._output, select.POLLERR)
        return any(event & select.POLLERR for _unused, event in poll.poll(0))
