# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository has of visits, asked for in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DimensionRecord

CHUNK = 1_000
"""How many visits a query names."""


@dataclass
class Held:
    """What a repository has.

    Parameters
    ----------
    instrument : `bool`
        Whether the instrument is registered.
    detectors : `frozenset` [ `int` ]
        Its detectors.
    systems : `dict` [ `int`, `lsst.daf.butler.DimensionRecord` ]
        Its visit systems by number.
    visits : `dict` [ `int`, `lsst.daf.butler.DimensionRecord` ]
        Those of the wanted visits that exist.
    exposures, memberships : `dict` [ `int`, `set` [ `int` ] ]
        The exposures of each, and the numbers of its visit systems.
    names : `dict` [ `str`, `int` ]
        Those of the names that wanted visits need to get which some visits have, with the ids of these.
    """

    instrument: bool = False
    detectors: frozenset[int] = frozenset()
    systems: dict[int, DimensionRecord] = field(default_factory=dict)
    visits: dict[int, DimensionRecord] = field(default_factory=dict)
    exposures: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    memberships: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, int] = field(default_factory=dict)


def look_at_ground(butler: Butler, instrument: str) -> Held:
    """Look up what visits stand on.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    instrument : `str`
        The instrument.

    Returns
    -------
    held : `Held`
        Without visits.
    """
    instruments, detectors, systems = (
        butler.query_dimension_records(element, instrument=instrument, limit=None, explain=False)
        for element in ("instrument", "detector", "visit_system")
    )
    return Held(
        bool(instruments),
        frozenset(record.id for record in detectors),
        {record.id: record for record in systems},
    )


def look_at_visits(
    butler: Butler, instrument: str, visits: Mapping[int, str], held: Held, done: Callable[[int], None]
) -> None:
    """Look up the records of some visits, but for the regions of their detectors.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    instrument : `str`
        The instrument.
    visits : `~collections.abc.Mapping` [ `int`, `str` ]
        Their names by id; up to four queries for each `CHUNK` of them.
    held : `Held`
        Gets what there is.
    done : `~collections.abc.Callable`
        Told how many visits were looked up.
    """
    count = 0
    for chunk in in_chunks(visits, CHUNK):
        found = {record.id: record for record in records_of(butler, "visit", instrument, chunk)}
        held.visits |= found
        there = sorted(found)
        for record in records_of(butler, "visit_definition", instrument, there):
            held.exposures[record.visit].add(record.exposure)
        for record in records_of(butler, "visit_system_membership", instrument, there):
            held.memberships[record.visit].add(record.visit_system)
        named = {number: record.name for number, record in found.items()}
        names = sorted({visits[number] for number in chunk if named.get(number) != visits[number]})
        if names:
            with butler.query() as query:
                query = query.where("visit.name IN (given)", instrument=instrument, bind={"given": names})
                held.names |= {record.name: record.id for record in query.dimension_records("visit")}
        count += len(chunk)
        done(count)


def records_of(
    butler: Butler, element: str, instrument: str, visits: Sequence[int]
) -> Iterator[DimensionRecord]:
    """Give the records of an element that some visits have.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    element : `str`
        One that has ``visit`` among its dimensions.
    instrument : `str`
        The instrument.
    visits : `~collections.abc.Sequence` [ `int` ]
        Ids of visits, named in one query.

    Yields
    ------
    record : `lsst.daf.butler.DimensionRecord`
        Each of them.
    """
    if visits:
        with butler.query() as query:
            query = query.where("visit IN (given)", instrument=instrument, bind={"given": list(visits)})
            yield from query.dimension_records(element)
