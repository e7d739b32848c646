# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets out of the registry and the datastore, in an order in which a run may be killed anywhere.

``Butler.pruneDatasets`` commits that a dataset is in no collection any more, and only then removes its
artifact: after a kill between the two no query finds the dataset again, and its artifact stays for good. An
artifact that can't be removed it forgets without a word (source: daf_butler 30, ``DirectButler`` and
``FileDatastore.emptyTrash``). Its datastore can do better, so it is used here by itself:

1. the artifacts are marked as trash, and committed;
2. they are removed, and then their records, or nothing is recorded as removed;
3. the registry forgets the datasets.

Until the last step a query finds the dataset again, and the same task goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import (
    after_break,
    is_hopeless,
    transact,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lsst.daf.butler import DatasetRef, Datastore
    from lsst.resources import ResourcePath

Check: TypeAlias = Callable[[bool], object]
"""Raises if datasets are not to be removed; told whether their artifacts are removed already."""


def unchecked(unstored: bool) -> None:
    """Let datasets be removed.

    Parameters
    ----------
    unstored : `bool`
        Whether their artifacts are removed already.
    """


class Remover:
    """Removes datasets, a batch at a time.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    report : `Report`
        Takes lines for the log.
    """

    def __init__(self, repository: Repository, report: Report) -> None:
        self._repository = repository
        self._report = report

    @property
    def _datastore(self) -> Datastore:
        # There is no public way to it, see above for why it is needed.
        return self._repository.butler._datastore

    def unstore(self, refs: Sequence[DatasetRef], check: Check = unchecked) -> None:
        """Remove artifacts and their records; the registry keeps the datasets.

        Parameters
        ----------
        refs : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
            At least one dataset. Files that were ingested in place stay, and so do those that other datasets
            are in.
        check : `Check`, optional
            Called in the transaction that marks the artifacts.

        Raises
        ------
        ButlerError
            Raised if an artifact can't be removed. It is marked, and the next run removes it.
        """
        datastore = self._datastore

        def mark() -> None:
            check(False)
            datastore.trash(list(refs), ignore_errors=False)

        self._transact(mark)
        try:
            self._transact(partial(datastore.emptyTrash, ignore_errors=False, refs=list(refs)))
        except Exception as error:
            # A group has what each artifact failed with.
            causes = getattr(error, "exceptions", ())
            if not causes:
                raise
            raise self._stuck(error, causes) from error

    def purge(self, refs: Sequence[DatasetRef], check: Check) -> None:
        """Remove artifacts, their records and the datasets, which leave all collections.

        Parameters
        ----------
        refs : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
            At least one dataset.
        check : `Check`
            Called as by `unstore`, and again in the transaction that removes the datasets.

        Raises
        ------
        ButlerError
            Raised as by `unstore`; the registry keeps the datasets of the batch then.
        """
        self.unstore(refs, check)

        def unregister() -> None:
            self._see_the_same()
            check(True)
            self._repository.butler.registry.removeDatasets(list(refs))

        self._transact(unregister)

    def forget(self, refs: Sequence[DatasetRef], check: Check) -> None:
        """Remove datasets and the records of their artifacts, which are gone; no file is touched.

        Parameters
        ----------
        refs : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
            Datasets.
        check : `Check`
            Called in the transaction that removes them.
        """
        if not refs:
            return

        def write() -> None:
            self._see_the_same()
            check(False)
            # Marks of a removal that was killed would stay; of the others this removes nothing.
            self._datastore.emptyTrash(ignore_errors=False, refs=refs)
            self._datastore.forget(refs)
            self._repository.butler.registry.removeDatasets(refs)

        self._transact(write)

    def disassociate(self, tag: str, refs: Sequence[DatasetRef]) -> None:
        """Take datasets out of a TAGGED collection.

        Parameters
        ----------
        tag : `str`
            The collection.
        refs : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
            Datasets.
        """
        self._transact(partial(self._repository.butler.registry.disassociate, tag, list(refs)))

    def _see_the_same(self) -> None:
        """Have the end of a transaction fail for rows that its beginning could not see.

        The registry's foreign keys end the memberships of a dataset with it. In PostgreSQL's default they end
        those too that were committed after a check in the same transaction. From REPEATABLE READ on that
        fails with SQLSTATE 40001, and the transaction is tried again with its check (source: PostgreSQL's
        ``ri_triggers.c`` and manual, "Transaction Isolation"). SQLite has one writer at a time.
        """
        from sqlalchemy import text

        butler: Any = self._repository.butler  # there is no public way to its database
        database = butler._registry._db
        if database.dialect.name == "postgresql":
            with database.query(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")):
                pass

    def _transact(self, write: Callable[[], object]) -> None:
        def call() -> None:
            write()

        try:
            transact(self._repository.butler, call, self._report.log)
        except Exception as error:
            if not is_hopeless(error):
                raise
            raise ButlerError(
                f"the removal broke off: {first_line(error)}", hint=after_break(error)
            ) from error

    def _stuck(self, error: Exception, causes: Sequence[Exception]) -> ButlerError:
        roots = map(str, self._repository.butler.get_datastore_roots().values())
        outage = explain_outage(error, self._repository.config, roots)
        lines = sorted({first_line(cause) for cause in causes})
        return ButlerError(
            f"{len(causes)} artifacts can't be removed",
            option="repo",
            details=lines,
            hint=f"{outage or ''}They are marked as trash and their datasets are still registered: run the "
            "task again when the cause is mended, and it removes them. Completed batches stay removed.",
        )


def places_of(
    repository: Repository, refs: Iterable[DatasetRef]
) -> dict[DatasetRef, tuple[ResourcePath, ...]]:
    """Ask the datastore where the files of datasets are.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    refs : `~collections.abc.Iterable` [ `lsst.daf.butler.DatasetRef` ]
        Datasets, so many as are asked for at once.

    Returns
    -------
    places : `dict`
        The files of those that it records, several where a dataset is stored in parts.
    """
    found = repository.butler.get_many_uris(list(refs), allow_missing=True)
    return {
        ref: tuple(
            uri.replace(fragment="")
            for uri in (uris.primaryURI, *uris.componentURIs.values())
            if uri is not None
        )
        for ref, uris in found.items()
    }
