# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe, plan, apply: the one loop of every state."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from ansible_collections.rubin.butler.plugins.module_utils._convergence.diff import render
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Change, Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

if TYPE_CHECKING:
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository

MAX_CHANGES = 1000

Current = TypeVar("Current")
Work = TypeVar("Work")


class State(Protocol[Current, Work]):
    """A declared state: its parameters are what is desired."""

    def observe(self, repository: Repository | None) -> Current:
        """Look at what is there, without writing.

        Parameters
        ----------
        repository : `Repository` or `None`
            The opened repository; `None` when it is absent.

        Returns
        -------
        current : ``Current``
            What is there, as far as it matters.
        """

    def plan(self, current: Current) -> Plan[Work]:
        """Tell, purely from what is desired and what is there, all that has to change.

        Parameters
        ----------
        current : ``Current``
            From `observe`.

        Returns
        -------
        plan : `Plan` [ ``Work`` ]
            All changes, or why they can't be.
        """

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Carry the plan out.

        Parameters
        ----------
        repository : `Repository` or `None`
            The opened repository.
        plan : `Plan` [ ``Work`` ]
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped at its checkpoints.
        """


@runtime_checkable
class Watched(Protocol):
    """A state that looks for so long that it says how far it is."""

    def watch(self, report: Report) -> None:
        """Take the report that `State.observe` is to tell its steps.

        Parameters
        ----------
        report : `Report`
            The one that the run is counted in.
        """


@dataclass
class Outcome:
    """The one result type of every state module.

    Parameters
    ----------
    changes : `list` [ `Change` ]
        The plan's changes, sorted.
    assumes : `list` [ `str` ]
        What check mode took for granted.
    stats : `dict` [ `str`, `int` ]
        Counts: ``present``, ``added``, ``replaced``, ``removed``, ``skipped``, ``failed``.
    failures : `list` [ `dict` ]
        The first objects that failed, with reasons.
    notices : `list` [ `str` ]
        Warnings for the operator.
    seconds : `float`
        How long the task took.
    """

    changes: list[Change]
    assumes: list[str]
    stats: dict[str, int]
    seconds: float
    failures: list[dict[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything is, or in check mode would be, different (`bool`)."""
        return bool(self.changes)

    def as_result(self, *, diff: bool) -> dict[str, Any]:
        """Give what the module returns.

        Parameters
        ----------
        diff : `bool`
            Whether a diff is wanted.

        Returns
        -------
        result : `dict`
            ``changed``, ``stats``, ``changes``, ``truncated``, ``assumes``, ``failures``, ``seconds``, and
            ``diff`` if wanted.
        """
        result: dict[str, Any] = {
            "changed": self.changed,
            "stats": self.stats,
            "changes": [change.as_dict() for change in self.changes[:MAX_CHANGES]],
            "truncated": max(0, len(self.changes) - MAX_CHANGES),
            "assumes": self.assumes[:MAX_CHANGES],
            "failures": self.failures,
            "seconds": round(self.seconds, 3),
        }
        if diff:
            result["diff"] = render(self.changes)
        return result


def converge(
    state: State[Current, Work],
    repository: Repository | None,
    *,
    check_mode: bool,
    report: Report,
) -> Outcome:
    """Bring a repository to the declared state, or tell what that would take.

    Parameters
    ----------
    state : `State`
        What is desired.
    repository : `Repository` or `None`
        The opened repository; `None` when it is absent.
    check_mode : `bool`
        Stop after the plan.
    report : `Report`
        Counts what is done, and says where the run may be stopped.

    Returns
    -------
    outcome : `Outcome`
        What changed, or would.

    Raises
    ------
    ButlerError
        Raised before any write for conflicts and unmet assumptions, all of them listed.
    """
    start = time.monotonic()
    if isinstance(state, Watched):
        state.watch(report)
    plan = state.plan(state.observe(repository))
    changes = plan.sorted_changes()
    for change in changes:
        report.log(
            f"plan: {change.action} {change.kind} {change.name}"
            + (f" ({change.count})" if change.count != 1 else "")
        )
    conflicts = sorted(str(conflict) for conflict in plan.conflicts)
    assumes = sorted({str(assumption) for assumption in plan.assumes})
    if conflicts:
        raise ButlerError(
            "what is there is not what was declared",
            details=conflicts + ([] if check_mode else assumes),
            hint=plan.conflict_hint,
            unlisted=plan.more_conflicts,
        )
    if assumes and not check_mode:
        raise ButlerError(
            "the task needs what is not there",
            details=assumes,
            hint="Declare it with an earlier task, or name what exists. Nothing was written.",
        )
    report.skipped += plan.skipped
    report.notices[:0] = plan.notices
    for name, reason in plan.failures:
        report.fail(name, reason)
    if check_mode:
        report.added += plan.total("add")
        report.replaced += plan.total("replace")
        report.removed += plan.total("remove")
    elif changes:
        report.begin()
        state.apply(repository, plan, report)
    return Outcome(
        changes=changes,
        assumes=assumes,
        stats=report.stats(plan.present),
        failures=report.failures,
        notices=report.notices,
        seconds=time.monotonic() - start,
    )
