# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository holds of an instrument's raws, asked for in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    Known,
    look_up,
    other_type,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import recorded_places
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption, Conflict
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import RawId
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType, DimensionRecord
    from lsst.daf.butler.queries import DatasetRefQueryResults

EXPOSURES = 1_000
"""How many exposures a query names."""

OLDEST_UNIVERSE = 6
"""The first version of the dimensions in which exposures refer to day_obs and group."""


@dataclass
class Ground:
    """What a repository has that raws stand on.

    Parameters
    ----------
    run : `Known` or `None`
        The run, if it exists.
    has_type : `bool`
        Whether the dataset type is registered.
    runs : `tuple` [ `str`, ... ]
        The runs that have datasets of that type.
    registered : `dict`
        Records of the instrument, its detectors and filters by element and name or id.
    conflicts : `list` [ `Conflict` ]
        Why no raw can be ingested at all.
    """

    run: Known | None = None
    has_type: bool = False
    runs: tuple[str, ...] = ()
    registered: dict[str, dict[Any, DimensionRecord]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    def lacks(self, instrument: str, detectors: Iterable[int], filters: Iterable[str]) -> list[Assumption]:
        """Tell what is for other tasks to register.

        Parameters
        ----------
        instrument : `str`
            Name of the instrument.
        detectors : `~collections.abc.Iterable` [ `int` ]
            Those that raws need.
        filters : `~collections.abc.Iterable` [ `str` ]
            Names of the physical filters that they need.

        Returns
        -------
        lacking : `list` [ `Assumption` ]
            Only the instrument where that is not there: what it has then is not known.
        """
        if "instrument" not in self.registered:
            return [Assumption("instrument", instrument, "instrument")]
        needed: dict[str, Iterable[Any]] = {"detector": detectors, "physical_filter": filters}
        return [
            Assumption(element, f"{instrument} {key}")
            for element, keys in needed.items()
            for key in sorted(set(keys) - self.registered.get(element, {}).keys())
        ]


@dataclass
class Holdings:
    """What the registry has of some exposures' raws.

    Parameters
    ----------
    own : `set` [ `tuple` [ `int`, `int` ] ]
        Raws that the run has, with the id that the official ingest gives them.
    strange : `dict`
        Raws that the run has with another id, and that id.
    others : `dict`
        Raws that other runs have, and the first of these runs.
    """

    own: set[RawId] = field(default_factory=set)
    strange: dict[RawId, str] = field(default_factory=dict)
    others: dict[RawId, str] = field(default_factory=dict)


def look_at_ground(repository: Repository, definition: InstrumentDefinition, run: str) -> Ground:
    """Look up what raws stand on.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    definition : `InstrumentDefinition`
        The instrument.
    run : `str`
        Where its raws are to be.

    Returns
    -------
    ground : `Ground`
        What there is.

    Raises
    ------
    ButlerError
        Raised if the repository's dimensions are too old.
    """
    butler = repository.butler
    if butler.dimensions.version < OLDEST_UNIVERSE:
        raise ButlerError(
            f"its dimensions have version {butler.dimensions.version}, raws need {OLDEST_UNIVERSE} or newer",
            option="repo",
            hint="Migrate the repository with daf_butler_migrate. Nothing was written.",
        )
    ground = Ground(run=look_up(butler, [run]).get(run))
    if ground.run is not None and ground.run.type != "RUN":
        ground.conflicts.append(other_type(run, ground.run, "RUN"))
    wanted = RawRefs(definition, butler.dimensions, run).dataset_type
    found = registered_type(butler, wanted.name)
    ground.has_type = found is not None
    if found is not None and found != wanted:
        ground.conflicts.append(
            Conflict("dataset type", wanted.name, f"it is {_shown(found)}, and raws are {_shown(wanted)}")
        )
    else:
        ground.runs = runs_with(repository, wanted.name) if ground.has_type else ()
    for element in ("instrument", "detector", "physical_filter"):
        records = butler.query_dimension_records(
            element, instrument=definition.name, limit=None, explain=False
        )
        if records:
            ground.registered[element] = {record.dataId.required_values[-1]: record for record in records}
    return ground


def _shown(dataset_type: DatasetType) -> str:
    return f"({', '.join(dataset_type.dimensions.required)}), {dataset_type.storageClass_name}"


def recorded_paths(repository: Repository, refs: RawRefs, raws: Iterable[RawId]) -> dict[RawId, str | None]:
    """Tell which raws the datastore records, and where.

    Parameters
    ----------
    repository : `Repository`
        The repository, in which the run and the dataset type exist.
    refs : `RawRefs`
        Makes references.
    raws : `~collections.abc.Iterable` [ `tuple` [ `int`, `int` ] ]
        Exposures and detectors.

    Returns
    -------
    paths : `dict` [ `tuple` [ `int`, `int` ], `str` or `None` ]
        Those that are recorded: with path or URI where they were ingested in place, with `None` where they
        are artifacts of the datastore.
    """
    return {
        (int(ref.dataId["exposure"]), int(ref.dataId["detector"])): place
        for ref, place in recorded_places(repository, map(refs.ref, raws))
    }


def holdings(repository: Repository, ground: Ground, refs: RawRefs, exposures: Iterable[int]) -> Holdings:
    """Find what the registry has of some exposures' raws.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    ground : `Ground`
        From `look_at_ground`.
    refs : `RawRefs`
        Tells instrument and dataset type.
    exposures : `~collections.abc.Iterable` [ `int` ]
        The exposures; one query for each `EXPOSURES` of them.

    Returns
    -------
    held : `Holdings`
        What any run has of them.
    """
    from lsst.daf.butler import DatasetIdFactory, DatasetIdGenEnum

    held = Holdings()
    if not ground.runs:
        return held
    make_id = DatasetIdFactory().makeDatasetId
    name = refs.dataset_type.name
    for chunk in in_chunks(sorted(exposures), EXPOSURES):
        with datasets_of(repository, refs.definition.name, name, ground.runs, chunk) as found:
            for ref in found:
                raw = int(ref.dataId["exposure"]), int(ref.dataId["detector"])
                if ref.run != refs.run:
                    held.others[raw] = min(ref.run, held.others.get(raw, ref.run))
                elif ref.id == make_id(
                    refs.run, ref.datasetType, ref.dataId, DatasetIdGenEnum.DATAID_TYPE_RUN
                ):
                    held.own.add(raw)
                else:
                    held.strange[raw] = str(ref.id)
    return held


@contextmanager
def datasets_of(
    repository: Repository,
    instrument: str,
    dataset_type: str,
    runs: Collection[str],
    exposures: Collection[int],
    detector: int | None = None,
) -> Iterator[DatasetRefQueryResults]:
    """Ask for the datasets of some exposures.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    instrument : `str`
        The instrument.
    dataset_type : `str`
        Name of a registered dataset type.
    runs : `~collections.abc.Collection` [ `str` ]
        Runs that have datasets of it.
    exposures : `~collections.abc.Collection` [ `int` ]
        The exposures, named in one query.
    detector : `int`, optional
        The only detector to ask for.

    Yields
    ------
    found : `lsst.daf.butler.queries.DatasetRefQueryResults`
        The datasets of all of the runs, to be read or counted inside the block.
    """
    where = "instrument = given_instrument AND exposure IN (given_exposures)"
    bind: dict[str, Any] = {"given_instrument": instrument, "given_exposures": sorted(exposures)}
    if detector is not None:
        where, bind["given_detector"] = f"{where} AND detector = given_detector", detector
    with repository.butler.query() as query:
        yield query.where(where, bind=bind).datasets(dataset_type, collections=list(runs), find_first=False)


def detectors_held(repository: Repository, ground: Ground, refs: RawRefs) -> dict[int, int]:
    """Tell which detectors of each exposure the run has.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    ground : `Ground`
        From `look_at_ground`.
    refs : `RawRefs`
        Tells instrument and run.

    Returns
    -------
    held : `dict` [ `int`, `int` ]
        A bit for each detector's id, by exposure. Streamed from one query; memory grows with the number of
        exposures, by a hundred bytes each.
    """
    held: dict[int, int] = {}
    if refs.run not in ground.runs:
        return held
    with repository.butler.query() as query:
        found = query.where(instrument=refs.definition.name).datasets(
            refs.dataset_type.name, collections=refs.run, find_first=False
        )
        for ref in found:
            exposure = int(ref.dataId["exposure"])
            held[exposure] = held.get(exposure, 0) | 1 << int(ref.dataId["detector"])
    return held


def runs_with(repository: Repository, dataset_type: str) -> tuple[str, ...]:
    """Find the runs that have datasets of a type.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    dataset_type : `str`
        Name of a registered dataset type.

    Returns
    -------
    runs : `tuple` [ `str`, ... ]
        Their names, sorted.
    """
    from lsst.daf.butler import CollectionType

    found = repository.butler.collections.query_info(
        "*", CollectionType.RUN, include_summary=True, summary_datasets=[dataset_type]
    )
    return tuple(sorted(info.name for info in found if info.dataset_types))
