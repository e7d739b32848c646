# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset types as a repository has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
