# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that work at the same time, as several hosts would."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.context import ForkServerContext
from typing import Any, TypeVar

from tests.waiting import PATIENCE

Result = TypeVar("Result")

_PRELOAD = ["lsst.daf.butler", "lsst.daf.butler.formatters.yaml", "tests.integration.killing"]


def fork_server() -> ForkServerContext:
    """Give the means to start processes that share nothing with this one, and have daf_butler imported.

    Returns
    -------
    context : `multiprocessing.context.ForkServerContext`
        Its server starts once; whoever comes first says what it imports, so all say the same.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    return context


def at_once(work: Callable[..., Result], calls: Sequence[tuple[Any, ...]]) -> list[Result]:
    """Do some work in several processes at the same time.

    Parameters
    ----------
    work : `~collections.abc.Callable`
        Takes the arguments of its process, then a `threading.Barrier`: its ``wait()`` returns once all
        processes are there, such as when each of them has planned.
    calls : `~collections.abc.Sequence` [ `tuple` ]
        The arguments for each process.

    Returns
    -------
    results : `list`
        What each of them gave, in the same order.

    Raises
    ------
    Exception
        Raised if one of them raised it.
    """
    context = fork_server()
    # The server may be older than the variables that hold this test's credentials.
    environment = dict(os.environ)
    with context.Manager() as manager, context.Pool(len(calls), _take_over, (environment,)) as pool:
        barrier = manager.Barrier(len(calls), None, PATIENCE)
        running = [pool.apply_async(work, (*arguments, barrier)) for arguments in calls]
        return [one.get(PATIENCE) for one in running]


def _take_over(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
