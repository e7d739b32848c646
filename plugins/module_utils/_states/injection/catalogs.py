# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues of sources: read, given the columns that they need, and taken apart by band."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import first_few
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.declared import (
    MAGNITUDE,
    Catalog,
)

if TYPE_CHECKING:
    import numpy
    from astropy.table import Table
    from numpy.typing import NDArray

POSITION = {"ra": (-360.0, 360.0), "dec": (-90.0, 90.0)}
"""The columns with positions, and what they may be, in degrees."""

_PARQUET = (".parquet", ".parq")


def read_catalog(catalog: Catalog) -> Table:
    """Read a catalogue.

    Parameters
    ----------
    catalog : `Catalog`
        Which.

    Returns
    -------
    table : `astropy.table.Table`
        With a position for each row.

    Raises
    ------
    ButlerError
        Raised if it can't be read, has no row, or has rows without a position.
    """
    table = _read(catalog)
    if not len(table):
        raise ButlerError(f"{catalog.path} has no row", option=f"{catalog.option}.path")
    for old, new in catalog.columns.items():
        if new not in table.colnames and old in table.colnames:
            table.rename_column(old, new)
    for name, value in catalog.defaults.items():
        if name not in table.colnames:
            table[name] = value
    for name, limits in POSITION.items():
        _check_position(catalog, table, name, limits)
    return table


def _read(catalog: Catalog) -> Table:
    from astropy.table import Table
    from lsst.daf.butler.formatters.parquet import arrow_to_astropy
    from pyarrow import parquet  # type: ignore[import-untyped]  # it has no stubs

    option = f"{catalog.option}.path"
    try:
        if catalog.format is None and catalog.path.endswith(_PARQUET):
            # As the official tool reads them: astropy by itself needs pandas for some.
            return arrow_to_astropy(parquet.read_table(catalog.path, use_threads=False))
        try:
            return Table.read(catalog.path, format=catalog.format, character_as_bytes=False)
        except TypeError:
            # Only some of its readers know that option.
            return Table.read(catalog.path, format=catalog.format)
    except Exception as error:
        # astropy raises whatever its many readers do.
        reason = "it is a directory" if Path(catalog.path).is_dir() else first_line(error)
        raise ButlerError(
            f"{catalog.path} is not a table that astropy can read: {reason}",
            option=option,
            hint="Name its format in the option format, if it is one that astropy knows.",
        ) from None


def _check_position(catalog: Catalog, table: Table, name: str, limits: tuple[float, float]) -> None:
    import numpy

    column = _column(catalog, table, name, "a position in degrees")
    unit = getattr(column, "unit", None)
    if column.dtype.kind not in "fiu" or column.ndim != 1 or (unit is not None and str(unit) != "deg"):
        said = f"of {column.dtype.name}" + (f" in {unit}" if unit is not None else "")
        raise ButlerError(
            f"{catalog.path}: its column {name} is {said}, expected numbers in degrees", option=catalog.option
        )
    values: NDArray[Any] = numpy.ma.filled(numpy.ma.asarray(column, dtype=float), numpy.nan)
    bad = numpy.flatnonzero(~((values >= limits[0]) & (values <= limits[1])))
    if len(bad):
        raise ButlerError(
            f"{catalog.path}: {name} of {len(bad)} rows is not from {limits[0]:g} to {limits[1]:g} degrees",
            option=catalog.option,
            details=[f"row {row + 1}: {values[row]}" for row in bad.tolist()],
        )


def _column(catalog: Catalog, table: Table, name: str, what: str) -> Any:
    if name not in table.colnames:
        raise ButlerError(
            f"{catalog.path} has no column {name}, {what}; it has {', '.join(table.colnames)}",
            option=catalog.option,
            hint="Give a column of another name this one with the option columns.",
        )
    return table[name]


def by_band(catalog: Catalog, table: Table) -> Iterator[tuple[str, Table, NDArray[numpy.int64]]]:
    """Take a catalogue apart.

    Parameters
    ----------
    catalog : `Catalog`
        What tells the bands.
    table : `astropy.table.Table`
        From `read_catalog`.

    Yields
    ------
    band : `str`
        A band.
    table : `astropy.table.Table`
        Its columns; those that are not of one band only share their memory with the others.
    rows : `numpy.ndarray` of `int`, (n,)
        Its rows, at least one, in ascending order.

    Raises
    ------
    ButlerError
        Raised for columns that are not there, and rows without a band.
    """
    import numpy

    every = numpy.arange(len(table))
    for band in catalog.bands:
        yield band, table, every
    for band, name in catalog.magnitudes.items():
        _column(catalog, table, name, f"the magnitudes of {band}")
        kept = [
            column for column in table.colnames if column not in (*catalog.magnitudes.values(), MAGNITUDE)
        ]
        part = type(table)([table[column] for column in kept], names=kept, meta=table.meta, copy=False)
        part[MAGNITUDE] = table[name]
        yield band, part, every
    if catalog.band_column is not None:
        column = _column(catalog, table, catalog.band_column, "the bands of its rows")
        names, band_of = _bands_in(catalog, column)
        for number, band in enumerate(names):
            yield band, table, numpy.flatnonzero(band_of == number)


def _bands_in(catalog: Catalog, column: Any) -> tuple[list[str], NDArray[numpy.int64]]:
    """Give the bands in a column, and which of them each row has."""
    import numpy

    texts = (
        numpy.ma.filled(numpy.ma.asarray(column), b"" if column.dtype.kind == "S" else "")
        if (column.dtype.kind in "SU")
        else numpy.array([str(value) for value in column.tolist()])
    )
    found, inverse = numpy.unique(texts, return_inverse=True)
    said = [
        value.decode().strip() if isinstance(value, bytes) else str(value).strip() for value in found.tolist()
    ]
    empty = [number for number, name in enumerate(said) if not name]
    if empty:
        rows = (numpy.flatnonzero(numpy.isin(inverse, empty)) + 1).tolist()
        raise ButlerError(
            f"{catalog.path}: {len(rows)} rows have no band in {catalog.band_column}: {first_few(rows)}",
            option=f"{catalog.option}.band_column",
        )
    bands = [catalog.band_names.get(name, name) for name in said]
    names = sorted(set(bands))
    return names, numpy.array([names.index(band) for band in bands])[inverse.reshape(-1)]
