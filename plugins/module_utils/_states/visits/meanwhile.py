# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of visits between the plan and the moment in which they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.records import describe_differences
from ansible_collections.rubin.butler.plugins.module_utils._sky.regions import same_regions
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.held import Held
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.planning import Visit
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.wanted import visit_differences

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord


@dataclass(frozen=True)
class Look:
    """A visit as it is now.

    Parameters
    ----------
    record : `lsst.daf.butler.DimensionRecord` or `None`
        Its record, if there is one.
    systems : `frozenset` [ `int` ]
        Numbers of the visit systems that it is in.
    differs : `dict` [ `str`, `tuple` ]
        How it differs from what is wanted, by column.
    changed : `bool`
        Whether it is not what the plan was made on.
    flaw : `str` or `None`
        Why it can't be written at all.
    """

    record: DimensionRecord | None
    systems: frozenset[int]
    differs: dict[str, tuple[Any, Any]]
    changed: bool
    flaw: str | None

    def __str__(self) -> str:
        return self.flaw or describe_differences(self.differs)


def looks(visits: Sequence[Visit], held: Held) -> list[Look]:
    """Compare planned visits with those that there are.

    Parameters
    ----------
    visits : `~collections.abc.Sequence` [ `Visit` ]
        Visits as they were planned.
    held : `Held`
        What the repository has of them now.

    Returns
    -------
    looks : `list` [ `Look` ]
        One for each of them.
    """
    records = [held.visits.get(visit.definition.id) for visit in visits]
    regions = [None if record is None else record.region for record in records]
    as_wanted = same_regions(regions, [visit.record.region for visit in visits])
    as_planned = same_regions(regions, [None if visit.old is None else visit.old.region for visit in visits])
    found = []
    for visit, record, wanted, planned in zip(visits, records, as_wanted, as_planned, strict=True):
        number = visit.definition.id
        differs: dict[str, tuple[Any, Any]] = {}
        changed = (record is None) != (visit.old is None)
        flaw = None
        if record is not None:
            exposures = held.exposures[number]
            declared = {exposure.id for exposure in visit.definition.exposures}
            differs = visit_differences(record, visit.record, wanted)
            if exposures != declared:
                differs["exposures"] = (sorted(exposures), sorted(declared))
            if visit.old is not None:
                changed = exposures != visit.old_exposures or bool(
                    visit_differences(visit.old, record, planned)
                )
        elif visit.old is not None:
            flaw = "it is not there any more"
        other = held.names.get(visit.definition.name, number)
        if other != number:
            flaw = f"the visit {other} has got its name, {visit.definition.name}"
        found.append(Look(record, frozenset(held.memberships.get(number, ())), differs, changed, flaw))
    return found
