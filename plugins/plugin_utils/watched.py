# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a long module as always, and meanwhile look at how far it is and say so.

The module is started in the ordinary way, and not with Ansible's ``async``: that would copy a wrapper to the
managed host before a task does anything, leave a supervisor that sleeps there when the module has ended, and
a file with the result, and hide from the module that nobody waits for it any more. So what a task returns is
what the module returned, and a task that is done within `FIRST_LOOK` seconds is not even looked at.

Another thread looks, over a copy of the connection (with ssh a channel of the same connection, as Ansible
shares it): it touches the module's heartbeat and reads the last lines of its progress. What it says goes to
the standard error, so that a callback's JSON or YAML on the standard output stays what it is.
"""

from __future__ import annotations

import contextvars
import copy
import os
import secrets
import shlex
import signal
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.rubin.butler.plugins.module_utils._module.progress import (
    FOLDER_VARIABLE,
    HEARTBEAT,
    PROGRESS,
)
from ansible_collections.rubin.butler.plugins.plugin_utils.progress import LINES, read_steps, sentence

FIRST_LOOK = 2.0
"""When the module is first looked at, in seconds after its start."""
LOOKS = 2.0
LOOKS_LATER = 5.0
"""How long from one look to the next, in seconds: during the first half minute, and later."""
SAYS_ON_TERMINAL = 5.0
SAYS_ELSEWHERE = 30.0
"""How long from one line to the next, in seconds."""
LAST_LOOK = 10.0
"""How long the end of the task waits for a look that has begun, in seconds."""
LAST_WORDS = 3.0
"""How long an interrupted task may take to stop the module, in seconds."""


def _standard_error() -> int:
    """Keep what a worker has not got any more: strategies load an action before they fork the worker."""
    try:
        return os.dup(2)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


STANDARD_ERROR = _standard_error()
ON_TERMINAL = os.isatty(STANDARD_ERROR)

display = Display()


class _Interrupted(BaseException):
    """A signal to the worker."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class _Signals:
    """Turns the signals that end a worker into an exception, and hands them to Ansible's handlers then."""

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def take(self) -> None:
        """Take the signals over."""
        self._before = {number: signal.signal(number, self._on_signal) for number in self.NUMBERS}

    def restore(self) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> NoReturn:
        # The play sends another one right after the first, and what is left to do takes a moment.
        for other in self.NUMBERS:
            signal.signal(other, _take_no_notice)
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, LAST_WORDS)
        raise _Interrupted(number)

    def pass_on(self, number: int) -> None:
        """Do what would have been done without us: end the task's processes on this host, and the worker."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        handler = self._before.get(number)
        if callable(handler):
            handler(number, None)


def _take_no_notice(_number: int, _frame: FrameType | None) -> None:
    pass


def _too_long(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError


class Watcher(threading.Thread):
    """Looks at a running module.

    Parameters
    ----------
    action : `WatchedAction`
        An action of its own, on a connection of its own.
    folder : `str`
        Where the module leaves its progress, on the managed host.
    label : `str`
        How lines begin.
    items : `str`
        What is counted.
    quiet : `bool`
        Whether nothing is said.
    """

    def __init__(self, action: WatchedAction, folder: str, *, label: str, items: str, quiet: bool) -> None:
        super().__init__(name="butler progress", daemon=True)
        self._action = action
        self.folder = folder
        self._label = label
        self._items = items
        self._quiet = quiet
        self._ended = threading.Event()
        self._context = contextvars.copy_context()

    def run(self) -> None:
        """Look until the module has ended."""
        # A signal that this thread got would not wake the main one, which waits for the module.
        signal.pthread_sigmask(signal.SIG_BLOCK, (*_Signals.NUMBERS, signal.SIGALRM))
        self._context.run(self._watch)

    def _watch(self) -> None:
        begun = time.monotonic()
        said = float("-inf")
        wait = FIRST_LOOK
        while not self._ended.wait(wait):
            now = time.monotonic()
            wait = LOOKS if now - begun < 30 else LOOKS_LATER
            try:
                steps = read_steps(self._look())
            except Exception as error:
                # The module's own connection tells whether the host is gone. Then the heartbeat ends too.
                display.vv(f"{self._label}: can't be looked at: {error}")
                continue
            pause = SAYS_ON_TERMINAL if ON_TERMINAL else SAYS_ELSEWHERE
            if steps and not self._ended.is_set() and not self._quiet and now - said >= pause:
                said = now
                self.say(sentence(steps, self._items))

    def _look(self) -> str:
        return self._run(f"cd {{}} 2>/dev/null && touch {HEARTBEAT} && tail -n {LINES} {PROGRESS}")

    def _run(self, command: str) -> str:
        done = self._action._low_level_execute_command(command.format(shlex.quote(self.folder)))
        return str(done.get("stdout", ""))

    def say(self, line: str) -> None:
        """Show a line, if Ansible can still show something.

        Parameters
        ----------
        line : `str`
            What to say of the task.
        """
        with suppress(Exception):
            display.display(f"{self._label}: {line}", stderr=True)

    def say_last(self, line: str) -> None:
        """Show a line when the play is ending: what goes through Ansible's queue is not shown any more.

        Parameters
        ----------
        line : `str`
            What to say of the task.
        """
        with suppress(OSError):
            os.write(STANDARD_ERROR, f"{self._label}: {line}\n".encode())

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        if self.is_alive():
            self.join(LAST_LOOK)

    def give_up(self) -> None:
        """Tell the module to stop, and remove what it has left if it can't do that itself any more."""
        self._ended.set()
        if self.is_alive():
            self.join(0.5)
        with suppress(Exception):
            self._run("rm -rf {}")


class WatchedAction(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """The action of a long module: the module, and lines that say how far it is."""

    items = "items"
    """What the module counts, in its plural."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module.

        Parameters
        ----------
        tmp : `object`
            Of no use any more.
        task_vars : `dict`
            The variables of the task.

        Returns
        -------
        result : `dict`
            The module's.
        """
        if self._task.async_val:
            raise AnsibleActionFail(
                f"async: got {self._task.async_val}, and {self._task.action} can't be left alone, because it "
                "stops when the play that started it is gone. Remove async and poll from the task: the play "
                "shows how far it is, and what was interrupted is finished when it is run again. To let go "
                "of the terminal run ansible-playbook itself in the background, with tmux or systemd-run."
            )
        result: dict[str, Any] = super().run(tmp, task_vars)
        watcher = self._watcher(task_vars or {})
        signals = _Signals()
        ended = False
        try:
            signals.take()
            watcher.start()
            result.update(self._execute_watched(watcher.folder, task_vars))
            ended = bool(result.get("_ansible_parsed"))
        except _Interrupted as interrupted:
            watcher.say_last(
                f"{interrupted}: stops at the next batch boundary. What was committed stays, and the same "
                "task run again finishes the rest."
            )
            watcher.give_up()
            with suppress(Exception):
                self.cleanup()
            # The module, if it is on this host, and the connection get the signal too.
            signals.pass_on(interrupted.number)
            raise AnsibleActionFail(f"interrupted by {interrupted}") from None
        finally:
            signals.restore()
            watcher.end()
            if not ended:
                watcher.give_up()
        self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _execute_watched(self, folder: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        before = self._task.environment
        environments = before if isinstance(before, list) else [before] if before else []
        self._task.environment = [{FOLDER_VARIABLE: folder}, *environments]
        try:
            # Ansible adds its own to the arguments.
            found = self._execute_module(module_args=dict(self._task.args), task_vars=task_vars)
        finally:
            self._task.environment = before
        return dict(found)

    def _watcher(self, task_vars: dict[str, Any]) -> Watcher:
        action = copy.copy(self)
        action._connection = copy.copy(self._connection)
        for plugin in ("_shell", "become"):
            setattr(action._connection, plugin, copy.copy(getattr(self._connection, plugin)))
        name = str(self._task.action).rpartition(".")[2]
        host = str(task_vars.get("inventory_hostname", ""))
        if self._task.delegate_to:
            host += f" -> {self._task.delegate_to}"
        # Any user can write there, and nobody else knows the name or can use the folder.
        places = self.get_shell_option("system_tmpdirs", default=None) or ["/var/tmp"]
        shown = boolean(self._task.args.get("progress", True), strict=False)
        return Watcher(
            action,
            f"{places[0]}/rubin-butler-{secrets.token_hex(16)}",
            label=f"{name} [{host}]",
            items=self.items,
            quiet=bool(self._task.no_log) or not shown,
        )
