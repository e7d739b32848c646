# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which formatter a repository's configuration names for datasets, without importing it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType, LookupKey

_SECTION = ("datastore", "formatters")
_NO_FORMATTER = ("default", "write_recipes")

# Formatters of one instrument stand below a key such as instrument<HSC>.
_OF_VALUE = re.compile(r"([a-z_]+)<(.*)>")


def configured_formatter(
    repository: Repository, dataset_type: DatasetType, instrument: str | None
) -> str | None:
    """Find the formatter that a datastore would choose by itself.

    A datastore imports the class that it chooses, and fails if its package is not installed; with the name a
    stand-in can take its place. Source of the order: daf_butler, names for look-ups of dataset references.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    dataset_type : `lsst.daf.butler.DatasetType`
        What the datasets are.
    instrument : `str` or `None`
        The instrument in their data IDs, if they have one.

    Returns
    -------
    name : `str` or `None`
        The dotted name of the formatter configured for the dataset type, its dimensions or its storage class,
        in this order, first for the instrument and then in general. `None` if the datastore is of a kind
        whose choice is not in one place.

    Raises
    ------
    ButlerError
        Raised if there is no formatter for such datasets.
    """
    from lsst.daf.butler import LookupKey

    if _SECTION not in repository.config:
        return None
    configured = dict(_entries(repository))
    keys = [LookupKey(name=dataset_type.name)]
    if dataset_type.dimensions:
        keys.append(LookupKey(dimensions=dataset_type.dimensions))
    keys.append(LookupKey(name=dataset_type.storageClass_name))
    if instrument is not None:
        keys = [*(key.clone(dataId={"instrument": instrument}) for key in keys), *keys]
    for key in keys:
        if key in configured:
            return configured[key]
    raise ButlerError(
        f"the repository configures no formatter for {dataset_type.name} or its storage class "
        f"{dataset_type.storageClass_name}",
        option="formatter",
        hint="Name the formatter's class.",
    )


def _entries(repository: Repository) -> Iterator[tuple[LookupKey, str]]:
    from lsst.daf.butler import LookupKey

    universe = repository.butler.dimensions
    for name, value in repository.config[_SECTION].items():
        if name in _NO_FORMATTER:
            continue
        of_value = _OF_VALUE.fullmatch(name)
        if of_value is None:
            yield LookupKey(name=name, universe=universe), _class_name(value)
            continue
        for inner, inner_value in value.items():
            key = LookupKey(name=inner, dataId={of_value[1]: of_value[2]}, universe=universe)
            yield key, _class_name(inner_value)


def _class_name(value: Any) -> str:
    return str(value["formatter"] if isinstance(value, Mapping) else value)
