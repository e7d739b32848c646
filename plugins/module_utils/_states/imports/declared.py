# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several exports as one declared set, whose contradictions name both files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    label,
    record_key,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import (
    describe_differences,
    differences,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Conflict
from ansible_collections.rubin.butler.plugins.module_utils._exports.content import (
    Association,
    Collection,
    Export,
    File,
    Section,
    Type,
)
from ansible_collections.rubin.butler.plugins.module_utils._exports.paths import locate
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.options import Item

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, DatasetType, DimensionRecord

Group = tuple[str, str]
"""Dataset type and run."""


@dataclass(slots=True)
class Artifact:
    """A file and those of its datasets that no file before it has.

    Parameters
    ----------
    item : `Item`
        The import that names it.
    path : `str`
        Absolute path or URI at this site.
    file : `File`
        The entry of the export.
    refs : `tuple` [ `lsst.daf.butler.DatasetRef`, ... ]
        Its datasets.
    """

    item: Item
    path: str
    file: File
    refs: tuple[DatasetRef, ...]


@dataclass
class Declared:
    """What all exports of the task hold together.

    Parameters
    ----------
    records : `dict`
        Dimension records by key.
    derived : `set`
        Keys of those that only follow from an older export; what exists goes before them.
    types, collections : `dict`
        By name.
    refs : `dict` [ `uuid.UUID`, `lsst.daf.butler.DatasetRef` ]
        The datasets.
    artifacts : `list` [ `Artifact` ]
        The files, sorted by run, dataset type and path.
    associations : `list` [ `Association` ]
        In the order of the exports.
    without_type : `dict` [ `tuple`, `int` ]
        Number of datasets by type and run, of dataset types that nobody has defined yet.
    options : `dict` [ `str`, `str` ]
        The option that first names a file, for messages.
    conflicts : `list` [ `Conflict` ]
        Where exports contradict each other.
    """

    records: dict[RecordKey, DimensionRecord] = field(default_factory=dict)
    derived: set[RecordKey] = field(default_factory=set)
    types: dict[str, Type] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    refs: dict[UUID, DatasetRef] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)
    without_type: dict[Group, int] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    _places: dict[RecordKey, tuple[Section, int]] = field(default_factory=dict)
    _files: dict[UUID, File] = field(default_factory=dict)

    def runs(self) -> dict[str, str]:
        """Give the runs of datasets, each with the file that names it."""
        found: dict[str, str] = {}
        for file in self._files.values():
            found.setdefault(file.run, file.section.file)
        return found

    def record_option(self, key: RecordKey) -> str:
        """Name the option whose export has a record."""
        return self.options[self._places[key][0].file]

    def place(self, dataset: UUID) -> str:
        """Tell where a dataset is declared."""
        return self._files[dataset].place

    def conflict(self, kind: str, name: str, what: str, first: object, second: object) -> None:
        """Note that two entries contradict each other."""
        self.conflicts.append(Conflict(kind, name, f"{what}: {first} and {second}"))

    def add_definitions(self, item: Item, export: Export) -> None:
        """Take an export's records, dataset types and collections.

        Parameters
        ----------
        item : `Item`
            The import.
        export : `Export`
            What it holds.
        """
        self.options.setdefault(export.file, f"{item.option}.file")
        for group in export.records:
            if group.element in item.skip_dimensions:
                continue
            for index, record in enumerate(group.records):
                self._add_record(record, group.section, index, derived=group.derived)
        for kind in export.types:
            other = self.types.setdefault(kind.name, kind)
            first, second = (
                (list(each.dimensions), each.storage_class, each.is_calibration) for each in (other, kind)
            )
            if first != second:
                what = f"defined as {first} and as {second}"
                self.conflict("dataset type", kind.name, what, other.section, kind.section)
        for collection in export.collections:
            if collection.type == "CHAINED" and not item.import_chains:
                continue
            self._add_collection(collection)
        self.associations += export.associations

    def _add_record(self, record: DimensionRecord, section: Section, index: int, *, derived: bool) -> None:
        key = record_key(record)
        other = self.records.get(key)
        if other is None or (key in self.derived and not derived):
            self.records[key] = record
            self._places[key] = (section, index)
            (self.derived.add if derived else self.derived.discard)(key)
        elif not derived and (columns := differences(other, record)):
            there, number = self._places[key]
            self.conflict(
                record.definition.name,
                label(record),
                describe_differences(columns),
                there.entry(number),
                section.entry(index),
            )

    def _add_collection(self, collection: Collection) -> None:
        other = self.collections.setdefault(collection.name, collection)
        if other is collection:
            return
        for what, first, second in (
            ("type", other.type, collection.type),
            ("documentation", other.doc, collection.doc),
            ("children", other.children, collection.children),
        ):
            # A collection's documentation need not be repeated.
            if first != second and not (what == "documentation" and None in (first, second)):
                self.conflict(
                    "collection", collection.name, f"another {what}", other.section, collection.section
                )
                return
        if other.doc is None:
            self.collections[collection.name] = collection

    def add_datasets(self, item: Item, export: Export, types: Mapping[str, DatasetType]) -> None:
        """Take an export's datasets.

        Parameters
        ----------
        item : `Item`
            The import.
        export : `Export`
            What it holds.
        types : `~collections.abc.Mapping` [ `str`, `lsst.daf.butler.DatasetType` ]
            The dataset types that are known or declared.
        """
        for file in export.files:
            kind = types.get(file.dataset_type)
            if kind is None:
                group = (file.dataset_type, file.run)
                self.without_type[group] = self.without_type.get(group, 0) + len(file.ids)
                for dataset in file.ids:
                    self._files.setdefault(dataset, file)
                continue
            refs = tuple(
                ref
                for dataset, data_id in zip(file.ids, file.data_ids, strict=True)
                if (ref := self._add_dataset(file, kind, dataset, data_id)) is not None
            )
            if refs:
                path = locate(item.paths.apply(file.path), item.directory)
                self.artifacts.append(Artifact(item, path, file, refs))

    def _add_dataset(
        self, file: File, kind: DatasetType, dataset: UUID, data_id: Mapping[str, Any]
    ) -> DatasetRef | None:
        """Make a reference, or none if the dataset is declared already or can't be."""
        from lsst.daf.butler import DataCoordinate, DatasetRef

        dimensions = kind.dimensions
        try:
            values = tuple(data_id[name] for name in dimensions.required)
        except KeyError as error:
            self.conflicts.append(
                Conflict("dataset", str(dataset), f"its data ID has no {error.args[0]}: {file.place}")
            )
            return None
        for name, value in zip(dimensions.required, values, strict=True):
            expected = dimensions.universe.dimensions[name].primary_key.pytype
            if value.__class__ is not expected:  # not isinstance: True is an int
                self.conflicts.append(
                    Conflict(
                        "dataset",
                        str(dataset),
                        f"{name} is {value!r}, and {expected.__name__} is expected: {file.place}",
                    )
                )
                return None
        other = self._files.get(dataset)
        if other is None:
            self._files[dataset] = file
            ref = DatasetRef(
                kind, DataCoordinate.from_required_values(dimensions, values), file.run, id=dataset
            )
            self.refs[dataset] = ref
            return ref
        known = self.refs.get(dataset)
        if known is None or (known.datasetType.name, known.run, known.dataId.required_values) != (
            kind.name,
            file.run,
            values,
        ):
            self.conflict("dataset", str(dataset), "two datasets of one id", other.place, file.place)
        elif other.formatter != file.formatter:
            self.conflict("dataset", str(dataset), "another formatter", other.place, file.place)
        return None

    def finish(self) -> None:
        """Sort the artifacts, and find datasets that can't be in one run together."""
        self.artifacts.sort(
            key=lambda artifact: (artifact.file.run, artifact.file.dataset_type, artifact.path)
        )
        seen: dict[tuple[str, str, tuple[Any, ...]], UUID] = {}
        for dataset, ref in self.refs.items():
            key = (ref.datasetType.name, ref.run, ref.dataId.required_values)
            other = seen.setdefault(key, dataset)
            if other != dataset:
                self.conflict(
                    f"{ref.datasetType.name} in {ref.run}",
                    str(ref.dataId),
                    f"two datasets of one data ID, {other} and {dataset}",
                    self.place(other),
                    self.place(dataset),
                )


def merge(
    exports: Iterable[tuple[Item, Export]], definitions: Declared, types: Mapping[str, DatasetType]
) -> Declared:
    """Complete the declared set with the datasets of all exports.

    Parameters
    ----------
    exports : `~collections.abc.Iterable`
        The imports with what their exports hold.
    definitions : `Declared`
        With the definitions of all of them.
    types : `~collections.abc.Mapping` [ `str`, `lsst.daf.butler.DatasetType` ]
        The dataset types that are known or declared.

    Returns
    -------
    declared : `Declared`
        ``definitions``, completed. Cost and memory grow linearly with the number of datasets.
    """
    for item, export in exports:
        definitions.add_datasets(item, export, types)
    definitions.finish()
    return definitions
