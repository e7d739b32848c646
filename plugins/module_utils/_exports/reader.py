# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports read and validated: every complaint names the file and the entry.

Source of the format: daf_butler, ``transfers/_yaml.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid3

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports.content import (
    Association,
    Collection,
    Export,
    File,
    Records,
    Section,
    Type,
)
from ansible_collections.rubin.butler.plugins.module_utils._exports.migration import Migration
from ansible_collections.rubin.butler.plugins.module_utils._exports.values import Document, parse

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionElement, DimensionRecord, DimensionUniverse

FORMAT = (1, 0)
"""Major and newest known minor version of the format of exports."""

TYPES = ("RUN", "TAGGED", "CALIBRATION", "CHAINED")

_NUMBERED_IDS = UUID("4d4851f4-2890-4d41-8779-5f38a3f5062b")
"""What the official reader derives the UUIDs of datasets from that an old export numbers."""

_FORMATTER = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


class ProblemError(Exception):
    """One entry is not what an export can have."""


def read_export(
    file: str, content: bytes, universe: DimensionUniverse, instruments: Mapping[str, str]
) -> Export:
    """Read an export.

    Parameters
    ----------
    file : `str`
        Its path, for messages.
    content : `bytes`
        What is in it.
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.
    instruments : `~collections.abc.Mapping` [ `str`, `str` ]
        Class names of the repository's instruments; older exports may need them.

    Returns
    -------
    export : `Export`
        All that it holds, older universes brought up to date. Time and memory grow linearly with the file.

    Raises
    ------
    ButlerError
        Raised if it can't be imported, with all its faulty entries.
    """
    try:
        document = parse(content)
        since = _check_head(document, universe)
    except ButlerError as error:
        raise ButlerError(f"{file} can't be imported: {error.message}") from None
    reader = _Reader(file, universe, Migration(since, universe.version, dict(instruments)))
    for index, (line, data) in enumerate(document.sections or ()):
        reader.read(Section(file, index, line), data)
    if reader.problems:
        raise ButlerError(f"{file} can't be imported", details=reader.problems)
    reader.finish()
    return reader.export


def _check_head(document: Document, universe: DimensionUniverse) -> int:
    head = document.head
    if document.sections is None or "version" not in head:
        raise ButlerError("it is YAML, but not a Butler export: a version and a list of data are expected")
    version = head["version"]
    numbers = str(version).split(".")
    # The first exports had the version 0.
    if version != 0 and not (len(numbers) == 3 and all(number.isdigit() for number in numbers)):
        raise ButlerError(f"its format version is {version!r}, and something like 1.0.2 is expected")
    if version != 0 and (int(numbers[0]) != FORMAT[0] or int(numbers[1]) > FORMAT[1]):
        raise ButlerError(f"its format version is {version}, and {FORMAT[0]}.{FORMAT[1]} is the newest known")
    namespace = head.get("universe_namespace", "daf_butler")
    if namespace != universe.namespace:
        raise ButlerError(
            f"it uses the dimension universe {namespace!r}, and the repository uses {universe.namespace!r}"
        )
    since = head.get("universe_version", 0)
    if not isinstance(since, int) or since < 0:
        raise ButlerError(f"its universe_version is {since!r}, and a number is expected")
    if since > universe.version:
        raise ButlerError(
            f"it uses version {since} of the dimension universe {namespace}, and the repository version "
            f"{universe.version}: migrate the repository, or export again for its version"
        )
    return since


class _Reader:
    def __init__(self, file: str, universe: DimensionUniverse, migration: Migration) -> None:
        self.export = Export(file)
        self.problems: list[str] = []
        self._universe = universe
        self._migration = migration
        self._kinds: dict[str, Callable[[Section, Mapping[str, Any]], None]] = {
            "dimension": self._dimension,
            "collection": self._collection,
            "run": self._run,
            "dataset_type": self._type,
            "dataset": self._datasets,
            "associations": self._associations,
        }

    def read(self, section: Section, data: Any) -> None:
        """Read one entry of the data."""
        kind = data.get("type") if isinstance(data, dict) else None
        try:
            read = self._kinds[kind] if isinstance(kind, str) else None
        except KeyError:
            read = None
        if read is None:
            known = ", ".join(sorted(self._kinds))
            self.problems.append(f"{section}: unknown type {kind!r}; expected one of {known}")
            return
        try:
            read(section, data)
        except ProblemError as problem:
            self.problems.append(f"{section}: {problem}")

    def finish(self) -> None:
        """Add what follows from the columns of an older universe."""
        nowhere = Section(self.export.file, 0, 0)
        for element, rows in self._migration.derived().items():
            records = [self._universe[element].RecordClass(**row) for row in rows]
            self.export.records.append(Records(nowhere, element, records, derived=True))
        if unknown := sorted(self._migration.unknown_offsets):
            self.export.notices.append(
                f"{self.export.file}: day_obs records of {', '.join(unknown)} get no timespan: the export is "
                "older than they are, and nothing here knows when a day of that instrument begins"
            )

    def _dimension(self, section: Section, data: Mapping[str, Any]) -> None:
        name = _text(data, "element")
        if name not in self._universe.elements.names or not self._universe[name].has_own_table:
            raise ProblemError(f"there is no dimension element {name!r} with records")
        element, rows = self._universe[name], _list(data, "records")
        for index, row in enumerate(rows):
            if not isinstance(row, dict):
                self.problems.append(f"{section.entry(index)}: a mapping is expected, not {row!r}")
                return
        try:
            rows = self._migration.rows(name, [_times(row) for row in rows])
        except (KeyError, AttributeError) as error:
            raise ProblemError(f"the column {error} of an older universe is missing") from None
        records: list[DimensionRecord] = []
        for index, row in enumerate(rows):
            try:
                records.append(_record(element, row))
            except ProblemError as problem:
                self.problems.append(f"{section.entry(index)}: {problem}")
        self.export.records.append(Records(section, name, records))

    def _collection(self, section: Section, data: Mapping[str, Any]) -> None:
        name, kind, doc = _text(data, "name"), data.get("collection_type"), data.get("doc")
        if kind not in TYPES:
            raise ProblemError(f"collection_type is {kind!r}; expected one of {', '.join(TYPES)}")
        if doc is not None and not isinstance(doc, str):
            raise ProblemError(f"doc is {doc!r}, and text is expected")
        children = tuple(map(self._child, _list(data, "children"))) if kind == "CHAINED" else None
        self.export.collections.append(Collection(section, name, kind, doc or None, children))

    @staticmethod
    def _child(child: Any) -> str:
        # Once a child could be restricted to some dataset types; the official reader drops that too.
        if isinstance(child, list) and len(child) == 2:
            child = child[0]
        if not isinstance(child, str) or not child:
            raise ProblemError(f"children has {child!r}, and the names of collections are expected")
        return child

    def _run(self, section: Section, data: Mapping[str, Any]) -> None:
        self.export.collections.append(Collection(section, _text(data, "name"), "RUN"))

    def _type(self, section: Section, data: Mapping[str, Any]) -> None:
        dimensions = self._migration.dimensions(map(str, _list(data, "dimensions")))
        unknown = [name for name in dimensions if name not in self._universe.dimensions.names]
        if unknown:
            raise ProblemError(f"there is no dimension {', '.join(unknown)}")
        calibration = data.get("is_calibration", False)
        if not isinstance(calibration, bool):
            raise ProblemError(f"is_calibration is {calibration!r}, and true or false is expected")
        # Exports name the implied dimensions too.
        required = tuple(self._universe.conform(dimensions).required)
        name, storage_class = _text(data, "name"), _text(data, "storage_class")
        self.export.types.append(Type(section, name, required, storage_class, calibration))

    def _datasets(self, section: Section, data: Mapping[str, Any]) -> None:
        name, run = _text(data, "dataset_type"), _text(data, "run")
        for index, record in enumerate(_list(data, "records")):
            try:
                self.export.files.append(_file(section, index, name, run, record))
            except ProblemError as problem:
                self.problems.append(f"{section.entry(index)}: {problem}")

    def _associations(self, section: Section, data: Mapping[str, Any]) -> None:
        name, kind = _text(data, "collection"), data.get("collection_type")
        add = self.export.associations.append
        if kind == "TAGGED":
            add(Association(section, name, _ids(_list(data, "dataset_ids"))))
        elif kind == "CALIBRATION":
            for item in _list(data, "validity_ranges"):
                if not isinstance(item, dict):
                    raise ProblemError("validity_ranges has an entry that is not a mapping")
                ids = _ids(_list(item, "dataset_ids"))
                add(Association(section, name, ids, _timespan(item)))
        else:
            raise ProblemError(f"collection_type is {kind!r}, and TAGGED or CALIBRATION is expected")


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise ProblemError(f"{key} is {value!r}, and a name is expected")
    return value


def _list(data: Mapping[str, Any], key: str) -> list[Any]:
    value = data.get(key)
    if not isinstance(value, list):
        raise ProblemError(f"{key} is {value!r}, and a list is expected")
    return value


def _ids(values: list[Any]) -> tuple[UUID, ...]:
    if all(isinstance(value, UUID) for value in values):
        return tuple(values)
    return tuple(map(_id, values))


def _id(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return uuid3(_NUMBERED_IDS, str(value))
    raise ProblemError(f"dataset_id is {value!r}, and a !uuid is expected")


def _file(section: Section, index: int, name: str, run: str, record: Any) -> File:
    if not isinstance(record, dict):
        raise ProblemError(f"a mapping is expected, not {record!r}")
    ids, data_ids = record.get("dataset_id"), record.get("data_id")
    ids = _ids(ids if isinstance(ids, list) else [ids])
    data_ids = data_ids if isinstance(data_ids, list) else [data_ids]
    if not ids or len(ids) != len(data_ids) or not all(isinstance(item, dict) for item in data_ids):
        raise ProblemError(f"{len(ids)} dataset_id and data_id {data_ids!r} do not belong together")
    path, formatter = record.get("path"), record.get("formatter")
    if not isinstance(path, str) or not path:
        raise ProblemError(f"path is {path!r}: a dataset without an artifact can't be imported")
    if formatter is not None and not (isinstance(formatter, str) and _FORMATTER.fullmatch(formatter)):
        raise ProblemError(f"formatter is {formatter!r}, and the dotted name of a class is expected")
    return File(section, index, name, run, path, formatter, ids, tuple(data_ids))


def _timespan(item: Mapping[str, Any]) -> Any:
    from lsst.daf.butler import Timespan

    timespan = item.get("timespan")
    if "timespan" not in item and {"begin", "end"} <= item.keys():
        item = _times(item)
        timespan = Timespan(item["begin"], item["end"])
    if not isinstance(timespan, Timespan) or timespan.isEmpty():
        raise ProblemError(f"timespan is {timespan!r}, and a !lsst.daf.butler.Timespan is expected")
    return timespan


def _times(row: Mapping[str, Any]) -> dict[str, Any]:
    """Make times of the dates that old exports have, which are UTC."""
    if not any(isinstance(value, date) for value in row.values()):
        return dict(row)
    from astropy.time import Time

    return {key: Time(value, scale="utc") if isinstance(value, date) else value for key, value in row.items()}


def _record(element: DimensionElement, row: dict[str, Any]) -> DimensionRecord:
    columns = element.schema
    try:
        record = element.RecordClass(**row)
    except (TypeError, ValueError, AttributeError) as error:
        raise ProblemError(f"this is no {element.name}: {error}") from None
    except KeyError as error:
        raise ProblemError(f"this is no {element.name}: the column {error} is missing") from None
    for column in columns.all:
        value = getattr(record, column.name)
        if value is None:
            if not column.nullable:
                raise ProblemError(f"{column.name} is missing")
            continue
        kinds = (int, float) if column.pytype is float else column.pytype
        if not isinstance(value, kinds) or (isinstance(value, bool) and column.pytype is not bool):
            raise ProblemError(f"{column.name} is {value!r}, and {column.type} is expected")
        length = getattr(column, "length", None)
        if isinstance(value, str) and length is not None and len(value) > length:
            raise ProblemError(f"{column.name} is longer than {length} characters: {value!r}")
    return record
