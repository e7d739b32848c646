# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository holds of an instrument's raws, asked for in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Conflict
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import RawId
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType, DimensionRecord

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
    registered : `dict`
        Records of the instrument, its detectors and filters by element and name or id.
    conflicts : `list` [ `Conflict` ]
        Why no raw can be ingested at all.
    """

    run: Known | None = None
    has_type: bool = False
    registered: dict[str, dict[Any, DimensionRecord]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


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


def registered_elsewhere(
    repository: Repository, refs: RawRefs, raws: Iterable[RawId]
) -> tuple[dict[RawId, str], dict[RawId, str]]:
    """Find raws that the registry has in other ways than the official ingest into the run would give.

    Parameters
    ----------
    repository : `Repository`
        The repository, in which the dataset type exists.
    refs : `RawRefs`
        Makes references.
    raws : `~collections.abc.Iterable` [ `tuple` [ `int`, `int` ] ]
        Exposures and detectors.

    Returns
    -------
    others : `dict` [ `tuple` [ `int`, `int` ], `str` ]
        Those of which another run has a dataset, with that run.
    strange : `dict` [ `tuple` [ `int`, `int` ], `str` ]
        Those that are in the run with another id than the official one, with that id.
    """
    wanted = set(raws)
    others: dict[RawId, str] = {}
    strange: dict[RawId, str] = {}
    runs = _runs_with(repository, refs.dataset_type.name)
    if not wanted or not runs:
        return others, strange
    exposures = sorted({exposure for exposure, _unused in wanted})
    for chunk in in_chunks(exposures, EXPOSURES):
        for raw, run, uuid in _datasets(repository, refs, runs, chunk):
            if raw not in wanted:
                continue
            if run != refs.run:
                others[raw] = min(run, others.get(raw, run))
            elif uuid != str(refs.ref(raw).id):
                strange[raw] = uuid
    return others, strange


def _runs_with(repository: Repository, dataset_type: str) -> list[str]:
    from lsst.daf.butler import CollectionType

    found = repository.butler.collections.query_info(
        "*", CollectionType.RUN, include_summary=True, summary_datasets=[dataset_type]
    )
    return sorted(info.name for info in found if info.dataset_types)


def _datasets(
    repository: Repository, refs: RawRefs, runs: Sequence[str], exposures: list[int]
) -> Iterator[tuple[RawId, str, str]]:
    with repository.butler.query() as query:
        found = query.where(
            "instrument = given_instrument AND exposure IN (given_exposures)",
            bind={"given_instrument": refs.definition.name, "given_exposures": exposures},
        ).datasets(refs.dataset_type.name, collections=runs, find_first=False)
        for ref in found:
            exposure, detector = ref.dataId["exposure"], ref.dataId["detector"]
            yield (int(exposure), int(detector)), ref.run, str(ref.id)
