# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules through the real ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.integration import warm
from tests.module_texts import COLLECTION, assert_is_documented

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class TaskResult:
    """What a task returned, and how Ansible judged it."""

    task: str
    status: str
    result: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.result[key]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))


@dataclass(frozen=True)
class Cycle:
    """The four runs that every state is proven with."""

    check: TaskResult
    run: TaskResult
    check_again: TaskResult
    run_again: TaskResult

    def assert_converges(self) -> None:
        """Check, run, check, run: the plan is carried out as printed, then nothing is left to do."""
        for result in (self.check, self.run, self.check_again, self.run_again):
            assert not result.failed, result.message
        assert self.check.changed and self.run.changed, "nothing to do at the start"
        assert self.check["changes"] == self.run["changes"], "the run is not what the check had promised"
        assert self.check["stats"] == self.run["stats"]
        assert self.check["diff"] == self.run["diff"]
        for result in (self.check_again, self.run_again):
            assert not result.changed, result["changes"]
            assert result["changes"] == []
            assert result["diff"] == {"before": "", "after": ""}


def environment(**more: str) -> dict[str, str]:
    """Give the environment in which a checkout's playbooks run."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {
        **keep,
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "var/collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "tests/integration/callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        # From ansible-core 2.21 on results have their task's arguments only if that is wanted.
        "ANSIBLE_INJECT_INVOCATION": "True",
        **more,
    }


def play(
    tasks: Sequence[Mapping[str, Any]],
    *arguments: str,
    variables: Mapping[str, Any] | None = None,
    **env: str,
) -> list[TaskResult]:
    """Run tasks on this host with the packages of the tests.

    Parameters
    ----------
    tasks : `~collections.abc.Sequence`
        Tasks as in a playbook. A failing one does not end the play, so that its result can be looked at.
    *arguments : `str`
        More arguments for ``ansible-playbook``, such as ``--check``.
    variables : `~collections.abc.Mapping`, optional
        Variables of the play.
    **env : `str`
        More environment.

    Returns
    -------
    results : `list` [ `TaskResult` ]
        One for each task.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "play.yml")
        content = {
            "hosts": "localhost",
            "gather_facts": False,
            "connection": "local",
            "vars": {"ansible_python_interpreter": warm.interpreter(), **(variables or {})},
            "tasks": [{"ignore_errors": True, **task} for task in tasks],
        }
        path.write_text(yaml.safe_dump([content]))
        return playbook(path, "-i", "localhost,", *arguments, **env).results


@dataclass(frozen=True)
class Playbook:
    """What a playbook's run printed and returned."""

    returncode: int
    output: str
    results: list[TaskResult]

    @property
    def changes(self) -> list[dict[str, Any]]:
        """All changes of all tasks, loops included."""
        found = []
        for task in self.results:
            for result in task.result.get("results", [task.result]):
                assert result.get("truncated", 0) == 0
                found += [{"task": task.task, **change} for change in result.get("changes", [])]
        return found


def playbook(path: Path, *arguments: str, **env: str) -> Playbook:
    """Run a playbook, and hold what every module of ours returns against its RETURN.

    Parameters
    ----------
    path : `~pathlib.Path`
        The playbook.
    *arguments : `str`
        Arguments for ``ansible-playbook``.
    **env : `str`
        More environment.

    Returns
    -------
    done : `Playbook`
        Exit code, output and the tasks' results.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder, "results")
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), *arguments, str(path)],
            env=environment(TASK_RESULTS=str(results), **env),
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        assert results.exists(), done.stdout + done.stderr
        lines = [json.loads(line) for line in results.read_text().splitlines()]
    for line in lines:
        collection, _unused, module = line["action"].rpartition(".")
        if collection == COLLECTION and line["status"] == "ok":
            for result in line["result"].get("results", [line["result"]]):
                if not result.get("failed") and not result.get("skipped"):
                    assert_is_documented(module, result)
    tasks = [TaskResult(line["task"], line["status"], line["result"]) for line in lines]
    return Playbook(done.returncode, done.stdout + done.stderr, tasks)


def run(module: str, arguments: Mapping[str, Any], **keywords: Any) -> TaskResult:
    """Run one module, with ``check_mode`` or ``diff`` as task keywords."""
    return play([{f"{COLLECTION}.{module}": dict(arguments), **keywords}])[0]


def cycle(module: str, arguments: Mapping[str, Any]) -> Cycle:
    """Run a module in the pattern check, run, check, run."""
    task = {f"{COLLECTION}.{module}": dict(arguments), "diff": True}
    return Cycle(*play([{**task, "check_mode": check} for check in (True, False, True, False)]))
