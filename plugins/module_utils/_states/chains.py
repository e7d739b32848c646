# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains have their children, in order; or do not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    Known,
    look_up,
    other_type,
    register,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_declared import (
    Chain,
    declared_chains,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.chain_order import (
    arrange,
    find_cycles,
    is_pattern,
    matching,
)

_LOCK = "the chains"


@dataclass
class Current:
    """What the repository has.

    Parameters
    ----------
    repository : `bool`
        Whether there is a repository.
    known : `dict` [ `str`, `Known` ]
        The declared chains, their declared and existing children, and all that those lead to.
    names : `list` [ `str` ]
        Every collection's name, where a pattern asks for them.
    """

    repository: bool = False
    known: dict[str, Known] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


@dataclass
class Work:
    """What to register, document, redefine and remove.

    Parameters
    ----------
    register, document : `list` [ `Chain` ]
        New chains, and those whose documentation changes.
    redefine : `dict` [ `str`, `list` [ `str` ] ]
        New children by chain.
    remove : `list` [ `str` ]
        Chains to remove, parents before their children.
    before : `dict` [ `str`, `tuple` [ `str`, ... ] ]
        The children that the plan was made for.
    """

    register: list[Chain] = field(default_factory=list)
    document: list[Chain] = field(default_factory=list)
    redefine: dict[str, list[str]] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    before: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class _Resolved:
    """The declared children of a chain as names."""

    children: list[str]
    unresolved: bool


@dataclass(frozen=True)
class ChainsState:
    """The declared chains.

    Parameters
    ----------
    chains : `tuple` [ `Chain`, ... ]
        In the order of the task.
    on_missing : {"fail", "skip"}
        What to do about children that do not exist.
    """

    chains: tuple[Chain, ...]
    on_missing: str = "fail"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ChainsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``chains`` and ``on_missing``.

        Returns
        -------
        state : `ChainsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for declarations that can't be meant; see `declared_chains`.
        """
        return cls(declared_chains(params["chains"]), params["on_missing"])

    def observe(self, repository: Repository | None) -> Current:
        """Look up the declared chains and everything that they lead to.

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
            return Current()
        names: list[str] = []
        if any(is_pattern(child) for chain in self.chains for child in chain.children):
            names = sorted(repository.butler.collections.query("*"))
        known = look_up(repository.butler, (chain.name for chain in self.chains), parents=True)
        declared = {name for chain in self.chains for name in self._names(chain, names).children}
        wanted = declared | {child for item in known.values() for child in item.children}
        while wanted := wanted - known.keys():
            found = look_up(repository.butler, wanted)
            if not found:
                break
            known |= found
            wanted |= {child for item in found.values() for child in item.children}
        return Current(True, known, names)

    def _names(self, chain: Chain, names: Sequence[str]) -> _Resolved:
        """Replace the patterns among a chain's children by what they match."""
        # A chain that this task makes matches as if it were there already: the next run finds the same.
        there = [*names, *(other.name for other in self.chains if other.state == "present")]
        gone = {chain.name, *(other.name for other in self.chains if other.state == "absent")}
        given = {child for child in chain.children if not is_pattern(child)}
        children: list[str] = []
        unresolved = False
        for child in chain.children:
            if not is_pattern(child):
                children.append(child)
                continue
            matches = [name for name in matching(child, there, chain.sort) if name not in gone]
            unresolved = unresolved or not matches
            children += [name for name in matches if name not in given and name not in children]
        return _Resolved(children, unresolved)

    def plan(self, current: Current) -> Plan[Work]:
        """Compare the declared chains with those that exist.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            A name that has another type, a cycle, and a chain to remove that another one has are conflicts;
            a child that is not there is an assumption.
        """
        plan = Plan(Work())
        final = {name: list(item.children) for name, item in current.known.items()}
        for index, chain in enumerate(self.chains):
            known = current.known.get(chain.name)
            if known is not None and known.type != "CHAINED":
                plan.conflicts.append(other_type(chain.name, known, "CHAINED"))
            elif chain.state == "present":
                final[chain.name] = self._plan_present(plan, index, chain, known, current)
        gone = [chain for chain in self.chains if chain.state == "absent"]
        for chain in gone:
            # A chain that goes has no say about its children.
            final.pop(chain.name, None)
        for chain in gone:
            self._plan_absent(plan, chain, current, final)
        plan.work.remove = _parents_first(plan.work.remove, current.known)
        for cycle in find_cycles(final, [chain.name for chain in self.chains]):
            plan.conflicts.append(
                Conflict("chain", cycle[0], f"it would contain itself: {' -> '.join(cycle)}")
            )
        return plan

    def _plan_present(
        self, plan: Plan[Work], index: int, chain: Chain, known: Known | None, current: Current
    ) -> list[str]:
        resolved = self._names(chain, current.names)
        made = {other.name for other in self.chains if other.state == "present"}
        missing = [name for name in resolved.children if name not in current.known and name not in made]
        missing += [
            child
            for child in chain.children
            if is_pattern(child) and not self._names(Chain(chain.name, (child,)), current.names).children
        ]
        declared = resolved.children
        unresolved = resolved.unresolved and self.on_missing == "fail"
        needed = (
            missing if self.on_missing == "fail" else [name for name in missing if name in chain.required]
        )
        plan.assumes += [
            Assumption(
                "collection matching" if is_pattern(name) else "collection", name, f"chains[{index}].children"
            )
            for name in needed
        ]
        missing = [name for name in missing if name not in needed]
        if missing:
            declared = [name for name in declared if name not in missing]
            unresolved = not current.repository
            plan.skipped += len(missing)
            plan.notices.append(
                f"chain {chain.name}: left out {len(missing)} children that do not exist: "
                + first_few(missing)
            )
        before = known.children if known is not None else ()
        children = arrange(before, declared, order=chain.order, prune=chain.prune)
        self._compare(plan, chain, known, children, unresolved=unresolved)
        return children

    @staticmethod
    def _compare(
        plan: Plan[Work], chain: Chain, known: Known | None, children: list[str], *, unresolved: bool
    ) -> None:
        doc = chain.doc if chain.doc is not None else known.doc if known is not None else ""
        after = _described(list(chain.children) if unresolved else children, doc)
        if known is None:
            plan.work.register.append(chain)
            plan.changes.append(Change.add("chain", chain.name, after, unresolved=unresolved))
        elif unresolved or tuple(children) != known.children or doc != known.doc:
            before = _described(list(known.children), known.doc)
            plan.changes.append(Change.replace("chain", chain.name, before, after, unresolved=unresolved))
            if doc != known.doc:
                plan.work.document.append(chain)
        else:
            plan.present += 1
            return
        existing = known.children if known is not None else ()
        if tuple(children) != existing:
            plan.work.redefine[chain.name] = children
            plan.work.before[chain.name] = existing

    @staticmethod
    def _plan_absent(plan: Plan[Work], chain: Chain, current: Current, final: dict[str, list[str]]) -> None:
        known = current.known.get(chain.name)
        if known is None:
            plan.present += 1
            return
        if known.type != "CHAINED":
            return
        parents = sorted(
            parent
            for parent in known.parents
            if parent not in current.known or chain.name in final.get(parent, ())
        )
        if parents:
            plan.conflicts.append(
                Conflict(
                    "chain", chain.name, f"it is a child of {', '.join(parents)}; take it out of there first"
                )
            )
        else:
            plan.work.remove.append(chain.name)
            plan.changes.append(
                Change.remove("chain", chain.name, _described(list(known.children), known.doc))
            )

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register, document, redefine and remove.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done.

        Raises
        ------
        ButlerError
            Raised if a chain is not what the plan was made for any more.
        """
        repository = required(repository)
        butler, work = repository.butler, plan.work
        with repository.writer_lock(_LOCK, report.notice):
            _check_unchanged(repository, work)
            report.checkpoint()
            # All or none, so that nobody searches a chain that is only half rearranged.
            with butler.transaction():
                for chain in sorted(work.register, key=lambda chain: chain.name):
                    register(butler, chain.name, "CHAINED", chain.doc)
                for chain in work.document:
                    butler.registry.setCollectionDocumentation(chain.name, chain.doc)
                # Children leave before others come: no cycle may exist on the way either.
                for name, children in sorted(work.redefine.items()):
                    staying = [child for child in work.before[name] if child in children]
                    if len(staying) < len(work.before[name]):
                        butler.collections.redefine_chain(name, staying)
                for name, children in sorted(work.redefine.items()):
                    butler.collections.redefine_chain(name, children)
                for name in work.remove:
                    butler.collections.x_remove(name)
        report.added += plan.total("add")
        report.replaced += plan.total("replace")
        report.removed += plan.total("remove")


def _parents_first(names: Sequence[str], known: Mapping[str, Known]) -> list[str]:
    """Order chains so that none is removed while another one of them still has it."""
    left, ordered = set(names), []
    while left:
        free = sorted(name for name in left if not known[name].parents & left)
        ordered += free
        left.difference_update(free)
    return ordered


def _check_unchanged(repository: Repository, work: Work) -> None:
    now = look_up(repository.butler, work.redefine)
    changed = [
        f"chain {name}: {list(before)} when the plan was made, {list(now[name].children)} now"
        for name, before in sorted(work.before.items())
        if name in now and now[name].children not in (before, tuple(work.redefine[name]))
    ]
    if changed:
        raise ButlerError(
            "another writer changed the chains meanwhile",
            details=changed,
            hint="Run the task again. Nothing was written.",
        )


def _described(children: list[str], doc: str) -> Any:
    return {"children": children, "doc": doc} if doc else children
