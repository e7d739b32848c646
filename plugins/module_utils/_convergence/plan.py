# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is made of: changes, assumptions and conflicts, all printable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

Action = Literal["add", "replace", "remove"]
Work = TypeVar("Work")

EXAMPLES = 5
"""How many members of a group a change or a message names."""


@dataclass(frozen=True)
class Change:
    """One thing that will be different.

    Parameters
    ----------
    kind : `str`
        What sort of thing: ``collection``, ``chain``, ``dataset type``, ``datasets`` ...
    name : `str`
        Which one. Kind and name together are unique in a plan.
    before, after : JSON-like
        What is there and what will be there; `None` for nothing.
    count : `int`
        How many objects the change stands for (datasets are planned in groups).
    examples : `tuple` [ `str`, ... ]
        The first few members of a group.
    unresolved : `bool`
        In check mode only: the change depends on what an earlier task would have made, so that ``after``
        can't be told yet.
    action : {"add", "replace", "remove"}, optional
        Derived from ``before`` and ``after`` unless given (a group that grows is an ``add``).
    """

    kind: str
    name: str
    before: Any
    after: Any
    count: int = 1
    examples: tuple[str, ...] = ()
    unresolved: bool = False
    action: Action = field(default="replace")

    @classmethod
    def add(cls, kind: str, name: str, after: Any, **more: Any) -> Change:
        """Make the change that adds something.

        Parameters
        ----------
        kind, name : `str`
            What is added.
        after : JSON-like
            What will be there.
        **more
            As for `Change`; ``before`` where a group grows.

        Returns
        -------
        change : `Change`
            An ``add``.
        """
        return cls(kind, name, more.pop("before", None), after, action="add", **more)

    @classmethod
    def remove(cls, kind: str, name: str, before: Any, **more: Any) -> Change:
        """Make the change that takes something away.

        Parameters
        ----------
        kind, name : `str`
            What is removed.
        before : JSON-like
            What is there.
        **more
            As for `Change`; ``after`` where a group shrinks.

        Returns
        -------
        change : `Change`
            A ``remove``.
        """
        return cls(kind, name, before, more.pop("after", None), action="remove", **more)

    @classmethod
    def replace(cls, kind: str, name: str, before: Any, after: Any, **more: Any) -> Change:
        """Make the change of something that is there and differs.

        Parameters
        ----------
        kind, name : `str`
            What is replaced.
        before, after : JSON-like
            What is there, and what will be.
        **more
            As for `Change`.

        Returns
        -------
        change : `Change`
            A ``replace``.
        """
        return cls(kind, name, before, after, action="replace", **more)

    @property
    def key(self) -> tuple[str, str]:
        """What changes are sorted by (`tuple` [ `str`, `str` ])."""
        return (self.kind, self.name)

    def as_dict(self) -> dict[str, Any]:
        """Give the change as it is returned to the playbook.

        Returns
        -------
        change : `dict`
            ``action``, ``kind``, ``name``, ``before``, ``after``, ``count``, and where they say something
            ``examples`` and ``unresolved``.
        """
        result: dict[str, Any] = {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "count": self.count,
        }
        if self.examples:
            result["examples"] = list(self.examples)
        if self.unresolved:
            result["unresolved"] = True
        return result


@dataclass(frozen=True)
class Assumption:
    """Something a plan takes for granted that is not there yet.

    Parameters
    ----------
    kind, name : `str`
        What is missing.
    option : `str`, optional
        The option that names it.
    """

    kind: str
    name: str
    option: str | None = None

    def __str__(self) -> str:
        where = f"{self.option}: " if self.option else ""
        return f"{where}{self.kind} {self.name} does not exist"


@dataclass(frozen=True)
class Conflict:
    """Something that exists and is not what was declared.

    Parameters
    ----------
    kind, name : `str`
        What is in conflict.
    reason : `str`
        How what exists and what was declared differ.
    """

    kind: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.reason}"


@dataclass
class Plan(Generic[Work]):
    """Everything a task will do, complete before the first write.

    Parameters
    ----------
    work : ``Work``
        What ``apply`` needs to carry the plan out; private to the state.
    changes : `list` [ `Change` ]
        What will be different; shown sorted.
    assumes : `list` [ `Assumption` ]
        What is taken for granted and is not there: shown in check mode, a failure before any write otherwise.
    conflicts : `list` [ `Conflict` ]
        What can't be reconciled; all of them are listed in one failure.
    more_conflicts : `int`
        How many there are besides, where there are too many to keep.
    notices : `list` [ `str` ]
        What an operator should read even if nothing is wrong.
    conflict_hint : `str`
        What to do about the conflicts.
    present, skipped : `int`
        How many declared objects are there already, and how many are left out as declared.
    failures : `list` [ `tuple` [ `str`, `str` ] ]
        What can't be had and is left out as declared (``on_error: skip``), with the reason.
    """

    work: Work
    changes: list[Change] = field(default_factory=list)
    assumes: list[Assumption] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    more_conflicts: int = 0
    notices: list[str] = field(default_factory=list)
    conflict_hint: str = "Nothing was written."
    present: int = 0
    skipped: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    def sorted_changes(self) -> list[Change]:
        """Give the changes in the order in which they are shown.

        Returns
        -------
        changes : `list` [ `Change` ]
            Sorted by kind and name.
        """
        return sorted(self.changes, key=lambda change: change.key)

    def total(self, action: Action) -> int:
        """Count the objects that an action concerns.

        Parameters
        ----------
        action : {"add", "replace", "remove"}
            The action to count.

        Returns
        -------
        n : `int`
            Number of objects, groups counted by their members.
        """
        return sum(change.count for change in self.changes if change.action == action)

    def absorb(self, others: Iterable[Plan[Any]]) -> None:
        """Take over what other plans show; their work stays theirs.

        Parameters
        ----------
        others : `~collections.abc.Iterable` [ `Plan` ]
            Plans of parts of the same task.
        """
        for other in others:
            self.changes += other.changes
            self.assumes += other.assumes
            self.conflicts += other.conflicts
            self.more_conflicts += other.more_conflicts
            self.notices += other.notices
            self.present += other.present
            self.skipped += other.skipped
            self.failures += other.failures


def first_few(values: Sequence[object]) -> str:
    """Name the first members of a group.

    Parameters
    ----------
    values : `~collections.abc.Sequence`
        All members.

    Returns
    -------
    text : `str`
        The first `EXAMPLES` of them, and how many there are besides.
    """
    more = len(values) - EXAMPLES
    return ", ".join(map(str, values[:EXAMPLES])) + (f" and {more} more" if more > 0 else "")
