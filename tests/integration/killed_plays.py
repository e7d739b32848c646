# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill -9 a whole play at any step of any of its modules, run it again, and compare.

The modules of a play are run one after another with the arguments that they had in it, in one process that
counts the steps of `killing.STEPS`. What only Ansible does between them is left out, so that a kill takes
seconds.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.testing import patch_module_args

from tests.integration.ansible_play import COLLECTION, Playbook
from tests.integration.canonical import Dump, difference, dump
from tests.integration.killing import nothing_random, watch
from tests.integration.modules_here import MODULES


@dataclass(frozen=True)
class Call:
    """A module as a play has called it."""

    task: str
    module: str
    arguments: Mapping[str, Any]


def calls_of(path: Path, done: Playbook) -> list[Call]:
    """Find the modules that a play has called, those that only read left out.

    Parameters
    ----------
    path : `pathlib.Path`
        The playbook.
    done : `Playbook`
        A run of it.

    Returns
    -------
    calls : `list` [ `Call` ]
        In the order of the play, each turn of a loop by itself.
    """
    (play,) = yaml.safe_load(path.read_text())
    modules = {
        task["name"]: key.removeprefix(f"{COLLECTION}.")
        for task in play["tasks"]
        for key in task
        if key.startswith(f"{COLLECTION}.")
    }
    calls = [
        Call(result.task, modules[result.task], _given(each["invocation"]["module_args"]))
        for result in done.results
        if modules.get(result.task, "butler_info") != "butler_info"
        for each in result.result.get("results", [result.result])
        if "invocation" in each
    ]
    assert calls, f"the results of {path} do not tell how modules were called"
    return calls


def _given(value: Any) -> Any:
    """Leave out what was not given: options that exclude each other are both there otherwise."""
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class KilledPlays:
    """A play to kill.

    Parameters
    ----------
    calls : `list` [ `Call` ]
        Its modules.
    repo : `pathlib.Path`
        Its repository.
    start : `pathlib.Path` or `None`
        A copy of the repository that each attempt begins with; `None` for none.
    scratch : `pathlib.Path`
        Where to write down what an attempt did.
    random : `~collections.abc.Callable`, optional
        Finds what is random in the repository, such as ids, and what to compare instead.
    """

    calls: list[Call]
    repo: Path
    start: Path | None
    scratch: Path
    random: Callable[[Path], Mapping[str, str]] = nothing_random

    def prove_finished(self, kills: int, seed: int, expected: Dump | None = None) -> list[str]:
        """Kill it in random tasks, finish each with another run, and compare with one that nobody killed.

        Parameters
        ----------
        kills : `int`
            How often.
        seed : `int`
            Of the choice of tasks and steps.
        expected : `Dump`, optional
            What the play itself has made, if there is that.

        Returns
        -------
        tasks : `list` [ `str` ]
            Which task each of the kills has met.
        """
        self._restart()
        steps = self._run(None)
        whole = self._dump()
        assert expected is None or not difference(expected, whole), "not what the play had made"
        met = []
        for step in _chosen(steps, kills, random.Random(seed)):
            self._restart()
            self._run(step)
            met.append(steps[step])
            self._run(None)
            found = difference(whole, self._dump())
            assert not found, f"killed in {steps[step]!r}, the next run ended elsewhere: {found[:20]}"
        return met

    def _dump(self) -> Dump:
        return dump(self.repo, self.random(self.repo))

    def _restart(self) -> None:
        shutil.rmtree(self.repo, ignore_errors=True)
        if self.start is not None:
            shutil.copytree(self.start, self.repo, symlinks=True)

    def _run(self, kill: int | None) -> list[str]:
        """Run it, and give the task of each step."""
        output = self.scratch / "steps"
        process = multiprocessing.get_context("fork").Process(target=self._work, args=(kill, output))
        process.start()
        process.join()
        log = output.with_suffix(".log").read_text()[-2000:]
        if kill is not None:
            assert process.exitcode == -signal.SIGKILL, f"it was not killed ({process.exitcode}): {log}"
            return []
        assert process.exitcode == 0, f"it failed ({process.exitcode}): {log}"
        steps: list[str] = json.loads(output.read_text())
        return steps

    def _work(self, kill: int | None, output: Path) -> None:
        with output.with_suffix(".log").open("wb") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        steps: list[str] = []
        task = ""

        def step(_name: str) -> None:
            if kill == len(steps):
                os.kill(os.getpid(), signal.SIGKILL)
            steps.append(task)

        watch(step)
        for call in self.calls:
            task = call.task
            if code := _called(call):
                os._exit(code)
        output.write_text(json.dumps(steps))


def _chosen(steps: list[str], count: int, choice: random.Random) -> list[int]:
    """Choose steps: as many of a task as of any other, though making a repository takes half of them all."""
    by_task: dict[str, list[int]] = {}
    for step, task in enumerate(steps):
        by_task.setdefault(task, []).append(step)
    tasks: list[str] = []
    while len(tasks) < count:
        tasks += choice.sample(list(by_task), len(by_task))
    return [choice.choice(by_task[task]) for task in tasks[:count]]


def _called(call: Call) -> int:
    main: Callable[[], None] = importlib.import_module(f"{MODULES}.{call.module}").main
    with patch_module_args(dict(call.arguments)):
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0
