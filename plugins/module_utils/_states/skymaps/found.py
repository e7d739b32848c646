# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository has of the declared sky maps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import target_of
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import OtherSkyMapError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.shown import shown_config
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.sky_map import Geometry
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.stored import read_stored
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.declared import LARGEST, Declared

if TYPE_CHECKING:
    import numpy
    from lsst.daf.butler import Butler, DatasetRef, DatasetType, DimensionRecord, DimensionUniverse
    from lsst.daf.butler.queries import DataCoordinateQueryResults, Query
    from lsst.resources import ResourcePath
    from numpy.typing import NDArray

RUN = "skymaps"
DATASET_TYPE = "skyMap"
"""Where the official tool stores sky maps, and as what (``lsst.skymap``, ``BaseSkyMap.register``)."""


@dataclass
class Found:
    """What there is of a declared sky map.

    Parameters
    ----------
    declared : `Declared`
        What is declared.
    geometry : `Geometry`
        Its tracts and patches.
    wanted : `lsst.daf.butler.DimensionRecord`
        The record that it is to have.
    tracts : `numpy.ndarray` of `int`, (n,)
        Tracts that are not there, in ascending order.
    partial : `numpy.ndarray` of `int`, (n,)
        Tracts that are there without all their patches, likewise.
    record : `lsst.daf.butler.DimensionRecord` or `None`
        The record of that name.
    twin : `str` or `None`
        Another name under which the same configuration is registered.
    registered : `dict` [ `str`, `object` ] or `None`
        The options that were stored under that name, where they are other ones that can be read.
    patches : `int`
        How many patches are there.
    dataset : `lsst.daf.butler.DatasetRef` or `None`
        The stored sky map, as the registry has it.
    stored : `bool`
        Whether the datastore has it as well.
    others : `tuple` [ `str`, ... ]
        Sky maps whose files have the same name, where it is yet to be stored.
    orphan : `Orphan` or `None`
        What nobody recorded at the place where it is to be stored.
    """

    declared: Declared
    geometry: Geometry
    wanted: DimensionRecord
    tracts: NDArray[numpy.int64]
    partial: NDArray[numpy.int64]
    record: DimensionRecord | None = None
    twin: str | None = None
    registered: dict[str, object] | None = None
    patches: int = 0
    dataset: DatasetRef | None = None
    stored: bool = False
    others: tuple[str, ...] = ()
    orphan: Orphan | None = None

    @property
    def missing_patches(self) -> int:
        """How many patches are not there (`int`)."""
        return max(0, self.geometry.patch_total - self.patches)


@dataclass
class Current:
    """What a repository has of all that is declared.

    Parameters
    ----------
    found : `list` [ `Found` ]
        In the order of the task.
    wanted_type : `lsst.daf.butler.DatasetType`
        The dataset type of stored sky maps.
    dataset_type : `lsst.daf.butler.DatasetType` or `None`
        The one that is registered under its name.
    run : `Known` or `None`
        The run.
    """

    found: list[Found]
    wanted_type: DatasetType
    dataset_type: DatasetType | None = None
    run: Known | None = None


def look(repository: Repository | None, declared: Sequence[Declared]) -> Current:
    """Look sky maps up.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.
    declared : `~collections.abc.Sequence` [ `Declared` ]
        What is declared.

    Returns
    -------
    current : `Current`
        What is there. A complete sky map takes two counts, whatever its size.

    Raises
    ------
    ButlerError
        Raised for a configuration that makes no sky map.
    """
    from lsst.daf.butler import DatasetType

    wanted = DatasetType(DATASET_TYPE, ["skymap"], "SkyMap", universe=universe_of(repository))
    found = [_missing(item, wanted.dimensions.universe) for item in declared]
    current = Current(found, wanted)
    if repository is None:
        return current
    butler = repository.butler
    current.dataset_type = registered_type(butler, DATASET_TYPE)
    current.run = look_up(butler, [RUN]).get(RUN)
    with butler.query() as query:
        records = list(query.dimension_records("skymap"))
    for item in found:
        item.record = next((record for record in records if record.name == item.declared.name), None)
        others = (record.name for record in records if record.hash == item.declared.sky_map.hash)
        item.twin = next((name for name in others if name != item.declared.name), None)
        _look_at_dataset(repository, current, item)
        if item.record is not None and item.record.hash == item.declared.sky_map.hash:
            _look_at_tracts(butler, item)
    _look_at_places(repository, current, records)
    return current


def _missing(declared: Declared, universe: DimensionUniverse) -> Found:
    """Describe a sky map of which nothing is there."""
    import numpy

    try:
        geometry = declared.sky_map.geometry
    except ButlerError as error:
        named = f"{error.option}: {error.message}" if error.option else error.message
        raise ButlerError(f"{declared.name}: {named}", option=declared.option, hint=error.hint) from None
    record = universe["skymap"].RecordClass(
        name=declared.name,
        hash=declared.sky_map.hash,
        tract_max=geometry.count,
        patch_nx_max=geometry.patch_nx_max,
        patch_ny_max=geometry.patch_ny_max,
    )
    return Found(declared, geometry, record, numpy.arange(geometry.count), numpy.zeros(0, dtype=numpy.int64))


def _look_at_tracts(butler: Butler, item: Found) -> None:
    import numpy

    name, geometry = item.declared.name, item.geometry
    with butler.query() as query:
        # Counting is quick, and tells all there is to know of a complete sky map.
        item.patches = patches_of(query, item).count()
        tracts = query.where("tract < end", skymap=name, bind={"end": geometry.count}).data_ids(["tract"])
        if item.patches == geometry.patch_total and tracts.count() == geometry.count:
            item.tracts = item.tracts[:0]
            return
        there = numpy.zeros(geometry.count, dtype=bool)
        there[[int(data_id["tract"]) for data_id in tracts]] = True
    item.tracts = numpy.flatnonzero(~there)
    wanted = geometry.patches_in(numpy.arange(geometry.count))
    if item.patches != int(wanted[there].sum()):
        held = patches_held(butler, item)
        item.partial = numpy.flatnonzero(there & (held < wanted))


def patches_of(query: Query, item: Found) -> DataCoordinateQueryResults:
    """Ask for the patches of a sky map.

    Parameters
    ----------
    query : `lsst.daf.butler.queries.Query`
        Without any terms.
    item : `Found`
        The sky map. Rows of numbers that it does not have are none of its patches.

    Returns
    -------
    data_ids : `lsst.daf.butler.queries.DataCoordinateQueryResults`
        Their data IDs.
    """
    geometry = item.geometry
    ends = {"end": geometry.count, "patch_end": geometry.patch_nx_max * geometry.patch_ny_max}
    return query.where("tract < end AND patch < patch_end", skymap=item.declared.name, bind=ends).data_ids(
        ["patch"]
    )


def patches_held(butler: Butler, item: Found) -> NDArray[numpy.int64]:
    """Count the patches of each tract.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    item : `Found`
        The sky map.

    Returns
    -------
    held : `numpy.ndarray` of `int`, (count,)
        Number of patches. All data IDs are read, one by one.
    """
    import numpy

    held = numpy.zeros(item.geometry.count, dtype=numpy.int64)
    with butler.query() as query:
        for data_id in patches_of(query, item):
            held[int(data_id["tract"])] += 1
    return held


def _look_at_places(repository: Repository, current: Current, records: Sequence[DimensionRecord]) -> None:
    """Look at the places where sky maps are to be stored."""
    root = repository.datastore_root
    if root is None or all(item.stored for item in current.found):
        return
    places: dict[ResourcePath, set[str]] = defaultdict(set)
    for record in (*records, *(item.wanted for item in current.found)):
        if (place := _place(repository, current.wanted_type, record)) is not None:
            places[place].add(record.name)
    for place, names in places.items():
        for item in current.found:
            if item.stored or item.declared.name not in names:
                continue
            item.others = tuple(sorted(names - {item.declared.name}))
            if not item.others and place.exists():
                path = place.relative_to(root) or str(place)
                differs = place.read() != item.declared.sky_map.stored()
                item.orphan = Orphan(RUN, path, str(place), differs)


def _place(repository: Repository, dataset_type: DatasetType, record: DimensionRecord) -> ResourcePath | None:
    from lsst.daf.butler import DataCoordinate, DatasetRef

    data_id = DataCoordinate.standardize(skymap=record.name, dimensions=dataset_type.dimensions)
    ref = DatasetRef(dataset_type, data_id.expanded({"skymap": record}), RUN)
    return target_of(repository, ref, "skyMap.pickle")


def _look_at_dataset(repository: Repository, current: Current, item: Found) -> None:
    if current.dataset_type != current.wanted_type or current.run is None or item.record is None:
        return
    butler = repository.butler
    item.dataset = butler.find_dataset(current.wanted_type, skymap=item.declared.name, collections=RUN)
    if item.dataset is None:
        return
    uri = butler.get_many_uris([item.dataset], allow_missing=True).get(item.dataset)
    item.stored = uri is not None
    if uri is not None and uri.primaryURI is not None and item.record.hash != item.declared.sky_map.hash:
        try:
            item.registered = shown_config(read_stored(uri.primaryURI.read(LARGEST)))
        except OtherSkyMapError as error:
            item.registered = {"skyMap": error.kind}
        except (ButlerError, OSError):
            # It only serves to tell what differs.
            item.registered = None
