# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets are certified for validity ranges, or are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import register
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import uncollected
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.declared import (
    Entry,
    declared_entries,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.observed import (
    Current,
    nothing_of,
    observe,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.planning import Planner, Work
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.writing import write

BATCH = 10_000


@dataclass(frozen=True)
class CertifyState:
    """The declared certifications.

    Parameters
    ----------
    entries : `tuple` [ `Entry`, ... ]
        In the order of the task.
    on_missing : {"fail", "skip"}
        What to do about dataset types, collections and datasets that are not there.
    on_conflict : {"fail", "keep", "replace"}
        What to do where another dataset is valid.
    batch_size : `int`
        About how many data IDs there are in a transaction.
    """

    entries: tuple[Entry, ...]
    on_missing: str = "fail"
    on_conflict: str = "fail"
    batch_size: int = BATCH

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> CertifyState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``certifications``, ``on_missing`` and ``on_conflict``.

        Returns
        -------
        state : `CertifyState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for declarations that can't be meant; see `declared_entries`.
        """
        entries = declared_entries(params["certifications"])
        return cls(entries, params["on_missing"], params["on_conflict"])

    def observe(self, repository: Repository | None) -> Current:
        """Query what is declared and what is valid.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What exists.
        """
        if repository is None:
            return Current(seen=[nothing_of(entry) for entry in self.entries])
        with uncollected():
            return observe(repository.butler, self.entries)

    def plan(self, current: Current) -> Plan[Work]:
        """Compare what is declared with what is valid.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            With a timeline in each conflict.
        """
        with uncollected():
            return Planner(self.entries, current, self.on_missing, self.on_conflict).make()

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register the collections, then certify and decertify.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped between transactions.
        """
        repository = required(repository)
        for name in plan.work.register:
            report.checkpoint()
            register(repository.butler, name, "CALIBRATION")
            report.added += 1
        for held, tasks in sorted(plan.work.tasks.items()):
            write(repository, held, tasks, plan.work, report, self.batch_size)
