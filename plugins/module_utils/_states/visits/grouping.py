# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exposures make which visit: ids, names, members and visit systems.

Source: obs_base, ``defineVisits.py`` (the tasks that group exposures), and obs_lsst, ``_instrument.py`` (the
number of a group).
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    VISIT_SYSTEMS,
    InstrumentDefinition,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.observatory import (
    visit_number,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.official import (
    ClassUnusableError,
    load_class,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.records import agreed

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord

GROUPINGS: Mapping[str, tuple[str, ...]] = {
    "one-to-one": ("one-to-one",),
    "one-to-one-and-by-counter": ("one-to-one", "by-seq-start-end"),
    "by-group-metadata": ("by-group-metadata",),
}
"""The names of the visit systems that each way of grouping fills."""

LARGEST = 2**63 - 1
"""The largest id that a database can hold."""

_ONE_TO_ONE = VISIT_SYSTEMS["one-to-one"]
_BY_COUNTER = VISIT_SYSTEMS["by-seq-start-end"]
_BY_GROUP = VISIT_SYSTEMS["by-group-metadata"]

CounterKey: TypeAlias = "tuple[int, int | None, int | None]"
"""Day of observation, first and last sequence number."""


@dataclass(frozen=True, slots=True)
class VisitDefinition:
    """A visit, by what it is made of.

    Parameters
    ----------
    id : `int`
        Its id.
    name : `str`
        Its name.
    systems : `tuple` [ `int`, ... ]
        Numbers of the visit systems that it belongs to, ascending.
    exposures : `tuple` [ `lsst.daf.butler.DimensionRecord`, ... ]
        Its exposures in the order in which they were taken; the first one's pointing is the visit's.
    """

    id: int
    name: str
    systems: tuple[int, ...]
    exposures: tuple[DimensionRecord, ...]


@dataclass
class Grouped:
    """What exposures make.

    Parameters
    ----------
    visits : `list` [ `VisitDefinition` ]
        The visits by id, no id twice.
    headless : `list` [ `tuple` ]
        Counters of exposures that belong together, of which the first is not there: nothing is defined for
        all of them together.
    unusable : `list` [ `tuple` [ `str`, `str` ] ]
        Names of visits that can't be defined, with the reasons.
    """

    visits: list[VisitDefinition] = field(default_factory=list)
    headless: list[CounterKey] = field(default_factory=list)
    unusable: list[tuple[str, str]] = field(default_factory=list)


def is_on_sky(exposure: DimensionRecord) -> bool:
    """Tell whether visits are defined for an exposure.

    Parameters
    ----------
    exposure : `lsst.daf.butler.DimensionRecord`
        The exposure.

    Returns
    -------
    on_sky : `bool`
        Whether it has a pointing, and is not known to have been taken where no sky can be seen.
    """
    return (
        exposure.tracking_ra is not None
        and exposure.tracking_dec is not None
        and exposure.sky_angle is not None
        and exposure.can_see_sky is not False
    )


def group_number(definition: InstrumentDefinition) -> Callable[[str], int]:
    """Find how an instrument makes numbers of the names of groups.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.

    Returns
    -------
    number : `~collections.abc.Callable`
        Gives the number, or raises `ValueError`. It is the official class's where that is installed.
    """
    try:
        instrument = load_class(definition.class_name)
    except ClassUnusableError:
        of_lsst = definition.class_name.startswith("lsst.obs.lsst.")
        return visit_number if of_lsst else _digits
    official: Callable[[str], int] | None = getattr(instrument, "group_name_to_group_id", None)
    return official or _digits


def _digits(group: str) -> int:
    return int(re.sub(r"\D", "", group))


def counter_key(exposure: DimensionRecord) -> CounterKey:
    """Give what exposures that were taken as one sequence have in common.

    Parameters
    ----------
    exposure : `lsst.daf.butler.DimensionRecord`
        The exposure.

    Returns
    -------
    key : `tuple`
        Its day and the counters of the first and the last exposure.
    """
    return exposure.day_obs, exposure.seq_start, exposure.seq_end


def group_exposures(
    exposures: Iterable[DimensionRecord], grouping: str, number: Callable[[str], int]
) -> Grouped:
    """Group exposures into visits.

    Parameters
    ----------
    exposures : `~collections.abc.Iterable` [ `lsst.daf.butler.DimensionRecord` ]
        Exposures on the sky of one instrument, in any order, which does not matter; none twice.
    grouping : `str`
        One of `GROUPINGS`.
    number : `~collections.abc.Callable`
        From `group_number`.

    Returns
    -------
    grouped : `Grouped`
        The visits.
    """
    found = Grouped()
    ordered = sorted(exposures, key=_taken)
    if grouping == "one-to-one":
        found.visits = [_alone(exposure, (_ONE_TO_ONE,)) for exposure in ordered]
    elif grouping == "by-group-metadata":
        _by_group(found, ordered, number)
    else:
        _by_counter(found, ordered)
    _drop_unusable(found)
    found.visits.sort(key=lambda visit: visit.id)
    return found


def _taken(exposure: DimensionRecord) -> tuple[int, int, int]:
    """Give the place of an exposure among those that were taken."""
    return exposure.day_obs, exposure.seq_num or 0, exposure.id


def _alone(exposure: DimensionRecord, systems: tuple[int, ...]) -> VisitDefinition:
    return VisitDefinition(exposure.id, exposure.obs_id, systems, (exposure,))


def _by_group(found: Grouped, exposures: Sequence[DimensionRecord], number: Callable[[str], int]) -> None:
    groups: dict[str, list[DimensionRecord]] = defaultdict(list)
    for exposure in exposures:
        groups[exposure.group].append(exposure)
    for name, members in groups.items():
        try:
            identifier = number(name)
        except ValueError:
            found.unusable.append((name, "the name of the group has no number in it"))
            continue
        found.visits.append(VisitDefinition(identifier, name, (_BY_GROUP,), tuple(members)))


def _by_counter(found: Grouped, exposures: Sequence[DimensionRecord]) -> None:
    groups: dict[CounterKey, list[DimensionRecord]] = defaultdict(list)
    for exposure in exposures:
        groups[counter_key(exposure)].append(exposure)
    for key, members in groups.items():
        first = members[0]
        if first.seq_start == first.seq_end:
            found.visits += [_alone(exposure, (_ONE_TO_ONE, _BY_COUNTER)) for exposure in members]
            continue
        whole = first.seq_num == first.seq_start
        if whole:
            # The visit of all of them takes the id of the first, which needs another one by itself.
            alone = VisitDefinition(int(f"9{first.id}"), f"{first.obs_id}_first", (_ONE_TO_ONE,), (first,))
            together = VisitDefinition(first.id, first.obs_id, (_BY_COUNTER,), tuple(members))
            found.visits += [alone, together]
        elif first.seq_num != 0:
            # A camera that does not count has 0 everywhere.
            found.headless.append(key)
        found.visits += [_alone(exposure, (_ONE_TO_ONE,)) for exposure in members[whole:]]


def _drop_unusable(found: Grouped) -> None:
    """Keep visits that can be, and the first of those that would have the same id or name."""
    by_id: dict[int, VisitDefinition] = {}
    by_name: dict[str, VisitDefinition] = {}
    for visit in found.visits:
        if flaw := _flaw(visit):
            found.unusable.append((visit.name, flaw))
        elif (first := by_id.get(visit.id)) is not None:
            found.unusable.append((visit.name, f"it would have the id {visit.id}, as {first.name} has"))
        elif (first := by_name.get(visit.name)) is not None:
            found.unusable.append((visit.name, f"visits {first.id} and {visit.id} would have this name"))
        else:
            by_id[visit.id] = by_name[visit.name] = visit
    found.visits = list(by_id.values())


def _flaw(visit: VisitDefinition) -> str | None:
    """Tell why no database can hold a visit, or why nobody can tell where it looks."""
    if visit.id > LARGEST:
        return f"its id would be {visit.id}, which is too large"
    if agreed(visit.exposures, "physical_filter") is None:
        filters = sorted({str(exposure.physical_filter or "none") for exposure in visit.exposures})
        return f"its exposures have the filters {', '.join(filters)}; a visit has exactly one"
    # The region is that of the first exposure; where the others look is not asked.
    first = visit.exposures[0]
    for column in ("tracking_ra", "tracking_dec", "sky_angle"):
        value = getattr(first, column)
        if not math.isfinite(value) or (column == "tracking_dec" and abs(value) > 90):
            return f"{column} of exposure {first.id} is {value}, which is not on the sky"
    return None
