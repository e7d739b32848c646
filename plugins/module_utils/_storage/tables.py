# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables that operators keep: ECSV, CSV, and what else astropy reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    from astropy.table import Column, Table

_FORMATS = {".ecsv": "ascii.ecsv", ".csv": "ascii.csv"}


def read_table(table: str, option: str) -> Table:
    """Read a table.

    Parameters
    ----------
    table, option : `str`
        Path of a table that astropy can read: ECSV, CSV, or what it recognizes by name or content; and the
        module option that names it. All cells of a CSV file are text, so that ``007`` stays what it is.

    Returns
    -------
    content : `astropy.table.Table`
        The table, with one row or more.

    Raises
    ------
    ButlerError
        Raised if it can't be read or has no row.
    """
    from astropy.table import Table

    path = Path(table)
    if not path.is_file():
        reason = "it is a directory" if path.is_dir() else "it does not exist"
        raise ButlerError(
            f"{table} can't be read: {reason}",
            option=option,
            hint="It has to be on the managed host, in check mode too.",
        )
    kind = _FORMATS.get(path.suffix.lower())
    keywords: dict[str, Any] = {} if kind is None else {"format": kind}
    if kind == "ascii.csv":
        keywords["converters"] = {"*": str}
    try:
        content = Table.read(table, **keywords)
    except Exception as error:
        # astropy raises whatever its many readers do.
        raise ButlerError(
            f"{table} is not a table that astropy can read: {first_line(error)}", option=option
        ) from None
    if not len(content):
        raise ButlerError(f"{table} has no row", option=option)
    return content


def cells(column: Column) -> list[Any]:
    """Give what is in a column.

    Parameters
    ----------
    column : `astropy.table.Column`
        A column.

    Returns
    -------
    values : `list` [ `object` ]
        Plain values; `None` for an empty cell. A column of what has no plain values, such as times, is text.
    """
    if not hasattr(column, "tolist"):
        return [str(value) for value in column]
    return [value.decode() if isinstance(value, bytes) else value for value in column.tolist()]
