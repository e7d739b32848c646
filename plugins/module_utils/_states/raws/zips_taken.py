# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository has of zips: whether their data IDs are free, and who has them if they are not."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import datasets_of
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import RawFile
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zip_files import ZipContents

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef
    from lsst.resources import ResourcePath

Key: TypeAlias = "tuple[object, ...]"
"""Dataset type and data ID."""

State: TypeAlias = Literal["new", "present", "partly", "strange", "elsewhere", "twice"]
"""What a repository has of a zip.

``new``: none of its datasets is known. ``present``: all are, under their UUIDs. The others can't simply be
ingested: ``partly`` known; ``strange``, its run has a data ID under another UUID; ``elsewhere``, another run
has a data ID; ``twice``, another zip or file of the task holds a data ID too.
"""


@dataclass(frozen=True)
class FoundZip:
    """A zip, without its datasets.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.
    state : `State`
        What the repository has of it.
    reason : `str`
        What keeps it from being ingested, naming both sides.
    datasets : `int`
        How many datasets it holds.
    known : `int`
        How many of its raws are known; other datasets, such as those of guiders, are not counted.
    raws : `~collections.abc.Mapping` [ `int`, `int` ]
        The detectors of its raws by exposure, a bit for each.
    exposures, detectors : `tuple` [ `int`, ... ]
        Of which exposures and detectors they are.
    runs, dataset_types : `tuple` [ `str`, ... ]
        In which runs and of which types.
    """

    path: str
    state: State
    reason: str
    datasets: int
    known: int
    raws: Mapping[int, int]
    exposures: tuple[int, ...]
    detectors: tuple[int, ...]
    runs: tuple[str, ...]
    dataset_types: tuple[str, ...]

    def count(self) -> int:
        """Count its raws (`int`)."""
        return sum(detectors.bit_count() for detectors in self.raws.values())


def note_files(
    loose: dict[int, tuple[int, str]], files: Iterable[RawFile], exposures: Container[int]
) -> None:
    """Note which raws of exposures of zips are to be ingested from files.

    Parameters
    ----------
    loose : `dict` [ `int`, `tuple` [ `int`, `str` ] ]
        Gets the detectors of these raws, a bit for each, and the first file, by exposure.
    files : `~collections.abc.Iterable` [ `RawFile` ]
        Files to ingest.
    exposures : `~collections.abc.Container` [ `int` ]
        Those of the zips.
    """
    for file in files:
        for exposure, detector in file.ids():
            if exposure in exposures:
                detectors, first = loose.get(exposure, (0, file.path))
                loose[exposure] = detectors | 1 << detector, first


def key_of(ref: DatasetRef) -> Key:
    """Give what is unique in a run.

    Parameters
    ----------
    ref : `lsst.daf.butler.DatasetRef`
        A dataset.

    Returns
    -------
    key : `tuple`
        Its dataset type and data ID values.
    """
    return (ref.datasetType.name, *ref.dataId.required_values)


def holders_of(
    repository: Repository, instrument: str, zips: Sequence[ZipContents], runs: Mapping[str, Sequence[str]]
) -> dict[Key, list[DatasetRef]]:
    """Find the datasets that have data IDs of zips.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    instrument : `str`
        Of which all datasets are.
    zips : `~collections.abc.Sequence` [ `ZipContents` ]
        The zips.
    runs : `~collections.abc.Mapping` [ `str`, `~collections.abc.Sequence` ]
        By the names of registered dataset types, the runs that have datasets of these.

    Returns
    -------
    holders : `dict` [ `tuple`, `list` ]
        Datasets of these runs and of the exposures of the zips; one query for each dataset type.
    """
    holders: dict[Key, list[DatasetRef]] = {}
    for name in sorted({name for contents in zips for name in contents.dataset_types}):
        if not runs.get(name):
            continue
        exposures = {
            number for contents in zips if name in contents.dataset_types for number in contents.exposures
        }
        with datasets_of(repository, instrument, name, runs[name], exposures) as found:
            for ref in found:
                holders.setdefault(key_of(ref), []).append(ref)
    return holders


def state_of(contents: ZipContents, holders: Mapping[Key, Sequence[DatasetRef]]) -> tuple[State, str]:
    """Tell whether the data IDs of a zip are free, none of whose datasets is known.

    Parameters
    ----------
    contents : `ZipContents`
        The zip.
    holders : `~collections.abc.Mapping`
        From `holders_of`.

    Returns
    -------
    state : `State`
        ``new``, ``strange`` or ``elsewhere``.
    reason : `str`
        For the latter two: which dataset it is, in the repository and in the zip.
    """
    elsewhere = ""
    for ref in contents.refs:
        for holder in holders.get(key_of(ref), ()):
            said = f"{_named(ref)} is in run {holder.run} already as dataset {holder.id}, in the zip it is "
            if holder.run != ref.run:
                elsewhere = elsewhere or f"{said}dataset {ref.id} of run {ref.run}"
            elif holder.id != ref.id:
                return "strange", f"{said}dataset {ref.id}"
    return ("elsewhere", elsewhere) if elsewhere else ("new", "")


def explain_partly(contents: ZipContents, places: Mapping[DatasetRef, ResourcePath]) -> str:
    """Say that some of a zip's datasets are known.

    Parameters
    ----------
    contents : `ZipContents`
        The zip.
    places : `~collections.abc.Mapping`
        Where those that are known are recorded to be.

    Returns
    -------
    reason : `str`
        How many, one that is known, and one that is not.
    """
    known = next(iter(places))
    unknown = next(ref for ref in contents.refs if ref not in places)
    return (
        f"{len(places)} of its {len(contents.refs)} datasets are known already ({_named(known)} is at "
        f"{places[known]}), and the others are not ({_named(unknown)}); zips are ingested whole"
    )


def _named(ref: DatasetRef) -> str:
    return f"{ref.datasetType.name} of exposure {ref.dataId['exposure']} detector {ref.dataId['detector']}"
