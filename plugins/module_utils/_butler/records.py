# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dimension records read and compared column by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._sky.regions import same_region

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DimensionRecord

RELATIVE_TOLERANCE = 1e-9

ABSOLUTE_TOLERANCE = 1e-9
"""What floats near zero may differ by, such as a mean azimuth of -1e-14 instead of 0.

All float columns of dimensions are degrees or seconds: it is 4 microarcseconds, or a nanosecond, the unit of
timespans. `RELATIVE_TOLERANCE` allows more of every value above 1, so nothing that counts is hidden.
"""


def differences(existing: DimensionRecord, wanted: DimensionRecord) -> dict[str, tuple[Any, Any]]:
    """Compare two records of the same element and data ID.

    Parameters
    ----------
    existing, wanted : `lsst.daf.butler.DimensionRecord`
        The record in the repository, and the declared one.

    Returns
    -------
    columns : `dict` [ `str`, `tuple` ]
        For each column that differs both values as they are shown, existing first; see `same_value`.
    """
    old, new = existing.toDict(), wanted.toDict()
    return {
        name: (shown(old[name]), shown(new[name]))
        for name in sorted(old)
        if not same_value(old[name], new.get(name))
    }


def same_value(first: Any, second: Any) -> bool:
    """Tell whether two column values mean the same.

    Parameters
    ----------
    first, second : `object`
        Column values.

    Returns
    -------
    same : `bool`
        Whether they do; floats within `RELATIVE_TOLERANCE` or `ABSOLUTE_TOLERANCE`, and regions but for
        rounding, because the official tools and ours compute them each in their own way.
    """
    if isinstance(first, float) and isinstance(second, (int, float)):
        return math.isclose(first, second, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE) or (
            math.isnan(first) and math.isnan(second)
        )
    # Regions are the only column values that have this method.
    if hasattr(first, "encode") and hasattr(second, "encode") and not isinstance(first, str):
        return same_region(first, second)
    return bool(first == second)


def shown(value: Any) -> Any:
    """Give a column value as JSON can carry it.

    Parameters
    ----------
    value : `object`
        A column value.

    Returns
    -------
    shown : JSON-like
        Numbers, strings and `None` as they are; bytes in hexadecimal; timespans and regions as text.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def first_records(butler: Butler, element: str, limit: int) -> list[dict[str, Any]]:
    """Read the first records of a dimension element.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    element : `str`
        An element that has a table.
    limit : `int`
        How many at the most.

    Returns
    -------
    records : `list` [ `dict` ]
        Columns as `shown` gives them, by name, in the order of the records' data IDs.
    """
    required = butler.dimensions[element].required.names
    with butler.query() as query:
        found = query.dimension_records(element).order_by(*required).limit(limit)
        return [{name: shown(value) for name, value in record.toDict().items()} for record in found]


def describe_differences(columns: dict[str, tuple[Any, Any]]) -> str:
    """Write what differs as one line.

    Parameters
    ----------
    columns : `dict` [ `str`, `tuple` ]
        What `differences` returned.

    Returns
    -------
    text : `str`
        ``column: existing -> wanted`` for each of them.
    """
    return ", ".join(f"{name}: {old!r} -> {new!r}" for name, (old, new) in columns.items())
