# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets whose content a task makes, into the repository: batch by batch, each one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import register
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import register_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.removal import Remover
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import (
    after_break,
    is_hopeless,
    transact,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.made.found import Found, dataset_type_of
from ansible_collections.rubin.butler.plugins.module_utils._states.made.planning import Work

Store = Callable[[Sequence[Found]], None]

BATCH = 100


def write_made(
    repository: Repository, work: Work, report: Report, store: Store, batch_size: int = BATCH
) -> None:
    """Carry a plan out.

    Parameters
    ----------
    repository : `Repository`
        Where to.
    work : `Work`
        What to write.
    report : `Report`
        Counts what is written; the run may be stopped between batches.
    store : `~collections.abc.Callable`
        Stores datasets of one run that the datastore does not have, inside a transaction.
    batch_size : `int`
        Most datasets in a transaction.

    Raises
    ------
    ButlerError
        Raised if datasets can't be stored; earlier batches stay.

    Notes
    -----
    What is replaced is removed from the datastore first and stays registered, with its id, tags and
    certifications; after a kill in between the next run stores it.
    """
    for name, definition in work.register_types.items():
        report.checkpoint()
        register_type(repository.butler, dataset_type_of(repository, name, definition))
        report.added += 1
    for run in work.register_runs:
        report.checkpoint()
        register(repository.butler, run, "RUN")
        report.added += 1
    done = 0
    for run, members in groupby(work.store, key=lambda item: item.made.run):
        for batch in in_chunks(members, batch_size):
            report.checkpoint()
            try:
                with repository.writer_lock(run, report.notice):
                    _store_batch(repository, batch, report, store)
            except Exception as error:
                explained = _explained(repository, run, error)
                if explained is None:
                    raise
                raise explained from error
            done += len(batch)
            report.step("storing", done, len(work.store))
    report.replaced += work.orphans


def _store_batch(repository: Repository, batch: Sequence[Found], report: Report, store: Store) -> None:
    replaced = [item.ref for item in batch if item.standing == "differs"]
    if replaced:
        Remover(repository, report).unstore(replaced)
    known = repository.butler.get_many_uris([item.ref for item in batch], allow_missing=True)
    missing = [item for item in batch if item.ref not in known]
    if known:
        report.notice(f"another writer stored {len(known)} of the planned datasets meanwhile")
    if not missing:
        return
    transact(repository.butler, lambda: store(missing), report.log)
    again = sum(item.standing == "differs" for item in missing)
    report.replaced += again
    report.added += len(missing) - again


def _explained(repository: Repository, run: str, error: Exception) -> ButlerError | None:
    if isinstance(error, ButlerError):
        return None
    outage = explain_outage(error, repository.config, ())
    if outage is not None or is_hopeless(error):
        return ButlerError(
            f"storing into {run} broke off: {first_line(error)}", hint=(outage or "") + after_break(error)
        )
    return None
