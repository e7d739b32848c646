# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs hold the sources to inject that catalogues have, divided into pixels of the sky and bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    first_line,
    required,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import Definition
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.catalogs import (
    by_band,
    read_catalog,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.declared import (
    Catalog,
    declared_catalogs,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.leftovers import (
    clear_leftovers,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.shards import (
    LEVEL,
    differences,
    is_table,
    shards_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.made.found import (
    Current as Held,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.made.found import (
    Found,
    Made,
    look,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.made.planning import Work, plan_made
from ansible_collections.rubin.butler.plugins.module_utils._states.made.stored import read_stored, unreadable
from ansible_collections.rubin.butler.plugins.module_utils._states.made.writing import BATCH, write_made

if TYPE_CHECKING:
    from lsst.resources import ResourcePath

PIXEL = f"htm{LEVEL}"
STORAGE_CLASS = "ArrowAstropy"
EXTENSION = ".parq"
"""That of the formatter of the storage class (daf_butler, ``ParquetFormatter``)."""


@dataclass
class Current:
    """The catalogues, and what a repository has of them.

    Parameters
    ----------
    held : `Held`
        What there is of the datasets.
    missing : `list` [ `Catalog` ]
        Catalogues that are not there.
    bands : `set` [ `str` ]
        The bands of the physical filters that are registered.
    """

    held: Held
    missing: list[Catalog] = field(default_factory=list)
    bands: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class InjectionState:
    """The declared catalogues of sources to inject.

    Parameters
    ----------
    catalogs : `tuple` [ `Catalog`, ... ]
        The catalogues.
    dataset_type, run : `str`
        What they become, and where.
    on_conflict : {"fail", "keep", "replace"}
        What to do about datasets with other rows.
    on_missing : {"fail", "skip"}
        What to do about catalogues that are not there.
    batch_size : `int`
        Most datasets in a transaction.
    """

    catalogs: tuple[Catalog, ...]
    dataset_type: str
    run: str
    on_conflict: str
    on_missing: str
    batch_size: int = BATCH

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> InjectionState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `InjectionState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for catalogues that can't be.
        """
        return cls(
            catalogs=declared_catalogs(params["catalogs"]),
            dataset_type=params["dataset_type"],
            run=params["run"],
            on_conflict=params["on_conflict"],
            on_missing=params["on_missing"],
        )

    def observe(self, repository: Repository | None) -> Current:
        """Read the catalogues, and what is stored.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What is there. The catalogues are in memory once, and one of their shards besides.

        Raises
        ------
        ButlerError
            Raised for catalogues that can't be read or lack columns, and if what is stored can't be read now.
        """
        there = [catalog for catalog in self.catalogs if Path(catalog.path).exists()]
        missing = [catalog for catalog in self.catalogs if catalog not in there]
        shards = shards_of(part for catalog in there for part in by_band(catalog, read_catalog(catalog)))
        made = [
            Made(
                self.dataset_type,
                self.run,
                {PIXEL: pixel, "band": band},
                f"{PIXEL} {pixel} in {band}",
                {"rows": len(shard)},
                shard,
            )
            for (band, pixel), shard in shards.items()
        ]
        dimensions = tuple(universe_of(repository).conform([PIXEL, "band"]).required)
        definitions = {self.dataset_type: Definition(dimensions, STORAGE_CLASS)}
        held = look(repository, made, definitions, extension=EXTENSION, differs=_differs)
        return Current(held, missing, _bands(repository))

    def plan(self, current: Current) -> Plan[Work]:
        """Tell what is missing and what differs.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            What to store.
        """
        plan = plan_made(current.held, self.on_conflict, "catalogs")
        # Nothing else would notice: a band is what physical filters say, and has no records of its own.
        there = f" (there are some of {', '.join(sorted(current.bands))})" if current.bands else ""
        for band in sorted({str(item.data_id["band"]) for item in current.held.made} - current.bands):
            plan.assumes.append(Assumption("physical filter", f"of band {band}{there}", "catalogs"))
        if self.on_missing == "fail":
            plan.assumes += [Assumption("file", item.path, f"{item.option}.path") for item in current.missing]
        elif current.missing:
            plan.skipped += len(current.missing)
            plan.notices.append(
                f"left out {len(current.missing)} catalogues that are not there: "
                + first_few([item.path for item in current.missing])
            )
        return plan

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register what is missing, then store batch by batch.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what is written.
        """
        repository = required(repository)

        def store(items: Sequence[Found]) -> None:
            clear_leftovers(repository, (item.ref for item in items), EXTENSION)
            for item in items:
                repository.butler.put(item.made.content.table(), item.ref)

        write_made(repository, plan.work, report, store, self.batch_size)


def _differs(repository: Repository, item: Found, uri: ResourcePath) -> Mapping[str, object] | None:
    try:
        stored = repository.butler.get(item.ref)
    except Exception as error:
        # Its reader raises whatever the libraries below it do.
        return _bad_content(repository, uri, error)
    return differences(stored, item.made.content.table())


def _bad_content(repository: Repository, uri: ResourcePath, error: Exception) -> Mapping[str, object]:
    """Tell what is wrong with what is stored, unless it only could not be read."""
    from lsst.daf.butler import FileIntegrityError

    if (outage := explain_outage(error, repository.config, [uri.geturl()])) is not None:
        # To read it once more would take as long again.
        raise unreadable(uri, error, outage) from error
    content = read_stored(repository, uri)
    if content is None:
        return {"content": "its file is gone"}
    if not isinstance(error, FileIntegrityError) and is_table(content):
        raise unreadable(uri, error, outage) from error
    return {"content": f"it can't be read: {first_line(error)}"}


def _bands(repository: Repository | None) -> set[str]:
    if repository is None:
        return set()
    records = repository.butler.query_dimension_records("band", limit=None, explain=False)
    return {str(record.dataId["band"]) for record in records}
