# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of sky maps: the campaign's own, and one that is registered in seconds.

Source: RTN-103, "SkyMap", and the options that determine the hash of ``lsst_cells_v1`` (DM-46717).
"""

from __future__ import annotations

from collections.abc import Iterator

_CONFIG = """\
config.name = "{name}"
config.skyMap.name = "rings"
config.skyMap["rings"].numRings = {rings}
config.skyMap["rings"].projection = "TAN"
config.skyMap["rings"].tractOverlap = 1.0 / 60
config.skyMap["rings"].pixelScale = {pixel_scale}
config.skyMap["rings"].tractBuilder.name = "cells"
"""


def skymap_files() -> Iterator[tuple[str, bytes]]:
    """Yield the configuration files.

    Yields
    ------
    path, content : `str`, `bytes`
        ``lsst_cells_v1`` has 18,938 tracts of 100 patches; ``sample_cells`` covers the sky with 76 of 64.
    """
    for file, options in (
        ("lsst_cells_v1", {"name": "lsst_cells_v1", "rings": 120, "pixel_scale": 0.2}),
        ("sample", {"name": "sample_cells", "rings": 6, "pixel_scale": 4.0}),
    ):
        yield f"skymaps/{file}.skymap.config", _CONFIG.format(**options).encode()
