# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports are imported: what they hold is there, once, and nothing that was there is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known
from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import lacking_parents
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    RecordWork,
    apply_records,
    existing_records,
    plan_records,
    universe_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import BATCH_DATASETS
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import (
    check_links,
    check_transfer,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption, Change, Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._exports.paths import is_uri
from ansible_collections.rubin.butler.plugins.module_utils._exports.values import without_collection
from ansible_collections.rubin.butler.plugins.module_utils._states.chains import ChainsState
from ansible_collections.rubin.butler.plugins.module_utils._states.chains import Current as ChainsCurrent
from ansible_collections.rubin.butler.plugins.module_utils._states.collections import CollectionsState
from ansible_collections.rubin.butler.plugins.module_utils._states.collections import (
    Current as CollectionsCurrent,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import (
    Current as TypesCurrent,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import DatasetTypesState
from ansible_collections.rubin.butler.plugins.module_utils._states.imports import definitions
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.associations import (
    Associated,
    AssociationWork,
    apply_associations,
    observe_associations,
    plan_associations,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.datasets import (
    Held,
    observe_datasets,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.declared import Declared, merge
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.options import Item, declared_items
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.planning import (
    Absent,
    DatasetWork,
    apply_datasets,
    plan_datasets,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.reading import read_exports

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


_HINT = (
    "Records, documentation and the children of chains follow on_conflict: keep leaves what exists, replace "
    "makes it what the export says. Nothing was written."
)
_TYPES_LOCK = "the dataset types"


@dataclass
class Current:
    """What is declared, in the repository's terms, and what the repository has of it.

    Parameters
    ----------
    declared : `Declared`
        What all exports hold together.
    absent : `list` [ `Item` ]
        The imports whose export is not there.
    notices : `list` [ `str` ]
        What an operator should know about how the exports were read.
    types : `DatasetTypesState`
        The declared dataset types.
    known_types : `dataset_types.Current`
        What the repository has of them.
    collections : `dict` [ `str`, `Known` ]
        Those that exist.
    records : `dict`
        The dimension records that exist, by key.
    lacking : `dict`
        Keys of records that new records refer to and that are nowhere, each with the key of one of those.
    held, associated, chains
        What there is of datasets, associations and chains.
    """

    declared: Declared
    absent: list[Item]
    notices: list[str]
    types: DatasetTypesState
    known_types: TypesCurrent
    collections: dict[str, Known]
    records: dict[RecordKey, DimensionRecord]
    lacking: dict[RecordKey, RecordKey]
    held: Held
    associated: Associated
    chains: ChainsCurrent


@dataclass
class Work:
    """The parts of the plan, in the order in which they are written."""

    types: Plan[Any]
    collections: Plan[Any]
    records: RecordWork
    datasets: DatasetWork
    associations: AssociationWork
    chains: Plan[Any]


@dataclass
class ImportsState:
    """The declared imports.

    Parameters
    ----------
    items : `tuple` [ `Item`, ... ]
        In the order of the task.
    on_conflict : {"fail", "keep", "replace"}
        What to do about records, documentation and chains that differ. Whatever concerns datasets, dataset
        types and types of collections is always a conflict.
    batch_size : `int`
        Most datasets in a transaction.

    Notes
    -----
    Every export is parsed once; the registry and the datastore are asked in bulk, once for what the exports
    hold and never dataset by dataset. Cost and memory grow linearly with the exports, and with the runs and
    associated collections that get new datasets.
    """

    items: tuple[Item, ...]
    on_conflict: str = "fail"
    batch_size: int = BATCH_DATASETS
    _findings: Absent = field(default_factory=Absent, compare=False)
    _report: Report = field(default_factory=Report, compare=False)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ImportsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``imports``, the defaults for all of them, and ``on_conflict``.

        Returns
        -------
        state : `ImportsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for options that can't be meant; see `declared_items`.
        """
        items = declared_items(params)
        for item in items:
            check_links(f"{item.option}.transfer", item.transfer, item.directory)
        return cls(items, params.get("on_conflict") or "fail")

    def watch(self, report: Report) -> None:
        """Take the report that is told how far the looking is.

        Parameters
        ----------
        report : `Report`
            The one that the run is counted in.
        """
        self._report = report

    def observe(self, repository: Repository | None) -> Current:
        """Read the exports, and look up what they hold.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            All that the plan needs.

        Raises
        ------
        ButlerError
            Raised with all faults of all exports and options.
        """
        self._check_options(repository)
        with without_collection():
            return self._look_up(repository)

    def _look_up(self, repository: Repository | None) -> Current:
        exports, absent = read_exports(self.items, repository, self._report)
        declared = Declared()
        for item, export in exports:
            declared.add_definitions(item, export)
        types = definitions.dataset_types_state(declared)
        known_types = types.observe(repository)
        named = {file.dataset_type for _unused, export in exports for file in export.files}
        merge(exports, declared, definitions.dataset_types_of(repository, types, named))
        notices = list(dict.fromkeys(line for _unused, export in exports for line in export.notices))
        del exports
        known = definitions.known_collections(repository, declared)
        records = {}
        if repository is not None:
            records = existing_records(repository.butler, declared.records.values())
        new = {key: record for key, record in declared.records.items() if key not in records}
        lacking = lacking_parents(repository.butler if repository is not None else None, new)
        final = declared.records if self.on_conflict == "replace" else {**declared.records, **records}
        held = observe_datasets(repository, declared, known, final, self._report)
        refs = {**held.known, **declared.refs}
        return Current(
            declared,
            absent,
            notices,
            types,
            known_types,
            known,
            records,
            lacking,
            held,
            observe_associations(repository, declared, known, refs),
            definitions.observe_chains(repository, declared),
        )

    def _check_options(self, repository: Repository | None) -> None:
        universe = universe_of(repository)
        root = repository.datastore_root if repository is not None else None
        for item in self.items:
            source = item.directory if is_uri(item.directory) else None
            check_transfer(f"{item.option}.transfer", item.transfer, root, source)
            unknown = sorted(item.skip_dimensions - set(universe.elements.names))
            if unknown:
                raise ButlerError(
                    f"there is no dimension element {', '.join(unknown)}",
                    option=f"{item.option}.skip_dimensions",
                )

    def plan(self, current: Current) -> Plan[Work]:
        """Compare what the exports hold with what is there.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            Every section of the exports, with all conflicts; nothing has been written yet.
        """
        declared, held = current.declared, current.held
        plan: Plan[Any] = Plan(None, conflict_hint=_HINT)
        plan.conflicts += declared.conflicts
        plan.notices += current.notices
        for item in current.absent:
            plan.assumes.append(Assumption("export", item.file, f"{item.option}.file"))
            plan.changes.append(Change.add("import", item.file, "what it holds", unresolved=True))
        types = current.types.plan(current.known_types)
        collections = definitions.collections_state(
            plan, declared, current.collections, self.on_conflict
        ).plan(CollectionsCurrent(current.collections))
        chains = definitions.plan_chains(
            plan,
            definitions.chains_state(plan, declared, current.collections, self.on_conflict),
            current.chains,
            declared,
        )
        plan.absorb([types, collections, chains])
        definitions.plan_needed_collections(plan, declared, current.collections)
        definitions.plan_untyped(plan, declared)
        wanted = [
            record
            for key, record in declared.records.items()
            if key not in declared.derived or key not in current.records
        ]
        records = plan_records(plan, wanted, current.records, self.on_conflict)
        for (element, values), key in current.lacking.items():
            name = " ".join(map(str, values))
            plan.assumes.append(Assumption(element, name, declared.record_option(key)))
        datasets, absent = plan_datasets(plan, declared, held)
        self._findings.paths[:], self._findings.datasets = absent.paths, absent.datasets
        associations = plan_associations(
            plan,
            declared,
            current.associated,
            {**held.known, **declared.refs},
            absent.skipped - held.known.keys(),
        )
        plan.work = Work(types, collections, records, datasets, associations, chains)
        return plan

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Write what is missing, definitions before what needs them and chains last.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped between the parts and between batches.
        """
        repository, work = required(repository), plan.work
        if work.types.changes:
            # Two writers that make the tables of one type at the same time would be in each other's way.
            with repository.writer_lock(_TYPES_LOCK, report.notice):
                DatasetTypesState({}, frozenset(), {}).apply(repository, work.types, report)
        CollectionsState(()).apply(repository, work.collections, report)
        apply_records(repository.butler, work.records, report)
        apply_datasets(repository, work.datasets, report, batch_size=self.batch_size)
        apply_associations(repository, work.associations, report, batch_size=self.batch_size)
        if work.chains.changes:
            ChainsState(()).apply(repository, work.chains, report)

    def findings(self) -> dict[str, Any]:
        """Tell which artifacts are not there.

        Returns
        -------
        result : `dict`
            ``missing``: the first of them; ``missing_datasets``: how many datasets of each type they hold.
        """
        return {
            "missing": sorted(self._findings.paths),
            "missing_datasets": dict(sorted(self._findings.datasets.items())),
        }
