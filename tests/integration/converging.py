# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings repositories to declared states without the time that Ansible takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome, State, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report


def converge_here(
    state: State[Any, Any], repo: Path | None, *, check_mode: bool = False, report: Report | None = None
) -> Outcome:
    """Do in this process what a module does.

    Parameters
    ----------
    state : `State`
        What is declared.
    repo : `~pathlib.Path` or `None`
        The repository, which is absent if there is nothing at that place.
    check_mode : `bool`
        Stop after the plan.
    report : `Report`, optional
        Says where the run may be stopped.

    Returns
    -------
    outcome : `Outcome`
        What changed, or would.
    """
    report = report or Report()
    if repo is None or not repo.exists():
        return converge(state, None, check_mode=check_mode, report=report)
    repository = open_repository(str(repo), writeable=not check_mode)
    with repository.butler:
        return converge(state, repository, check_mode=check_mode, report=report)
