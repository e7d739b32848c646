# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of raw files have indexes, and these are current."""

from __future__ import annotations

import os
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index_made import Current, Indexing
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import (
    HeaderPool,
    usable_processes,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import compiled
from ansible_collections.rubin.butler.plugins.module_utils._storage.raw_folders import (
    RawFolder,
    raw_folders,
    write_index,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import Content

WRITING = "writing indexes"


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
    processes : `int`
        How many processes read headers.
    report : `Report`
        Told how far observing is.
    """

    directories: tuple[str, ...]
    instrument: str
    content: Content
    pattern: re.Pattern[str]
    on_error: str
    processes: int
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
            Raised for paths that are not absolute, a pattern that is none, and no process.
        """
        pattern = compiled(params["file_pattern"])
        processes = params.get("processes")
        if processes is not None and processes < 1:
            raise ButlerError(f"got {processes}, expected 1 or more", option="processes")
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
            processes or usable_processes(),
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
        current = Current(tempfile.TemporaryFile())  # noqa: SIM115 - it lives as long as the plan
        pool = HeaderPool(definition, self.processes)
        try:
            indexing = Indexing(self.content, pool, self.report, current)
            for folder in self._wanted_folders(current):
                indexing.add(folder)
            indexing.finish()
        finally:
            pool.close()
        return current

    def _wanted_folders(self, current: Current) -> Iterator[RawFolder]:
        """Find the directories that hold raw files, each once."""
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
                yield folder
            if not found:
                current.empty.append(top)

    def _folders(self, top: str, seen: set[tuple[int, int]]) -> Iterator[RawFolder]:
        """Find the directories that hold raw files."""
        try:
            yield from raw_folders(top, self.pattern, seen)
        except OSError as error:
            raise ButlerError(
                f"{error.filename} can't be listed: {error.strerror}", option="directories"
            ) from error

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
