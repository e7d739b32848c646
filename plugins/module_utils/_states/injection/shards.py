# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues divided into pixels of the sky, and shards compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._sky.htm import htm_indices

if TYPE_CHECKING:
    import numpy
    from astropy.table import Table
    from numpy.typing import NDArray

LEVEL = 7
"""Of the pixels of ``injection_catalog`` (``lsst.source.injection``, ``ingest_injection_catalog``)."""


@dataclass
class Shard:
    """The sources of one band in one pixel.

    Parameters
    ----------
    parts : `list` [ `tuple` ]
        Tables, and which rows of them.
    """

    parts: list[tuple[Table, NDArray[numpy.int64]]]

    def __len__(self) -> int:
        """Count the rows."""
        return sum(len(rows) for _unused, rows in self.parts)

    def table(self) -> Table:
        """Make the table.

        Returns
        -------
        table : `astropy.table.Table`
            A copy of the rows, in the order of the catalogues.
        """
        from astropy.table import vstack

        tables = [table[rows] for table, rows in self.parts]
        return tables[0] if len(tables) == 1 else vstack(tables, metadata_conflicts="silent")


def divide(table: Table, rows: NDArray[numpy.int64]) -> Iterator[tuple[int, NDArray[numpy.int64]]]:
    """Find the pixels of rows.

    Parameters
    ----------
    table : `astropy.table.Table`
        With ``ra`` and ``dec`` in degrees.
    rows : `numpy.ndarray` of `int`, (n,)
        Rows in ascending order.

    Yields
    ------
    pixel : `int`
        Pixels in ascending order.
    rows : `numpy.ndarray` of `int`, (m,)
        Those of the rows that are in it, in ascending order, at least one.
    """
    import numpy

    ra, dec = (numpy.asarray(table[name], dtype=float)[rows] for name in ("ra", "dec"))
    pixels = htm_indices(ra, dec, LEVEL)
    order = numpy.argsort(pixels, kind="stable")
    firsts = numpy.flatnonzero(numpy.diff(pixels[order], prepend=-1))
    for group in numpy.split(order, firsts[1:]):
        if len(group):
            yield int(pixels[group[0]]), rows[group]


def shards_of(
    parts: Iterable[tuple[str, Table, NDArray[numpy.int64]]],
) -> dict[tuple[str, int], Shard]:
    """Divide catalogues.

    Parameters
    ----------
    parts : `~collections.abc.Iterable`
        Bands, tables and rows.

    Returns
    -------
    shards : `dict`
        By band and pixel, sorted. Sources of one band in one pixel are together, whichever catalogue they
        are from. The rows are not copied.
    """
    shards: dict[tuple[str, int], Shard] = {}
    for band, table, rows in parts:
        for pixel, members in divide(table, rows):
            shards.setdefault((band, pixel), Shard([])).parts.append((table, members))
    return dict(sorted(shards.items()))


def differences(stored: Table, declared: Table) -> dict[str, Any] | None:
    """Compare a stored shard with a declared one.

    Parameters
    ----------
    stored : `astropy.table.Table`
        As it was read.
    declared : `astropy.table.Table`
        As it would be written.

    Returns
    -------
    shown : `dict` or `None`
        What is in the stored one; `None` if it has the same columns with the same units, and the same rows.
        Not a number is equal to itself. Metadata of the tables are not compared.
    """
    from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow

    # Some types are others once they were stored.
    declared = arrow_to_astropy(astropy_to_arrow(declared))
    if stored.colnames != declared.colnames:
        return {"rows": len(stored), "columns": ", ".join(stored.colnames)}
    if len(stored) != len(declared):
        return {"rows": len(stored)}
    others = [name for name in stored.colnames if not _equal(stored[name], declared[name])]
    return {"rows": len(stored), "other values in": ", ".join(others)} if others else None


def is_table(content: bytes) -> bool:
    """Tell whether a file is a table as shards are stored.

    Parameters
    ----------
    content : `bytes`
        What is in it.

    Returns
    -------
    is_table : `bool`
        Whether it can be read.

    Raises
    ------
    MemoryError
        Raised if it is too large to tell.
    """
    import io

    from lsst.daf.butler.formatters.parquet import arrow_to_astropy
    from pyarrow import parquet  # type: ignore[import-untyped]  # it has no stubs

    try:
        arrow_to_astropy(parquet.read_table(io.BytesIO(content)))
    except MemoryError:
        raise
    except Exception:
        # What it raises depends on where the content stops to make sense.
        return False
    return True


def _equal(first: Any, second: Any) -> bool:
    import numpy

    texts = first.dtype.kind == second.dtype.kind and first.dtype.kind in "SU"
    if first.unit != second.unit or (first.dtype != second.dtype and not texts):
        return False
    empty = numpy.ma.getmaskarray(numpy.ma.asarray(first))
    if not numpy.array_equal(empty, numpy.ma.getmaskarray(numpy.ma.asarray(second))):
        return False
    one, other = (numpy.asarray(column)[~empty] for column in (first, second))
    return bool(numpy.array_equal(one, other, equal_nan=first.dtype.kind in "fc"))
