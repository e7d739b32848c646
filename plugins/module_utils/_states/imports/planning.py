# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to happen to the datasets of an import, told before anything is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import Ingester, NewFile
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import plan_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.datasets import Held
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.declared import (
    Artifact,
    Declared,
    Group,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

MAX_MISSING = 100

INGESTING = "ingesting"

ADOPT = "split"
"""The transfer mode that records an artifact where it is, inside the datastore."""


@dataclass
class DatasetWork:
    """What to ingest.

    Parameters
    ----------
    files : `dict` [ `str`, `list` [ `NewFile` ] ]
        By transfer mode, those of one run together.
    orphans : `int`
        How many files are replaced on the way.
    """

    files: dict[str, list[NewFile]] = field(default_factory=dict)
    orphans: int = 0


@dataclass
class Absent:
    """The artifacts that are not there.

    Parameters
    ----------
    paths : `list` [ `str` ]
        The first `MAX_MISSING` of them.
    datasets : `~collections.Counter` [ `str` ]
        How many datasets of each type they hold.
    skipped : `set` [ `uuid.UUID` ]
        The datasets that are left out for it.
    """

    paths: list[str] = field(default_factory=list)
    datasets: Counter[str] = field(default_factory=Counter)
    skipped: set[UUID] = field(default_factory=set)

    def add(self, artifact: Artifact, refs: Sequence[DatasetRef]) -> None:
        """Note an artifact that is not there."""
        if len(self.paths) < MAX_MISSING:
            self.paths.append(artifact.path)
        self.datasets[artifact.file.dataset_type] += len(refs)


def plan_datasets(plan: Plan[Any], declared: Declared, held: Held) -> tuple[DatasetWork, Absent]:
    """Plan the datasets that the datastore does not record.

    Parameters
    ----------
    plan : `Plan`
        Gets the changes, conflicts, assumptions and notices, and the counts of those present and skipped.
    declared : `Declared`
        What all exports hold together.
    held : `Held`
        What the repository and the site have of it.

    Returns
    -------
    work : `DatasetWork`
        What to ingest.
    absent : `Absent`
        What can't be.
    """
    work, absent = DatasetWork(), Absent()
    _plan_conflicts(plan, declared, held)
    plan.present += len(held.recorded)
    new: dict[Group, list[DatasetRef]] = defaultdict(list)
    again: dict[Group, list[DatasetRef]] = defaultdict(list)
    for artifact, refs in held.missing(declared):
        if not held.is_there(artifact):
            absent.add(artifact, refs)
            if artifact.item.on_missing == "skip":
                absent.skipped.update(ref.id for ref in refs)
                continue
            plan.assumes.append(Assumption("artifact", artifact.path, artifact.item.option))
        for ref in refs:
            group = (artifact.file.dataset_type, artifact.file.run)
            (again if ref.id in held.known else new)[group].append(ref)
        adopted = held.adopted.get(artifact.path)
        transfer, path = (ADOPT, adopted) if adopted is not None else (artifact.item.transfer, artifact.path)
        size = held.sizes.get(artifact.path, 0)
        work.files.setdefault(transfer, []).append(NewFile(path, refs, artifact.file.formatter, size))
    plan.changes += [_change("datasets", group, refs) for group, refs in new.items()]
    plan.changes += [_change("datastore records", group, refs) for group, refs in again.items()]
    plan_orphans(plan, held.orphans)
    work.orphans = len(held.orphans)
    plan.skipped += len(absent.skipped)
    _plan_notices(plan, held, absent)
    for (element, values), option in _unknown_records(declared, held).items():
        plan.assumes.append(Assumption(element, " ".join(map(str, values)), option))
    return work, absent


def _plan_conflicts(plan: Plan[Any], declared: Declared, held: Held) -> None:
    for dataset, ref in declared.refs.items():
        known = held.known.get(dataset)
        if known is not None:
            there = (known.datasetType.name, known.run, known.dataId.required_values)
            if there != (ref.datasetType.name, ref.run, ref.dataId.required_values):
                reason = (
                    f"it is {_named(known)}, and {_named(ref)} was declared with the same id: "
                    f"{declared.place(dataset)}"
                )
                plan.conflicts.append(Conflict("dataset", str(dataset), reason))
    for dataset, other in held.occupied.items():
        reason = f"it is dataset {other.id}, and {dataset} was declared: {declared.place(dataset)}"
        plan.conflicts.append(Conflict("dataset", _named(other), reason))


def _named(ref: DatasetRef) -> str:
    return f"{ref.datasetType.name}@{ref.dataId} in {ref.run}"


def _plan_notices(plan: Plan[Any], held: Held, absent: Absent) -> None:
    if absent.skipped:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(absent.datasets.items()))
        plan.notices.append(
            f"left out datasets whose artifacts are not there: {counts}; the first is {absent.paths[0]}"
        )
    if held.elsewhere:
        plan.notices.append(
            f"kept {len(held.elsewhere)} datasets that are recorded at another place than the export's; "
            f"the first: {held.elsewhere[0]}"
        )
    if held.adopted:
        first = sorted(held.adopted.values())[0]
        plan.notices.append(
            f"{len(held.adopted)} files to move are at their place in the datastore already and are recorded "
            f"there; the first is {first}"
        )


def _unknown_records(declared: Declared, held: Held) -> dict[tuple[str, tuple[Any, ...]], str | None]:
    """Give the dimension records that missing datasets need and nobody declares."""
    if not held.expander.missing:
        return {}
    options: dict[str, str | None] = {}
    for artifact, refs in held.missing(declared):
        for ref in refs:
            for name in ref.dimensions.names:
                options.setdefault(name, declared.options[artifact.file.section.file])
    return {key: options.get(key[0]) for key in sorted(held.expander.missing, key=str)}


def _change(kind: str, group: Group, refs: Sequence[DatasetRef]) -> Change:
    examples = tuple(sorted(str(ref.dataId) for ref in refs)[:EXAMPLES])
    name = f"{group[0]} in {group[1]}"
    return Change.add(kind, name, {"datasets": len(refs)}, count=len(refs), examples=examples)


def apply_datasets(repository: Repository, work: DatasetWork, report: Report, *, batch_size: int) -> None:
    """Ingest what is missing.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    work : `DatasetWork`
        From `plan_datasets`.
    report : `Report`
        Counts what was done; the run may be stopped between batches.
    batch_size : `int`
        Most datasets in a transaction.
    """
    ingested = report.counter(INGESTING, sum(map(len, work.files.values())))
    for transfer, files in sorted(work.files.items()):
        Ingester(repository, transfer, report, batch_size=batch_size, on_commit=ingested).ingest(files)
    report.replaced += work.orphans
