# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export files hold what is selected from a repository, which is only read."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    NewHostError,
    RepositoryAbsentError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.exports import files
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.artifacts import (
    DIFFERENT,
    Artifacts,
    transfer,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.collecting import collect
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import (
    Item,
    declared_items,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.planning import (
    Copies,
    Job,
    Seen,
    plan_export,
    summary,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.rendering import Store, render
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.selection import (
    lacking_datasets,
    nothing_there,
    select,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.spool import Spool

_HINT = "Nothing was written."


@dataclass
class Current:
    """What the exports should be, and what is there.

    Parameters
    ----------
    seen : `list` [ `Seen` ]
        One for each.
    spool : `Spool`
        Has the artifacts to transfer.
    store : `Store`
        Has the files to write.
    absent : `bool`
        Whether there is no repository.
    lacking_room : `list` [ `Conflict` ]
        File systems that have too little room.
    """

    seen: list[Seen]
    spool: Spool
    store: Store
    absent: bool = False
    lacking_room: list[Conflict] = field(default_factory=list)


@dataclass
class ExportsState:
    """The declared exports.

    Parameters
    ----------
    repo : `str`
        The repository.
    items : `tuple` [ `Item`, ... ]
        In the order of the task.
    on_missing : {"fail", "skip"}
        What to do about what is named and not there, and datasets without an artifact.
    on_conflict : {"fail", "replace"}
        What to do about other files in the places of export files and artifacts.
    prune : `bool`
        Whether files that an earlier, larger run has left are removed.
    """

    repo: str
    items: tuple[Item, ...]
    on_missing: str = "fail"
    on_conflict: str = "fail"
    prune: bool = False
    _seen: list[Seen] = field(default_factory=list, compare=False)
    _work: tuple[Spool, Store] | None = field(default=None, compare=False)
    _report: Report = field(default_factory=Report, compare=False)
    _looked_up: int = field(default=0, compare=False)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ExportsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `ExportsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for what can't be meant; see `declared_items`.
        """
        return cls(
            params["repo"],
            declared_items(params),
            params["on_missing"],
            params["on_conflict"],
            params["prune"],
        )

    def watch(self, report: Report) -> None:
        """Take the report that `observe` tells its steps.

        Parameters
        ----------
        report : `Report`
            The one of the run.
        """
        self._report = report

    def observe(self, repository: Repository | None) -> Current:
        """Gather what is selected, make the files of it, and look at those that are there.

        Parameters
        ----------
        repository : `None`
            This state opens its repository by itself, read-only even outside check mode.

        Returns
        -------
        current : `Current`
            Both.

        Raises
        ------
        ButlerError
            Raised if an expression is not one, and if something can't be looked at.
        """
        del repository  # this state opens it by itself
        current = Current([Seen(item) for item in self.items], Spool(), Store())
        self._seen, self._work = current.seen, (current.spool, current.store)
        try:
            opened = open_repository(self.repo, writeable=False)
        except (NewHostError, RepositoryAbsentError):
            current.absent = True
            for seen in current.seen:
                seen.missing = nothing_there(seen.item)
        else:
            with opened.butler as butler, butler.registry.caching_context():
                for number, seen in enumerate(current.seen):
                    self._gather(opened, number, seen, current)
        needed: dict[str, int] = defaultdict(int)
        for seen in current.seen:
            self._look(seen, needed)
        current.lacking_room = _lacking_room(needed)
        return current

    def _gather(self, opened: Repository, number: int, seen: Seen, current: Current) -> None:
        item, spool = seen.item, current.spool
        selection = select(opened.butler, item)
        seen.missing = selection.missing
        if seen.missing and self.on_missing == "fail":
            return
        spool.begin()
        artifacts = Artifacts(opened, item, number, spool)
        seen.collected = found = collect(opened, item, selection, spool, artifacts, self._say)
        selected = {*found.types, *found.unstored, *found.gone, *found.composite, *found.zipped}
        seen.missing = [*seen.missing, *lacking_datasets(item, selection, selected)]
        if seen.missing and self.on_missing == "fail":
            return
        seen.known = True
        seen.present, seen.clashes = artifacts.present, artifacts.clashes
        seen.parts = render(opened.butler.dimensions, item, found, spool, current.store)
        for copy in spool.copies(number):
            group = seen.copies.setdefault(copy.type, Copies())
            named = group.differ if copy.there == DIFFERENT else group.examples
            group.differing += copy.there == DIFFERENT
            group.new += copy.there != DIFFERENT
            group.size += copy.size
            if len(named) <= EXAMPLES:
                named.append(copy.target)

    def _say(self, datasets: int) -> None:
        self._looked_up += datasets
        self._report.step("looking up", self._looked_up, None)

    def _look(self, seen: Seen, needed: dict[str, int]) -> None:
        """Look at the files that are there, and whether others can be written."""
        item = seen.item
        folder = str(Path(item.file).parent)
        if not os.path.lexists(folder):
            seen.no_folder = folder
            return
        for part in seen.parts:
            try:
                held = files.look_at(part.path)
            except ButlerError as error:
                raise ButlerError(error.message, option=f"{item.option}.file", hint=_HINT) from None
            if held is not None:
                seen.held[part.path] = held
        paths = [part.path for part in seen.parts]
        seen.stale = files.stale_files(item, paths, self._others(item)) if paths else []
        new = [
            part
            for part in seen.parts
            if part.path not in seen.held
            or seen.held[part.path].digest != part.digest
            or seen.held[part.path].mark != part.mark
        ]
        if new:
            self._check(seen, folder, folder, sum(part.size for part in new), needed)
        if seen.copies and not seen.unwritable:
            nearest = files.nearest_folder(item.directory)
            size = sum(copies.size for copies in seen.copies.values()) if item.transfer == "copy" else 0
            self._check(seen, item.directory, nearest or item.directory, size, needed)

    @staticmethod
    def _check(seen: Seen, folder: str, nearest: str, size: int, needed: dict[str, int]) -> None:
        reason = files.why_unwritable(nearest)
        if reason is None:
            needed[nearest] += size
        else:
            seen.unwritable = f"nothing can be written to {folder}: {reason} ({nearest})"

    def _others(self, item: Item) -> list[str]:
        """Name the files that other exports of the task may have."""
        return [other.file for other in self.items if other is not item]

    def plan(self, current: Current) -> Plan[list[Job]]:
        """Compare the files that should be with those that are there.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `list` [ `Job` ] ]
            Files and artifacts in groups, and what is different in the files.
        """
        plan: Plan[list[Job]] = Plan([], conflict_hint=_HINT)
        if current.absent:
            plan.assumes.append(Assumption("repository", self.repo, "repo"))
        for seen in current.seen:
            on_missing = "fail" if current.absent else self.on_missing
            plan_export(plan, seen, on_missing, self.on_conflict, prune=self.prune)
        plan.conflicts += current.lacking_room
        return plan

    def apply(self, repository: Repository | None, plan: Plan[list[Job]], report: Report) -> None:
        """Transfer artifacts, then write files, the first of an export last; then remove stale ones.

        So whatever happens, no file names an artifact that is not there, and each is either the old one or
        the new one.

        Parameters
        ----------
        repository : `None`
            It is not needed any more.
        plan : `Plan` [ `list` [ `Job` ] ]
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped between files.

        Raises
        ------
        ButlerError
            Raised if something can't be written; what was written stays.
        """
        del repository
        if self._work is None:
            raise TypeError("a plan is carried out by the state that has observed")
        spool, store = self._work
        numbers = {id(seen): number for number, seen in enumerate(self._seen)}
        transferred = 0
        for job in plan.work:
            item = job.seen.item
            for copy in spool.copies(numbers[id(job.seen)]):
                report.step("transferring", transferred, None)
                transfer(copy, item.transfer, report)
                transferred += 1
            for part in reversed(job.write):
                report.checkpoint()
                files.write_file(part.path, store.read(part), item.mode)
                if part.path in job.seen.held:
                    report.replaced += 1
                else:
                    report.added += 1
            for path in job.permit:
                files.permit(path, item.mode)
                report.replaced += 1
            for path in reversed(job.remove):
                report.checkpoint()
                files.remove(path)
                report.removed += 1

    def findings(self) -> dict[str, Any]:
        """Tell what the exports are.

        Returns
        -------
        result : `dict`
            ``exports``: for each its files, and how many datasets of each type it holds and lacks.
        """
        return {"exports": [summary(seen) for seen in self._seen]}


def _lacking_room(needed: Mapping[str, int]) -> list[Conflict]:
    """Tell which file systems have too little room for everything that is to be written there."""
    by_device: dict[int, tuple[str, int, int]] = {}
    for folder, size in sorted(needed.items()):
        device, free = files.room(folder)
        first, total, _unused = by_device.get(device, (folder, 0, free))
        by_device[device] = (first, total + size, free)
    return [
        Conflict("disk", f"of {folder}", f"{size} bytes are to be written, and {free} are free")
        for folder, size, free in by_device.values()
        if size > free
    ]
