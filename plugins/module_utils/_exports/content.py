# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an export holds, entry by entry, before any repository is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord, Timespan


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of an export's ``data``.

    Parameters
    ----------
    file : `str`
        The export.
    index, line : `int`
        Its position in ``data``, from 0, and in the file, from 1.
    """

    file: str
    index: int
    line: int

    def __str__(self) -> str:
        return f"{self.file} line {self.line} (data[{self.index}])"

    def entry(self, index: int) -> str:
        """Name one of the section's records."""
        return f"{self.file} line {self.line} (data[{self.index}].records[{index}])"


@dataclass(frozen=True, slots=True)
class Records:
    """Dimension records of one element.

    Parameters
    ----------
    section : `Section`
        Where they are.
    element : `str`
        Name of the dimension element.
    records : `list` [ `lsst.daf.butler.DimensionRecord` ]
        In the order of the file.
    derived : `bool`
        Whether they are not in the file but follow from an older universe's columns. What a repository has
        already is never compared with those.
    """

    section: Section
    element: str
    records: list[DimensionRecord]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; ``children`` is `None` but for a CHAINED one."""

    section: Section
    name: str
    type: str
    doc: str | None = None
    children: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """A dataset type's definition."""

    section: Section
    name: str
    dimensions: tuple[str, ...]
    storage_class: str
    is_calibration: bool


@dataclass(frozen=True, slots=True)
class File:
    """An artifact and the datasets in it.

    Parameters
    ----------
    section : `Section`
        Where it is.
    index : `int`
        Its position in the section.
    dataset_type, run : `str`
        Of all its datasets.
    path : `str`
        As it is written in the export.
    formatter : `str` or `None`
        Dotted name.
    ids : `tuple` [ `uuid.UUID`, ... ]
        Its datasets.
    data_ids : `tuple` [ `~collections.abc.Mapping`, ... ]
        Their data IDs, in the same order.
    """

    section: Section
    index: int
    dataset_type: str
    run: str
    path: str
    formatter: str | None
    ids: tuple[UUID, ...]
    data_ids: tuple[Mapping[str, Any], ...]

    @property
    def place(self) -> str:
        """Where it is in which file (`str`)."""
        return self.section.entry(self.index)


@dataclass(frozen=True, slots=True)
class Association:
    """Datasets of a TAGGED collection, or with a timespan of a CALIBRATION collection."""

    section: Section
    collection: str
    ids: tuple[UUID, ...]
    timespan: Timespan | None = None


@dataclass
class Export:
    """A parsed export.

    Parameters
    ----------
    file : `str`
        Its path.
    records, collections, types, files, associations : `list`
        What it holds.
    notices : `list` [ `str` ]
        What an operator should know about how it was read.
    """

    file: str
    records: list[Records] = field(default_factory=list)
    collections: list[Collection] = field(default_factory=list)
    types: list[Type] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
