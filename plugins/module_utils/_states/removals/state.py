# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets are absent: from TAGGED collections, from the datastore, or from the repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.removal import Remover, places_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.declared import (
    FORGET,
    Declared,
    declared_removals,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.meanwhile import check_memberships
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.observing import (
    Current,
    Membership,
    gone_of,
    look,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.planning import (
    Work,
    plan_removals,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import check_roots, gone_among

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

BATCH = 1_000
"""Most datasets in a transaction; their artifacts are removed within one."""

REMOVING = "removing"


@dataclass
class RemovalsState:
    """The declared absence of datasets.

    Parameters
    ----------
    declared : `Declared`
        What is to be removed, and how.
    batch_size : `int`, optional
        Most datasets in one transaction.
    """

    declared: Declared
    batch_size: int = BATCH
    _report: Report = field(default_factory=Report)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RemovalsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `RemovalsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for declarations that can't be meant; see `declared_removals`.
        """
        return cls(declared_removals(params))

    def watch(self, report: Report) -> None:
        """Take the report that is told how far the looking is.

        Parameters
        ----------
        report : `Report`
            The one that the run is counted in.
        """
        self._report = report

    def observe(self, repository: Repository | None) -> Current:
        """Query what is selected, where it is, and which collections hold it.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What would go.

        Raises
        ------
        ButlerError
            Raised for selections that are none, and if it can't be told whether artifacts are gone.
        """
        return look(repository, self.declared, self._report)

    def plan(self, current: Current) -> Plan[Work]:
        """Tell what would go, and what ends with it.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            Datasets are planned in groups by dataset type and run.

        Raises
        ------
        ButlerError
            Raised if more would go than may.
        """
        return plan_removals(current, self.declared)

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Remove the datasets in batches, each under the lock of the collection that loses them.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped between batches.
        """
        repository = required(repository)
        remover = Remover(repository, report)
        total = sum(len(refs) for refs in plan.work.groups.values())
        done = 0
        for place, batch in self._batches(plan.work):
            report.step(REMOVING, done, total)
            report.checkpoint()
            with repository.writer_lock(place, report.notice):
                removed = self._remove(repository, remover, place, batch, plan.work.shown, report)
            report.removed += len(removed) + sum(plan.work.ends[ref.id] for ref in removed)
            done += len(batch)
            report.log(f"{self.declared.removal}: {len(removed)} datasets of {place}")
        report.step(REMOVING, done, total)

    def _remove(
        self,
        repository: Repository,
        remover: Remover,
        place: str,
        batch: Sequence[DatasetRef],
        shown: Sequence[Membership],
        report: Report,
    ) -> Sequence[DatasetRef]:
        """Remove a batch, and tell what of it there was to remove."""
        if self.declared.removal == "disassociate":
            remover.disassociate(place, batch)
            return batch
        there = self._still_there(repository, batch, report)
        if self.declared.removal == FORGET:
            there = self._still_gone(repository, there, report)
        check = partial(check_memberships, repository, self.declared, there, shown)
        if self.declared.removal == FORGET:
            remover.forget(there, check)
        elif there:
            self._check_places(repository, there)
            (remover.purge if self.declared.removal == "purge" else remover.unstore)(there, check)
        return there

    def _batches(self, work: Work) -> Iterator[tuple[str, Sequence[DatasetRef]]]:
        # If the storage lets nobody remove anything, one dataset is enough to find that out.
        is_first = self.declared.removal in ("unstore", "purge")
        for (_unused, place), refs in sorted(work.groups.items(), key=lambda item: item[0][::-1]):
            rest = refs
            if is_first:
                yield place, refs[:1]
                rest, is_first = refs[1:], False
            for batch in in_chunks(rest, self.batch_size):
                yield place, batch

    def _still_there(
        self, repository: Repository, batch: Sequence[DatasetRef], report: Report
    ) -> Sequence[DatasetRef]:
        """Leave out datasets that another writer has removed since the plan was made."""
        if self.declared.removal == "unstore":
            known = {ref.id for ref in places_of(repository, batch)}
        else:
            known = {ref.id for ref in repository.butler.get_many_datasets(ref.id for ref in batch)}
        there = [ref for ref in batch if ref.id in known]
        if len(there) < len(batch):
            report.notice(
                f"another writer removed {len(batch) - len(there)} of the planned datasets meanwhile"
            )
        return there

    @staticmethod
    def _still_gone(
        repository: Repository, batch: Sequence[DatasetRef], report: Report
    ) -> Sequence[DatasetRef]:
        """Leave out datasets whose artifacts have come back since the plan was made."""
        gone, _unused = gone_of(repository, batch)
        back = len(batch) - len(gone)
        if back:
            report.skipped += back
            report.notice(f"{back} of the planned datasets have artifacts again, and were not forgotten")
        return list(gone)

    @staticmethod
    def _check_places(repository: Repository, batch: Sequence[DatasetRef]) -> None:
        """Make sure that artifacts are removed, and not taken for gone because nothing is mounted."""
        roots = [uri for uri in repository.butler.get_datastore_roots().values() if uri is not None]
        inside = {
            uri: root
            for uris in places_of(repository, batch).values()
            for uri in uris
            for root in roots
            if uri.relative_to(root) is not None
        }
        check_roots(sorted(set(inside.values()), key=str))
        gone_among((uri for uri in inside if uri.isLocal), roots)
