# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of parts put together to the one that is shown: groups that grow, lists that are bounded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.planning import Batch, Kept

MOST_CONFLICTS = 1_000
MOST_NOTICES = 50


@dataclass
class Folded:
    """What the plans of all parts show together.

    Parameters
    ----------
    changes : `dict`
        One change for each action, kind and name.
    assumes : `dict`
        What is taken for granted, each once.
    conflicts : `list` [ `Conflict` ]
        The first `MOST_CONFLICTS`.
    more_conflicts : `int`
        How many there are besides.
    notices : `list` [ `str` ]
        The first `MOST_NOTICES`.
    more_notices : `int`
        How many there are besides.
    kept : `dict` [ `str`, `Kept` ]
        What was left as it is, by the sentence that tells it.
    present, skipped : `int`
        Sums.
    """

    changes: dict[tuple[str, str, str], Change] = field(default_factory=dict)
    assumes: dict[Assumption, None] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    more_conflicts: int = 0
    notices: list[str] = field(default_factory=list)
    more_notices: int = 0
    kept: dict[str, Kept] = field(default_factory=dict)
    present: int = 0
    skipped: int = 0

    def take(self, part: Plan[Batch]) -> None:
        """Add what a part's plan shows.

        Parameters
        ----------
        part : `Plan`
            The plan of some exposures; they come in the order of their ids.
        """
        for change in part.changes:
            key = (change.action, change.kind, change.name)
            known = self.changes.get(key)
            self.changes[key] = change if known is None else _grown(known, change)
        self.assumes |= dict.fromkeys(part.assumes)
        room = MOST_CONFLICTS - len(self.conflicts)
        self.conflicts += part.conflicts[:room]
        self.more_conflicts += max(0, len(part.conflicts) - room)
        room = MOST_NOTICES - len(self.notices)
        self.notices += part.notices[:room]
        self.more_notices += max(0, len(part.notices) - room)
        for said, kept in part.work.kept.items():
            first = self.kept.get(said)
            self.kept[said] = kept if first is None else replace(first, count=first.count + kept.count)
        self.present += part.present
        self.skipped += part.skipped

    def show(self, plan: Plan[Any]) -> None:
        """Put everything into the plan of the task.

        Parameters
        ----------
        plan : `Plan`
            Gets it besides what it has.
        """
        plan.changes += self.changes.values()
        plan.assumes += self.assumes
        plan.conflicts += self.conflicts
        plan.more_conflicts += self.more_conflicts
        plan.notices += self.notices
        if self.more_notices:
            plan.notices.append(f"and {self.more_notices} more of this kind")
        plan.notices += [
            said.format(n=kept.count, raw=kept.first, what=kept.what) for said, kept in self.kept.items()
        ]
        plan.present += self.present
        plan.skipped += self.skipped


def _grown(first: Change, more: Change) -> Change:
    """Join two changes of one group."""
    return replace(
        first,
        before=_sum(first.before, more.before),
        after=_sum(first.after, more.after),
        count=first.count + more.count,
        examples=(*first.examples, *more.examples)[:EXAMPLES],
    )


def _sum(first: Any, more: Any) -> Any:
    """Add the counts of a group's description; what is no count is that of the first part."""
    if not isinstance(first, dict) or not isinstance(more, dict):
        return first
    return {
        name: value + more.get(name, 0) if isinstance(value, int) else value for name, value in first.items()
    }
