# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are datasets of a run, with the data IDs that a table or their names give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import register
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import (
    BATCH_DATASETS,
    Ingester,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import find_orphans
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import forget_places
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    check_no_secret,
    required,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import check_transfer
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.files_held import Current, look, prepare
from ansible_collections.rubin.butler.plugins.module_utils._states.files_plan import Work, plan_files
from ansible_collections.rubin.butler.plugins.module_utils._states.files_rows import check_keys
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import (
    Listing,
    compile_pattern,
    from_directory,
    from_table,
)


@dataclass(frozen=True)
class FilesState:
    """The declared files.

    Parameters
    ----------
    dataset_type, run : `str`
        What they become, and where.
    table, prefix : `str` or `None`
        A table of files, and what relative names in it start at.
    directory : `str`
        Without a table, a directory of files.
    pattern : `re.Pattern`
        What their names have to match.
    transfer : `str`
        A mode of ``Butler.ingest``.
    formatter : `str` or `None`
        Dotted name of a class; by default the configured one.
    data_id : `~collections.abc.Mapping`
        Values that all data IDs share.
    on_conflict : {"fail", "keep", "replace"}
        What to do about datasets that are recorded at another place.
    on_missing : {"fail", "skip"}
        What to do about files that are not there.
    batch_size : `int`
        Most datasets in a batch.
    """

    dataset_type: str
    run: str
    table: str | None
    prefix: str | None
    directory: str
    pattern: re.Pattern[str]
    transfer: str
    formatter: str | None
    data_id: Mapping[str, Any]
    on_conflict: str
    on_missing: str
    batch_size: int = BATCH_DATASETS

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> FilesState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `FilesState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for options that contradict each other, a pattern that is none, and URIs with a password.
        """
        for option in ("prefix", "directory"):
            value = params[option]
            if value is None:
                continue
            check_no_secret(option, value)
            if "://" not in value and not Path(value).is_absolute():
                raise ButlerError(f"{value} is relative, expected an absolute path or a URI", option=option)
        if params["directory"] is not None and params["prefix"] is not None:
            raise ButlerError("it is for the names in a table, not for a directory", option="prefix")
        formatter = params["formatter"]
        if formatter is not None and not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", formatter):
            raise ButlerError(
                f"{formatter!r} is not the dotted name of a class, such as "
                "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter",
                option="formatter",
            )
        return cls(
            dataset_type=params["dataset_type"],
            run=params["run"],
            table=params["table"],
            prefix=params["prefix"],
            directory=params["directory"] or "",
            pattern=compile_pattern(params["pattern"] or ""),
            transfer=params["transfer"],
            formatter=formatter,
            data_id=params["data_id"] or {},
            on_conflict=params["on_conflict"],
            on_missing=params["on_missing"],
        )

    def observe(self, repository: Repository | None) -> Current:
        """Read the table or list the directory, and find what is missing of it.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What is there and what is not.

        Raises
        ------
        ButlerError
            Raised for a table or directory that can't be read, data IDs that can't be, and a transfer mode
            that the datastore does not have.
        """
        listing = self._list()
        check_keys(listing, self.data_id, universe_of(repository))
        root = None if repository is None else repository.datastore_root
        remote = next((file.path for file in listing.files if "://" in file.path), None)
        check_transfer("transfer", self.transfer, root, remote)
        current = look(
            repository,
            listing,
            dataset_type=self.dataset_type,
            run=self.run,
            constants=self.data_id,
        )
        if repository is not None and current.dataset_type is not None:
            replace = self.on_conflict == "replace"
            prepare(repository, current, replace=replace, formatter=self.formatter, option=listing.option)
            current.orphans = find_orphans(repository, self.transfer, current.files)
        return current

    def _list(self) -> Listing:
        if self.table is not None:
            return from_table(self.table, self.prefix)
        listing = from_directory(self.directory, self.pattern)
        # Files that were moved into the repository are not there any more.
        if not listing.files and self.transfer != "move":
            raise ButlerError(
                f"no file in {self.directory} matches {self.pattern.pattern!r}",
                option="pattern",
                hint="It has to match a file's whole path relative to the directory.",
            )
        return listing

    def plan(self, current: Current) -> Plan[Work]:
        """Tell what is missing and what is in conflict.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            With one change for all new datasets.
        """
        return plan_files(
            current,
            dataset_type=self.dataset_type,
            run=self.run,
            on_conflict=self.on_conflict,
            on_missing=self.on_missing,
        )

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register the run, then ingest batch by batch.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done.
        """
        repository = required(repository)
        work = plan.work
        if work.register_run:
            report.checkpoint()
            register(repository.butler, self.run, "RUN")
            report.added += 1
        ingested = report.counter("ingesting", len(work.files))
        forget_places(repository, work.relocate, report)
        Ingester(
            repository,
            self.transfer,
            report,
            batch_size=self.batch_size,
            relocated={ref.id for ref in work.relocate},
            orphans=work.orphans,
            on_commit=ingested,
        ).ingest(work.files)
