# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detectors and visits are where the official ``define-visits`` has them, and wherever a camera points."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.catalogue import (
    BUILT_IN_CAMERAS,
    camera_geometry,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import CameraGeometry
from ansible_collections.rubin.butler.plugins.module_utils._sky.camera import CameraOnSky
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import inside_out, polygons
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.sphgeom import ConvexPolygon, LonLat, Region, UnitVector3d
from numpy.typing import NDArray

from tests.visit_facts import CASES, official_exposures, official_visits, reference_visits

TOLERANCE = math.radians(1e-6 / 3600)
NAMES = [camera.name for camera in BUILT_IN_CAMERAS]
CAMERAS = {camera.name: CameraOnSky(camera) for camera in BUILT_IN_CAMERAS}
FACTS = [facts for facts in (official_visits, reference_visits) if facts("LSSTComCam") is not None]
"""The regions kept here are a part of those of the reference, which not every checkout has beside it."""


def unit_vectors(polygon: ConvexPolygon) -> NDArray[np.float64]:
    """Give the vertices of a polygon."""
    return np.array([(vertex.x(), vertex.y(), vertex.z()) for vertex in polygon.getVertices()])


def farthest(some: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Give the largest distance of a vector from its counterpart."""
    return float(np.linalg.norm(some - others, axis=-1).max())


def area(polygon: ConvexPolygon) -> float:
    """Give the area of a small polygon, in steradians, as the sum of its triangles seen from one vertex."""
    first, *others = unit_vectors(polygon)
    triangles = itertools.pairwise(others)
    return sum(float(np.dot(first, np.cross(b - first, c - first))) / 2 for b, c in triangles)


def contains_but_for_rounding(outer: ConvexPolygon, inner: ConvexPolygon) -> bool:
    """Tell whether no vertex of a polygon is outside the edges of another by more than the tolerance."""
    corners = unit_vectors(outer)
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    normals /= np.linalg.norm(normals, axis=1)[:, np.newaxis]
    return bool((unit_vectors(inner) @ normals.T).min() > -TOLERANCE)


@pytest.mark.parametrize(("name", "grouping"), CASES)
@pytest.mark.parametrize("facts", FACTS)
def test_regions_are_the_official_ones(name: str, grouping: str, facts: Any) -> None:
    official = facts(name, grouping)
    camera = CAMERAS[name]
    exposures = {exposure.id: exposure for exposure in official_exposures(name)}
    pointings = {}
    for visit, exposure in sorted(official["visit_definition"], reverse=True):
        first = exposures[exposure]  # the smallest exposure id comes last
        pointings[visit] = (first.tracking_ra, first.tracking_dec, first.sky_angle)
    assert official["detectors"] == len(camera.detectors)
    corners = dict(
        zip(pointings, camera.detector_vertices(*zip(*pointings.values(), strict=True)), strict=True)
    )
    for visit, detector, code in official["visit_detector_region"]:
        ours = corners[visit][camera.detectors.index(detector)]
        assert farthest(ours, unit_vectors(Region.decode(bytes.fromhex(code)))) < TOLERANCE, (visit, detector)
    assert official["visit_detector_region"]
    for row in official["visit"]:
        theirs = Region.decode(bytes.fromhex(row["region"]))
        [hull] = polygons(camera.visit_vertices(*pointings[row["id"]]))
        assert area(hull) == pytest.approx(area(theirs), rel=1e-9)
        assert contains_but_for_rounding(hull, theirs) and contains_but_for_rounding(theirs, hull)


def slow_corners(
    camera: CameraGeometry, padding: int, ra: float, dec: float, sky_angle: float
) -> list[list[UnitVector3d]]:
    """Project each corner by itself: pixels to mm to the gnomonic plane, and by astropy to the sky."""
    turn = math.radians(sky_angle)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [1, 1]
    wcs.wcs.cd = [[-math.cos(turn), math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    found = []
    for detector in camera.detectors:
        found.append([])
        width, height = detector.sensor.size
        left, right = -0.5 - padding, width - 0.5 + padding
        bottom, top = -0.5 - padding, height - 0.5 + padding
        for x, y in ((left, bottom), (right, bottom), (right, top), (left, top)):
            across = (x - detector.sensor.reference[0]) * camera.pixel_size
            along = (y - detector.sensor.reference[1]) * camera.pixel_size
            place = complex(*detector.position)
            place += complex(across, along) * complex(
                math.cos(math.radians(detector.yaw)), math.sin(math.radians(detector.yaw))
            )
            field = sum(c * abs(place) ** power for power, c in enumerate(camera.radial))
            flat = place / abs(place) * math.degrees(field)
            [[lon, lat]] = wcs.wcs_pix2world([[-flat.real if camera.flipped else flat.real, flat.imag]], 0)
            found[-1].append(UnitVector3d(LonLat.fromDegrees(lon, lat)))
    return found


POINTINGS = st.tuples(
    st.floats(-720, 720) | st.sampled_from([0.0, 1e-9, 180.0, 359.9999, 360.0]),
    st.floats(-90, 90) | st.floats(89, 90) | st.floats(-90, -89) | st.sampled_from([90.0, -90.0, 0.0]),
    st.floats(-360, 360) | st.sampled_from([0.0, 90.0, 180.0, 270.0]),
)


def assert_as_corner_by_corner(name: str, pointing: tuple[float, float, float], padding: int) -> None:
    """Compare a pointed camera with one whose corners and hulls are sought on the sky itself."""
    geometry = camera_geometry(name)
    assert geometry is not None
    camera = CameraOnSky(geometry, padding)
    corners = slow_corners(geometry, padding, *pointing)
    for ours, theirs in zip(camera.detector_vertices(*pointing)[0], corners, strict=True):
        # The same first vertex, too.
        assert farthest(ours, unit_vectors(ConvexPolygon.convexHull(theirs))) < TOLERANCE
    whole = ConvexPolygon.convexHull([corner for of_detector in corners for corner in of_detector])
    [hull] = polygons(camera.visit_vertices(*pointing))
    assert area(hull) == pytest.approx(area(whole), rel=1e-9)
    assert contains_but_for_rounding(hull, whole) and contains_but_for_rounding(whole, hull)


@pytest.mark.parametrize("name", ["LSSTComCam", "DECam"])
@settings(max_examples=25)
@given(pointing=POINTINGS, padding=st.sampled_from([250, 0, -900, 1]) | st.integers(-1000, 3000))
def test_any_pointing_gives_what_corner_by_corner_does(
    name: str, pointing: tuple[float, float, float], padding: int
) -> None:
    assert_as_corner_by_corner(name, pointing, padding)


@pytest.mark.parametrize("name", ["LSSTCam", "LSSTCam-imSim"])
@pytest.mark.parametrize("pointing", [(12.5, 90.0, 33.0), (359.99, -89.7, 271.0), (0.0, 5.0, 0.0)])
def test_the_large_cameras_too(name: str, pointing: tuple[float, float, float]) -> None:
    assert_as_corner_by_corner(name, pointing, 250)


def test_pointings_in_bulk_are_those_one_by_one() -> None:
    camera = CAMERAS["LSSTCam"]
    pointings = np.array([(10.0, -30.0, 5.0), (359.0, 89.0, 200.0), (180.0, 0.0, -90.0)])
    detectors, visits = camera.detector_vertices(*pointings.T), camera.visit_vertices(*pointings.T)
    assert detectors.shape == (3, 205, 4, 3)
    for number, pointing in enumerate(pointings):
        assert farthest(detectors[number], camera.detector_vertices(*pointing)[0]) < 1e-15
        assert farthest(visits[number], camera.visit_vertices(*pointing)[0]) < 1e-15
    assert camera.detector_vertices([], [], []).shape == (0, 205, 4, 3)


@pytest.mark.parametrize("name", NAMES)
def test_the_limits_of_padding_are_told_and_are_right(name: str) -> None:
    geometry = camera_geometry(name)
    assert geometry is not None
    with pytest.raises(ButlerError) as refused:
        CameraOnSky(geometry, -5000)
    assert refused.value.option == "padding"
    words = str(refused.value).split()
    least, most = (int(words[words.index(word) + step]) for word, step in (("by", 1), ("to", 1)))
    smallest = min(min(detector.sensor.size) for detector in geometry.detectors)
    assert (least - 1) * 2 + smallest <= 0 < least * 2 + smallest
    for padding in (least, 0, most):
        camera = CameraOnSky(geometry, padding)
        assert not inside_out(camera.detector_vertices(10.0, 20.0, 30.0)[0]).any()
        assert not inside_out(camera.visit_vertices(10.0, 20.0, 30.0)).any()
    # The corner that is farthest out is where the polynomial grows no more, or is at 45 degrees.
    out = most * geometry.pixel_size * math.sqrt(2) + max(math.hypot(*d.position) for d in geometry.detectors)
    for radius, good in ((out, True), (1.05 * out, False)):
        field = np.polynomial.polynomial.polyval(np.linspace(0, radius, 1000), geometry.radial)
        assert bool((np.diff(field) > 0).all() and field[-1] <= 1) == good
    for padding in (least - 1, most + 1):
        with pytest.raises(ButlerError, match=rf"padding: {padding}: .* {least} to {most} pixels"):
            CameraOnSky(geometry, padding)


@pytest.mark.parametrize(
    ("pointing", "shown"),
    [((10.0, 91.0, 0.0), "dec 91.0"), ((math.nan, 0.0, 0.0), "ra nan"), ((0, 0, math.inf), "sky_angle inf")],
)
def test_what_is_not_on_the_sky_is_refused(pointing: tuple[float, float, float], shown: str) -> None:
    good = (10.0, 20.0, 30.0)
    with pytest.raises(ButlerError, match=rf"1 of 2 pointings.*{shown}"):
        CAMERAS["LSSTComCam"].visit_vertices(*zip(good, pointing, strict=True))
