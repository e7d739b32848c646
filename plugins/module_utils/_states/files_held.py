# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository has of the datasets that files are to become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler import data_ids
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.configured_formatters import (
    configured_formatter,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import RecordKey
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import NewFile
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import (
    is_same_file,
    recorded_places,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.files_rows import Row, rows_of
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import Listing
from ansible_collections.rubin.butler.plugins.module_utils._storage.sizes import sizes_of

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, DatasetType


@dataclass(frozen=True)
class Wanted:
    """A dataset that is to be ingested.

    Parameters
    ----------
    row : `Row`
        The file and the data ID.
    ref : `lsst.daf.butler.DatasetRef`
        The reference: the registered one, or a new one whose id follows from dataset type, data ID and run.
    """

    row: Row
    ref: DatasetRef


@dataclass
class Current:
    """What the repository has.

    Parameters
    ----------
    listing : `Listing`
        The files.
    run : `Known` or `None`
        What there is of the run's name.
    dataset_type : `lsst.daf.butler.DatasetType` or `None`
        The dataset type, if it is registered.
    before : `int`
        How many datasets of it the run has.
    present : `int`
        How many of the declared ones are there.
    new : `list` [ `Wanted` ]
        Those that the registry does not have.
    unstored : `list` [ `Wanted` ]
        Those that the registry has and the datastore does not.
    moved : `list` [ `tuple` ]
        Those that are recorded at another place, with that place.
    missing_files : `set` [ `str` ]
        The paths among all of these at which there is no file.
    missing_records : `set` [ `RecordKey` ]
        Dimension records that their data IDs refer to and the repository does not have.
    files : `list` [ `NewFile` ]
        What to ingest, if nothing is missing but files.
    orphans : `list` [ `Orphan` ]
        Files where artifacts are to go.
    """

    listing: Listing
    run: Known | None = None
    dataset_type: DatasetType | None = None
    before: int = 0
    present: int = 0
    new: list[Wanted] = field(default_factory=list)
    unstored: list[Wanted] = field(default_factory=list)
    moved: list[tuple[Wanted, str]] = field(default_factory=list)
    missing_files: set[str] = field(default_factory=set)
    missing_records: set[RecordKey] = field(default_factory=set)
    files: list[NewFile] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)


def look(
    repository: Repository | None,
    listing: Listing,
    *,
    dataset_type: str,
    run: str,
    constants: Mapping[str, Any],
) -> Current:
    """Find out which datasets are there, and which files.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository.
    listing : `Listing`
        The files.
    dataset_type, run : `str`
        What they are to become, and where.
    constants : `~collections.abc.Mapping`
        Data ID values that all of them share.

    Returns
    -------
    current : `Current`
        Still without what is to be ingested. A few queries whatever the number of files, and a look at each
        file whose dataset is not there.

    Raises
    ------
    ButlerError
        Raised for data IDs that can't be those of the dataset type, and if it can't be told whether a file is
        there.
    """
    current = Current(listing)
    if repository is not None:
        current.run = look_up(repository.butler, [run]).get(run)
        current.dataset_type = registered_type(repository.butler, dataset_type)
    if repository is None or current.dataset_type is None:
        named = {file.path for file in listing.files}
        current.missing_files = named - sizes_of(named, listing.option).keys()
        return current
    rows = rows_of(listing, constants, current.dataset_type)
    if current.run is None or current.run.type == "RUN":
        _sort(repository, current, current.dataset_type, run, rows)
    return current


def _sort(
    repository: Repository, current: Current, dataset_type: DatasetType, run: str, rows: Sequence[Row]
) -> None:
    from lsst.daf.butler import DataCoordinate, DatasetIdGenEnum, DatasetRef

    registered: dict[tuple[Any, ...], DatasetRef] = {}
    if current.run is not None:
        found = repository.butler.query_datasets(
            dataset_type, collections=run, find_first=False, limit=None, explain=False
        )
        registered = {tuple(ref.dataId.required_values): ref for ref in found}
    current.before = len(registered)
    held = [Wanted(row, registered[row.required]) for row in rows if row.required in registered]
    places = {ref.id: place for ref, place in recorded_places(repository, (item.ref for item in held))}
    for item in held:
        if item.ref.id not in places:
            current.unstored.append(item)
            continue
        place = places[item.ref.id]
        if place is None or is_same_file(place, item.row.listed.path):
            current.present += 1
        else:
            current.moved.append((item, place))
    for row in rows:
        if row.required not in registered:
            data_id = DataCoordinate.from_required_values(dataset_type.dimensions, row.required)
            # The official tool gives random ids here by default. With these, a second writer and the run
            # after a killed one mean the same datasets.
            mode = DatasetIdGenEnum.DATAID_TYPE_RUN
            current.new.append(Wanted(row, DatasetRef(dataset_type, data_id, run, id_generation_mode=mode)))


def prepare(
    repository: Repository, current: Current, *, replace: bool, formatter: str | None, option: str
) -> None:
    """Find out what to ingest.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    current : `Current`
        From `look`; gets the files, and what they lack. Nothing without a dataset type.
    replace : `bool`
        Whether places that differ are recorded anew.
    formatter : `str` or `None`
        The declared formatter.
    option : `str`
        What gave the data IDs.

    Raises
    ------
    ButlerError
        Raised if values that were given for implied dimensions are not those of the records, if there is no
        formatter, and if it can't be told whether a file is there.
    """
    dataset_type = current.dataset_type
    if dataset_type is None:
        return
    wanted = [*current.new, *current.unstored]
    if replace:
        wanted += [item for item, _unused in current.moved]
    paths = {item.row.listed.path for item in wanted}
    sizes = sizes_of(paths, option)
    current.missing_files = paths - sizes.keys()
    expander = data_ids.find(repository.butler, (item.ref.dataId for item in wanted), {})
    current.missing_records = expander.missing
    if expander.missing:
        return

    @cache
    def formatter_of(instrument: str | None) -> str | None:
        return formatter or configured_formatter(repository, dataset_type, instrument)

    refs: dict[str, list[DatasetRef]] = {}
    problems: list[str] = []
    for item in wanted:
        ref = expander.expanded(item.ref) or item.ref
        problems += [
            f"{item.row.listed.where}: {key} is {value!r}, the repository's records say {ref.dataId[key]!r}"
            for key, value in item.row.implied
            if ref.dataId[key] != value
        ]
        refs.setdefault(item.row.listed.path, []).append(ref)
    if problems:
        raise ButlerError(
            "some values contradict those that they follow from", option=option, details=problems
        )
    for path, members in refs.items():
        if path not in current.missing_files:
            instrument = members[0].dataId.get("instrument")
            name = formatter_of(None if instrument is None else str(instrument))
            current.files.append(NewFile(path, tuple(members), name, sizes[path]))
