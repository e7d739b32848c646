# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certifies and decertifies what a plan says, in as few calls as there are ranges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import transact
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.observed import read_timelines
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.planning import Task, Work
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import FIRST, LAST, Span
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.timeline import arrange

if TYPE_CHECKING:
    from astropy.time import Time
    from lsst.daf.butler import DataCoordinate, DatasetRef, Timespan

_DATA_IDS = 250
"""Most data IDs to decertify in one call, whose time grows with the square of their number."""

_DAY = 86_400 * 1_000_000_000
_EPOCH = 2_440_587.5
"""1970-01-01 as a Julian day."""


@cache
def timespan_of(span: Span) -> Timespan:
    """Give a range as daf_butler has it.

    Parameters
    ----------
    span : `Span`
        The range.

    Returns
    -------
    timespan : `lsst.daf.butler.Timespan`
        The same, to the nanosecond.
    """
    from lsst.daf.butler import Timespan

    return Timespan(
        None if span.begin == FIRST else _time(span.begin), None if span.end == LAST else _time(span.end)
    )


def _time(time: int) -> Time:
    from astropy.time import Time

    days, rest = divmod(time, _DAY)
    return Time(_EPOCH + days, rest / _DAY, format="jd", scale="tai")


def write(
    repository: Repository,
    held: tuple[str, str],
    tasks: Sequence[Task],
    work: Work,
    report: Report,
    batch_size: int,
) -> None:
    """Carry out what is planned for one dataset type in one collection.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    held : `tuple` [ `str`, `str` ]
        Collection and dataset type.
    tasks : `~collections.abc.Sequence` [ `Task` ]
        What is to be done at each data ID.
    work : `Work`
        Knows the datasets.
    report : `Report`
        Counts what was done; the run may be stopped between transactions.
    batch_size : `int`
        About how many data IDs there are in a transaction.

    Raises
    ------
    ButlerError
        Raised, with nothing written of this dataset type, if another writer changed meanwhile what is valid,
        and not to what is declared.
    """
    from lsst.daf.butler.registry import ConflictingDefinitionError

    collection, name = held
    report.checkpoint()
    # Another task may certify the same: whoever comes second looks again.
    with repository.writer_lock(collection, report.notice):
        left = _still_to_do(repository, held, tasks)
        for batch in _batches(left, batch_size):
            report.checkpoint()
            try:
                transact(repository.butler, partial(_write, repository, held, batch, work), report.log)
            except ConflictingDefinitionError as error:
                raise _changed_meanwhile(collection, name) from error
            for task in batch:
                _count(task, report)


def _write(repository: Repository, held: tuple[str, str], tasks: Sequence[Task], work: Work) -> None:
    registry = repository.butler.registry
    collection, name = held
    ends: dict[Span, list[DataCoordinate]] = defaultdict(list)
    begins: dict[Span, list[DatasetRef]] = defaultdict(list)
    for task in tasks:
        for span in task.arranged.decertify:
            ends[span].append(task.data_id)
        for one, answer in zip(task.declared.asked, task.arranged.answers, strict=True):
            for span in answer.certify:
                begins[span].append(work.refs[one.dataset])
    for span, data_ids in sorted(ends.items()):
        for some in in_chunks(data_ids, _DATA_IDS):
            registry.decertify(collection, name, timespan_of(span), dataIds=some)
    for span, refs in sorted(begins.items()):
        registry.certify(collection, refs, timespan_of(span))


def _batches(tasks: Sequence[Task], size: int) -> Iterator[list[Task]]:
    """Group what is to be done to transactions of about a size.

    Those with the same ranges stay together: each call compares what is new with all that is there, so that
    the cost of many calls grows with the square of their number.
    """
    alike: dict[tuple[tuple[Span, ...], ...], list[Task]] = defaultdict(list)
    for task in tasks:
        answers = task.arranged.answers
        certify = tuple(sorted(span for answer in answers for span in answer.certify))
        alike[certify, tuple(task.arranged.decertify)].append(task)
    batch: list[Task] = []
    for _unused, some in sorted(alike.items(), key=lambda item: item[0]):
        if batch and len(batch) + len(some) > size:
            yield batch
            batch = []
        batch += some
    if batch:
        yield batch


def _still_to_do(repository: Repository, held: tuple[str, str], tasks: Sequence[Task]) -> list[Task]:
    """Leave out what another writer has done since the plan was made."""
    collection, name = held
    now, _unused = read_timelines(repository.butler, collection, name)
    left = []
    for task in tasks:
        timeline = now.get(tuple(task.data_id.required_values), ())
        if timeline == task.timeline:
            left.append(task)
        else:
            arranged = arrange(timeline, task.declared, task.on_conflict)
            if not arranged.nothing or any(answer.conflict for answer in arranged.answers):
                raise _changed_meanwhile(collection, name)
    return left


def _changed_meanwhile(collection: str, name: str) -> ButlerError:
    return ButlerError(
        f"another writer has changed meanwhile which datasets of type {name} are valid in {collection}",
        hint="What was committed stays. Run the task again: it plans from what is valid then.",
    )


def _count(task: Task, report: Report) -> None:
    for answer in task.arranged.answers:
        replaced = bool(answer.others) and not answer.kept
        report.replaced += bool(answer.certify) and replaced
        report.added += bool(answer.certify) and not replaced
    report.removed += sum(map(len, task.arranged.removed)) + len(task.arranged.pruned)
