# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a killed ``Butler.put`` leaves in a datastore."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import target_of

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef


def clear_leftovers(repository: Repository, refs: Iterable[DatasetRef], extension: str) -> int:
    """Remove what was written of datasets by runs that were killed before they gave it its name.

    Parameters
    ----------
    repository : `Repository`
        The repository; the lock of the run is held.
    refs : `~collections.abc.Iterable` [ `lsst.daf.butler.DatasetRef` ]
        Datasets that are about to be put, their data IDs expanded with records.
    extension : `str`
        That of their artifacts.

    Returns
    -------
    removed : `int`
        How many files. Each folder is listed once.

    Notes
    -----
    In a local datastore ``put`` writes beside the artifact, to a name of random letters, the artifact's name
    and ``.tmp`` before the extension, and renames that (source: daf_butler 30, ``FormatterV2.write`` and
    ``TemporaryForIngest``). Elsewhere it writes to the folder for temporary files.
    """
    folders: dict[Path, set[str]] = {}
    for ref in refs:
        target = target_of(repository, ref, f"made{extension}")
        if target is not None and target.isLocal:
            path = Path(target.ospath)
            folders.setdefault(path.parent, set()).add(f"{path.stem}.tmp{extension}")
    removed = 0
    for folder, endings in folders.items():
        for path in folder.glob(f"*.tmp{extension}"):
            if path.name.endswith(tuple(endings)):
                path.unlink(missing_ok=True)
                removed += 1
    return removed
