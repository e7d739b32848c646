# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small sky maps to register."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, DatasetRef

FIELDS_FILE = """
config.name = "small_discrete"
config.skyMap.name = "discrete"
config.skyMap["discrete"].raList = [56.65, 150.0, 0.05]
config.skyMap["discrete"].decList = [-36.45, 2.2, 89.0]
config.skyMap["discrete"].radiusList = [0.5, 0.5, 0.5]
config.skyMap["discrete"].patchBorder = 100
config.skyMap["discrete"].tractOverlap = 0.0
config.skyMap["discrete"].pixelScale = 0.2
config.skyMap["discrete"].projection = "TAN"
"""
"""The configuration of `small_discrete` of the reference data: three tracts of 25 patches.

A sky map of rings covers the sky, and so takes some 130,000 rows that tell what it overlaps, however few its
patches are.
"""

CELLS = {
    "num_rings": 3,
    "projection": "TAN",
    "tract_overlap": 1.0 / 60,
    "pixel_scale": 20.0,
    "tract_builder": "cells",
}
"""The configuration of `small_cells_rings` of the reference data: 26 tracts of 9 patches."""

FIELDS = {
    "ra_list": [56.65, 150.0, 0.05],
    "dec_list": [-36.45, 2.2, 89.0],
    "radius_list": [0.5, 0.5, 0.5],
    "projection": "TAN",
    "tract_overlap": 0.0,
    "pixel_scale": 0.2,
}
"""That of `small_discrete` again."""


def declared(name: str | None, **kind: Any) -> dict[str, Any]:
    """Declare a sky map as the module's checked arguments have it."""
    return {"name": name, "config_file": None, "rings": None, "discrete": None, **kind}


def config_file(folder: Path, text: str = FIELDS_FILE) -> str:
    """Write a configuration file.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to.
    text : `str`
        Its content.

    Returns
    -------
    path : `str`
        The file.
    """
    path = folder / "sky_map.py"
    path.write_text(text)
    return str(path)


def counts(repo: Path, name: str) -> tuple[int, int]:
    """Count the tracts and the patches of a sky map."""
    with Butler.from_config(repo) as butler, butler.query() as query:
        ids = query.where(skymap=name)
        return ids.data_ids(["tract"]).count(), ids.data_ids(["patch"]).count()


def stored(repo: Path) -> dict[str, DatasetRef]:
    """Find the stored sky maps, by name."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets("skyMap", collections="skymaps", explain=False)
        return {str(ref.dataId["skymap"]): ref for ref in refs}


def random_ids(repo: Path) -> Mapping[str, str]:
    """Find the random ids of the stored sky maps."""
    return {ref.id.hex: f"<skyMap {name}>" for name, ref in stored(repo).items()} | {
        str(ref.id): f"<skyMap {name}>" for name, ref in stored(repo).items()
    }
