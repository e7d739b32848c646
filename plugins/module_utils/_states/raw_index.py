# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of raw files have indexes, and these are current."""

from __future__ import annotations

import json
import os
import re
import tempfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.whole import translate_whole
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import read_header
from ansible_collections.rubin.butler.plugins.module_utils._storage.raw_folders import (
    HeldIndex,
    RawFolder,
    held_index,
    index_bytes,
    raw_folders,
    write_index,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import Content

READING = "reading headers"
WRITING = "writing indexes"


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
class RawIndexState:
    """The declared indexes.

    Parameters
    ----------
    directories : `tuple` [ `str`, ... ]
        Absolute paths; they are searched to any depth.
    instrument : `str`
        The instrument, or its class.
    content : {"metadata", "translated"}
        What entries hold.
    pattern : `re.Pattern`
        Searched for in the names of files.
    on_error : {"fail", "skip"}
        What to do about files whose headers can't be read.
    report : `Report`
        Told how far observing is.
    """

    directories: tuple[str, ...]
    instrument: str
    content: Content
    pattern: re.Pattern[str]
    on_error: str
    report: Report = field(default_factory=Report, compare=False)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RawIndexState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `RawIndexState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for paths that are not absolute and a pattern that is none.
        """
        try:
            pattern = re.compile(params["file_pattern"])
        except re.error as error:
            raise ButlerError(
                f"{params['file_pattern']!r} is no regular expression: {error}", option="file_pattern"
            ) from error
        for number, path in enumerate(params["directories"]):
            if not path.startswith("/"):
                raise ButlerError(
                    f"{path!r} is not the absolute path of a directory", option=f"directories[{number}]"
                )
        return cls(
            tuple(dict.fromkeys(map(os.path.normpath, params["directories"]))),
            params["instrument"],
            params["content"],
            pattern,
            params["on_error"],
        )

    def watch(self, report: Report) -> None:
        """Take the report that observing tells its steps.

        Parameters
        ----------
        report : `Report`
            The one that the run is counted in.
        """
        self.report = report

    def observe(self, repository: Repository | None) -> Current:  # noqa: ARG002 - indexes belong to none
        """List the directories, look into their indexes, and read the headers that are missing there.

        Parameters
        ----------
        repository : `None`
            There is none.

        Returns
        -------
        current : `Current`
            What is there, and the indexes that should be.

        Raises
        ------
        ButlerError
            Raised if directories are not there or can't be listed, and if the instrument is not known.
        """
        problems = [
            f"directories[{number}]: {path} is {'no directory' if os.path.lexists(path) else 'not there'}"
            for number, path in enumerate(self.directories)
            if not Path(path).is_dir()
        ]
        if problems:
            raise ButlerError(
                f"{len(problems)} of the directories can't be used",
                option="directories",
                details=problems,
                hint="These are paths on the managed host.",
            )
        definition = resolve_instrument(self.instrument, option="instrument").definition
        reader = HeaderReader(definition)
        current = Current(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the plan
        seen: set[tuple[int, int]] = set()
        for top in self.directories:
            if any(
                top != other and top.startswith(f"{other}/".replace("//", "/")) for other in self.directories
            ):
                continue
            found = False
            for folder in self._folders(top, seen):
                found = True
                current.guiders += folder.guiders
                self._look_into(folder, reader, current)
            if not found:
                current.empty.append(top)
        return current

    def _folders(self, top: str, seen: set[tuple[int, int]]) -> Iterator[RawFolder]:
        """Find the directories that hold raw files."""
        try:
            yield from raw_folders(top, self.pattern, seen)
        except OSError as error:
            raise ButlerError(
                f"{error.filename} can't be listed: {error.strerror}", option="directories"
            ) from error

    def _look_into(self, folder: RawFolder, reader: HeaderReader, current: Current) -> None:
        """See what an index has, and make what it should be if that is something else."""
        held = HeldIndex({}, {}, None, 0) if folder.index is None else held_index(folder)
        of_kind = held.content in (None, self.content)
        entries, times = (dict(held.entries), dict(held.times)) if of_kind else ({}, {})
        new: list[str] = []
        for name, time in folder.files.items():
            if name not in entries:
                current.read += 1
                self.report.step(READING, current.read, None)
                try:
                    entries[name] = self._entry(reader, f"{folder.path}/{name}")
                except ButlerError as error:
                    current.failures.append((f"{folder.path}/{name}", error.message))
                    continue
                times[name] = time or 0
                new.append(name)
        before = {"content": held.content, "files": held.size} if held.size else {"files": 0}
        after = {"content": self.content, "files": len(entries)}
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
            current.present += 1
            return
        current.changes.append(change)
        problem = _problem(folder)
        if problem:
            current.problems.append(problem)
        packed = zlib.compress(index_bytes(self.content, entries), 1)
        newest = max(times.values(), default=folder.index or 0)
        current.new.append(NewIndex(folder, current.made.tell(), current.made.write(packed), newest))

    def _entry(self, reader: HeaderReader, path: str) -> dict[str, Any]:
        """Read what an index has to tell of a file, as the official tool does."""
        # Its default is to merge the header of the first extension over the primary one if there may be any.
        header = read_header(path, enough=lambda header: not header.get("EXTEND"))
        reader.identify(header, path)
        values = header if self.content == "metadata" else translate_whole(reader, header, path)
        try:
            # What was written and read before is compared with this: a pair is a list there.
            entry: dict[str, Any] = json.loads(json.dumps(values))
        except TypeError as error:
            raise ButlerError(f"{path}: its header has a value that JSON has not: {error}") from error
        return entry

    def plan(self, current: Current) -> Plan[Current]:
        """Tell which indexes are missing or stale.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Current` ]
            One change for each index.

        Raises
        ------
        ButlerError
            Raised, with all of them, for files that can't be read and are not to be left out, and for indexes
            that can't be written.
        """
        if current.failures and self.on_error == "fail":
            raise ButlerError(
                f"{len(current.failures)} of the files can't be put into an index",
                option="directories",
                details=[reason for _unused, reason in current.failures],
                hint="Mend or remove them, or set on_error to skip to go on without them. "
                "Nothing was written.",
            )
        if current.problems:
            raise ButlerError(
                f"{len(current.problems)} of the indexes can't be written",
                option="directories",
                details=current.problems,
                hint="The task's user has to be allowed to. Nothing was written.",
            )
        return Plan(
            current,
            changes=current.changes,
            present=current.present,
            skipped=current.guiders,
            notices=[f"no raw file was found in {path}" for path in current.empty],
            failures=current.failures,
        )

    def apply(
        self,
        repository: Repository | None,  # noqa: ARG002 - as above
        plan: Plan[Current],
        report: Report,
    ) -> None:
        """Write index after index.

        Parameters
        ----------
        repository : `None`
            There is none.
        plan : `Plan` [ `Current` ]
            From `plan`.
        report : `Report`
            Counts what was done.

        Raises
        ------
        ButlerError
            Raised if an index can't be written.
        """
        work = plan.work
        for number, new in enumerate(work.new, start=1):
            report.checkpoint()
            work.made.seek(new.at)
            data = zlib.decompress(work.made.read(new.length))
            try:
                write_index(new.folder, data, new.time)
            except OSError as error:
                raise ButlerError(f"{new.folder.index_path} can't be written: {error.strerror}") from error
            if new.folder.index is None:
                report.added += 1
            else:
                report.replaced += 1
            report.step(WRITING, number, len(work.new))


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
