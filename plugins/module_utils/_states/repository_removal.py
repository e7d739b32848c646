# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository does not exist any more, and nothing that is not its own has gone with it.

The artifacts go first, then the registry, and ``butler.yaml`` last: as long as something is left to remove,
it tells where that is.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.artifacts import (
    NEW_CONFIG_NAME,
    files_below,
    own_files,
    sqlite_names,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.counts import count_datasets
from ansible_collections.rubin.butler.plugins.module_utils._butler.locks import sqlite_file, writer_lock
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    explain_database_errors,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Change, Conflict, Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_create import (
    LOCK,
    check_writeable,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_database import (
    OBSCORE_ATTRIBUTE,
    drop,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_expected import expect
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_found import (
    CONFIG_NAME,
    Found,
    described,
    find,
    locate,
    named,
    open_found,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_seed import Seed
from ansible_collections.rubin.butler.plugins.module_utils._storage.remote_folders import remove_empty_remote

if TYPE_CHECKING:
    from lsst.daf.butler import Butler
    from lsst.resources import ResourcePath

BATCH = 10_000
"""How many datasets are removed at a time."""

MAX_FOREIGN = 20
"""How many files are named that stay."""


@dataclass
class Holdings:
    """What would go.

    Parameters
    ----------
    found : `Found`
        What is at the root.
    collections : `list` [ `str` ]
        The collections, sorted.
    datasets : `~collections.Counter`
        Number of datasets by type.
    folders : `list` [ `lsst.resources.ResourcePath` ]
        Where artifacts are outside the root: one for each RUN.
    nothing : `bool`
        Whether there is nothing to remove.
    """

    found: Found
    collections: list[str] = field(default_factory=list)
    datasets: Counter[str] = field(default_factory=Counter)
    folders: list[ResourcePath] = field(default_factory=list)
    nothing: bool = False


@dataclass
class AbsentRepositoryState:
    """The declared absence of a repository.

    Parameters
    ----------
    repo : `str`
        What the playbook calls it.
    confirm : `str` or `None`
        Its root, once more.
    batch_size : `int`, optional
        How many datasets are removed at a time.
    """

    repo: str
    confirm: str | None
    batch_size: int = BATCH
    description: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> AbsentRepositoryState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``repo`` and ``confirm``.

        Returns
        -------
        state : `AbsentRepositoryState`
            The declared state.
        """
        return cls(params["repo"], params["confirm"])

    def observe(self, repository: Repository | None) -> Holdings:
        """Count what would go.

        Parameters
        ----------
        repository : `None`
            This state looks for its repository by itself.

        Returns
        -------
        holdings : `Holdings`
            What is there.

        Raises
        ------
        ButlerError
            Raised for a root that is no Butler repository, or whose registry does not tell what belongs to
            it.
        """
        del repository  # this state opens it by itself
        root = locate(self.repo)
        # What is not on a local file system has no database in a file.
        expected = expect(Seed({} if root.isLocal else {"registry": {"db": "postgresql://"}}, "repo"), root)
        tables = expected.tables
        found = find(root, expected.content if root.isLocal else {}, tables=tables)
        holdings = Holdings(found)
        self.description = described(found)
        if found.written is None:
            holdings.nothing = self._is_nothing(found)
        elif found.complete:
            with_butler = open_found(found)
            butler = with_butler.butler
            infos = list(butler.collections.query_info("*", include_summary=True))
            runs = [info for info in infos if info.type.name == "RUN"]
            holdings.collections = sorted(info.name for info in infos)
            for (_unused, name), count in count_datasets(butler, runs).items():
                holdings.datasets[name] += count
            holdings.folders = [
                uri.join(info.name, forceDirectory=True)
                for uri in butler.get_datastore_roots().values()
                if uri is not None and uri != root and uri.relative_to(root) is None
                for info in runs
            ]
            ours = {*tables, *butler.dimensions.elements.names, *_obscore_table(found)}
            found.foreign = found.content.foreign(ours) if found.content is not None else []
            butler.close()
        elif found.filled or found.foreign:
            raise ButlerError(
                f"{named(root)} is half made ({found.diagnosis}), and {found.database} holds data in "
                + ", ".join((found.filled or found.foreign)[:10]),
                option="repo",
                hint="What belongs to it can't be told. Restore the registry, or remove it by hand.",
            )
        return holdings

    @staticmethod
    def _is_nothing(found: Found) -> bool:
        """Tell nothing at all from what a killed run has left; anything else is not to be touched."""
        if not found.root.isLocal:
            return True
        folder = Path(found.root.ospath)
        entries = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        if not entries:
            return True
        if not entries <= {
            NEW_CONFIG_NAME,
            CONFIG_NAME,
            *own_files(found.config, found.root, found.root),
        } or (found.filled or found.foreign or found.unreachable):
            raise ButlerError(
                f"{named(found.root)} is not a Butler repository: it holds {len(entries)} entries "
                f"({', '.join(sorted(entries)[:5])}) and no butler.yaml",
                option="repo",
                hint="Nothing was removed.",
            )
        return False

    def plan(self, current: Holdings) -> Plan[Holdings]:
        """List what would go.

        Parameters
        ----------
        current : `Holdings`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Holdings` ]
            Without the confirmation all of it is a conflict.
        """
        plan = Plan(current)
        found, name = current.found, named(current.found.root)
        if current.nothing:
            plan.present += 1
            return plan
        before: dict[str, Any] = {"database": found.database}
        if found.diagnosis is not None:
            before["half made"] = found.diagnosis
        plan.changes.append(Change.remove("repository", name, before))
        if current.collections:
            total = len(current.collections)
            examples = tuple(current.collections[:5])
            plan.changes.append(
                Change.remove("collections", "*", {"collections": total}, count=total, examples=examples)
            )
        plan.changes += [
            Change.remove("datasets", dataset_type, {"datasets": count}, count=count)
            for dataset_type, count in sorted(current.datasets.items())
        ]
        if self.confirm is None or (self.confirm.rstrip("/") or "/") != name:
            given = "was not given" if self.confirm is None else f"is {self.confirm}"
            plan.conflict_hint = f"To remove all of it, set confirm: {name}. Nothing was removed."
            plan.conflicts.append(
                Conflict("confirm", given, f"the repository's root is {name}, and it holds")
            )
            plan.conflicts += [
                Conflict(change.kind, change.name, ", ".join(f"{k} {v}" for k, v in change.before.items()))
                for change in plan.changes
            ]
        return plan

    def apply(self, repository: Repository | None, plan: Plan[Holdings], report: Report) -> None:
        """Remove it.

        Parameters
        ----------
        repository : `None`
            This state looks for its repository by itself.
        plan : `Plan` [ `Holdings` ]
            From `plan`.
        report : `Report`
            Counts what was done, and says where the run may be stopped.
        """
        del repository  # this state opens it by itself
        holdings = plan.work
        found = holdings.found
        check_writeable(found)
        with (
            explain_database_errors(found.config, named(found.root)),
            writer_lock(found.config, found.root, LOCK, report.notice),
        ):
            # Who opens a registry for writing makes the datastore's table in it, if nobody has yet.
            if found.exists and holdings.datasets:
                opened = open_repository(named(found.root), writeable=True)
                self._remove_artifacts(opened.butler, holdings, report)
                opened.butler.close()
                for folder in holdings.folders:
                    _remove_empty_folders(folder, report)
            report.checkpoint()
            self._remove_registry(found, report)
            self._remove_config(found, report)
        report.removed += plan.total("remove")
        nothing: dict[str, Any] = {"universe": {"namespace": None, "version": None}, "managers": {}}
        self.description = {**self.description, "exists": False, **nothing}
        self._report_foreign(holdings, report)

    def _remove_artifacts(self, butler: Butler, holdings: Holdings, report: Report) -> None:
        runs = [
            info
            for info in butler.collections.query_info("*", include_summary=True)
            if info.type.name == "RUN"
        ]
        for name in sorted(holdings.datasets):
            within = [info.name for info in runs if name in (info.dataset_types or ())]
            with butler.query() as query:
                refs = list(query.datasets(name, within, find_first=False))
            for start in range(0, len(refs), self.batch_size):
                report.checkpoint()
                # Unstored and not purged: a run that is killed between marking and removing finds them again.
                batch = refs[start : start + self.batch_size]
                butler.pruneDatasets(batch, disassociate=False, unstore=True, purge=False)

    @staticmethod
    def _remove_registry(found: Found, report: Report) -> None:
        if found.content is None:
            return
        file = sqlite_file(found.config, found.root)
        if file is None or found.foreign:
            drop(found.config, found.root, found.content.tables - set(found.foreign))
            if found.foreign:
                tables = ", ".join(found.foreign[:10])
                report.notice(f"{found.database} keeps tables that are not the registry's: {tables}")
        else:
            for name in sqlite_names(file)[:-1]:
                name.unlink(missing_ok=True)

    @staticmethod
    def _remove_config(found: Found, report: Report) -> None:
        root = found.root
        if root.isLocal:
            (Path(root.ospath) / NEW_CONFIG_NAME).unlink(missing_ok=True)
            _remove_empty_folders(root, report)
        file = sqlite_file(found.config, root)
        if file is not None:
            sqlite_names(file)[-1].unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            root.join(CONFIG_NAME).remove()
        # A server that fails while its directories are removed leaves no butler.yaml without a registry.
        _remove_empty_folders(root, report)

    @staticmethod
    def _report_foreign(holdings: Holdings, report: Report) -> None:
        names: list[str] = []
        total = 0
        for folder in [holdings.found.root, *holdings.folders]:
            for name in files_below(folder):
                total += 1
                if total <= MAX_FOREIGN:
                    names.append(f"{named(folder)}/{name}")
        if total:
            more = f" and {total - len(names)} more" if total > len(names) else ""
            report.notice(
                f"{total} files stay, of which the repository had no record, or which it did not own: "
                + ", ".join(names)
                + more
            )


def _remove_empty_folders(top: ResourcePath, report: Report) -> None:
    if not top.isLocal:
        refused = remove_empty_remote(top)
        for folder, reason in list(refused.items())[:MAX_FOREIGN]:
            report.notice(f"{folder} is empty and stays: {reason}")
        return
    for folder, _unused, _unused in os.walk(top.ospath, topdown=False):
        # Those that hold something stay.
        with suppress(OSError):
            Path(folder).rmdir()


def _obscore_table(found: Found) -> set[str]:
    kept = found.content.attributes.get(OBSCORE_ATTRIBUTE) if found.content is not None else None
    return {str(json.loads(kept)["table_name"])} if kept else set()
