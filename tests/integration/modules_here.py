# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules, from their arguments to their printed result, in a fork of this process.

Where many modules are run many times this takes a tenth of the time that a playbook does, as everything is
imported already. What only Ansible does, on its way to a host, is left out.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.testing import patch_module_args

from tests.integration.ansible_play import Cycle, TaskResult
from tests.module_texts import assert_is_documented

MODULES = "ansible_collections.rubin.butler.plugins.modules"


def module_here(
    module: str, arguments: Mapping[str, Any], *, check_mode: bool = False, **env: str
) -> TaskResult:
    """Run a module.

    Parameters
    ----------
    module : `str`
        Its short name.
    arguments : `~collections.abc.Mapping`
        As in a playbook.
    check_mode : `bool`
        Only look.
    **env : `str`
        More environment.

    Returns
    -------
    result : `TaskResult`
        What it printed, with a diff; held against its documentation if it did not fail.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        process = multiprocessing.get_context("fork").Process(
            target=_run, args=(module, dict(arguments), check_mode, env, output)
        )
        process.start()
        process.join()
        lines = output.read_text().splitlines()
    printed = [line for line in lines if line.startswith("{")]
    assert len(printed) == 1, f"{module} ended with {process.exitcode}: {lines[-20:]}"
    result = json.loads(printed[0])
    failed = bool(result.get("failed"))
    if not failed:
        assert_is_documented(module, result)
    return TaskResult(module, "failed" if failed else "ok", result)


def cycle_here(module: str, arguments: Mapping[str, Any], **env: str) -> Cycle:
    """Run a module in the pattern check, run, check, run."""
    return Cycle(
        *(module_here(module, arguments, check_mode=check, **env) for check in (True, False, True, False))
    )


def _run(
    module: str, arguments: dict[str, Any], check_mode: bool, env: Mapping[str, str], output: Path
) -> None:
    with output.open("wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    # What pytest has put in their place would hold the result back.
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    os.environ.update(env)
    given = {**arguments, "_ansible_check_mode": check_mode, "_ansible_diff": True}
    with patch_module_args(given):
        importlib.import_module(f"{MODULES}.{module}").main()
