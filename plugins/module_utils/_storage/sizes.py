# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many files are there, and how large they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks

CHUNK = 10_000


def sizes_of(paths: Iterable[str]) -> dict[str, int]:
    """Look for files, remote ones in bulk.

    Parameters
    ----------
    paths : `~collections.abc.Iterable` [ `str` ]
        Absolute paths and URIs.

    Returns
    -------
    sizes : `dict` [ `str`, `int` ]
        Size in bytes of each that is there; 0 for remote ones, which are not asked for it.
    """
    from lsst.resources import ResourcePath

    sizes: dict[str, int] = {}
    remote: list[str] = []
    for path in set(paths):
        uri = ResourcePath(path, forceDirectory=False) if "://" in path else None
        if uri is not None and not uri.isLocal:
            remote.append(path)
            continue
        try:
            found = os.stat(path if uri is None else uri.ospath)  # noqa: PTH116 (a hundred thousand of them)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            sizes[path] = found.st_size
    for chunk in in_chunks(sorted(remote), CHUNK):
        # One file may be spelled in several ways.
        spelled: dict[ResourcePath, list[str]] = {}
        for path in chunk:
            spelled.setdefault(ResourcePath(path, forceDirectory=False), []).append(path)
        for resource, exists in ResourcePath.mexists(spelled).items():
            sizes |= dict.fromkeys(spelled[resource] if exists else (), 0)
    return sizes
