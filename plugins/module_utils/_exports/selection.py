# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an export is wanted."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from ansible_collections.rubin.butler.plugins.module_utils._exports.content import Export


def without_classes(export: Export, storage_classes: Set[str]) -> Export:
    """Leave out the dataset types of some storage classes, and all that is only there for them.

    Parameters
    ----------
    export : `Export`
        What an export holds; it is left as it is.
    storage_classes : `~collections.abc.Set` [ `str` ]
        Names of storage classes.

    Returns
    -------
    rest : `Export`
        Without the definitions, files and associations of these dataset types, and without RUN collections
        that only their files are in. A run without any file stays, and a chain's children do.
    """
    out = {kind.name for kind in export.types if kind.storage_class in storage_classes}
    if not out:
        return export
    left = [file for file in export.files if file.dataset_type in out]
    kept = [file for file in export.files if file.dataset_type not in out]
    ids = {dataset for file in left for dataset in file.ids}
    chained = {child for each in export.collections for child in each.children or ()}
    runs = {file.run for file in left} - {file.run for file in kept} - chained
    associations = []
    for each in export.associations:
        members = tuple(dataset for dataset in each.ids if dataset not in ids)
        if members:
            associations.append(replace(each, ids=members))
    return replace(
        export,
        types=[kind for kind in export.types if kind.name not in out],
        files=kept,
        collections=[each for each in export.collections if each.type != "RUN" or each.name not in runs],
        associations=associations,
    )
