# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sample: all files by path."""

from __future__ import annotations

from collections.abc import Iterator

from tools.samples.exports import Export, export_files
from tools.samples.manifest import PATH as MANIFEST

from .calibrations import calibration_exports
from .exposures import good_exposures
from .manifest import content as manifest_content
from .models import fgcm_export, model_export
from .raws import raw_files
from .refcats import refcat_files
from .skymaps import skymap_files
from .solar_system import solar_system_export

GOOD_VISITS = "dp1_good_visits.txt"


def all_exports() -> tuple[Export, ...]:
    """Return every export file, in the order in which the technote imports them."""
    return (*calibration_exports(), model_export(), fgcm_export(), solar_system_export())


def sample_files() -> dict[str, bytes]:
    """Return all files of the sample.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path below ``$DATA``; the manifest is the last.
    """
    exports = all_exports()
    files = dict(_files(exports))
    files[MANIFEST] = manifest_content(exports, files)
    return files


def _files(exports: tuple[Export, ...]) -> Iterator[tuple[str, bytes]]:
    yield from raw_files()
    yield from refcat_files()
    yield from export_files(exports)
    yield from skymap_files()
    yield GOOD_VISITS, "".join(f"{each.id}\n" for each in good_exposures()).encode()
