# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sky maps of which it is known what the official tool makes of them, and any sky map."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import PROJECTIONS
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    CellTracts,
    DiscreteConfig,
    LegacyTracts,
    RingsConfig,
    SkyMapConfig,
)
from hypothesis import strategies as st

CHECKOUT = Path(__file__).parents[1]
REFERENCE = CHECKOUT.parent / "shared/reference"
# Hash, configuration file, and the operations of the stored pickle, its text without comments.
OFFICIAL: dict[str, Any] = json.loads((CHECKOUT / "tests/unit/data/skymaps/configurations.json").read_text())

DC2 = RingsConfig(num_rings=120, projection="TAN", tract_overlap=1 / 60, pixel_scale=0.2)
SMALL = replace(DC2, num_rings=3, pixel_scale=10.0)
MAPS: dict[str, SkyMapConfig] = {
    "DC2": DC2,
    "lsst_cells_v1": replace(DC2, tract_builder="cells"),
    "small_rings": SMALL,
    "small_cells_rings": replace(SMALL, tract_builder="cells", pixel_scale=20.0),
    "small_discrete": DiscreteConfig(
        ra_list=(56.65, 150.0, 0.05),
        dec_list=(-36.45, 2.2, 89.0),
        radius_list=(0.5, 0.5, 0.5),
        projection="TAN",
        tract_overlap=0.0,
        pixel_scale=0.2,
    ),
}

PIXELS = st.integers(0, 2**31 - 1)
SIDES = st.integers(1, 2**31 - 1)
TRACTS: dict[str, st.SearchStrategy[Any]] = {
    "tract_builder": st.sampled_from(["legacy", "cells"]),
    "legacy": st.builds(LegacyTracts, st.tuples(SIDES, SIDES), PIXELS),
    "cells": st.builds(CellTracts, SIDES.map(lambda side: (side, side)), PIXELS, SIDES, PIXELS),
    "tract_overlap": st.floats(0, 44.9),
    "pixel_scale": st.floats(0, exclude_min=True, allow_infinity=False),
    "projection": st.sampled_from(sorted(PROJECTIONS)),
    "rotation": st.floats(allow_nan=False, allow_infinity=False),
}
POSITIONS = st.lists(
    st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.floats(-90, 90), st.floats(0.001, 45)),
    min_size=1,
    max_size=5,
)


def _discrete(positions: list[tuple[float, float, float]], **tracts: Any) -> SkyMapConfig:
    ra_list, dec_list, radius_list = zip(*positions, strict=True)
    return DiscreteConfig(ra_list=ra_list, dec_list=dec_list, radius_list=radius_list, **tracts)


CONFIGS = st.builds(
    RingsConfig,
    num_rings=st.integers(3, 2**31 - 1),
    ra_start=st.floats(0, 360, exclude_max=True),
    **TRACTS,
) | st.builds(_discrete, POSITIONS, **TRACTS)
