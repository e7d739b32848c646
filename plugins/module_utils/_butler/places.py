# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the artifacts of datasets are recorded to be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository

if TYPE_CHECKING:
    from uuid import UUID

    from lsst.daf.butler import DatasetRef
    from lsst.resources import ResourcePath

CHUNK = 10_000


def recorded_places(repository: Repository, refs: Iterable[DatasetRef]) -> dict[UUID, str | None]:
    """Ask the datastore where artifacts are.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    refs : `~collections.abc.Iterable` [ `lsst.daf.butler.DatasetRef` ]
        Registered datasets. Streamed, `CHUNK` at a time.

    Returns
    -------
    places : `dict` [ `uuid.UUID`, `str` or `None` ]
        Those that are recorded, by dataset id: with path or URI where they were ingested in place, with
        `None` where they are artifacts of the datastore.
    """
    root = repository.datastore_root
    places: dict[UUID, str | None] = {}
    iterator = iter(refs)
    while chunk := list(islice(iterator, CHUNK)):
        for ref, uris in repository.butler.get_many_uris(chunk, allow_missing=True).items():
            places[ref.id] = _outside(uris.primaryURI, root)
    return places


def _outside(uri: ResourcePath | None, root: ResourcePath | None) -> str | None:
    if uri is None or uri.fragment or (root is not None and uri.relative_to(root) is not None):
        return None
    return uri.ospath if uri.isLocal else uri.geturl()


def is_same_file(first: str, second: str) -> bool:
    """Tell whether two paths or URIs are of one file.

    Parameters
    ----------
    first, second : `str`
        Absolute paths or URIs.

    Returns
    -------
    same : `bool`
        Whether they are equal, or paths that lead to one file.
    """
    if first == second:
        return True
    if "://" in first or "://" in second:
        return False
    try:
        return Path(first).samefile(second)
    except OSError:
        return False
