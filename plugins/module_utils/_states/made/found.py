# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Datasets whose content a task makes, and what a repository has of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ansible_collections.rubin.butler.plugins.module_utils._butler import data_ids
from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    universe_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.orphans import Orphan
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import target_of
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import Definition

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, DatasetType
    from lsst.resources import ResourcePath

    Differs = Callable[[Repository, "Found", ResourcePath], "Mapping[str, object] | None"]

CHUNK = 1_000


@dataclass(frozen=True)
class Made:
    """A dataset whose content the task makes.

    Parameters
    ----------
    dataset_type, run : `str`
        What it is to be, and where.
    data_id : `~collections.abc.Mapping`
        Values of the required dimensions.
    label : `str`
        What a person calls it among others of its type.
    shown : `~collections.abc.Mapping` [ `str`, `int` ]
        How much is in it.
    content : `object`
        What its state makes the content of.
    """

    dataset_type: str
    run: str
    data_id: Mapping[str, Any]
    label: str
    shown: Mapping[str, int]
    content: Any


@dataclass
class Found:
    """What there is of a dataset.

    Parameters
    ----------
    made : `Made`
        What it is to be.
    ref : `lsst.daf.butler.DatasetRef`
        The reference: the registered one, or a new one whose id follows from dataset type, data ID and run.
        Its data ID has records unless one is missing.
    standing : {"new", "unstored", "same", "differs"}
        Whether the registry has it, the datastore, and the same content.
    before : `~collections.abc.Mapping` [ `str`, `object` ]
        What is in the stored one, where it differs.
    """

    made: Made
    ref: DatasetRef
    standing: Literal["new", "unstored", "same", "differs"] = "new"
    before: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Current:
    """What a repository has of all of them.

    Parameters
    ----------
    made : `~collections.abc.Sequence` [ `Made` ]
        All that is declared.
    definitions : `~collections.abc.Mapping` [ `str`, `Definition` ]
        What their dataset types are to be.
    known : `dict` [ `str`, `Definition` ]
        What those that are registered are.
    runs : `dict` [ `str`, `Known` ]
        What there is of the names of their runs.
    before : `dict` [ `tuple`, `int` ]
        How many datasets there are, by dataset type and run.
    found : `list` [ `Found` ]
        Each of them, where the dataset types are, or can be made, what they are to be.
    missing_records : `set` [ `RecordKey` ]
        Dimension records that their data IDs refer to and the repository does not have.
    orphans : `list` [ `Orphan` ]
        Files of nobody where they are to be stored.
    """

    made: Sequence[Made]
    definitions: Mapping[str, Definition]
    known: dict[str, Definition] = field(default_factory=dict)
    runs: dict[str, Known] = field(default_factory=dict)
    before: dict[tuple[str, str], int] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    missing_records: set[RecordKey] = field(default_factory=set)
    orphans: list[Orphan] = field(default_factory=list)


def dataset_type_of(repository: Repository | None, name: str, definition: Definition) -> DatasetType:
    """Give daf_butler's dataset type of a definition.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository, whose dimensions it is of.
    name : `str`
        Its name.
    definition : `Definition`
        What it is.

    Returns
    -------
    dataset_type : `lsst.daf.butler.DatasetType`
        The dataset type.
    """
    from lsst.daf.butler import DatasetType

    return DatasetType(
        name,
        definition.dimensions,
        definition.storage_class,
        universe=universe_of(repository),
        isCalibration=definition.is_calibration,
    )


def look(
    repository: Repository | None,
    made: Sequence[Made],
    definitions: Mapping[str, Definition],
    *,
    extension: str,
    differs: Differs,
) -> Current:
    """Find out which datasets are there, and whether they are the same.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.
    made : `~collections.abc.Sequence` [ `Made` ]
        What is declared.
    definitions : `~collections.abc.Mapping` [ `str`, `Definition` ]
        What the dataset types are to be, required dimensions in the order of the universe.
    extension : `str`
        That of the names of artifacts.
    differs : `~collections.abc.Callable`
        Compares a dataset with an artifact: gives what is in this one, or `None` if that is the same.

    Returns
    -------
    current : `Current`
        What is there. A query for each dataset type and run, and a look at each artifact.
    """
    current = Current(made, definitions)
    runs = {item.run for item in made}
    if repository is not None:
        current.runs = look_up(repository.butler, runs)
        for name in definitions:
            if (known := registered_type(repository.butler, name)) is not None:
                current.known[name] = Definition(
                    tuple(known.dimensions.required), known.storageClass_name, known.isCalibration()
                )
    if all(current.known.get(name, definition) == definition for name, definition in definitions.items()):
        _find(repository, current)
    if repository is not None:
        _compare(repository, current, differs)
        _look_at_places(repository, current, extension)
    return current


def _find(repository: Repository | None, current: Current) -> None:
    """Pair what is declared with what is registered, and expand the data IDs."""
    from lsst.daf.butler import DataCoordinate, DatasetIdGenEnum, DatasetRef

    types = {
        name: dataset_type_of(repository, name, definition)
        for name, definition in current.definitions.items()
    }
    registered: dict[tuple[str, str], dict[tuple[Any, ...], DatasetRef]] = {}
    for key in dict.fromkeys((item.dataset_type, item.run) for item in current.made):
        registered[key] = dict(_registered(repository, current, types[key[0]], key[1]))
        current.before[key] = len(registered[key])
    for item in current.made:
        dataset_type = types[item.dataset_type]
        required = tuple(item.data_id[name] for name in dataset_type.dimensions.required)
        ref = registered[item.dataset_type, item.run].get(required)
        if ref is not None:
            current.found.append(Found(item, ref, "unstored"))
            continue
        data_id = DataCoordinate.from_required_values(dataset_type.dimensions, required)
        # As `butler_files` does: a second writer and the run after a killed one mean the same datasets.
        mode = DatasetIdGenEnum.DATAID_TYPE_RUN
        current.found.append(
            Found(item, DatasetRef(dataset_type, data_id, item.run, id_generation_mode=mode))
        )
    butler = None if repository is None else repository.butler
    expander = data_ids.find(butler, (item.ref.dataId for item in current.found), {})
    current.missing_records = expander.missing
    for found in current.found:
        found.ref = expander.expanded(found.ref) or found.ref


def _registered(
    repository: Repository | None, current: Current, dataset_type: DatasetType, run: str
) -> Iterable[tuple[tuple[Any, ...], DatasetRef]]:
    known = current.runs.get(run)
    if repository is None or known is None or known.type != "RUN" or dataset_type.name not in current.known:
        return
    refs = repository.butler.query_datasets(
        dataset_type, collections=run, find_first=False, limit=None, explain=False
    )
    for ref in refs:
        yield tuple(ref.dataId.required_values), ref


def _compare(repository: Repository, current: Current, differs: Differs) -> None:
    registered = (item for item in current.found if item.standing != "new")
    for chunk in in_chunks(registered, CHUNK):
        uris = repository.butler.get_many_uris([item.ref for item in chunk], allow_missing=True)
        for item in chunk:
            uri = uris[item.ref].primaryURI if item.ref in uris else None
            if uri is None:
                continue
            before = differs(repository, item, uri)
            item.standing = "same" if before is None else "differs"
            item.before = before or {}


def _look_at_places(repository: Repository, current: Current, extension: str) -> None:
    """Look at the places where datasets are to be stored that the datastore does not have."""
    from lsst.resources import ResourcePath

    root = repository.datastore_root
    if root is None or current.missing_records:
        return
    for chunk in in_chunks((item for item in current.found if item.standing in ("new", "unstored")), CHUNK):
        targets = {target_of(repository, item.ref, f"made{extension}"): item for item in chunk}
        there = ResourcePath.mexists([target for target in targets if target is not None])
        for target in sorted((target for target, exists in there.items() if exists), key=str):
            item = targets[target]
            path = target.relative_to(root) or str(target)
            current.orphans.append(Orphan(item.made.run, path, item.made.label, differs=True))
