# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository holds, read in one opening and never written to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.artifacts import (
    TEMPORARY,
    files_below,
    own_files,
    recorded_below,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.counts import (
    count_datasets,
    count_dimension_records,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import first_records
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    RepositoryAbsentError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption, Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_database import look
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_found import Found, described

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo
    from lsst.resources import ResourcePath


@dataclass(frozen=True)
class Row:
    """One row of a tree of collections.

    Parameters
    ----------
    depth : `int`
        How many chains it is in, on this way.
    name, type : `str`
        The collection.
    """

    depth: int
    name: str
    type: str


@dataclass
class InfoState:
    """What is asked for.

    Parameters
    ----------
    repo : `str`
        What the playbook calls the repository.
    collections : `~collections.abc.Sequence` [ `str` ]
        Names and globs.
    orphans : `bool`
        Whether to look for files without a record.
    limit : `int`
        How long a list may be.
    records : `~collections.abc.Sequence` [ `str` ]
        Dimension elements whose records to tell.
    """

    repo: str
    collections: Sequence[str]
    orphans: bool
    limit: int
    records: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> InfoState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``repo``, ``collections``, ``orphans``, ``limit`` and ``records``.

        Returns
        -------
        state : `InfoState`
            The question.

        Raises
        ------
        ButlerError
            Raised for a limit below 1.
        """
        if params["limit"] < 1:
            raise ButlerError(f"{params['limit']} is no length of a list; give 1 or more", option="limit")
        return cls(
            params["repo"], params["collections"], params["orphans"], params["limit"], params["records"]
        )

    def observe(self, repository: Repository | None) -> list[Assumption]:
        """Read everything.

        Parameters
        ----------
        repository : `None`
            This state opens its repository by itself, read-only even outside check mode.

        Returns
        -------
        missing : `list` [ `Assumption` ]
            What was asked for by name and is not there.
        """
        del repository  # this state opens it by itself
        self.facts = {"exists": False}
        try:
            opened = open_repository(self.repo, writeable=False)
        except RepositoryAbsentError:
            return [Assumption("repository", self.repo, "repo")]
        with opened.butler as butler, butler.registry.caching_context():
            infos = butler.collections.query_info("*", include_summary=True, include_doc=True)
            known = {info.name: info for info in infos}
            names = [name for name in self.collections if not _is_glob(name)]
            missing = [Assumption("collection", name, "collections") for name in names if name not in known]
            asked = [name for name in self.collections if _is_glob(name) or name in known]
            matching = sorted(set(butler.collections.query(asked))) if asked else []
            self.facts = self._read(opened, known, matching)
        return missing

    def _read(
        self, opened: Repository, known: Mapping[str, CollectionInfo], matching: Sequence[str]
    ) -> dict[str, Any]:
        butler = opened.butler
        rows = [row for name in matching for row in walk(known, name)]
        reached = [known[name] for name in sorted({row.name for row in rows})]
        counts = count_datasets(butler, reached)
        types = sorted(butler.registry.queryDatasetTypes(), key=lambda dataset_type: dataset_type.name)
        lists: dict[str, Sequence[Any]] = {
            "collections": [
                {"name": info.name, "type": info.type.name, "doc": info.doc, "children": list(info.children)}
                for info in reached
            ],
            "tree": [{"depth": row.depth, "name": row.name, "type": row.type} for row in rows],
            "tree_lines": lines_of(rows),
            "dataset_types": [
                {
                    "name": dataset_type.name,
                    "dimensions": list(dataset_type.dimensions.required),
                    "storage_class": dataset_type.storageClass_name,
                    "is_calibration": dataset_type.isCalibration(),
                }
                for dataset_type in types
            ],
            "datasets": [
                {"collection": name, "dataset_type": dataset_type, "count": count}
                for (name, dataset_type), count in counts.items()
            ],
        }
        return {
            "exists": True,
            "repository": self._describe(opened),
            **{name: list(entries[: self.limit]) for name, entries in lists.items()},
            "totals": {name: len(entries) for name, entries in lists.items()},
            "dimension_records": count_dimension_records(butler),
            "records": self._told_records(butler),
            **({"orphans": self._orphans(opened)} if self.orphans else {}),
        }

    def _told_records(self, butler: Butler) -> dict[str, list[dict[str, Any]]]:
        elements = butler.dimensions.elements
        known = sorted(name for name in elements.names if elements[name].has_own_table)
        unknown = [name for name in self.records if name not in known]
        if unknown:
            raise ButlerError(
                f"no dimension element with records of its own is called {' or '.join(unknown)}",
                option="records",
                hint=f"Those of this repository are {', '.join(known)}.",
            )
        return {name: first_records(butler, name, self.limit) for name in self.records}

    @staticmethod
    def _describe(opened: Repository) -> dict[str, Any]:
        content = look(opened.config, opened.root)
        found = Found(opened.root, opened.config, written={}, content=content, complete=True)
        roots = opened.butler.get_datastore_roots()
        return {
            **described(found),
            "datastores": {name: _shown(uri) for name, uri in sorted(roots.items())},
        }

    def _orphans(self, opened: Repository) -> dict[str, Any]:
        found: list[str] = []
        temporary: list[str] = []
        total = total_temporary = 0
        for path in _unrecorded(opened):
            if path.endswith(TEMPORARY):
                total_temporary += 1
                if len(temporary) < self.limit:
                    temporary.append(path)
            else:
                total += 1
                if len(found) < self.limit:
                    found.append(path)
        return {
            "total": total,
            "files": found,
            "temporary_total": total_temporary,
            "temporary_files": temporary,
        }

    def plan(self, current: list[Assumption]) -> Plan[None]:
        """Plan nothing.

        Parameters
        ----------
        current : `list` [ `Assumption` ]
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `None` ]
            Without changes; what is missing is an error outside check mode.
        """
        return Plan(None, assumes=current, present=len(self.facts.get("collections", ())))

    def apply(self, repository: Repository | None, plan: Plan[None], report: Report) -> None:
        """Do nothing: there is no plan with changes.

        Parameters
        ----------
        repository : `None`
            Not opened for writing.
        plan : `Plan` [ `None` ]
            Without changes.
        report : `Report`
            Hears nothing.
        """
        raise AssertionError(f"{plan.changes} can't be applied to {repository}: {report}")


def walk(known: Mapping[str, CollectionInfo], name: str, depth: int = 0) -> Iterator[Row]:
    """Give a collection and, below it, what it chains, in search order.

    Parameters
    ----------
    known : `~collections.abc.Mapping` [ `str`, `lsst.daf.butler.CollectionInfo` ]
        All collections.
    name : `str`
        Where to begin.
    depth : `int`, optional
        Its depth.

    Yields
    ------
    row : `Row`
        The rows of ``butler query-collections --chains=tree``.
    """
    info = known[name]
    yield Row(depth, name, info.type.name)
    for child in info.children:
        yield from walk(known, child, depth + 1)


def lines_of(rows: Sequence[Row]) -> list[str]:
    """Write a tree as text.

    Parameters
    ----------
    rows : `~collections.abc.Sequence` [ `Row` ]
        Its rows.

    Returns
    -------
    lines : `list` [ `str` ]
        Names indented by two spaces for each level, then the types in one column.
    """
    names = ["  " * row.depth + row.name for row in rows]
    width = max(map(len, names), default=0)
    return [f"{name:<{width}} {row.type}" for name, row in zip(names, rows, strict=True)]


def _is_glob(name: str) -> bool:
    return any(character in name for character in "*?[")


def _shown(uri: ResourcePath | None) -> str | None:
    if uri is None:
        return None
    return (uri.ospath if uri.isLocal else uri.geturl()).rstrip("/")


def _unrecorded(opened: Repository) -> Iterator[str]:
    root = opened.datastore_root
    if root is None:
        raise ButlerError(
            "orphans can be looked for only where there is one datastore with files", option="orphans"
        )
    known = recorded_below(opened, root) | own_files(opened.config, opened.root, root)
    return (path for path in files_below(root) if path not in known)
