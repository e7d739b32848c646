# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two processes that ingest the same raws at the same time, as two hosts would."""

from __future__ import annotations

from threading import Barrier

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

from tests.integration.at_once import at_once
from tests.integration.raw_states import raws


def ingest_at_once(repo: str, source: str, transfer: str) -> list[tuple[int, int]]:
    """Have two processes ingest the same raws; neither writes before both have planned.

    Parameters
    ----------
    repo, source : `str`
        The repository and the raws.
    transfer : `str`
        How they get there.

    Returns
    -------
    results : `list` [ `tuple` [ `int`, `int` ] ]
        What each of them has added, and what failed.
    """
    return at_once(_run, [(repo, source, transfer)] * 2)


def _run(repo: str, source: str, transfer: str, barrier: Barrier) -> tuple[int, int]:
    """Plan, wait for the other, and apply."""
    state = raws(source, transfer=transfer, batch_size=2)
    repository = open_repository(repo, writeable=True)
    report = Report()
    with repository.butler:
        plan = state.plan(state.observe(repository))
        barrier.wait()
        state.apply(repository, plan, report)
    return report.added, report.failed
