# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a repository holds, counted by its database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo


def count_datasets(butler: Butler, collections: Iterable[CollectionInfo]) -> dict[tuple[str, str], int]:
    """Count the datasets of each type in each collection.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    collections : `~collections.abc.Iterable` [ `lsst.daf.butler.CollectionInfo` ]
        Collections with their summaries. Chains are left out: what they hold is counted in their children.

    Returns
    -------
    counts : `dict` [ `tuple` [ `str`, `str` ], `int` ]
        Number of datasets by collection and dataset type, both sorted; in a CALIBRATION collection a dataset
        counts once for each validity range. Types of which a collection holds none any more are left out.
    """
    counts = {}
    with butler.query() as query:
        for info in sorted(collections):
            if info.type.name == "CHAINED":
                continue
            for name in sorted(info.dataset_types or ()):
                count = query.datasets(name, [info.name], find_first=False).count()
                if count:
                    counts[info.name, name] = count
    return counts


def count_dimension_records(butler: Butler) -> dict[str, int]:
    """Count the dimension records of each element that has some.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.

    Returns
    -------
    counts : `dict` [ `str`, `int` ]
        Number of records by element, sorted. Elements without a table, such as ``band``, are left out.
    """
    counts = {}
    with butler.query() as query:
        for element in sorted(butler.dimensions.elements.names):
            if butler.dimensions.elements[element].has_own_table:
                count = query.dimension_records(element).count()
                if count:
                    counts[element] = count
    return counts
