# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which exposures visits are declared for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption, first_few
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Numbers
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import (
    counter_key,
    is_on_sky,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DimensionRecord

CHUNK = 1_000
"""How many ids a query names."""

_CAMERA = "camera"


@dataclass(frozen=True)
class Selection:
    """What exposures have to be; what is `None` or empty restricts nothing.

    Parameters
    ----------
    collections : `tuple` [ `str`, ... ]
        Collections of which one has a raw of the exposure.
    exposures : `Numbers` or `None`
        Their ids.
    where : `str`
        An expression of daf_butler.
    """

    collections: tuple[str, ...]
    exposures: Numbers | None
    where: str

    def __str__(self) -> str:
        parts = []
        if self.collections:
            parts.append(f"raws in {', '.join(self.collections)}")
        if self.exposures is not None:
            parts.append("the given ids")
        if self.where:
            parts.append(f"where {self.where}")
        return " and ".join(parts) or "any of the instrument"


@dataclass
class Selected:
    """The exposures that visits are declared for.

    Parameters
    ----------
    exposures : `list` [ `lsst.daf.butler.DimensionRecord` ]
        Those on the sky.
    off_sky : `int`
        How many others there are.
    missing : `list` [ `Assumption` ]
        What is named and not there.
    cameras : `bool`
        Whether the collections have a ``camera`` dataset.
    """

    exposures: list[DimensionRecord] = field(default_factory=list)
    off_sky: int = 0
    missing: list[Assumption] = field(default_factory=list)
    cameras: bool = False


def select(butler: Butler, definition: InstrumentDefinition, selection: Selection) -> Selected:
    """Query the exposures that are meant.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    definition : `InstrumentDefinition`
        The instrument.
    selection : `Selection`
        What they have to be.

    Returns
    -------
    selected : `Selected`
        The exposures: one query, or one for each `CHUNK` of named ids. With collections their ids are asked
        for first, and the records of those that have raws after that.

    Raises
    ------
    ButlerError
        Raised if the expression is not one, or a collection can't be searched.
    """
    selected = Selected()
    known = look_up(butler, selection.collections)
    names = [name for name in selection.collections if name in known]
    selected.missing += [
        Assumption("collection", name, "collections") for name in selection.collections if name not in known
    ]
    found: dict[int, DimensionRecord] = {}
    if not selection.collections or (names and _holds(butler, definition.raw_dataset_type, names)):
        found = {exposure.id: exposure for exposure in _queried(butler, definition, selection, names)}
    selected.exposures = [exposure for exposure in found.values() if is_on_sky(exposure)]
    selected.off_sky = len(found) - len(selected.exposures)
    if selection.exposures is not None:
        lost = selection.exposures.single - found.keys()
        unknown = sorted(lost - _existing(butler, definition.name, lost))
        if unknown:
            selected.missing.append(
                Assumption("exposure", f"{definition.name} {first_few(unknown)}", "exposures")
            )
    selected.cameras = bool(names and selected.exposures) and _holds(butler, _CAMERA, names)
    return selected


def _queried(
    butler: Butler, definition: InstrumentDefinition, selection: Selection, collections: Sequence[str]
) -> Iterator[DimensionRecord]:
    for part, bind in _parts(selection.exposures):
        where = _both(selection.where, part)
        with _explained(selection, "where" if selection.where else "exposures"):
            if not collections:
                yield from list(_where(butler, definition.name, where, **bind))
                continue
            # Ids first: records take much more memory, and collections may have but a few of them.
            numbers = _numbers(butler, definition.name, where, bind)
        # The expression was taken above.
        with _explained(selection, "collections"):
            chosen = _RawsIn(butler, definition, collections, where, bind).of(numbers)
        if len(chosen) == len(numbers):
            yield from _where(butler, definition.name, where, **bind)
            continue
        for chunk in in_chunks(chosen, CHUNK):
            yield from _where(butler, definition.name, "exposure IN (given)", given=chunk)


@contextmanager
def _explained(selection: Selection, option: str) -> Iterator[None]:
    """Say which option a query fails for."""
    from lsst.daf.butler import ButlerUserError
    from sqlalchemy.exc import DataError

    try:
        yield
    except (ButlerUserError, OverflowError, DataError) as error:
        # The latter two are for numbers that a database can't hold.
        given = ", ".join(selection.collections) if option == "collections" else selection.where
        raise ButlerError(
            f"exposures can't be selected with {given!r}: {first_line(error)}",
            option=option,
            hint="Name RUN, TAGGED or CHAINED collections with raws."
            if option == "collections"
            else "Such as: exposure.day_obs = 20241108 AND exposure.observation_type = 'science'.",
        ) from None


@dataclass(frozen=True)
class _RawsIn:
    """Tells which exposures have raws in some collections.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    definition : `InstrumentDefinition`
        The instrument.
    collections : `~collections.abc.Sequence` [ `str` ]
        The collections.
    where : `str`
        What the raws have to meet.
    bind : `~collections.abc.Mapping`
        Values of names in it.
    """

    butler: Butler
    definition: InstrumentDefinition
    collections: Sequence[str]
    where: str
    bind: Mapping[str, Any]

    def of(self, exposures: Collection[int]) -> list[int]:
        """Give those of some exposures that do, sorted.

        To ask for all raws of a survey takes longer than everything else. So one detector's are asked for,
        and all only of exposures that have none of these.
        """
        detector = min(one.id for one in self.definition.detectors)
        found = self._ask(f"detector = {detector}") & set(exposures)
        for chunk in in_chunks(sorted(set(exposures) - found), CHUNK):
            found |= self._ask("exposure IN (asked)", asked=chunk)
        return sorted(found)

    def _ask(self, more: str, **bind: Any) -> set[int]:
        where, bind = _both(self.where, more), {**self.bind, **bind}
        with self.butler.query() as query:
            query = query.join_dataset_search(self.definition.raw_dataset_type, self.collections)
            query = query.where(where, instrument=self.definition.name, bind=bind)
            return {int(data_id["exposure"]) for data_id in query.data_ids(["exposure"])}


def _both(first: str, second: str) -> str:
    return " AND ".join(f"({text})" for text in (first, second) if text)


def _parts(exposures: Numbers | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give expressions, and the values of names in them, that together name all exposures."""
    if exposures is None:
        yield "", {}
        return
    for chunk in in_chunks(sorted(exposures.single), CHUNK):
        yield "exposure IN (given)", {"given": chunk}
    # Written out they become one condition each, of which a database takes but so many.
    ranges = (f"{part.start}..{part[-1]}:{part.step}" for part in exposures.ranges)
    for texts in in_chunks(ranges, CHUNK // 10):
        yield f"exposure IN ({', '.join(texts)})", {}


def _existing(butler: Butler, instrument: str, exposures: Collection[int]) -> set[int]:
    found: set[int] = set()
    for chunk in in_chunks(sorted(exposures), CHUNK):
        found |= {record.id for record in _where(butler, instrument, "exposure IN (given)", given=chunk)}
    return found


def _numbers(butler: Butler, instrument: str, where: str, bind: Mapping[str, Any]) -> set[int]:
    with butler.query() as query:
        query = query.where(where, instrument=instrument, bind=bind)
        return {int(data_id["exposure"]) for data_id in query.data_ids(["exposure"])}


def _where(butler: Butler, instrument: str, where: str, **bind: Any) -> Iterator[DimensionRecord]:
    with butler.query() as query:
        yield from query.where(where, instrument=instrument, bind=bind).dimension_records("exposure")


def _holds(butler: Butler, name: str, collections: Sequence[str]) -> bool:
    """Tell from their summaries whether some collections may have datasets of a type."""
    dataset_type = registered_type(butler, name)
    if dataset_type is None:
        return False
    summaries = butler.collections.query_info(
        collections, include_summary=True, flatten_chains=True, summary_datasets=[dataset_type]
    )
    return any(summary.dataset_types for summary in summaries)


def related(
    butler: Butler, instrument: str, grouping: str, exposures: Iterable[DimensionRecord]
) -> list[DimensionRecord]:
    """Find the other exposures of the same groups, whatever is selected.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    instrument : `str`
        The instrument.
    grouping : `str`
        How exposures are grouped.
    exposures : `~collections.abc.Iterable` [ `lsst.daf.butler.DimensionRecord` ]
        The selected exposures.

    Returns
    -------
    others : `list` [ `lsst.daf.butler.DimensionRecord` ]
        Those on the sky that are not among them. The official tool looks for counters on all days, here only
        those of the same day count.
    """
    found: dict[int, DimensionRecord] = {}
    known = {exposure.id: exposure for exposure in exposures}
    if grouping == "by-group-metadata":
        groups = sorted({exposure.group for exposure in known.values()})
        for chunk in in_chunks(groups, CHUNK):
            found |= {one.id: one for one in _where(butler, instrument, "group IN (given)", given=chunk)}
    elif grouping == "one-to-one-and-by-counter":
        keys = {counter_key(one) for one in known.values() if one.seq_start != one.seq_end}
        for chunk in in_chunks(sorted({key[0] for key in keys}), CHUNK):
            found |= {
                one.id: one
                for one in _where(butler, instrument, "day_obs IN (given)", given=chunk)
                if counter_key(one) in keys
            }
    return [one for number, one in found.items() if number not in known and is_on_sky(one)]
