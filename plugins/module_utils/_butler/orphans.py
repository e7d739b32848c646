# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files where artifacts are to go that no dataset has: a killed run leaves them behind."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import NewFile
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import is_inside
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import IN_PLACE, target_of
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import EXAMPLES, Change, Plan

if TYPE_CHECKING:
    from lsst.resources import ResourcePath

CHUNK = 1_000


@dataclass(frozen=True)
class Orphan:
    """A file where an artifact is to go.

    Parameters
    ----------
    run : `str`
        The run that the artifact belongs to.
    path : `str`
        Where it is, relative to the datastore's root.
    source : `str`
        The file that is to go there.
    differs : `bool`
        Whether it is another file than the one that is to go there.
    """

    run: str
    path: str
    source: str
    differs: bool


def find_orphans(repository: Repository, transfer: str, files: Iterable[NewFile]) -> list[Orphan]:
    """Look at the places where artifacts are to go.

    Parameters
    ----------
    repository : `Repository`
        Where to.
    transfer : `str`
        The declared transfer mode; ``direct`` and ``split`` write no artifacts.
    files : `~collections.abc.Iterable` [ `NewFile` ]
        Files whose datasets the datastore does not record, their data IDs expanded with records. Streamed.

    Returns
    -------
    orphans : `list` [ `Orphan` ]
        Those places that are taken. One look at each place; a file is only read where one is found.
    """
    if transfer in IN_PLACE:
        return []
    orphans: list[Orphan] = []
    for chunk in in_chunks(files, CHUNK):
        orphans += _in_chunk(repository, transfer, chunk)
    return orphans


def _in_chunk(repository: Repository, transfer: str, files: Sequence[NewFile]) -> Iterator[Orphan]:
    from lsst.resources import ResourcePath

    root = repository.datastore_root
    targets: dict[ResourcePath, NewFile] = {}
    for file in files:
        if transfer == "auto" and is_inside(repository, file.path):
            continue
        # All datasets of a file are recorded at the place of the first.
        target = target_of(repository, file.refs[0], file.path)
        if target is not None:
            targets[target] = file
    if root is None or not targets:
        return
    if root.isLocal:
        taken = [target for target in targets if os.path.lexists(target.ospath)]
    else:
        taken = [target for target, exists in ResourcePath.mexists(targets).items() if exists]
    for target in sorted(taken, key=str):
        file = targets[target]
        path = target.relative_to(root)
        yield Orphan(file.refs[0].run, path or str(target), file.path, _differ(target, file.path))


def _differ(target: ResourcePath, source: str) -> bool:
    from lsst.resources import ResourcePath

    uri = ResourcePath(source, forceAbsolute=True)
    try:
        if target.isLocal and uri.isLocal:
            return not filecmp.cmp(target.ospath, uri.ospath, shallow=False)
        # Reading remote files to the end could take as long as copying them.
        return target.size() != uri.size()
    except OSError:
        return True


def plan_orphans(plan: Plan[Any], orphans: Sequence[Orphan]) -> None:
    """Plan that files nobody recorded are replaced by the artifacts that belong there.

    Parameters
    ----------
    plan : `Plan`
        Gets one change for each run; those files that differ are its examples.
    orphans : `~collections.abc.Sequence` [ `Orphan` ]
        From `find_orphans`.
    """
    for run in sorted({orphan.run for orphan in orphans}):
        members = [orphan for orphan in orphans if orphan.run == run]
        different = sorted(orphan.path for orphan in members if orphan.differs)
        before = {"files without a dataset": len(members), "that differ": len(different)}
        after = {"files without a dataset": 0}
        plan.changes.append(
            Change.replace(
                "orphan", run, before, after, count=len(members), examples=tuple(different[:EXAMPLES])
            )
        )
