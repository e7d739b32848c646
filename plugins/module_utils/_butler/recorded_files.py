# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a datastore records of the artifacts of datasets: where they are and what reads them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, FileDataset


class _EnoughError(Exception):
    """All is known that an export would have told."""


def recorded_files(butler: Butler, refs: Sequence[DatasetRef], *, direct: bool) -> list[FileDataset]:
    """Ask the datastore what it records.

    The public API tells the formatter of a dataset only while it is exported. So an export is begun, and
    given up before it writes anything.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    refs : `~collections.abc.Sequence` [ `lsst.daf.butler.DatasetRef` ]
        Datasets that have a single artifact each, their data IDs expanded with records: daf_butler would
        expand the others one by one.
    direct : `bool`
        Whether all paths are to be absolute.

    Returns
    -------
    files : `list` [ `lsst.daf.butler.FileDataset` ]
        One for each dataset: its path, relative to the datastore's root where it is below that, and the name
        of its formatter. A query for each dataset (source: daf_butler 30, ``FileDatastore.export``).
    """
    found: list[FileDataset] = []

    def keep(file: FileDataset) -> FileDataset:
        found.append(file)
        return file

    with (
        suppress(_EnoughError),
        butler.export(
            directory=os.sep if direct else None,
            filename=os.devnull,
            format="yaml",
            transfer="direct" if direct else None,
        ) as export,
    ):
        export.saveDatasets(refs, elements=(), rewrite=keep)
        raise _EnoughError
    return found
