# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which collections datasets have joined between the plan and the moment in which they are removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import named
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.declared import Declared
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.observing import (
    Membership,
    holders,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.selected import protected_now

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, Timespan


def check_memberships(
    repository: Repository,
    declared: Declared,
    batch: Sequence[DatasetRef],
    shown: Sequence[Membership],
    unstored: bool = False,
) -> None:
    """Make sure that no membership ends that the plan did not show.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    declared : `Declared`
        What is to be removed.
    batch : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
        Datasets of one type that are to go, at least one.
    shown : `~collections.abc.Sequence` [ `Membership` ]
        Those that they had when the plan was made.
    unstored : `bool`, optional
        Whether the artifacts of the batch are removed already.

    Raises
    ------
    ButlerError
        Raised for datasets that have joined a collection since. If only artifacts are removed, which ends no
        membership, just protected collections count.

    Notes
    -----
    The lock of a run keeps nobody from tagging or certifying its datasets, so this is called in the
    transactions that write, and no membership ends unseen. What race remains is about artifacts: a collection
    that a dataset joins after its artifact was marked keeps the dataset, without the artifact.
    """
    if declared.removal == "unstore" and not declared.protect:
        return
    name = batch[0].datasetType.name
    refs = {ref.id: ref for ref in batch}
    planned = {member.collection: member for member in shown if member.dataset_type == name}
    joined = [
        (collection, refs[identity], timespan)
        for collection, identity, timespan in _memberships_now(repository.butler, name, refs)
        if collection not in planned or not planned[collection].has(identity, timespan)
    ]
    protected = protected_now(repository.butler, declared) if joined else set()
    if declared.removal == "unstore":
        joined = [item for item in joined if item[0] in protected]
    if joined:
        raise _joined(joined, protected, unstored)


def _memberships_now(
    butler: Butler, name: str, refs: Mapping[UUID, DatasetRef]
) -> list[tuple[str, UUID, Timespan | None]]:
    """Look up collection, dataset and validity range of each membership, in one query."""
    infos = {
        info.name: info.type.name for info in holders(butler, [name]) if name in (info.dataset_types or ())
    }
    if not infos:
        return []
    with butler.query() as query:
        is_one = query.expression_factory[name].dataset_id.in_iterable(refs)
        rows = (
            query.join_dataset_search(name, list(infos))
            .where(is_one)
            .general(
                next(iter(refs.values())).datasetType.dimensions,
                dataset_fields={name: {"dataset_id", "collection", "timespan"}},
                find_first=False,
            )
        )
        return [
            (
                row[f"{name}.collection"],
                row[f"{name}.dataset_id"],
                row[f"{name}.timespan"] if infos[row[f"{name}.collection"]] == "CALIBRATION" else None,
            )
            for row in rows
        ]


def _joined(
    joined: Sequence[tuple[str, DatasetRef, Timespan | None]], protected: Collection[str], unstored: bool
) -> ButlerError:
    kept = "The artifacts of this batch are removed, and its" if unstored else "The"
    count = len({ref.id for _collection, ref, _timespan in joined})
    return ButlerError(
        f"another writer has put {count} datasets in collections meanwhile, which the plan did not show",
        details=sorted(
            f"{named(ref)} of {ref.run} is now {_how(collection, timespan)}"
            + (", which is protected" if collection in protected else "")
            for collection, ref, timespan in joined
        ),
        hint=f"{kept} datasets of this batch are still registered. Completed batches stay removed. Run the "
        "task again: its plan shows these memberships.",
    )


def _how(collection: str, timespan: Timespan | None) -> str:
    return f"tagged in {collection}" if timespan is None else f"certified for {timespan} in {collection}"
