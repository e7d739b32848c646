# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in directories that are not local, by the names that the files have.

Of a WebDAV server that does not say what a file is called, Apache httpd for one, `lsst.resources` gives the
last part of its URL for a name, and then quotes that once more: it does not find what has a space in its
name, and goes into no directory that has one (source: lsst.resources, ``davutils.py`` and ``dav.py``).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from concurrent.futures import Future

    from lsst.resources import ResourcePath

    _Listing = Future[tuple[list[str], list[str]] | None]

AT_ONCE = 8
"""How many directories a server is asked for at the same time: what counts is its delay."""
AHEAD = 64
"""How many directories of one, at most, are asked for before they are wanted."""

_QUOTED = re.compile(r"%[0-9A-Fa-f]{2}")
_SAFE = "/%:@!$&'()*+,;=~?#[]"
_UNSAFE = re.compile(rf"[^\w.\-{re.escape(_SAFE)}]", re.ASCII)


def walk_remote(top: ResourcePath) -> Iterator[tuple[ResourcePath, list[str], list[str]]]:
    """List a directory that is not local, and those below it.

    Parameters
    ----------
    top : `lsst.resources.ResourcePath`
        The directory; nothing is given for one that is not there.

    Yields
    ------
    folder : `lsst.resources.ResourcePath`
        A directory, not those without anything in them.
    folders, files : `list` [ `str` ]
        The names of what is in it, in which nothing is quoted, sorted. Names taken out of ``folders`` are not
        gone into.

    Raises
    ------
    Exception
        Raised, of a type of the storage, if it can't be listed.
    """
    if not top.scheme.startswith("dav"):
        for folder, folders, files in top.walk():
            folders.sort()
            yield folder, folders, sorted(files)
        return
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="butler listing")
    try:
        walk = _Walk(pool)
        yield from walk.go(top, walk.ask(top))
    finally:
        pool.shutdown(cancel_futures=True)


def as_folder(uri: ResourcePath) -> ResourcePath | None:
    """Ask the storage whether something that is not local is a directory.

    Parameters
    ----------
    uri : `lsst.resources.ResourcePath`
        What may have no slash at its end: that is all that ``isdir`` looks at for a WebDAV server (source:
        lsst.resources, ``dav.py``).

    Returns
    -------
    folder : `lsst.resources.ResourcePath` or `None`
        The same as a directory; `None` if it is none, or is not there.

    Raises
    ------
    Exception
        Raised, of a type of the storage, if it gives no answer.
    """
    from lsst.resources import ResourcePath

    if uri.isdir():
        return uri
    if uri.scheme.startswith("dav"):
        with suppress(FileNotFoundError):
            return None if uri.get_info().is_file else ResourcePath(f"{uri}/", forceDirectory=True)
    return None


class _Names:
    """Tells what files are called by what a server says; of one server it is always the same."""

    def __init__(self) -> None:
        self._quoted: bool | None = None

    def plain(self, folder: ResourcePath, names: list[str]) -> list[str]:
        """Give names in which nothing is quoted."""
        if self._quoted is None:
            self._quoted = self._ask(folder, names)
        return sorted(map(unquote, names) if self._quoted else names)

    @staticmethod
    def _ask(folder: ResourcePath, names: list[str]) -> bool | None:
        """Find out from the first name that could be either, `None` if there is none."""
        if any(_UNSAFE.search(name) for name in names):
            return False
        for name in names:
            if _QUOTED.search(name):
                return bool(below(folder, unquote(name)).exists())
        return None


class _Walk:
    """Goes through the directories of a WebDAV server, in order; the next ones are asked for meanwhile."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._names = _Names()

    def go(
        self, folder: ResourcePath, listing: _Listing
    ) -> Iterator[tuple[ResourcePath, list[str], list[str]]]:
        found = listing.result()
        if found is None:
            return
        folders, files = (self._names.plain(folder, names) for names in found)
        _drop_itself(folder, folders)
        yield folder, folders, files
        inner = iter([below(folder, name, is_folder=True) for name in folders])
        asked: deque[tuple[ResourcePath, _Listing]] = deque()
        while True:
            asked.extend((one, self.ask(one)) for one in islice(inner, AHEAD - len(asked)))
            if not asked:
                return
            yield from self.go(*asked.popleft())

    def ask(self, folder: ResourcePath) -> _Listing:
        return self._pool.submit(_list_one, folder)


def _drop_itself(folder: ResourcePath, names: list[str]) -> None:
    """Take a directory's own name out of those that it holds.

    `lsst.resources` takes it for one of them where the server writes the name in its URL in another way, such
    as ``%c3`` for ``%C3`` (source: ``read_dir`` of ``davutils.py``).
    """
    own = unquote(folder.geturl().rstrip("/").rpartition("/")[2])
    if own.isascii() or own not in names:
        return
    if names.count(own) > 1 or not below(folder, own, is_folder=True).exists():
        names.remove(own)


def _list_one(folder: ResourcePath) -> tuple[list[str], list[str]] | None:
    """Name the directories and the files in one, `None` if there are none."""
    # The first step of walk lists one directory, and only the second goes into another.
    for _unused, folders, files in folder.walk():
        return _without_itself(folder, folders), files
    return None


def _without_itself(folder: ResourcePath, folders: list[str]) -> list[str]:
    """Take out the directory itself, which is among its own where a server quotes in small letters."""
    path = folder.geturl()
    own = unquote(path.rstrip("/").rpartition("/")[2])
    inner = list(dict.fromkeys(folders))
    if "%" in path and own in map(unquote, inner) and not below(folder, own, is_folder=True).exists():
        inner = [name for name in inner if unquote(name) != own]
    return inner


def remove_empty_remote(top: ResourcePath) -> dict[str, str]:
    """Remove a directory of a WebDAV server and those below it, as far as there are no files in them.

    Parameters
    ----------
    top : `lsst.resources.ResourcePath`
        The directory; of another kind of storage, which has no directories, it stays as it is.

    Returns
    -------
    refused : `dict` [ `str`, `str` ]
        URIs of empty directories that the server does not remove, and what it says. The top of what an
        account may write is one often.
    """
    refused: dict[str, str] = {}
    if not top.scheme.startswith("dav"):
        return refused
    filled: set[str] = set()
    folders = [top]
    for folder, inner, files in walk_remote(top):
        # Those without anything in them are named by the one that they are in alone.
        folders += [below(folder, name, is_folder=True) for name in inner]
        if files:
            path = folder.geturl()
            while path not in filled and path.startswith(top.geturl()):
                filled.add(path)
                path = path.rstrip("/").rpartition("/")[0] + "/"
    for folder in reversed(folders):
        # What was put there since it was listed stays. What is put there between the two requests that this
        # takes, one to look and one to remove, goes with it: WebDAV has no other.
        if folder.geturl() not in filled:
            with suppress(IsADirectoryError):
                try:
                    folder.remove()
                except ValueError as error:
                    refused[folder.geturl()] = str(error)
    return refused


def below(folder: ResourcePath, name: str, *, is_folder: bool = False) -> ResourcePath:
    """Give something in a directory that is not local.

    Parameters
    ----------
    folder : `lsst.resources.ResourcePath`
        The directory.
    name : `str`
        Its name there, or a path of names, in which nothing is quoted.
    is_folder : `bool`, optional
        Whether it is a directory.

    Returns
    -------
    uri : `lsst.resources.ResourcePath`
        Its URI. ``join`` of the same name would take ``#`` for the beginning of a fragment.
    """
    from lsst.resources import ResourcePath

    return ResourcePath(f"{folder.geturl().rstrip('/')}/{quote(name)}", forceDirectory=is_folder)


def quoted(uri: str) -> str:
    """Quote in a URI what an operator may have left as it is, such as spaces and letters that are not ASCII.

    Parameters
    ----------
    uri : `str`
        URI, or path, which is returned as it is.

    Returns
    -------
    uri : `str`
        The same with nothing quoted twice; `lsst.resources` would send letters that are not ASCII in an
        encoding that servers do not expect.
    """
    if not uri.startswith(("davs://", "dav://")):
        return uri
    return quote(uri, safe=_SAFE)
