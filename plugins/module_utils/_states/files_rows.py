# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a table or a name says to the data IDs of a dataset type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import Listed, Listing

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType, DimensionUniverse

_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A file with one data ID.

    Parameters
    ----------
    listed : `Listed`
        The file.
    required : `tuple` [ `object`, ... ]
        Values of the dataset type's required dimensions, in their order.
    implied : `tuple` [ `tuple` [ `str`, `object` ], ... ]
        Values that were given for implied dimensions, which the repository's records have to confirm.
    """

    listed: Listed
    required: tuple[Any, ...]
    implied: tuple[tuple[str, Any], ...] = ()


@dataclass
class _Problems:
    """What is wrong with a listing."""

    lines: list[str] = field(default_factory=list)

    def check(self, listing: Listing, message: str) -> None:
        if self.lines:
            raise ButlerError(message, option=listing.option, details=self.lines, hint="Nothing was written.")


def check_keys(listing: Listing, constants: Mapping[str, Any], universe: DimensionUniverse) -> None:
    """Refuse what can't be a data ID, whatever the dataset type is.

    Parameters
    ----------
    listing : `Listing`
        The files.
    constants : `~collections.abc.Mapping`
        Values that all files share.
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.

    Raises
    ------
    ButlerError
        Raised with every name that is no dimension.
    """
    problems = _Problems(
        [f"there is no dimension {key!r}" for key in listing.keys if key not in universe.dimensions]
        + [f"data_id: there is no dimension {key!r}" for key in constants if key not in universe.dimensions]
    )
    problems.check(listing, "what is given with the files has to be data ID values")


def rows_of(listing: Listing, constants: Mapping[str, Any], dataset_type: DatasetType) -> list[Row]:
    """Give files the data IDs of a dataset type.

    Parameters
    ----------
    listing : `Listing`
        The files, their keys checked by `check_keys`.
    constants : `~collections.abc.Mapping`
        Values that all files share; they go before those of the listing.
    dataset_type : `lsst.daf.butler.DatasetType`
        The dataset type.

    Returns
    -------
    rows : `list` [ `Row` ]
        In the order of the listing; every data ID once.

    Raises
    ------
    ButlerError
        Raised with every dimension that is missing or of no use, every value that can't be one, and every
        data ID that is given twice, each with its rows.
    """
    dimensions = dataset_type.dimensions
    given = [*constants, *(key for key in listing.keys if key not in constants)]
    problems = _Problems(
        [f"dimension {key} is not given" for key in dimensions.required if key not in given]
        + [
            f"{key} is not one of the dimensions of {dataset_type.name}"
            for key in given
            if key not in dimensions.names
        ]
    )
    problems.check(
        listing,
        f"the data IDs of {dataset_type.name} have the dimensions {', '.join(dimensions.required)}; give "
        "each of them in the table, the pattern or data_id",
    )
    fixed = {key: _value(dataset_type, key, value, "data_id", problems) for key, value in constants.items()}
    columns = [(index, key) for index, key in enumerate(listing.keys) if key not in constants]
    implied = [key for key in given if key not in dimensions.required]
    rows = []
    for file in listing.files:
        values = dict(fixed)
        for index, key in columns:
            values[key] = _value(dataset_type, key, file.values[index], file.where, problems)
        rows.append(
            Row(
                file,
                tuple(values[key] for key in dimensions.required),
                tuple((key, values[key]) for key in implied),
            )
        )
    problems.check(listing, f"some data IDs can't be those of {dataset_type.name}")
    problems.lines = _repeated(rows, tuple(dimensions.required))
    problems.check(listing, f"some data IDs of {dataset_type.name} are given more than once")
    return rows


def _value(dataset_type: DatasetType, key: str, value: Any, where: str, problems: _Problems) -> Any:
    """Give a value the type of its dimension, or note why it has none."""
    universe = dataset_type.dimensions.universe
    text = "" if value is None else str(value).strip()
    if not text:
        problems.lines.append(f"{where}: {key} is empty")
        return None
    if universe.dimensions[key].primary_key.pytype is not int:
        return text
    if isinstance(value, bool) or not _WHOLE.fullmatch(text):
        problems.lines.append(f"{where}: {key} is {value!r}, expected a whole number")
        return None
    number = int(text)
    if key in universe.skypix_dimensions:
        pixels = universe.skypix_dimensions[key].pixelization.universe()
        if number < 0 or not pixels.contains(number):
            first, last = pixels.ranges()[0]
            problems.lines.append(f"{where}: {key} is {number}, expected {first} to {last - 1}")
    return number


def _repeated(rows: Sequence[Row], names: tuple[str, ...]) -> list[str]:
    first: dict[tuple[Any, ...], Row] = {}
    lines = []
    for row in rows:
        earlier = first.setdefault(row.required, row)
        if earlier is not row:
            data_id = ", ".join(f"{name}={value}" for name, value in zip(names, row.required, strict=True))
            lines.append(
                f"{row.listed.where}: {data_id or 'the empty data ID'} is that of {earlier.listed.where} "
                f"({earlier.listed.path}) already ({row.listed.path})"
            )
    return lines
