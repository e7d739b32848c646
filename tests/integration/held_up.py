# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that waits for another writer's lock, and whoever holds the lock until it does."""

from __future__ import annotations

from multiprocessing.pool import AsyncResult
from threading import Event
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler import locks
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

from tests.waiting import until


def waiting_for(name: str) -> str:
    """Give what the operator is told of a lock that another writer holds."""
    return f"waiting for another writer of {name}"


def report_that_tells(waits: Event, name: str) -> Report:
    """Give a report for a run that will be held up.

    From now on this process says that it waits as soon as it does, not after a while: so it must be one that
    does nothing else.

    Parameters
    ----------
    waits : `threading.Event`
        Set once the run waits.
    name : `str`
        For what: the lock's name.

    Returns
    -------
    report : `Report`
        For the run.
    """
    locks.PATIENCE = 0.0

    def hear(line: str) -> None:
        if line == waiting_for(name):
            waits.set()

    return Report(log=hear)


def assert_waits(waits: Event, run: AsyncResult[Any]) -> None:
    """Wait until a run waits for the lock.

    Parameters
    ----------
    waits : `threading.Event`
        The one that its report sets.
    run : `multiprocessing.pool.AsyncResult`
        The run.

    Raises
    ------
    AssertionError
        Raised if it ends without having waited.
    """
    until(lambda: waits.is_set() or run.ready())
    if run.ready():
        raise AssertionError(f"it has ended, and waited for nobody: {run.get()}")
