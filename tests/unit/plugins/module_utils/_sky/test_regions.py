# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions are the same for what rounding does to them, and differ for what a pointing does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.catalogue import (
    BUILT_IN_CAMERAS,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.camera import CameraOnSky
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import polygons
from ansible_collections.rubin.butler.plugins.module_utils._sky.regions import same_region, same_regions
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.sphgeom import Angle, Circle, ConvexPolygon, Region, UnitVector3d
from numpy.typing import NDArray

from tests.visit_facts import CAMERAS as NAMES
from tests.visit_facts import official_exposures, official_visits

CAMERAS = {camera.name: CameraOnSky(camera) for camera in BUILT_IN_CAMERAS}
MILLIARCSECOND = 1 / 3.6e6  # in degrees
POINTINGS = st.tuples(st.floats(0, 360), st.floats(-90, 89.9), st.floats(0, 360))

Vertices = NDArray[np.float64]


def polygon(vertices: Vertices) -> ConvexPolygon:
    """Make a polygon as it is given, convex or not."""
    return ConvexPolygon.decode(b"p" + vertices.astype("<f8").tobytes())


def shaken(vertices: Vertices, by: float) -> Vertices:
    """Move vertices, each elsewhere, by so many radians at most."""
    moves = np.random.default_rng(1).uniform(-1, 1, vertices.shape) * by / 2
    moved: Vertices = vertices + moves
    return moved / np.linalg.norm(moved, axis=-1)[..., np.newaxis]


def with_middles(vertices: Vertices) -> Vertices:
    """Add a vertex in the middle of each edge."""
    middles = vertices + np.roll(vertices, -1, axis=-2)
    middles /= np.linalg.norm(middles, axis=-1)[..., np.newaxis]
    return np.stack([vertices, middles], axis=-2).reshape(-1, 3)


@pytest.mark.parametrize("name", NAMES)
def test_official_regions_are_the_same_as_ours(name: str) -> None:
    exposures = {exposure.id: exposure for exposure in official_exposures(name)}
    official = official_visits(name)
    first = dict(sorted(official["visit_definition"], reverse=True))
    theirs = [Region.decode(bytes.fromhex(row["region"])) for row in official["visit"]]
    pointings = [exposures[first[row["id"]]] for row in official["visit"]]
    ra, dec, sky_angle = np.transpose(
        [(one.tracking_ra, one.tracking_dec, one.sky_angle) for one in pointings]
    )
    ours = polygons(CAMERAS[name].visit_vertices(ra, dec, sky_angle))
    assert same_regions(ours, theirs) == [True] * len(theirs)
    moved = polygons(CAMERAS[name].visit_vertices(ra, dec + MILLIARCSECOND, sky_angle))
    assert same_regions(moved, theirs) == [False] * len(theirs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "changed",
    [
        lambda vertices: shaken(vertices, 5e-12),
        lambda vertices: np.roll(vertices, 1, axis=0),
        lambda vertices: shaken(np.roll(vertices, -2, axis=0), 5e-12),
        with_middles,
        lambda vertices: shaken(with_middles(vertices), 5e-12),
        lambda vertices: np.repeat(vertices, 2, axis=0),
    ],
    ids=["rounding", "shift", "shift and rounding", "middles", "middles and rounding", "twice"],
)
@settings(max_examples=5)
@given(pointing=POINTINGS)
def test_the_same_outline_is_the_same_region(
    name: str, changed: Callable[[Vertices], Vertices], pointing: tuple[float, float, float]
) -> None:
    for vertices in (
        CAMERAS[name].visit_vertices(*pointing)[0],
        CAMERAS[name].detector_vertices(*pointing)[0, 0],
    ):
        assert same_region(polygon(vertices), polygon(changed(vertices)))
        assert same_region(polygon(changed(vertices)), polygon(vertices))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("move", [(0, -1, 0), (0, 1, 0), (0, 0, 300), (0, 0, 180 / MILLIARCSECOND)])
@settings(max_examples=5)
@given(pointing=POINTINGS)
def test_a_moved_camera_has_another_region(
    name: str, move: tuple[float, float, float], pointing: tuple[float, float, float]
) -> None:
    moved = np.add(pointing, np.multiply(move, MILLIARCSECOND))
    if abs(moved[1]) > 90:  # not beyond a pole, but away from it
        moved[1] = pointing[1] - move[1] * MILLIARCSECOND
    camera = CAMERAS[name]
    one, other = camera.visit_vertices(*np.transpose([pointing, moved]))
    assert not same_region(polygon(one), polygon(other))
    assert not same_region(polygon(one), polygon(with_middles(other)))
    ours, theirs = (
        list(map(polygon, of)) for of in camera.detector_vertices(*np.transpose([pointing, moved]))
    )
    # The detector in the centre doesn't move as much when the camera turns.
    assert same_regions(ours, theirs).count(True) <= (1 if move[2] else 0)


def test_a_missing_or_an_added_corner_makes_another_region() -> None:
    camera = CAMERAS["LSSTCam"]
    [hull] = camera.visit_vertices(10.0, -20.0, 30.0)
    for number in range(len(hull)):
        part = np.delete(hull, number, axis=0)
        assert not same_region(polygon(hull), polygon(part)), number
        assert not same_region(polygon(part), polygon(hull)), number
    wider = CameraOnSky(camera.camera, camera.padding + 1)
    assert not same_region(polygon(hull), polygon(wider.visit_vertices(10.0, -20.0, 30.0)[0]))


def test_a_part_or_the_other_side_of_the_sky_is_another_region() -> None:
    camera = CAMERAS["LSSTComCam"]
    [hull], [[detector, *_unused]] = camera.visit_vertices(10, 20, 30), camera.detector_vertices(10, 20, 30)
    assert not same_region(polygon(hull), polygon(detector))
    assert not same_region(polygon(detector), polygon(hull))
    assert not same_region(polygon(hull), polygon(-hull[::-1]))


def test_no_region_and_other_kinds_of_regions() -> None:
    [hull] = polygons(CAMERAS["LSSTComCam"].visit_vertices(10, 20, 30))
    circle = Circle(UnitVector3d(1, 0, 0), Angle.fromDegrees(1))
    again = Circle(UnitVector3d(1, 0, 0), Angle.fromDegrees(1))
    pairs = [
        (None, None, True),
        (hull, None, False),
        (None, hull, False),
        (circle, again, True),
        (circle, hull, False),
        (hull, circle, False),
        (circle, Circle(UnitVector3d(1, 0, 0), Angle.fromDegrees(1.1)), False),
        (hull, hull, True),
    ]
    some, others, expected = zip(*pairs, strict=True)
    assert same_regions(some, others) == list(expected)
    assert [same_region(a, b) for a, b, _same in pairs] == list(expected)
    assert same_regions([], []) == []


def test_the_tolerance_is_the_callers() -> None:
    [vertices] = CAMERAS["DECam"].visit_vertices(10, 20, 30)
    moved = shaken(vertices, np.radians(0.01 / 3600))
    for shift in (0, 3):
        pair = polygon(vertices), polygon(np.roll(moved, shift, axis=0))
        assert same_region(*pair, tolerance_arcsec=0.02)
        assert not same_region(*pair, tolerance_arcsec=0.001)
