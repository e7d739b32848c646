# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories with raw files, and what the index of each has."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import GUIDER_SUFFIXES
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import (
    COMMON,
    CONTENT,
    INDEX,
    Content,
    read_index,
)

UNFINISHED = f".{INDEX}."
"""How the name of an index begins while it is written."""

_BESIDE = (".json", ".yaml", ".md5", ".sha256")
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RawFolder:
    """A directory that holds raw files.

    Parameters
    ----------
    path : `str`
        Absolute path.
    files : `dict` [ `str`, `int` or `None` ]
        Names of the raw files, sorted, and when each was last written (nanoseconds); `None` for a link that
        leads nowhere.
    index : `int` or `None`
        When its index was last written (nanoseconds), if it has one.
    guiders : `int`
        How many guider files are there besides.
    unfinished : `tuple` [ `str`, ... ]
        Names of what killed runs have left.
    """

    path: str
    files: dict[str, int | None]
    index: int | None
    guiders: int
    unfinished: tuple[str, ...]

    @property
    def index_path(self) -> str:
        """Where its index is, or would be (`str`)."""
        return f"{self.path}/{INDEX}"


@dataclass(frozen=True, slots=True)
class HeldIndex:
    """What can be kept of the index of a directory.

    Parameters
    ----------
    entries : `dict` [ `str`, `dict` ]
        What it tells of each file that was not written since, by name.
    times : `dict` [ `str`, `int` ]
        When those were last written (nanoseconds).
    content : `str` or `None`
        What kind of content it has; `None` if it has no entry, or is broken.
    size : `int`
        How many entries it has.
    gone, changed : `tuple` [ `str`, ... ]
        Names of those whose file is not there, and of those whose file was written since.
    broken : `str`
        What is wrong with it as a whole, or nothing.
    """

    entries: dict[str, dict[str, Any]]
    times: dict[str, int]
    content: Content | None
    size: int
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    broken: str = ""


def raw_folders(top: str, pattern: re.Pattern[str], seen: set[tuple[int, int]]) -> Iterator[RawFolder]:
    """Find the directories that hold raw files, a given one and those below it.

    Parameters
    ----------
    top : `str`
        Absolute path of the directory.
    pattern : `re.Pattern`
        Searched for in the names of files.
    seen : `set` [ `tuple` [ `int`, `int` ] ]
        The directories that were there before, which are left out; those that are there now are added. Links
        are followed, and may lead back.

    Yields
    ------
    folder : `RawFolder`
        In the order of their paths.

    Raises
    ------
    OSError
        Raised if one can't be listed.
    """
    waiting = [top]
    while waiting:
        path = waiting.pop()
        status = os.stat(path)  # noqa: PTH116 - a path object for each of many directories takes longer
        place = (status.st_dev, status.st_ino)
        if place not in seen:
            seen.add(place)
            folder, below = _look(path, pattern)
            waiting += sorted(below, reverse=True)
            if folder.files:
                yield folder


def _look(path: str, pattern: re.Pattern[str]) -> tuple[RawFolder, list[str]]:
    """List a directory; give also the directories in it."""
    files: dict[str, int | None] = {}
    below: list[str] = []
    unfinished: list[str] = []
    index = None
    guiders = 0
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            if entry.is_dir():
                below.append(entry.path)
            elif name == INDEX:
                index = _time_of(entry)
            elif name.startswith(UNFINISHED):
                unfinished.append(name)
            elif name.endswith(_BESIDE) or not pattern.search(name):
                continue
            elif name.endswith(GUIDER_SUFFIXES):
                guiders += 1
            else:
                files[name] = _time_of(entry)
    return RawFolder(path, dict(sorted(files.items())), index, guiders, tuple(unfinished)), below


def _time_of(entry: os.DirEntry[str]) -> int | None:
    """Tell when a file was last written; `None` if there is none behind the link."""
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def held_index(folder: RawFolder) -> HeldIndex:
    """See what the index of a directory has. No raw file is opened.

    Parameters
    ----------
    folder : `RawFolder`
        A directory with an index.

    Returns
    -------
    held : `HeldIndex`
        What can be kept of it.
    """
    try:
        told = read_index(folder.index_path)
    except ButlerError as error:
        return HeldIndex({}, {}, None, 0, broken=error.message.removeprefix(f"{folder.index_path} "))
    entries: dict[str, dict[str, Any]] = {}
    times: dict[str, int] = {}
    gone: list[str] = []
    changed: list[str] = []
    own = f"{folder.path}/"
    for path, entry in told.items():
        name = path.removeprefix(own)
        time = folder.files[name] if name in folder.files else _time_at(path)
        if time is None:
            gone.append(name)
        elif time > (folder.index or 0):
            changed.append(name)
        else:
            entries[name] = entry.values
            times[name] = time
    content = next((entry.content for entry in told.values()), None)
    return HeldIndex(entries, times, content, len(told), tuple(sorted(gone)), tuple(sorted(changed)))


def _time_at(path: str) -> int | None:
    """Tell when a file that is no raw was last written; `None` if it is not there."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - one for each of perhaps many files
    except OSError:
        return None


def index_bytes(content: Content, entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Make an index.

    Parameters
    ----------
    content : {"metadata", "translated"}
        What kind of entries these are.
    entries : `~collections.abc.Mapping` [ `str`, `~collections.abc.Mapping` ]
        What there is to tell of each file, as JSON has it.

    Returns
    -------
    data : `bytes`
        The index as the official readers take it; of the same entries always the same.
    """
    from astro_metadata_translator.indexing import calculate_index

    made: dict[str, Any] = {CONTENT: content, COMMON: {}}
    if entries:
        made |= calculate_index({name: dict(entries[name]) for name in sorted(entries)}, content)
    # What files share comes first, for whoever looks into it. The library gives properties in any order.
    ordered = {
        key: dict(sorted(value.items())) if isinstance(value, dict) else value for key, value in made.items()
    }
    return f"{json.dumps(ordered)}\n".encode()


def write_index(folder: RawFolder, data: bytes, time: int) -> None:
    """Put an index into place, whole or not at all, and remove what killed runs have left.

    It gets the time of the newest file that it tells of. So whatever the clocks of hosts and file servers
    say, it is older than each file that was written since that file was listed, and no older than the others.

    Parameters
    ----------
    folder : `RawFolder`
        The directory, as it was listed.
    data : `bytes`
        From `index_bytes`.
    time : `int`
        When the newest of its files was last written (nanoseconds).

    Raises
    ------
    OSError
        Raised if it can't be written.
    """
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder.path)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
            os.fchmod(descriptor, 0o666 & ~_umask())
            os.utime(descriptor, ns=(time, time))
            if os.fstat(descriptor).st_mtime_ns < time:
                # A file system that keeps no fractions; the files are elsewhere, behind links.
                later = (time // _SECOND + 1) * _SECOND
                os.utime(descriptor, ns=(later, later))
        # Another run that took this file for one of a killed run has put its own index there.
        with suppress(FileNotFoundError):
            unfinished.replace(folder.index_path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    for left in folder.unfinished:
        Path(folder.path, left).unlink(missing_ok=True)


def _umask() -> int:
    """Tell the process's umask, which can only be asked for by setting it."""
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
