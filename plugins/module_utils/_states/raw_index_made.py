# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the indexes of raw files have, and what they should have."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.whole import translate_whole
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import HeaderPool
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import read_header
from ansible_collections.rubin.butler.plugins.module_utils._storage.raw_folders import (
    HeldIndex,
    RawFolder,
    held_index,
    index_bytes,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import Content

READING = "reading headers"

FILES_AT_ONCE = 1_000
"""The folders of so many files are looked at together: what is read of them is kept in memory meanwhile."""


@dataclass(frozen=True, slots=True)
class NewIndex:
    """An index that is to be written.

    Parameters
    ----------
    folder : `RawFolder`
        Where.
    at, length : `int`
        Where its packed bytes are in the temporary file.
    time : `int`
        When the newest of its files was last written (nanoseconds).
    """

    folder: RawFolder
    at: int
    length: int
    time: int


@dataclass
class Current:
    """What is there.

    Parameters
    ----------
    made : `~typing.IO`
        A temporary file without a name, for the new indexes: for a survey they are too much for memory.
    read : `int`
        How many files were opened.
    present : `int`
        How many indexes are current.
    new : `list` [ `NewIndex` ]
        Those to write.
    changes : `list` [ `Change` ]
        What is missing or stale.
    guiders : `int`
        How many guider files were left out.
    empty : `list` [ `str` ]
        Directories in which nothing was found.
    failures : `list` [ `tuple` [ `str`, `str` ] ]
        Files that have no entry, and why.
    problems : `list` [ `str` ]
        Why indexes can't be written.
    """

    made: IO[bytes]
    read: int = 0
    present: int = 0
    new: list[NewIndex] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    guiders: int = 0
    empty: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class _Seen:
    """A folder, what its index has, the entries and times to begin with, and the files that have none."""

    folder: RawFolder
    held: HeldIndex
    entries: dict[str, dict[str, Any]]
    times: dict[str, int]
    missing: list[str]


class Indexing:
    """Looks into indexes, and makes what they should be.

    Parameters
    ----------
    content : {"metadata", "translated"}
        What entries hold.
    pool : `HeaderPool`
        Reads headers.
    report : `Report`
        Told how far this is.
    current : `Current`
        Gets what is found.
    """

    def __init__(self, content: Content, pool: HeaderPool, report: Report, current: Current) -> None:
        self._content = content
        self._pool = pool
        self._report = report
        self._current = current
        self._waiting: list[_Seen] = []
        self._files = 0

    def add(self, folder: RawFolder) -> None:
        """Look at a folder, soon or at once.

        Parameters
        ----------
        folder : `RawFolder`
            One with raw files in it.
        """
        self._waiting.append(self._look_into(folder))
        self._files += len(folder.files)
        if self._files >= FILES_AT_ONCE:
            self.finish()
            self._files = 0

    def _look_into(self, folder: RawFolder) -> _Seen:
        """See what an index has."""
        held = HeldIndex({}, {}, None, 0) if folder.index is None else held_index(folder)
        if held.content not in (None, self._content):
            return _Seen(folder, held, {}, {}, list(folder.files))
        missing = [name for name in folder.files if name not in held.entries]
        return _Seen(folder, held, dict(held.entries), dict(held.times), missing)

    def finish(self) -> None:
        """Read the headers that are missing in the folders, and make what their indexes should be."""
        wanted = [
            (f"{seen.folder.path}/{name}", self._content) for seen in self._waiting for name in seen.missing
        ]
        read = self._pool.map(_read_entry, wanted)
        for seen in self._waiting:
            new: list[str] = []
            for name in seen.missing:
                self._current.read += 1
                self._report.step(READING, self._current.read, None)
                entry = next(read)
                if isinstance(entry, str):
                    self._current.failures.append((f"{seen.folder.path}/{name}", entry))
                    continue
                seen.entries[name] = entry
                seen.times[name] = seen.folder.files[name] or 0
                new.append(name)
            self._make(seen, new)
        self._waiting.clear()

    def _make(self, seen: _Seen, new: list[str]) -> None:
        """Make what an index should be, if that is something else than what there is."""
        folder, held, entries = seen.folder, seen.held, seen.entries
        of_kind = held.content in (None, self._content)
        before = {"content": held.content, "files": held.size} if held.size else {"files": 0}
        after = {"content": self._content, "files": len(entries)}
        stale = [held.broken] if held.broken else []
        if not of_kind:
            stale = [f"its content is {held.content}"]
        elif not held.broken:
            stale += _about(set(new) - set(held.changed), "it has no entry of")
            stale += _about(held.changed, "it is older than")
            stale += _about(held.gone, "it has entries without a file, of")
        if folder.index is None:
            if not entries:
                return
            change = Change.add("index", folder.index_path, after, examples=tuple(new[:EXAMPLES]))
        elif stale:
            shown = {**before, "stale": stale}
            change = Change.replace("index", folder.index_path, shown, after, examples=tuple(new[:EXAMPLES]))
        else:
            self._current.present += 1
            return
        self._current.changes.append(change)
        problem = _problem(folder)
        if problem:
            self._current.problems.append(problem)
        packed = zlib.compress(index_bytes(self._content, entries), 1)
        newest = max(seen.times.values(), default=folder.index or 0)
        self._current.new.append(
            NewIndex(folder, self._current.made.tell(), self._current.made.write(packed), newest)
        )


def _read_entry(reader: HeaderReader, wanted: tuple[str, Content]) -> dict[str, Any] | str:
    """Read what an index has to tell of a file, as the official tool does; or tell why it can't be read."""
    path, content = wanted
    try:
        # Its default is to merge the header of the first extension over the primary one if there may be any.
        header = read_header(path, enough=lambda header: not header.get("EXTEND"))
        reader.identify(header, path)
        values = header if content == "metadata" else translate_whole(reader, header, path)
    except ButlerError as error:
        return error.message
    try:
        # What was written and read before is compared with this: a pair is a list there.
        entry: dict[str, Any] = json.loads(json.dumps(values))
    except TypeError as error:
        return f"{path}: its header has a value that JSON has not: {error}"
    return entry


def _about(names: Collection[str], what: str) -> list[str]:
    """Say something of some files, if there are any."""
    return [f"{what} {first_few(sorted(names))}"] if names else []


def _problem(folder: RawFolder) -> str:
    """Tell why an index can't be written; nothing if it can."""
    if Path(folder.index_path).is_dir():
        return f"{folder.index_path} is a directory"
    if folder.index is not None and not os.access(folder.index_path, os.R_OK):
        return f"{folder.index_path} can't be read"
    if not os.access(folder.path, os.W_OK | os.X_OK):
        return f"{folder.path} can't be written to"
    return ""
