# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill -9 a run at any of its steps or at any moment, run again, and compare.

Each attempt is a process of its own, started from a server that has daf_butler imported, so that a kill costs
a fraction of a second. Steps between which nothing gets to the disk are one: a kill at any of them leaves the
same behind. A step is counted at each of:

* ``checkpoint``: the batch boundary where a run may be stopped;
* ``statement``: just before an SQL statement that writes;
* ``commit``: just before a transaction that has written is committed; the step after it is the moment just
  after;
* ``transfer`` and ``transferred``: just before and just after an artifact is copied, linked or moved;
* ``remove``: just before a file is removed;
* ``file``: just before a file or directory beside the artifacts is made, renamed or removed.
"""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

from tests.integration.at_once import fork_server
from tests.integration.canonical import Dump, difference, dump

STEPS = ("checkpoint", "statement", "commit", "transfer", "transferred", "remove", "file")


def nothing_random(repo: Path) -> Mapping[str, str]:
    """Take everything in a repository as it is."""
    return {}


@dataclass(frozen=True)
class Attempt:
    """A state to converge in a process of its own.

    Parameters
    ----------
    state : `str`
        ``package.module:Class`` below ``module_utils``, such as ``_states.collections:CollectionsState``.
    params : `~collections.abc.Mapping`
        What its ``from_params`` takes.
    repo : `pathlib.Path`
        The repository.
    fields : `~collections.abc.Mapping`
        Fields of the state to set besides, such as a small ``batch_size``.
    opens : `bool`, optional
        False for a state that opens its repository by itself.
    random : `~collections.abc.Callable`, optional
        Finds what is random in the repository, such as ids, and what to compare instead.
    """

    state: str
    params: Mapping[str, Any]
    repo: Path
    fields: Mapping[str, Any] = field(default_factory=dict)
    opens: bool = True
    random: Callable[[Path], Mapping[str, str]] = nothing_random


def run(attempt: Attempt) -> dict[str, Any]:
    """Let an attempt finish.

    Parameters
    ----------
    attempt : `Attempt`
        What to run.

    Returns
    -------
    result : `dict`
        What the module would return; under ``steps`` the names of the steps that it went through, and under
        ``left`` the changes that the same task would find to do afterwards.
    """
    context = fork_server()
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(attempt, None, send))
    process.start()
    send.close()
    try:
        result: dict[str, Any] = receive.recv()
    except EOFError:
        result = {"error": f"the process ended with {process.exitcode}"}
    process.join()
    assert "error" not in result, result["error"]
    return result


def kill_at(attempt: Attempt, step: int) -> bool:
    """Kill an attempt at a step.

    Parameters
    ----------
    attempt : `Attempt`
        What to run.
    step : `int`
        Index of the step, from 0.

    Returns
    -------
    killed : `bool`
        Whether it was killed; false if it had fewer steps.
    """
    process = fork_server().Process(target=_work, args=(attempt, step, None))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"the attempt failed ({process.exitcode})"
    return bool(process.exitcode == -signal.SIGKILL)


def kill_after(attempt: Attempt, seconds: float) -> bool:
    """Kill an attempt at a moment.

    Parameters
    ----------
    attempt : `Attempt`
        What to run.
    seconds : `float`
        When, after its process has started.

    Returns
    -------
    killed : `bool`
        Whether it was killed; false if it had finished before.
    """
    process = fork_server().Process(target=_work, args=(attempt, None, None))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"the attempt failed ({process.exitcode})"
    return bool(process.exitcode == -signal.SIGKILL)


def prove_killed_runs_are_finished(
    template: Path,
    attempt_in: Callable[[Path], Attempt],
    *,
    steps: Callable[[list[str]], Iterable[int]],
    moments: int,
    seed: int,
) -> int:
    """Kill runs, finish each with a second one, and compare with a run that nobody killed.

    Parameters
    ----------
    template : `pathlib.Path`
        A folder that holds the repository, and the files to ingest where a run moves them. Every attempt
        works on a copy beside it.
    attempt_in : `~collections.abc.Callable`
        Gives the attempt for a copy.
    steps : `~collections.abc.Callable`
        Chooses steps to kill at from those that the unkilled run went through, such as `every`. Of those
        that leave the same on disk only the last is taken.
    moments : `int`
        How many runs to kill at a random moment besides.
    seed : `int`
        Of the random choices.

    Returns
    -------
    kills : `int`
        How many runs were killed. All of them ended, with the next run, in the repository of the unkilled
        run; and a third one found nothing to do.
    """
    choice = random.Random(seed)
    expected, unkilled, seconds = _unkilled(template, attempt_in)
    kills = 0
    chosen: list[tuple[str, Callable[[Attempt], bool]]] = []
    for step in last_of_each_state(steps(unkilled), unkilled):
        name = f"step {step} ({unkilled[step]})"
        chosen.append((name, lambda attempt, step=step: kill_at(attempt, step)))  # type: ignore[misc]
    for _unused in range(moments):
        when = choice.uniform(0.0, seconds)
        chosen.append((f"{when:.3f} s", lambda attempt, when=when: kill_after(attempt, when)))  # type: ignore[misc]
    for name, kill in chosen:
        folder = _copy(template, "killed")
        attempt = attempt_in(folder)
        kills += kill(attempt)
        left = run(attempt)["left"]
        found = difference(expected, _dump(folder, attempt))
        assert not found, f"killed at {name}, the next run ended elsewhere: {found[:20]}"
        assert not left, f"killed at {name}, a third run would change {left}"
        shutil.rmtree(folder)
    return kills


def last_of_each_state(chosen: Iterable[int], steps: list[str]) -> list[int]:
    """Leave out steps at which a killed run leaves the same on disk as at a later one.

    What a transaction wrote is not there until it was committed.

    Parameters
    ----------
    chosen : `~collections.abc.Iterable` [ `int` ]
        Indexes of steps.
    steps : `list` [ `str` ]
        The names of all steps.

    Returns
    -------
    last : `list` [ `int` ]
        The indexes of those to kill at, ascending.
    """
    states = []
    state = 0
    for name in steps:
        states.append(state)
        state += name in ("commit", "transfer", "remove", "file")
    return sorted({states[index]: index for index in sorted(chosen)}.values())


def every(*names: str) -> Callable[[list[str]], list[int]]:
    """Choose all steps of some names.

    Parameters
    ----------
    *names : `str`
        Of `STEPS`.

    Returns
    -------
    steps : `~collections.abc.Callable`
        For `prove_killed_runs_are_finished`.
    """
    return lambda steps: [index for index, step in enumerate(steps) if step in names]


def some(count: int, seed: int, *names: str) -> Callable[[list[str]], list[int]]:
    """Choose steps of some names at random.

    Parameters
    ----------
    count : `int`
        How many at most.
    seed : `int`
        Of the choice.
    *names : `str`
        Of `STEPS`; any if none is given.

    Returns
    -------
    steps : `~collections.abc.Callable`
        For `prove_killed_runs_are_finished`.
    """

    def choose(steps: list[str]) -> list[int]:
        wanted = last_of_each_state(every(*(names or STEPS))(steps), steps)
        return random.Random(seed).sample(wanted, min(count, len(wanted)))

    return choose


def _unkilled(template: Path, attempt_in: Callable[[Path], Attempt]) -> tuple[Dump, list[str], float]:
    folder = _copy(template, "unkilled")
    attempt = attempt_in(folder)
    start = time.monotonic()
    result = run(attempt)
    seconds = time.monotonic() - start
    assert result["changed"], "the unkilled run changes nothing"
    expected = _dump(folder, attempt)
    shutil.rmtree(folder)
    return expected, result["steps"], seconds


def _copy(template: Path, name: str) -> Path:
    # Every copy gets the same path, so that artifacts ingested in place have the same URIs.
    folder = template.with_name(f"{template.name}-attempt")
    assert not folder.exists(), f"{name}: {folder} is left over"
    shutil.copytree(template, folder, symlinks=True)
    return folder


def _dump(folder: Path, attempt: Attempt) -> Dump:
    return dump(attempt.repo, {str(folder): "<folder>", **attempt.random(attempt.repo)})


def _work(attempt: Attempt, kill: int | None, send: Any) -> None:
    """Converge in this process, counting steps and dying at the given one."""
    steps: list[str] = []

    def step(name: str) -> None:
        if kill == len(steps):
            os.kill(os.getpid(), signal.SIGKILL)
        steps.append(name)

    module, _unused, name = attempt.state.partition(":")
    package = "ansible_collections.rubin.butler.plugins.module_utils."
    try:
        kind = getattr(importlib.import_module(package + module), name)
        state = kind.from_params(dict(attempt.params))
        if attempt.fields:
            state = replace(state, **attempt.fields)
        repository = open_repository(str(attempt.repo), writeable=True) if attempt.opens else None
        watch(step)
        report = Report(checkpoint=lambda: step("checkpoint"))
        outcome = converge(state, repository, check_mode=False, report=report)
        result = {**outcome.as_result(diff=False), "notices": outcome.notices, "steps": list(steps)}
        if send is not None:
            state = kind.from_params(dict(attempt.params))
            left = converge(state, repository, check_mode=True, report=Report())
            result["left"] = [change.as_dict() for change in left.changes]
        if repository is not None:
            repository.butler.close()
    except Exception as error:
        if send is not None:
            send.send({"error": f"{type(error).__name__}: {error}"})
        raise
    if send is not None:
        send.send(result)


def watch(step: Callable[[str], None]) -> None:
    """Have a function called at each step of this process.

    Parameters
    ----------
    step : `~collections.abc.Callable`
        Takes one of `STEPS`.
    """
    from lsst.resources.file import FileResourcePath
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "before_cursor_execute")
    def on_statement(connection: Any, _cursor: Any, statement: str, *_unused: Any) -> None:
        if statement.lstrip().split(" ", 1)[0].upper() in ("INSERT", "UPDATE", "DELETE", "CREATE"):
            step("statement")
            connection.info["wrote"] = True

    @event.listens_for(Engine, "commit")
    def on_commit(connection: Any) -> None:
        if connection.info.pop("wrote", False):
            step("commit")

    transfer, remove = FileResourcePath.transfer_from, FileResourcePath.remove

    def transfer_from(self: FileResourcePath, *arguments: Any, **more: Any) -> None:
        step("transfer")
        transfer(self, *arguments, **more)
        step("transferred")

    def remove_file(self: FileResourcePath) -> None:
        step("remove")
        remove(self)

    def watched(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            step("file")
            return method(*arguments, **more)

        return call

    for name in ("mkdir", "replace", "rmdir", "unlink"):
        setattr(Path, name, watched(getattr(Path, name)))
    FileResourcePath.transfer_from = transfer_from  # type: ignore[method-assign]
    FileResourcePath.remove = remove_file  # type: ignore[method-assign]
