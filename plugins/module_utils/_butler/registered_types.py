# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset types as a repository has them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetType


def registered_type(butler: Butler, name: str) -> DatasetType | None:
    """Find a dataset type by name.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    name : `str`
        Its exact name.

    Returns
    -------
    dataset_type : `lsst.daf.butler.DatasetType` or `None`
        The dataset type; `None` if none of that name is registered.
    """
    from lsst.daf.butler import MissingDatasetTypeError

    try:
        return butler.get_dataset_type(name)
    except MissingDatasetTypeError:
        return None


def register_type(butler: Butler, dataset_type: DatasetType) -> None:
    """Register a dataset type, whole or not at all.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_type : `lsst.daf.butler.DatasetType`
        The dataset type; one that is registered already is left as it is.

    Raises
    ------
    ButlerError
        Raised if the tables of its datasets can't be made.

    Notes
    -----
    The registry does not tell when the database refuses to make a table (daf_butler,
    ``Database.ensureTableExists``): it goes on and registers a type that no query can use any more. So the
    tables are asked for.
    """
    from sqlalchemy.exc import DBAPIError

    if not butler.registry.registerDatasetType(dataset_type):
        return
    try:
        butler.query_datasets(dataset_type, collections="*", find_first=False, limit=1, explain=False)
    except DBAPIError as error:
        with suppress(DBAPIError):
            butler.registry.removeDatasetType(dataset_type.name)
        raise ButlerError(
            f"the tables of dataset type {dataset_type.name} can't be made: {first_line(error)}",
            hint="Check that the registry's disk has room, and that its user may create tables in the "
            "registry's schema.",
        ) from error


def shown_type(dataset_type: DatasetType) -> dict[str, object]:
    """Describe a dataset type for a change.

    Parameters
    ----------
    dataset_type : `lsst.daf.butler.DatasetType`
        One of no calibrations.

    Returns
    -------
    shown : `dict`
        Its required dimensions and its storage class.
    """
    return {
        "dimensions": list(dataset_type.dimensions.required),
        "storage_class": dataset_type.storageClass_name,
    }
