# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips that are known without being opened: by their names and by what the datastore records.

All of a zip is ingested or nothing, in one transaction. So if one raw is recorded in a zip, the others of
that zip were ingested too.

Source: daf_butler (``Butler.ingest_zip``; ``FileDatastore.ingest_zip`` for the fragments of recorded paths).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import is_same_file
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import day_rule, zip_rule
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import EXPOSURES, datasets_of
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._storage.paths import base_name

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef
    from lsst.resources import ResourcePath

_FRAGMENT = "zip-path="


def exposures_told(
    paths: Iterable[str], definition: InstrumentDefinition, limits: Limits
) -> dict[str, int | None]:
    """Tell by the names of zips of which exposures they are, and leave out those that are not wanted.

    Parameters
    ----------
    paths : `~collections.abc.Iterable` [ `str` ]
        Zips.
    definition : `InstrumentDefinition`
        The instrument.
    limits : `Limits`
        Which exposures and days are wanted, and of how many exposures; the latter only counts here if all
        names tell.

    Returns
    -------
    told : `dict` [ `str`, `int` or `None` ]
        The exposure of each zip, `None` where its name does not tell. In the given order.
    """
    rule, day_of = zip_rule(definition), day_rule(definition)
    told: dict[str, int | None] = {}
    for path in paths:
        number = rule(base_name(path))
        if number is not None:
            day = day_of(number)
            if not limits.wants_exposure(number) or (day is not None and not limits.wants_day(day)):
                continue
        told[path] = number
    if limits.limit is not None and None not in told.values():
        first = set(sorted({number for number in told.values() if number is not None})[: limits.limit])
        told = {path: number for path, number in told.items() if number in first}
    return told


def known_zips(
    repository: Repository, refs: RawRefs, told: Mapping[str, int | None], runs: Collection[str]
) -> tuple[set[str], int]:
    """Find the zips that are recorded as such, from which raws were ingested.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    refs : `RawRefs`
        Tells instrument and dataset type, which is registered if there are runs.
    told : `~collections.abc.Mapping` [ `str`, `int` or `None` ]
        From `exposures_told`. A zip of whose exposure there are others is never found: which raws are in
        which can't be told.
    runs : `~collections.abc.Collection` [ `str` ]
        Those that have raws.

    Returns
    -------
    known : `set` [ `str` ]
        The zips of which one raw was asked for and is recorded in that file, or in a copy of it in the
        datastore: one of the same size.
    raws : `int`
        How many raws of their exposures the runs have in which these raws are.
    """
    known: set[str] = set()
    if not runs:
        return known, 0
    paths: dict[int, list[str]] = defaultdict(list)
    for path, number in told.items():
        if number is not None:
            paths[number].append(path)
    alone = {number: some[0] for number, some in paths.items() if len(some) == 1}
    raws = 0
    for chunk in in_chunks(sorted(alone), EXPOSURES):
        found: dict[str, set[int]] = defaultdict(set)
        for ref, place in _places(repository, _one_of_each(repository, refs, chunk, runs)):
            number = int(ref.dataId["exposure"])
            if _is_there(place, alone[number], repository.datastore_root):
                found[ref.run].add(number)
                known.add(alone[number])
        for run, numbers in found.items():
            # The database counts, and gives nothing else.
            name = refs.dataset_type.name
            with datasets_of(repository, refs.definition.name, name, [run], numbers) as raws_of_run:
                raws += raws_of_run.count()
    return known, raws


def _one_of_each(
    repository: Repository, refs: RawRefs, exposures: Sequence[int], runs: Collection[str]
) -> list[DatasetRef]:
    """Give a raw of each exposure and run: nearly always that of a detector in the middle."""
    instrument, name = refs.definition.name, refs.dataset_type.name
    numbers = sorted(refs.definition.detector_ids.values())
    with datasets_of(repository, instrument, name, runs, exposures, numbers[len(numbers) // 2]) as found:
        first = list(found)
    rest = set(exposures) - {int(ref.dataId["exposure"]) for ref in first}
    others: dict[tuple[int, str], DatasetRef] = {}
    if rest:
        with datasets_of(repository, instrument, name, runs, rest) as found:
            for ref in found:
                others.setdefault((int(ref.dataId["exposure"]), ref.run), ref)
    return [*first, *others.values()]


def _places(
    repository: Repository, datasets: Iterable[DatasetRef]
) -> Iterator[tuple[DatasetRef, ResourcePath]]:
    """Give the zips in which datasets are recorded."""
    for ref, uris in repository.butler.get_many_uris(datasets, allow_missing=True).items():
        uri = uris.primaryURI
        if uri is not None and uri.fragment.startswith(_FRAGMENT):
            yield ref, uri.replace(fragment="")


def _is_there(place: ResourcePath, path: str, root: ResourcePath | None) -> bool:
    """Tell whether a recorded zip is a listed one, or its copy in the datastore, which has another name."""
    if is_same_file(place.ospath if place.isLocal else place.geturl(), path):
        return True
    if root is None or not place.isLocal or "://" in path or place.relative_to(root) is None:
        return False
    try:
        return Path(place.ospath).stat().st_size == Path(path).stat().st_size
    except OSError:
        return False
