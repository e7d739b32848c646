# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracts and patches have the regions of the official sky maps, and impossible sky maps are refused.

The official regions kept here are from ``lsst.skymap`` 2026-04.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps import tracts
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    CellTracts,
    DiscreteConfig,
    LegacyTracts,
    RingsConfig,
    SkyMapConfig,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.geometry import SkyMapGeometry
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import polygons
from lsst.sphgeom import Region
from numpy.typing import NDArray

CHECKOUT = Path(__file__).parents[6]
KEPT: dict[str, Any] = json.loads((CHECKOUT / "tests/unit/data/skymaps/regions.json").read_text())
REFERENCE = CHECKOUT.parent / "shared/reference/golden/skymaps"

DC2 = RingsConfig(num_rings=120, projection="TAN", tract_overlap=1 / 60, pixel_scale=0.2)
SMALL = RingsConfig(num_rings=3, projection="TAN", tract_overlap=1 / 60, pixel_scale=10.0)
DISCRETE = DiscreteConfig(
    ra_list=(56.65, 150.0, 0.05),
    dec_list=(-36.45, 2.2, 89.0),
    radius_list=(0.5, 0.5, 0.5),
    projection="TAN",
    pixel_scale=0.2,
    tract_overlap=0.0,
)
MAPS = {
    "DC2": DC2,
    "lsst_cells_v1": replace(DC2, tract_builder="cells"),
    "small_rings": SMALL,
    "small_cells_rings": replace(SMALL, tract_builder="cells", pixel_scale=20.0),
    "small_discrete": DISCRETE,
}
NEAR = math.radians(1e-6 / 3600)
"""A millionth of an arcsecond, in radians."""


@pytest.fixture(params=MAPS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def official(name: str) -> Iterator[tuple[tuple[int, ...], NDArray[np.float64]]]:
    """Give the regions kept here: of tracts by their number, of patches by tract, patch, column and row."""
    for *key, encoded in [*KEPT[name]["tracts"], *KEPT[name]["patches"]]:
        vertices = [list(vertex) for vertex in Region.decode(base64.b64decode(encoded)).getVertices()]
        yield tuple(key), np.array(vertices)


def test_the_facts_kept_here_are_those_of_the_reference(name: str) -> None:
    kept = KEPT[name]
    assert kept["tracts"] and kept["patches"] and kept["tract_info"]
    if (REFERENCE / f"{name}.json").exists():
        facts = json.loads((REFERENCE / f"{name}.json").read_text())
        keys = {"tracts": ["id"], "patches": ["tract", "id", "cell_x", "cell_y"]}
        for element, wanted in keys.items():
            theirs = [
                [
                    *(row[key] for key in wanted),
                    base64.b64encode(bytes.fromhex(row["region"]["encoded_hex"])).decode(),
                ]
                for row in facts[element]
            ]
            assert kept[element] == theirs
        assert kept["n_patch_total"] == facts["n_patch_total"]
        [record] = facts["skymap"]
        assert all(kept[key] == record[key] for key in ("tract_max", "patch_nx_max", "patch_ny_max"))
        assert kept["tract_info"] == [
            {key: row[key] for key in kept["tract_info"][0]} for row in facts["tract_info"]
        ]


def test_there_are_as_many_tracts_and_patches_as_officially(name: str) -> None:
    geometry, kept = SkyMapGeometry(MAPS[name]), KEPT[name]
    assert geometry.count == kept["tract_max"]
    assert (geometry.patch_nx_max, geometry.patch_ny_max) == (kept["patch_nx_max"], kept["patch_ny_max"])
    assert geometry.patch_total == kept["n_patch_total"]
    assert int(geometry.patches_in(np.arange(geometry.count)).sum()) == geometry.patch_total
    for row in kept["tract_info"]:
        assert [geometry.patch_nx_max, geometry.patch_ny_max] == row["num_patches"]


def test_pixels_are_where_they_are_officially(name: str) -> None:
    config = MAPS[name]
    layout, places = SkyMapGeometry(config).layout, tracts.centres(config)
    scale = config.pixel_scale / 3600
    for row in KEPT[name]["tract_info"]:
        assert row["bbox"] == [0, 0, *layout.size]
        assert layout.origin == pytest.approx(row["crpix0"], abs=1e-9)
        centre = np.degrees([places.ra[row["tract"]], places.dec[row["tract"]]])
        assert centre == pytest.approx(row["crval_deg"], abs=1e-6 / 3600)
        assert np.array(row["cd_deg"]) == pytest.approx(np.diag([-scale, scale]), abs=1e-15)


def test_every_vertex_is_within_a_millionth_of_an_arcsecond(name: str) -> None:
    geometry = SkyMapGeometry(MAPS[name])
    compared = 0
    for key, theirs in official(name):
        first = key[0]
        if len(key) == 1:
            ours = geometry.tract_vertices(first, first + 1)[0]
        else:
            found = geometry.patches(first, first + 1)
            row = key[1]
            assert key == (found.tract[row], found.patch[row], found.cell_x[row], found.cell_y[row])
            ours = found.vertices[row]
        assert ours.shape == theirs.shape == (4, 3)
        # In the same order, from the same first vertex on.
        assert np.linalg.norm(ours - theirs, axis=-1).max() < NEAR, key
        compared += 1
    assert compared == len(KEPT[name]["tracts"]) + len(KEPT[name]["patches"])


def test_ranges_of_tracts_are_parts_of_the_whole() -> None:
    geometry = SkyMapGeometry(SMALL)
    each = geometry.patch_nx_max * geometry.patch_ny_max
    whole = geometry.patches(0, geometry.count)
    assert len(whole.tract) == geometry.patch_total
    assert whole.tract.tolist() == np.repeat(np.arange(geometry.count), each).tolist()
    assert whole.patch.tolist() == list(range(each)) * geometry.count
    assert whole.patch.tolist() == (whole.cell_y * geometry.patch_nx_max + whole.cell_x).tolist()
    part = geometry.patches(7, 11)
    for column in ("tract", "patch", "cell_x", "cell_y", "vertices"):
        ours, all_of_them = getattr(part, column), getattr(whole, column)
        assert np.array_equal(ours, all_of_them[7 * each : 11 * each]), column
    assert np.array_equal(geometry.tract_vertices(7, 11), geometry.tract_vertices(0, 26)[7:11])
    assert len(geometry.patches(4, 4).tract) == len(geometry.tract_vertices(4, 4)) == 0


def test_tracts_of_unlike_radii_are_one_sky_map_if_their_patches_are_alike() -> None:
    # Both need 5 patches of 800 arcseconds; the official boxes are then the same too.
    alike = SkyMapGeometry(replace(DISCRETE, radius_list=(0.5, 0.51, 0.5)))
    assert np.array_equal(alike.tract_vertices(0, 3), SkyMapGeometry(DISCRETE).tract_vertices(0, 3))


def legacy(**options: Any) -> LegacyTracts:
    return LegacyTracts(**options)


IMPOSSIBLE: list[tuple[SkyMapConfig, str, str, str]] = [
    (replace(DC2, projection="MOL"), "projection", "'MOL'", "TAN, STG"),
    (replace(DC2, num_rings=10_000), "numRings", "10000 rings", "fewer"),
    (replace(DC2, num_rings=2_000_000_000), "numRings", "more than 10,000,000 tracts", "fewer"),
    (replace(SMALL, tract_overlap=70.0), "tractOverlap", "92.5 degrees", "hemisphere"),
    (replace(SMALL, pixel_scale=1e4), "pixelScale", "1 x 1 patches of 4000 x 4000 pixels", "smaller pixels"),
    (replace(SMALL, pixel_scale=1e300), "pixelScale", "1 x 1 patches", "smaller pixels"),
    (replace(DC2, pixel_scale=1e-6), "pixelScale", "32 bits", "larger pixels"),
    (replace(DC2, pixel_scale=5e-324), "pixelScale", "too small", "larger pixels"),
    (replace(SMALL, pixel_scale=0.01), "pixelScale", "more than 1,000,000", "larger pixels"),
    (
        replace(SMALL, legacy=legacy(patch_inner_dimensions=(4, 4))),
        "pixelScale",
        "4,276 x 4,276 patches",
        "patches of more pixels",
    ),
    (
        replace(DISCRETE, pixel_scale=1e-5, legacy=legacy(patch_inner_dimensions=(2**31 - 2, 2**31 - 2))),
        "patchInnerDimensions",
        "2147483646",
        "fewer pixels",
    ),
    (
        replace(
            DISCRETE,
            tract_builder="cells",
            pixel_scale=1e-5,
            cells=CellTracts(cell_inner_dimensions=(2**30, 2**30)),
        ),
        "cellInnerDimensions",
        "21474836480",
        "fewer pixels",
    ),
    (
        # The border alone goes round the sphere.
        replace(SMALL, tract_builder="cells", cells=CellTracts(cell_border=10**6)),
        "pixelScale",
        "from its centre",
        "smaller pixels",
    ),
    (
        # Its sides are 70 degrees away, its corners 89.4.
        replace(DISCRETE, projection="STG", radius_list=(70.0,) * 3),
        "radiusList[0]",
        "89.438 degrees",
        "hemisphere",
    ),
    (replace(DISCRETE, radius_list=(0.5, 89.5, 0.5)), "radiusList[1]", "89.5 degrees", "hemisphere"),
    (replace(DISCRETE, radius_list=(0.5, 1.5, 0.5)), "radiusList", "Tract 1 would have 14 x 14", "each size"),
    (
        replace(DISCRETE, radius_list=(1e-13,) * 3, pixel_scale=1e-13),
        "pixelScale",
        "too small",
        "larger pixels",
    ),
]


@pytest.mark.parametrize(
    ("config", "option", "told", "advice"), IMPOSSIBLE, ids=lambda value: str(value)[:30]
)
def test_impossible_sky_maps_are_refused(config: SkyMapConfig, option: str, told: str, advice: str) -> None:
    with pytest.raises(ButlerError) as refused:
        SkyMapGeometry(config)
    assert refused.value.option == option
    assert told in refused.value.message
    assert advice in str(refused.value.hint)


def test_large_tracts_that_are_possible_are_not_refused() -> None:
    wide = SkyMapGeometry(DiscreteConfig(ra_list=(10.0,), dec_list=(90.0,), radius_list=(65.0,)))
    assert (wide.count, *wide.layout.counts) == (1, 403, 403)
    assert len(polygons(wide.patches(0, 1).vertices)) == 403**2
    # One patch is nearly all that a hemisphere can hold.
    coarse = SkyMapGeometry(replace(SMALL, pixel_scale=1000.0))
    assert coarse.layout.counts == (1, 1)
    assert len(polygons(coarse.patches(0, 26).vertices)) == 26


def test_small_tracts_that_are_possible_are_not_refused() -> None:
    small = SkyMapGeometry(replace(DISCRETE, radius_list=(1e-9,) * 3, pixel_scale=1e-9))
    assert small.layout.counts == (2, 2)
    assert len(polygons(small.patches(0, 3).vertices)) == 12
