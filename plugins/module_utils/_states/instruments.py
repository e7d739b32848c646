# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instruments are registered, with their detectors and physical filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    RecordWork,
    apply_records,
    existing_records,
    plan_records,
    universe_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import (
    ResolvedInstrument,
    resolve_instrument,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord, DimensionUniverse


@dataclass
class Current:
    """The records of the declared instruments.

    Parameters
    ----------
    wanted : `list` [ `lsst.daf.butler.DimensionRecord` ]
        Those that they have.
    existing : `dict` [ `RecordKey`, `lsst.daf.butler.DimensionRecord` ]
        Those of them that the repository has, perhaps with other columns.
    """

    wanted: list[DimensionRecord]
    existing: dict[RecordKey, DimensionRecord]


@dataclass(frozen=True)
class InstrumentsState:
    """The declared instruments.

    Parameters
    ----------
    resolved : `tuple` [ `ResolvedInstrument`, ... ]
        In the order of the task.
    unused : `tuple` [ `str`, ... ]
        Definitions given as data that no declared instrument needed.
    on_conflict : {"fail", "keep", "replace"}
        What to do about a record that differs.
    """

    resolved: tuple[ResolvedInstrument, ...]
    unused: tuple[str, ...]
    on_conflict: str

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> InstrumentsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``instruments``, ``definitions`` and ``on_conflict``.

        Returns
        -------
        state : `InstrumentsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for an instrument that no source knows or that is declared twice, and for a definition
            that is not right.
        """
        definitions: Mapping[str, object] = params["definitions"] or {}
        resolved: dict[str, ResolvedInstrument] = {}
        for index, wanted in enumerate(params["instruments"]):
            option = f"instruments[{index}]"
            found = resolve_instrument(wanted, definitions, option=option)
            name = found.definition.name
            if name in resolved:
                raise ButlerError(
                    f"{wanted} is the instrument {name}, which is in the list already; declare it once",
                    option=option,
                )
            resolved[name] = found
        used = {name for name, found in resolved.items() if found.source == "definition"}
        return cls(
            tuple(resolved.values()),
            tuple(sorted(str(name) for name in definitions if name not in used)),
            params["on_conflict"],
        )

    def observe(self, repository: Repository | None) -> Current:
        """Look the declared records up.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            The declared records in the repository's dimensions, and those that exist.
        """
        universe = universe_of(repository)
        wanted = [
            record for found in self.resolved for record in dimension_records(found.definition, universe)
        ]
        existing = {} if repository is None else existing_records(repository.butler, wanted)
        return Current(wanted, existing)

    def plan(self, current: Current) -> Plan[RecordWork]:
        """Compare the declared records with those that exist.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `RecordWork` ]
            Records that are missing or differ. Detectors and filters that the repository has besides stay.
        """
        plan = Plan(
            RecordWork(),
            conflict_hint="Set on_conflict to replace to make the records what was declared, or to keep to "
            "leave them. Nothing was written.",
        )
        plan.work = plan_records(plan, current.wanted, current.existing, self.on_conflict)
        if self.unused:
            plan.notices.append(
                f"definitions: {', '.join(self.unused)} not used: no declared instrument needs them"
            )
        return plan

    def apply(self, repository: Repository | None, plan: Plan[RecordWork], report: Report) -> None:
        """Write the records, all of them or none.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `RecordWork` ]
            From `plan`.
        report : `Report`
            Counts what was done.
        """
        repository = required(repository)
        apply_records(repository.butler, plan.work, report)

    def sources(self) -> dict[str, Any]:
        """Tell where each instrument's records come from.

        Returns
        -------
        result : `dict`
            ``instruments``: for each of them ``name``, ``class_name``, ``source`` and ``note``.
        """
        return {
            "instruments": [
                {
                    "name": found.definition.name,
                    "class_name": found.definition.class_name,
                    "source": found.source,
                    "note": found.note,
                }
                for found in self.resolved
            ]
        }


def dimension_records(definition: InstrumentDefinition, universe: DimensionUniverse) -> list[DimensionRecord]:
    """Give an instrument's records in the dimensions of a repository.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.

    Returns
    -------
    records : `list` [ `lsst.daf.butler.DimensionRecord` ]
        Of ``instrument``, ``detector`` and ``physical_filter``, in this order.
    """
    return [
        universe[element].RecordClass(**row) for element, rows in definition.records().items() for row in rows
    ]
