# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export files: what they hold, and how they are written.

Source of the format: daf_butler, ``transfers/_yaml.py`` and ``transfers/_context.py`` (order of the
sections), the two files that RTN-103 prints, and the export of DP0.2's calibrations in the public repository
ap_verify_ci_dc2. The values are tagged by the representers that importing
daf_butler registers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .camera import Camera, DataId, Detector, Filter, Record
from .placeholders import fits_image, fits_table

if TYPE_CHECKING:
    from lsst.daf.butler import Timespan

_HEAD = {
    "description": "Butler Data Repository Export",
    "version": "1.0.2",
    "universe_version": 7,
    "universe_namespace": "daf_butler",
}


@dataclass(frozen=True)
class Kind:
    """A dataset type, and how its files are made.

    Parameters
    ----------
    name : `str`
        Dataset type.
    dimensions : `tuple` [ `str`, ... ]
        All dimensions, those implied included, in the order of the universe.
    storage_class : `str`
        Storage class.
    formatter : `str`
        Dotted name of the official formatter class.
    calibration : `bool`
        Whether datasets can be certified.
    extension : `str`
        How file names end.
    """

    name: str
    dimensions: tuple[str, ...]
    storage_class: str
    formatter: str
    calibration: bool = False
    extension: str = ".fits"


@dataclass(frozen=True)
class Dataset:
    """A dataset with its file.

    Parameters
    ----------
    kind : `Kind`
        Dataset type.
    run : `str`
        Its RUN collection.
    data_id : `dict`
        Required values, in the order of the dimensions.
    path : `str`
        Path of the artifact, relative to the directory of the export.
    id : `uuid.UUID`
        Identifier.
    content : `bytes`
        What is in the file.
    """

    kind: Kind
    run: str
    data_id: DataId
    path: str
    id: uuid.UUID
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Certification:
    """Datasets that a CALIBRATION collection holds for a time.

    Parameters
    ----------
    collection : `str`
        The CALIBRATION collection.
    timespan : `~lsst.daf.butler.Timespan`
        Validity range.
    ids : `tuple` [ `uuid.UUID`, ... ]
        The datasets.
    """

    collection: str
    timespan: Timespan
    ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class Export:
    """An export file.

    Parameters
    ----------
    camera : `~.camera.Camera`
        The instrument.
    directory : `str`
        Directory of the sample that the paths of artifacts are relative to.
    path : `str`
        Where the file lies in the sample.
    datasets : `tuple` [ `Dataset`, ... ]
        The datasets it brings; their RUN collections come with them.
    calibrations : `tuple` [ `str`, ... ]
        CALIBRATION collections.
    chains : `dict`
        Children of each CHAINED collection.
    certifications : `tuple` [ `Certification`, ... ]
        What the CALIBRATION collections hold.
    records : `dict`, optional
        Dimension records by element; by default those of the instrument that the data IDs need.
    """

    camera: Camera
    directory: str
    path: str
    datasets: tuple[Dataset, ...]
    calibrations: tuple[str, ...] = ()
    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    certifications: tuple[Certification, ...] = ()
    records: Mapping[str, Sequence[Record]] = field(default_factory=dict)

    @property
    def runs(self) -> tuple[str, ...]:
        """RUN collections, sorted."""
        return tuple(sorted({each.run for each in self.datasets}))

    def collections(self) -> dict[str, str]:
        """Return the type of every collection that the file brings."""
        return {
            **dict.fromkeys(self.runs, "RUN"),
            **dict.fromkeys(self.calibrations, "CALIBRATION"),
            **dict.fromkeys(self.chains, "CHAINED"),
        }


def artifact_path(
    kind: Kind, run: str, directories: Iterable[object] = (), names: Iterable[object] = ()
) -> str:
    """Return the path that the default file template of a datastore gives.

    Parameters
    ----------
    kind : `Kind`
        Dataset type.
    run : `str`
        RUN collection.
    directories : `~collections.abc.Iterable`
        The values of the data ID that make directories: day, band, filter, visit.
    names : `~collections.abc.Iterable`
        The values that the file name has: instrument, band, filter, visit, detector.

    Returns
    -------
    path : `str`
        Relative path.
    """
    stem = "_".join([kind.name, *map(str, names), run]).replace("/", "_").replace(".", "_")
    return "/".join([run, kind.name, *map(str, directories), stem]) + kind.extension


def _collection_sections(export: Export) -> list[Record]:
    sections: list[Record] = []
    for name in sorted([*export.runs, *export.calibrations]):
        if name in export.calibrations:
            sections.append({"type": "collection", "collection_type": "CALIBRATION", "name": name})
            continue
        sections.append(
            {
                "type": "collection",
                "collection_type": "RUN",
                "name": name,
                "host": None,
                "timespan_begin": None,
                "timespan_end": None,
            }
        )
    sections.extend(
        {"type": "collection", "collection_type": "CHAINED", "name": name, "children": list(children)}
        for name, children in export.chains.items()
    )
    return sections


def _dataset_sections(export: Export) -> list[Record]:
    groups: dict[tuple[str, str], list[Dataset]] = {}
    for each in export.datasets:
        groups.setdefault((each.kind.name, each.run), []).append(each)
    sections: list[Record] = []
    for (name, run), members in sorted(groups.items()):
        kind = members[0].kind
        sections.append(
            {
                "type": "dataset_type",
                "name": name,
                "dimensions": list(kind.dimensions),
                "storage_class": kind.storage_class,
                "is_calibration": kind.calibration,
            }
        )
        records = [
            {
                "dataset_id": [each.id],
                "data_id": [dict(each.data_id)],
                "path": each.path,
                "formatter": kind.formatter,
            }
            for each in members
        ]
        sections.append({"type": "dataset", "dataset_type": name, "run": run, "records": records})
    return sections


def _association_sections(export: Export) -> list[Record]:
    return [
        {
            "type": "associations",
            "collection": collection,
            "collection_type": "CALIBRATION",
            "validity_ranges": [
                {"timespan": each.timespan, "dataset_ids": list(each.ids)}
                for each in export.certifications
                if each.collection == collection
            ],
        }
        for collection in sorted({each.collection for each in export.certifications})
    ]


def export_content(export: Export) -> bytes:
    """Return the bytes of an export file.

    Parameters
    ----------
    export : `Export`
        What is in it.

    Returns
    -------
    content : `bytes`
        YAML.
    """
    import lsst.daf.butler  # noqa: F401 (registers how times, timespans, regions and UUIDs are written)
    import yaml

    class Dumper(yaml.Dumper):
        """The official dumper, without references between equal values."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

    records = export.records or export.camera.records(each.data_id for each in export.datasets)
    sections: list[Record] = [
        {"type": "dimension", "element": element, "records": list(members)}
        for element, members in records.items()
    ]
    sections += [*_collection_sections(export), *_dataset_sections(export), *_association_sections(export)]
    text = yaml.dump({**_HEAD, "data": sections}, Dumper=Dumper, sort_keys=False)
    return str(text).encode()


def export_files(exports: Iterable[Export]) -> Iterable[tuple[str, bytes]]:
    """Yield path and content of every artifact, and of every export file after its artifacts.

    Parameters
    ----------
    exports : `~collections.abc.Iterable` [ `Export` ]
        The export files.

    Yields
    ------
    path : `str`
        Path in the sample.
    content : `bytes`
        What is in the file.
    """
    for export in exports:
        for dataset in export.datasets:
            yield f"{export.directory}/{dataset.path}", dataset.content
        yield export.path, export_content(export)


def calibration(
    camera: Camera,
    kind: Kind,
    run: str,
    identify: Callable[[str], uuid.UUID],
    detector: Detector | None = None,
    physical_filter: Filter | None = None,
) -> Dataset:
    """Return one calibration dataset, with a placeholder for its file.

    Parameters
    ----------
    camera : `~.camera.Camera`
        The instrument.
    kind : `Kind`
        Dataset type.
    run : `str`
        RUN collection.
    identify : `~collections.abc.Callable`
        Gives the identifier for the path of an artifact.
    detector : `~.camera.Detector`, optional
        The CCD; `None` for the whole camera.
    physical_filter : `~.camera.Filter`, optional
        The filter, if the dataset type has one.

    Returns
    -------
    dataset : `Dataset`
        The dataset.
    """
    values: DataId = {}
    directories: list[object] = []
    names: list[object] = [camera.name]
    if physical_filter is not None:
        directories += [physical_filter.band, physical_filter.name]
        names += [physical_filter.band, physical_filter.name]
    if detector is not None:
        values["detector"] = detector.id
        names.append(detector.full_name)
    if physical_filter is not None:
        values["physical_filter"] = physical_filter.name
    path = artifact_path(kind, run, directories, names)
    dataset_id = identify(path)
    content = fits_image if kind.storage_class == "ExposureF" else fits_table
    return Dataset(kind, run, camera.data_id(**values), path, dataset_id, content(kind.name, dataset_id))


def timespan(begin: str | None, end: str | None, scale: str = "tai") -> Timespan:
    """Return a validity range.

    Parameters
    ----------
    begin, end : `str` or `None`
        ISO 8601; `None` for no limit.
    scale : `str`, optional
        Time scale of both.

    Returns
    -------
    timespan : `~lsst.daf.butler.Timespan`
        The range.
    """
    from astropy.time import Time
    from lsst.daf.butler import Timespan

    first, last = (each and Time(each, format="isot", scale=scale) for each in (begin, end))
    return Timespan(first, last)
