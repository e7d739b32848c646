# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are certainly gone, told from those of which nothing can be told.

The bulk look of `lsst.resources` takes every failure for a file that is not there (source: its
``ResourcePath.mexists``). Here a file is only gone if its storage says so, and if the storage is the one that
is meant: a file system that is not mounted says of every file that it is not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    from lsst.resources import ResourcePath

AT_ONCE = 10
"""How many files a server is asked for at the same time."""

_HINT = (
    "A file counts as gone only if its storage says so, and the place that it was in is there. Check "
    "servers, credentials and mounts, and run the task again."
)


class UnclearError(ButlerError):
    """Whether a file is there can't be told."""


def gone_among(uris: Iterable[ResourcePath], roots: Sequence[ResourcePath]) -> set[ResourcePath]:
    """Find the files that are gone.

    Parameters
    ----------
    uris : `~collections.abc.Iterable` [ `lsst.resources.ResourcePath` ]
        Files.
    roots : `~collections.abc.Sequence` [ `lsst.resources.ResourcePath` ]
        Where the datastore keeps its artifacts.

    Returns
    -------
    gone : `set` [ `lsst.resources.ResourcePath` ]
        Those that are not there.

    Raises
    ------
    UnclearError
        Raised for the first of which it can't be told: another answer than "not found", none at all, a root
        that is missing or empty, or a directory that may be where something else is to be mounted.
    """
    local: list[ResourcePath] = []
    remote: list[ResourcePath] = []
    for uri in uris:
        (local if uri.isLocal else remote).append(uri)
    gone = {uri for uri in local if not _is_there(uri.ospath)}
    gone |= set(remote) - there_among(remote)
    # Looked at afterwards, so that what went away meanwhile is noticed.
    places = _Places(roots)
    for uri in sorted(gone, key=str):
        places.check(uri)
    return gone


def check_roots(roots: Iterable[ResourcePath]) -> None:
    """Make sure that directories are there and not mere mount points.

    Parameters
    ----------
    roots : `~collections.abc.Iterable` [ `lsst.resources.ResourcePath` ]
        Where a datastore keeps its artifacts.

    Raises
    ------
    UnclearError
        Raised for the first that is missing or empty, or that can't be looked at.
    """
    for root in roots:
        if not _has_entries(root):
            raise UnclearError(
                f"{_shown(root)}, where the datastore keeps its artifacts, is missing or empty: its file "
                "system may not be mounted",
                option="repo",
                hint=_HINT,
            )


def _shown(uri: ResourcePath) -> str:
    return uri.ospath if uri.isLocal else uri.geturl()


def unclear(uri: str, reason: str) -> UnclearError:
    """Make the error for a file of which nothing can be told.

    Parameters
    ----------
    uri : `str`
        The file's path or URI.
    reason : `str`
        Why not.

    Returns
    -------
    error : `UnclearError`
        To be raised.
    """
    return UnclearError(f"whether {uri} is there can't be told: {reason}", option="repo", hint=_HINT)


def _is_there(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116 (a path object for each of many files takes longer)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unclear(path, error.strerror or str(error)) from None
    return True


def there_among(uris: Iterable[ResourcePath]) -> set[ResourcePath]:
    """Find the files that are there, with one request for each, several at a time.

    Parameters
    ----------
    uris : `~collections.abc.Iterable` [ `lsst.resources.ResourcePath` ]
        Files that are not local.

    Returns
    -------
    there : `set` [ `lsst.resources.ResourcePath` ]
        Those that are there.

    Raises
    ------
    UnclearError
        Raised for the first of which it can't be told: another answer than "not found", or none at all.
    """
    servers: dict[tuple[str, str], list[ResourcePath]] = {}
    for uri in uris:
        servers.setdefault((uri.scheme, uri.netloc), []).append(uri)
    # The first of each server is asked for alone: some clients must not be made by several threads at the
    # same time (source: lsst.resources, s3.py).
    there = {first for first, *_unused in servers.values() if _is_there_remote(first)}
    others = [uri for _unused, *rest in servers.values() for uri in rest]
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="butler artifacts")
    try:
        found = zip(others, pool.map(_is_there_remote, others), strict=True)
        return there | {uri for uri, is_there in found if is_there}
    finally:
        pool.shutdown(cancel_futures=True)


def _is_there_remote(uri: ResourcePath) -> bool:
    try:
        if not uri.scheme.startswith("http"):
            return bool(uri.exists())
        # For a plain web server "exists" takes every answer but 200 for "not found" (source: lsst.resources,
        # http.py).
        uri.get_info()
    except FileNotFoundError:
        return False
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise unclear(_shown(uri), first_line(error)) from error
    return True


def _has_entries(folder: ResourcePath) -> bool:
    try:
        if folder.isLocal:
            with os.scandir(folder.ospath) as entries:
                return next(entries, None) is not None
        if not folder.exists():
            return False
        # The first step lists this directory only.
        for _unused, folders, files in folder.walk():
            return bool(folders or files)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unclear(_shown(folder), error.strerror or str(error)) from None
    except Exception as error:
        raise unclear(_shown(folder), first_line(error)) from error
    return False


class _Places:
    """Says whether the places of files that are gone are the ones that are meant; each is looked at once."""

    def __init__(self, roots: Sequence[ResourcePath]) -> None:
        self._roots = roots
        self._checked: set[ResourcePath] = set()
        self._filled: dict[ResourcePath, bool] = {}

    def check(self, uri: ResourcePath) -> None:
        root = next((root for root in self._roots if uri.relative_to(root) is not None), None)
        if root is not None and root not in self._checked:
            check_roots([root])
            self._checked.add(root)
        if uri.isLocal:
            self._check_local(uri, root)
        elif root is None and uri.scheme.startswith("dav"):
            self._check_remote(uri)

    def _check_local(self, uri: ResourcePath, root: ResourcePath | None) -> None:
        from lsst.resources import ResourcePath

        # Where a link leads nowhere, what counts is where it leads to.
        real = Path(os.path.realpath(uri.ospath))
        linked = str(real) != uri.ospath and (
            root is None or not real.is_relative_to(os.path.realpath(root.ospath))
        )
        folder = real.parent
        while not _is_there(str(folder)):
            folder = folder.parent
        is_own = folder == real.parent and root is not None and not linked
        self._require(uri, ResourcePath(str(folder), forceDirectory=True), may_be_empty=is_own)

    def _check_remote(self, uri: ResourcePath) -> None:
        folder = uri.parent()
        while folder not in self._filled and not _is_there_remote(folder) and folder.path != "/":
            folder = folder.parent()
        self._require(uri, folder, may_be_empty=False)

    def _require(self, uri: ResourcePath, folder: ResourcePath, *, may_be_empty: bool) -> None:
        if may_be_empty:
            return
        if folder not in self._filled:
            self._filled[folder] = folder.path != "/" and _has_entries(folder)
        if not self._filled[folder]:
            raise unclear(
                _shown(uri),
                f"of the directories above it {_shown(folder)} is the last that is there, and "
                + (
                    "anything may be mounted there"
                    if folder.path == "/"
                    else "it is empty: if it is no mount point, remove it"
                ),
            )
