# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips of raw files as they are read: the datasets that they say they hold, and the headers of these.

A zip of an LSSTCam exposure has the raws and guider files of all detectors, ``_butler_zip_index.json`` with
their UUIDs, runs and data IDs, and ``_metadata_index.json``, an index of their headers. It may have other
files, which belong to no dataset.

Source: daf_butler (``ZipIndex``, ``Butler.ingest_zip``), obs_base (``RawIngestTask.readZipIndexFiles``) and
lsst-dm/transfer_embargo (``transfer_raw_zip.py``), which makes these zips.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, cast

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import first_few
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import Told, index_in

if TYPE_CHECKING:
    from typing import BinaryIO
    from uuid import UUID

    from lsst.daf.butler import DatasetRef, DatasetType, DimensionUniverse

METADATA_INDEX = "_metadata_index.json"
"""Name of the index of headers in a zip."""

TellsOf: TypeAlias = Callable[[str], Told | None]
"""Gives what is told of a member of a zip."""


@dataclass(frozen=True)
class ZipContents:
    """What a zip says that it holds.

    Parameters
    ----------
    path : `str`
        Absolute path or URI of the zip.
    refs : `tuple` [ `lsst.daf.butler.DatasetRef`, ... ]
        Its datasets, with the UUIDs and runs that they have in the repository that it comes from.
    members : `dict` [ `uuid.UUID`, `str` ]
        The file in the zip of each dataset.
    """

    path: str
    refs: tuple[DatasetRef, ...]
    members: dict[UUID, str]

    @cached_property
    def runs(self) -> tuple[str, ...]:
        """The runs of its datasets, sorted (`tuple` [ `str`, ... ])."""
        return tuple(sorted({ref.run for ref in self.refs}))

    @cached_property
    def dataset_types(self) -> dict[str, DatasetType]:
        """The types of its datasets by name, sorted (`dict`)."""
        types = {ref.datasetType.name: ref.datasetType for ref in self.refs}
        return dict(sorted(types.items()))

    @cached_property
    def exposures(self) -> tuple[int, ...]:
        """The exposures of its datasets, sorted (`tuple` [ `int`, ... ])."""
        return tuple(sorted({int(ref.dataId["exposure"]) for ref in self.refs}))

    @cached_property
    def detectors(self) -> tuple[int, ...]:
        """The detectors of its datasets, sorted (`tuple` [ `int`, ... ])."""
        return tuple(sorted({int(ref.dataId["detector"]) for ref in self.refs}))


def read_zip(path: str, universe: DimensionUniverse) -> ZipContents:
    """Read which datasets a zip holds.

    Parameters
    ----------
    path : `str`
        Absolute path or URI; only its directory of members and the index of datasets are read.
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.

    Returns
    -------
    contents : `ZipContents`
        Its datasets.

    Raises
    ------
    ButlerError
        Raised, naming the zip, if it can't be read, is not one that a Butler made, holds what is no raw
        data, or lacks a file that its index names.
    """
    from lsst.daf.butler.datastores.file_datastore.retrieve_artifacts import ZipIndex

    with _opened(path) as archive:
        present = set(archive.namelist())
        if ZipIndex.index_name not in present:
            raise ButlerError(
                f"{path} has no {ZipIndex.index_name}, expected a zip of datasets as a Butler makes it",
                hint="Ingest the files in it one by one, unpacked, or have the zip made by the repository "
                "that has the raws.",
            )
        index = ZipIndex.from_open_zip(archive)
        refs = tuple(index.refs.to_refs(universe=universe))
    missing = sorted(index.artifact_map.keys() - present)
    if missing:
        raise ButlerError(f"{path} lacks {len(missing)} files that its index names: {first_few(missing)}")
    members = {uuid: name for name, entry in index.artifact_map.items() for uuid in entry.ids}
    if not refs or members.keys() != {ref.id for ref in refs}:
        raise ButlerError(f"{path} has an index that does not tell of each dataset in which file it is")
    for ref in refs:
        if not {"instrument", "exposure", "detector"} <= set(ref.datasetType.dimensions.required):
            raise ButlerError(
                f"{path} holds datasets of type {ref.datasetType.name}, which are not of exposures and "
                "detectors, expected raws"
            )
    return ZipContents(path, refs, members)


def read_zip_headers(path: str) -> TellsOf | None:
    """Read what a zip tells of the headers of its files.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.

    Returns
    -------
    told : `~collections.abc.Callable` or `None`
        Gives what is told of a member by its name; `None` if the zip has no index of headers.

    Raises
    ------
    ButlerError
        Raised, naming the zip, if it or its index can't be read.
    """
    with _opened(path) as archive:
        if METADATA_INDEX not in archive.namelist():
            return None
        data = archive.read(METADATA_INDEX)
    return index_in(data, f"{path}#{METADATA_INDEX}")


@contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip, and say in one way what is wrong with it."""
    from lsst.resources import ResourcePath

    try:
        if "://" in path:
            with (
                ResourcePath(path, forceDirectory=False).open("rb") as remote,
                zipfile.ZipFile(cast("BinaryIO", remote)) as archive,
            ):
                yield archive
        else:
            with zipfile.ZipFile(path) as archive:
                yield archive
    except ButlerError:
        raise
    except zipfile.BadZipFile as error:
        raise ButlerError(f"{path} is no zip, or not all of one: {error}") from error
    except OSError as error:
        raise ButlerError(f"{path} can't be read: {error.strerror or error}") from error
    except Exception as error:
        # Each kind of storage fails in its own ways, and so does each index.
        raise ButlerError(f"{path} can't be read as a zip of datasets: {first_line(error)}") from error
