# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many files are there, and how large they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import (
    UnclearError,
    there_among,
    unclear,
)

CHUNK = 10_000

_HINT = (
    "A file counts as missing only if its storage says so. Check servers, credentials and mounts, and run "
    "the task again. Nothing was written."
)


def sizes_of(paths: Iterable[str], option: str) -> dict[str, int]:
    """Look for files, remote ones in bulk.

    Parameters
    ----------
    paths : `~collections.abc.Iterable` [ `str` ]
        Absolute paths and URIs.
    option : `str`
        What names them, for messages.

    Returns
    -------
    sizes : `dict` [ `str`, `int` ]
        Size in bytes of each that is there; 0 for remote ones, which are not asked for it.

    Raises
    ------
    UnclearError
        Raised for the first of which it can't be told whether it is there: a server is down, or a directory
        may not be looked into.
    """
    try:
        return _look_for(set(paths))
    except UnclearError as error:
        raise UnclearError(error.message, option=option, hint=_HINT) from error


def _look_for(paths: Iterable[str]) -> dict[str, int]:
    from lsst.resources import ResourcePath

    sizes: dict[str, int] = {}
    remote: list[str] = []
    for path in paths:
        uri = ResourcePath(path, forceDirectory=False) if "://" in path else None
        if uri is not None and not uri.isLocal:
            remote.append(path)
            continue
        try:
            found = os.stat(path if uri is None else uri.ospath)  # noqa: PTH116 (a hundred thousand of them)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise unclear(path if uri is None else uri.ospath, error.strerror or str(error)) from None
        if stat.S_ISREG(found.st_mode):
            sizes[path] = found.st_size
    for chunk in in_chunks(sorted(remote), CHUNK):
        # One file may be spelled in several ways.
        spelled: dict[ResourcePath, list[str]] = {}
        for path in chunk:
            spelled.setdefault(ResourcePath(path, forceDirectory=False), []).append(path)
        for resource in there_among(spelled):
            sizes |= dict.fromkeys(spelled[resource], 0)
    return sizes
