# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches cover their tract and tracts cover the sphere, whatever the options are.

What is inside which tract is worked out with astropy's WCS of its pixels, not with our own formulas.

The official tracts of rings are not as large as the right ascensions and declinations that they are for:
without overlap there are gaps beside the corners of tracts. The least overlap that is enough, found on maps
of 3 to 120 rings, is 1.6 % of the height of a ring (3.7 % for each tract to have its own four corners), if
nothing is rounded up to whole patches; and a tract turned by 45 degrees is smaller by the root of 2.
"""

from __future__ import annotations

import math
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
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import inside_out
from astropy.wcs import WCS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lsst.sphgeom import ConvexPolygon, UnitVector3d
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 1e-13
seeds = st.integers(0, 2**32 - 1)


def unit(lon: Any, lat: Any) -> Array:
    """Give unit vectors of angles in radians."""
    lon, lat = np.broadcast_arrays(lon, lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def inside(polygons: Array, points: Array) -> NDArray[np.bool_]:
    """Tell for each polygon (rows) which points (columns) it holds, its edges included."""
    edges = np.cross(polygons, np.roll(polygons, -1, axis=1))
    held: NDArray[np.bool_] = (np.einsum("pvi,ni->pnv", edges, points) >= -ROUNDING).all(axis=-1)
    return held


@st.composite
def patches_of(draw: st.DrawFn, width: float) -> dict[str, Any]:
    """Give options that divide a tract, some radians wide, into few patches."""
    across = draw(st.floats(0.8, 7))
    if draw(st.booleans()):
        longest = draw(st.integers(50, 5000))
        inner = draw(st.permutations([longest, draw(st.integers(longest // 3, longest))]).map(tuple))
        border = draw(st.integers(0, longest // 4))
        options: dict[str, Any] = {"legacy": LegacyTracts(inner, border)}
    else:
        cell, cells = draw(st.integers(20, 300)), draw(st.integers(4, 30))
        around, borders = draw(st.integers(0, cell // 4)), draw(st.integers(0, 1))
        longest = cell * cells
        options = {"tract_builder": "cells", "cells": CellTracts((cell, cell), around, cells, borders)}
    return {**options, "pixel_scale": math.degrees(width / (across * longest)) * 3600}


@st.composite
def rings(draw: st.DrawFn, turns: st.SearchStrategy[float]) -> RingsConfig:
    """Give maps of rings whose overlap is enough."""
    number = draw(st.integers(3, 12))
    height = 180 / (number + 1)
    overlap = draw(st.floats(0.04, 0.1)) * height
    return RingsConfig(
        num_rings=number,
        ra_start=draw(st.floats(0, 360, exclude_max=True)),
        tract_overlap=overlap,
        projection=draw(st.sampled_from(["TAN", "STG"])),
        rotation=draw(turns),
        **draw(patches_of(math.radians(height + 2 * overlap))),
    )


@st.composite
def discrete(draw: st.DrawFn) -> DiscreteConfig:
    """Give maps of tracts anywhere, poles included."""
    centres = draw(st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90)), min_size=1, max_size=4))
    radius = draw(st.floats(0.01, 20))
    overlap = draw(st.floats(0, 0.3)) * radius
    return DiscreteConfig(
        ra_list=tuple(ra for ra, _dec in centres),
        dec_list=tuple(dec for _ra, dec in centres),
        radius_list=(radius,) * len(centres),
        tract_overlap=overlap,
        projection=draw(st.sampled_from(["TAN", "STG"])),
        rotation=draw(st.floats(-360, 360)),
        **draw(patches_of(2 * math.radians(radius + overlap))),
    )


any_turn = st.floats(-360, 360)
upright = st.sampled_from([0.0, 90.0, 180.0, -90.0])
any_map = st.one_of(rings(any_turn), discrete())


def wcs(config: SkyMapConfig, tract: int, origin: tuple[int, int] | None = None) -> WCS:
    """Give the WCS of a tract's pixels, with the CD matrix of ``makeCdMatrix`` in ``lsst.afw``."""
    places, at = tracts.centres(config), origin or SkyMapGeometry(config).layout.origin
    turned, scale = math.radians(config.rotation), config.pixel_scale / 3600
    made = WCS(naxis=2)
    made.wcs.ctype = [f"RA---{config.projection}", f"DEC--{config.projection}"]
    made.wcs.crval = np.degrees([places.ra[tract], places.dec[tract]])
    made.wcs.crpix = [at[0] + 1, at[1] + 1]
    # At 0 degrees y is to the north and x to the west, at 90 degrees y is to the east and x to the north.
    sin, cos = math.sin(turned), math.cos(turned)
    made.wcs.cd = scale * np.array([[-cos, sin], [sin, cos]])
    return made


def on_sky(config: SkyMapConfig, tract: int, x: Array, y: Array) -> Array:
    return unit(*np.radians(wcs(config, tract).all_pix2world(x, y, 0)))


@settings(max_examples=50)
@given(any_map, st.randoms(use_true_random=False))
def test_corners_are_those_of_the_pixels(config: SkyMapConfig, random: Any) -> None:
    geometry = SkyMapGeometry(config)
    layout, tract = geometry.layout, random.randrange(geometry.count)
    found = geometry.patches(tract, tract + 1)
    clip, border = config.tract_builder == "legacy", layout.border
    low = np.stack([found.cell_x * layout.inner[0], found.cell_y * layout.inner[1]], axis=-1) - border
    high = low + np.array(layout.inner) + 2 * border
    if clip:
        low, high = np.maximum(low, 0), np.minimum(high, layout.size)
    low, high = np.vstack([low, [[0, 0]]]) - 0.5, np.vstack([high, [layout.size]]) - 0.5
    # The corners in the official order of a box; sphgeom then makes a convex hull of them.
    x = np.stack([low[:, 0], high[:, 0], high[:, 0], low[:, 0]], axis=-1)
    y = np.stack([low[:, 1], low[:, 1], high[:, 1], high[:, 1]], axis=-1)
    theirs = on_sky(config, tract, x.ravel(), y.ravel()).reshape(-1, 4, 3)
    ours = np.concatenate([found.vertices, geometry.tract_vertices(tract, tract + 1)])
    for mine, corners in zip(ours, theirs, strict=True):
        hull = ConvexPolygon([UnitVector3d(*corner) for corner in corners.tolist()])
        ordered = np.array([list(vertex) for vertex in hull.getVertices()])
        assert np.linalg.norm(mine - ordered, axis=-1).max() < math.radians(1e-6 / 3600)


@given(
    st.sampled_from(["TAN", "STG"]),
    any_turn,
    st.floats(0.001, 20),
    st.floats(0, 5),
    st.floats(0.8, 900),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_the_box_of_pixels_just_holds_what_the_tract_reaches(
    code: str, turn: float, radius: float, overlap: float, across: float, inner: tuple[int, int]
) -> None:
    config = DiscreteConfig(
        ra_list=(123.0,),
        dec_list=(0.0,),
        radius_list=(radius,),
        tract_overlap=overlap,
        projection=code,
        rotation=turn,
        pixel_scale=2 * (radius + overlap) * 3600 / across,
        legacy=LegacyTracts(inner, 0),
    )
    pixels = wcs(config, 0, origin=(0, 0))
    reach = radius + overlap
    x, y = pixels.all_world2pix(123 + reach * np.array([1, 0, -1, 0]), reach * np.array([0, 1, 0, -1]), 0)
    assume(all(abs(math.remainder(value - 0.5, 1)) > 1e-6 for value in (*x, *y)))
    try:
        layout = SkyMapGeometry(config).layout
    except ButlerError as error:
        assume(error.option != "pixelScale")  # the patches are too large for what is left of the hemisphere
        raise
    for axis, along in enumerate((x, y)):
        # Box2I of lsst.geom takes every pixel that the box touches; whole patches are made of them.
        low, high = math.ceil(along.min() - 0.5), math.floor(along.max() + 0.5)
        number = math.ceil((high - low + 1) / inner[axis])
        more = number * inner[axis] - (high - low + 1)
        assert layout.counts[axis] == number
        assert layout.origin[axis] == -(low - more // 2)


@settings(max_examples=50)
@given(any_map, seeds)
def test_patches_cover_their_tract(config: SkyMapConfig, seed: int) -> None:
    geometry, random = SkyMapGeometry(config), np.random.default_rng(seed)
    tract = int(random.integers(geometry.count))
    found = geometry.patches(tract, tract + 1)
    assert found.patch.tolist() == list(range(geometry.patch_nx_max * geometry.patch_ny_max))
    assert (found.cell_y * geometry.patch_nx_max + found.cell_x).tolist() == found.patch.tolist()
    assert not inside_out(found.vertices).any()
    layout = geometry.layout
    corners = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])
    pixels = np.hstack([random.random((2, 100)), corners]) * np.array(layout.size)[:, np.newaxis] - 0.5
    points = on_sky(config, tract, *pixels)
    assert inside(geometry.tract_vertices(tract, tract + 1), points).all()
    held = inside(found.vertices, points)
    assert held.any(axis=0).all()
    if config.projection == "TAN":
        # Straight lines of pixels are great circles, so each patch has all of its inner region.
        column, row = (
            np.clip((pixels[axis] + 0.5) // layout.inner[axis], 0, layout.counts[axis] - 1).astype(int)
            for axis in (0, 1)
        )
        assert held[row * layout.counts[0] + column, np.arange(len(points))].all()


@settings(max_examples=50)
@given(rings(upright), seeds)
def test_tracts_cover_the_sphere(config: RingsConfig, seed: int) -> None:
    geometry, random = SkyMapGeometry(config), np.random.default_rng(seed)
    anywhere = random.normal(size=(2000, 3))
    anywhere /= np.linalg.norm(anywhere, axis=-1, keepdims=True)
    latitudes = np.linspace(-np.pi / 2, np.pi / 2, 200)
    start = math.radians(config.ra_start)
    meridians = [unit(lon, latitudes) for lon in (0.0, -1e-12, 2 * np.pi, start, start + np.pi)]
    height = math.pi / (config.num_rings + 1)
    longitudes = np.linspace(0, 2 * np.pi, 720)
    borders = [
        unit(longitudes, ring * height - height / 2 - np.pi / 2) for ring in range(1, config.num_rings + 2)
    ]
    points = np.concatenate([anywhere, *meridians, *borders])
    held = inside(geometry.tract_vertices(0, geometry.count), points)
    assert held.any(axis=0).all()
    assert held[0, np.flatnonzero(points[:, 2] <= -1 + 1e-15)].all()
    assert held[-1, np.flatnonzero(points[:, 2] >= 1 - 1e-15)].all()


@settings(max_examples=50)
@given(rings(upright))
def test_tracts_hold_their_inner_region_and_overlap(config: RingsConfig) -> None:
    geometry, places = SkyMapGeometry(config), tracts.centres(config)
    vertices = geometry.tract_vertices(0, geometry.count)
    height, start = math.pi / (config.num_rings + 1), math.radians(config.ra_start)
    overlap = math.radians(config.tract_overlap)
    cap = np.linspace(0, 2 * np.pi, 100)
    for last, sign in ((0, -1), (geometry.count - 1, 1)):
        assert inside(vertices[[last]], unit(cap, sign * (np.pi / 2 - height / 2))).all()
        assert places.dec[last] == sign * np.pi / 2
    first = 1
    for ring in range(config.num_rings):
        dec = (ring + 1) * height - np.pi / 2
        count = int((np.abs(places.dec - dec) < height / 2).sum())
        assert count >= 3
        for number in range(count):
            tract = first + number
            ra, half = start + 2 * np.pi * number / count, np.pi / count
            assert unit(places.ra[tract], places.dec[tract]) == pytest.approx(unit(ra, dec), abs=1e-12)
            corners = unit(
                ra + half * np.array([-1, 1, 1, -1, 0, 0, 0]),
                dec + height / 2 * np.array([-1, -1, 1, 1, -1, 1, 0]),
            )
            assert inside(vertices[[tract]], corners).all()
            # Half the overlap on either side of the border with the next tract of the ring is in both.
            after = first + (number + 1) % count
            aside = overlap / 2 / math.cos(dec) if math.cos(dec) > overlap else 0.0
            border = unit(ra + half + np.array([-aside, aside]), dec)
            assert inside(vertices[[tract, after]], border).all()
            # The tracts to the north and to the south reach as far beyond the borders with theirs.
            reach = height / 2 + overlap * (1 - 1e-9)
            assert inside(vertices[[tract]], unit(ra, dec + np.array([-reach, reach]))).all()
        first += count
    assert first == geometry.count - 1


@given(discrete())
def test_discrete_tracts_are_where_they_were_wanted(config: DiscreteConfig) -> None:
    geometry = SkyMapGeometry(config)
    assert geometry.count == len(config.ra_list)
    centres = unit(np.radians(config.ra_list), np.radians(config.dec_list))
    held = inside(geometry.tract_vertices(0, geometry.count), centres)
    assert held.diagonal().all()


@given(any_turn, st.floats(0, 360), st.floats(-89, 89))
def test_rotation_is_the_position_angle_of_y(rotation: float, ra: float, dec: float) -> None:
    config = DiscreteConfig(
        ra_list=(ra,), dec_list=(dec,), radius_list=(0.1,), projection="TAN", rotation=rotation
    )
    [right_low, left_low, left_high, right_high] = SkyMapGeometry(config).tract_vertices(0, 1)[0]
    up = left_high + right_high - left_low - right_low
    lon, lat = math.radians(ra), math.radians(dec)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    north = np.array([-math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon), math.cos(lat)])
    found = math.atan2(up @ east, up @ north)
    assert math.remainder(found - math.radians(rotation), 2 * math.pi) == pytest.approx(0, abs=1e-9)


def test_the_official_tracts_leave_gaps_where_they_overlap_too_little() -> None:
    # A fact about lsst.skymap that the overlap of the maps above takes for granted.
    fine = LegacyTracts((40, 40), 0)
    points = unit(np.linspace(0, 2 * np.pi, 2000), math.radians(-35.4))
    gaps = {}
    for overlap in (0.25, 0.6):
        config = RingsConfig(
            num_rings=4, tract_overlap=overlap, projection="TAN", pixel_scale=60.0, legacy=fine
        )
        geometry = SkyMapGeometry(config)
        held = inside(geometry.tract_vertices(0, geometry.count), points)
        gaps[overlap] = int((~held.any(axis=0)).sum())
    assert gaps[0.25] > 0
    assert gaps[0.6] == 0
