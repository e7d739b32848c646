# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in a datastore: those that are recorded, and those that nobody knows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ansible_collections.rubin.butler.plugins.module_utils._butler.locks import sqlite_file
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._storage.remote_folders import below, walk_remote

if TYPE_CHECKING:
    from lsst.daf.butler import ButlerConfig
    from lsst.resources import ResourcePath

NEW_CONFIG_NAME = ".butler.yaml.new"
"""What ``butler.yaml`` is called while ``butler_repo`` writes it."""

TEMPORARY = (".transfer-tmp", NEW_CONFIG_NAME)
"""Ends of the names of files that exist only while something is written, or since it was killed
(source: lsst.resources, file.py, copying without overwriting)."""


def files_below(root: ResourcePath) -> Iterator[str]:
    """List the files below a directory.

    Parameters
    ----------
    root : `lsst.resources.ResourcePath`
        The directory; it may be missing.

    Yields
    ------
    path : `str`
        Relative to the directory; symbolic links are listed and not followed. Sorted within each directory.
    """
    if root.isLocal:
        top = root.ospath
        for folder, folders, names in os.walk(top):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            folders.sort()
            for name in sorted([*names, *links]):
                yield Path(folder, name).relative_to(top).as_posix()
        return
    if root.exists():
        for parent, _unused, names in walk_remote(root):
            for name in names:
                yield unquote(below(parent, name).geturl().removeprefix(root.geturl()))


def recorded_below(repository: Repository, root: ResourcePath) -> set[str]:
    """List the artifacts below a directory that the datastore has records of.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    root : `lsst.resources.ResourcePath`
        The directory: the datastore's root.

    Returns
    -------
    paths : `set` [ `str` ]
        Relative to the directory.
    """
    butler = repository.butler
    paths = set()
    runs = [
        info for info in butler.collections.query_info("*", include_summary=True) if info.type.name == "RUN"
    ]
    for name in sorted({name for info in runs for name in info.dataset_types or ()}):
        within = [info.name for info in runs if name in (info.dataset_types or ())]
        with butler.query() as query:
            refs = list(query.datasets(name, within, find_first=False))
        for uris in butler.get_many_uris(refs, allow_missing=True).values():
            for uri in (uris.primaryURI, *uris.componentURIs.values()):
                path = uri.replace(fragment="").relative_to(root) if uri is not None else None
                if path is not None:
                    paths.add(path)
    return paths


def own_files(config: ButlerConfig, root: ResourcePath, datastore_root: ResourcePath) -> set[str]:
    """Name the files of a repository that are no artifacts.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    root : `lsst.resources.ResourcePath`
        The repository's root.
    datastore_root : `lsst.resources.ResourcePath`
        The datastore's root, which usually is the same.

    Returns
    -------
    paths : `set` [ `str` ]
        Relative to the datastore's root, whether or not they are there.
    """
    from lsst.resources import ResourcePath

    uris = [root.join("butler.yaml")]
    file = sqlite_file(config, root)
    if file is not None:
        uris += [ResourcePath(str(name)) for name in sqlite_names(file)]
    return {path for uri in uris if (path := uri.relative_to(datastore_root)) is not None}


def sqlite_names(file: Path) -> list[Path]:
    """Name the files that an SQLite registry may consist of.

    Parameters
    ----------
    file : `pathlib.Path`
        The database.

    Returns
    -------
    names : `list` [ `pathlib.Path` ]
        The database, which the others mean nothing without, its journals, and the writers' lock.
    """
    return [file.with_name(file.name + suffix) for suffix in ("", "-journal", "-wal", "-shm", ".lock")]
