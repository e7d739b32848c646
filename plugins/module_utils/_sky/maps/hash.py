# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash by which a registry knows a sky map."""

from __future__ import annotations

import hashlib
import struct

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    DiscreteConfig,
    RingsConfig,
    SkyMapConfig,
)


def sky_map_hash(config: SkyMapConfig) -> bytes:
    """Compute the hash of a sky map.

    The formula is that of ``BaseSkyMap.getSha1`` in ``lsst.skymap`` (``getPackedConfig`` of the tract
    builders, ``updateSha1`` of the two classes): the name of the class, what the tract builder packs,
    what the class packs; numbers little-endian and without padding.

    Parameters
    ----------
    config : `SkyMapConfig`
        A checked configuration: its integers have 32 bits and its projection three ASCII letters.

    Returns
    -------
    sha1 : `bytes`
        20 bytes, as in the column ``skymap.hash``.
    """
    sha1 = hashlib.sha1(usedforsecurity=False)
    if isinstance(config, RingsConfig):
        sha1.update(b"RingsSkyMap" + _packed(config))
        sha1.update(struct.pack("<id", config.num_rings, config.ra_start))
    elif isinstance(config, DiscreteConfig):
        sha1.update(b"DiscreteSkyMap" + _packed(config))
        for column in (config.ra_list, config.dec_list, config.radius_list):
            sha1.update(struct.pack(f"<{len(column)}d", *column))
    else:
        raise TypeError(f"{type(config).__name__} has no hash")
    return sha1.digest()


def _packed(config: SkyMapConfig) -> bytes:
    """Pack what all sky maps have in common."""
    if config.tract_builder == "cells":
        cells = config.cells
        integers = [
            *cells.cell_inner_dimensions,
            cells.cell_border,
            cells.num_cells_per_patch_inner,
            cells.num_cells_in_patch_border,
        ]
    else:
        integers = [*config.legacy.patch_inner_dimensions, config.legacy.patch_border]
    common = (
        config.tract_overlap,
        config.pixel_scale,
        config.projection.encode("ascii"),
        config.rotation,
    )
    return struct.pack(f"<{len(integers)}idd3sd", *integers, *common)
