# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the artifacts of datasets are recorded to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef
    from lsst.resources import ResourcePath

CHUNK = 10_000
FORGOTTEN_AT_ONCE = 1_000


def recorded_places(
    repository: Repository, refs: Iterable[DatasetRef]
) -> Iterator[tuple[DatasetRef, str | None]]:
    """Ask the datastore where artifacts are.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    refs : `~collections.abc.Iterable` [ `lsst.daf.butler.DatasetRef` ]
        Datasets, registered or not. Streamed, `CHUNK` at a time.

    Yields
    ------
    ref : `lsst.daf.butler.DatasetRef`
        One of those that the datastore records.
    place : `str` or `None`
        Its path or URI if it was ingested in place, `None` if it is an artifact of the datastore.
    """
    root = repository.datastore_root
    for chunk in in_chunks(refs, CHUNK):
        for ref, uris in repository.butler.get_many_uris(chunk, allow_missing=True).items():
            yield ref, _outside(uris.primaryURI, root)


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


def is_inside(repository: Repository, source: str) -> bool:
    """Tell whether a file is in the datastore already.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    source : `str`
        Path or URI.

    Returns
    -------
    inside : `bool`
        Whether it is below the datastore's root: ``auto`` and ``split`` leave such a file in its place.
    """
    from lsst.resources import ResourcePath

    root = repository.datastore_root
    return root is not None and ResourcePath(source, forceAbsolute=True).relative_to(root) is not None


def forget_places(repository: Repository, refs: Iterable[DatasetRef], report: Report) -> None:
    """Drop the datastore's records of datasets that are about to be recorded at another place.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    refs : `~collections.abc.Iterable` [ `lsst.daf.butler.DatasetRef` ]
        Datasets that were ingested in place, whose files stay. Streamed, `FORGOTTEN_AT_ONCE` at a time.
    report : `Report`
        Where the run may be stopped.
    """
    for chunk in in_chunks(refs, FORGOTTEN_AT_ONCE):
        report.checkpoint()
        repository.butler.pruneDatasets(chunk, disassociate=False, unstore=True, purge=False)
