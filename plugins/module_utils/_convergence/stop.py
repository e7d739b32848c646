# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice that nobody wants the run to go on, and stop where it is safe."""

from __future__ import annotations

import os
import select
import signal
import stat
from types import FrameType

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import StoppedError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class InterruptedBeforeWritingError(BaseException):
    """The run was asked to stop while it had not written anything; no handler of ordinary errors takes it."""


class StopRequest:
    """Whether the run was asked to stop.

    Until `begin` a signal ends the run where it is, because nothing is written; from then on it is heeded
    between batches.

    A signal asks, and so does the loss of whoever reads the result: when a task's ``timeout`` expires or the
    connection breaks, the module is not told, but nobody holds the other end of its standard output any more.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
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

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.reason = signal.Signals(number).name
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
        if self.reason is None and self._reader_is_gone():
            self.reason = "nobody waits for the result any more (a timeout, or a lost connection)"
        if self.reason is not None:
            raise StoppedError(
                f"stopped at a batch boundary: {self.reason}",
                hint="What was committed stays. Run the task again to finish the rest.",
            )

    def _reader_is_gone(self) -> bool:
        if self._output is None:
            return False
        poll = select.poll()
        poll.register(self._output, select.POLLERR)
        return any(event & select.POLLERR for _unused, event in poll.poll(0))
