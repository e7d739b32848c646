# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files by their names, which are absolute paths where they are local and URIs elsewhere.

Most files are local and there are many, so `lsst.resources` is asked only about the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._storage.remote_folders import below, walk_remote


def local_or_uri(path: str) -> str:
    """Name a file in the one way that it is looked up by.

    Parameters
    ----------
    path : `str`
        Path or URI.

    Returns
    -------
    path : `str`
        Absolute path of a local file, URI of any other.
    """
    if "://" not in path:
        return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - links are not followed
    return unquote(urlsplit(path).path) if path.startswith("file://") else path


def parted(path: str) -> tuple[str, str]:
    """Part a name into directory and last part.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.

    Returns
    -------
    folder, name : `str`
        Path or URI of the directory without a slash at the end, and the last part, in which nothing is
        quoted.
    """
    folder, _unused, name = path.rpartition("/")
    return folder, unquote(name) if "://" in path else name


def base_name(path: str) -> str:
    """Give the last part of a path.

    Parameters
    ----------
    path : `str`
        Path or URI.

    Returns
    -------
    name : `str`
        What is after the last slash, as it is written there.
    """
    return path.rpartition("/")[2]


def joined(folder: str, name: str) -> str:
    """Put a relative name to a directory.

    Parameters
    ----------
    folder : `str`
        Absolute path or URI of the directory.
    name : `str`
        Name in it or below it, in which nothing is quoted; or an absolute one, which is returned.

    Returns
    -------
    path : `str`
        Absolute path or URI.
    """
    if "://" in name:
        return local_or_uri(name)
    if "://" not in folder:
        return os.path.normpath(os.path.join(folder or "/", name))  # noqa: PTH118 - one for each of many files
    from lsst.resources import ResourcePath

    return str(below(ResourcePath(folder, forceDirectory=True), name))


def read_bytes(path: str) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.

    Returns
    -------
    data : `bytes`
        What is in it.

    Raises
    ------
    FileNotFoundError
        Raised if it is not there.
    Exception
        Raised, of a type of the storage, if it can't be read.
    """
    if "://" not in path:
        return Path(path).read_bytes()
    from lsst.resources import ResourcePath

    return ResourcePath(path, forceDirectory=False).read()


def names_in(folder: str) -> Iterable[str]:
    """List a directory.

    Parameters
    ----------
    folder : `str`
        Absolute path or URI of the directory.

    Returns
    -------
    names : `~collections.abc.Iterable` [ `str` ]
        Names of the files in it; of a local one, of everything in it.

    Raises
    ------
    Exception
        Raised, of a type of the storage, if it can't be listed.
    """
    if "://" not in folder:
        return os.listdir(folder or "/")  # noqa: PTH208 - names, not path objects
    from lsst.resources import ResourcePath

    for _unused, _directories, names in walk_remote(ResourcePath(folder, forceDirectory=True)):
        return names
    return []
