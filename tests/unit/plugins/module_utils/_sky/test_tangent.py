# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formulas of projections agree with wcslib's, as astropy has it, at the poles too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._sky import tangent
from astropy.wcs import WCS
from hypothesis import example, given
from hypothesis import strategies as st

NEAR = math.radians(1e-7 / 3600)

codes = st.sampled_from(tangent.PROJECTIONS)
declinations = st.floats(-90, 90)


def unit(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    cos = np.cos(np.radians(lat))
    return np.stack(
        [cos * np.cos(np.radians(lon)), cos * np.sin(np.radians(lon)), np.sin(np.radians(lat))], axis=-1
    )


@given(codes, st.floats(0, 360, exclude_max=True), declinations, st.floats(1e-5, 30))
@example("TAN", 0.0, 90.0, 5.0)
@example("STG", 123.0, 90.0, 5.0)
@example("TAN", 77.0, -90.0, 5.0)
@example("STG", 0.0, -90.0, 5.0)
@example("TAN", 359.9999, 89.99999, 5.0)
@example("STG", 0.0001, -89.99999, 5.0)
def test_the_plane_is_where_fits_has_it(code: str, ra: float, dec: float, width: float) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{code}", f"DEC--{code}"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [1, 1]
    wcs.wcs.cdelt = [1, 1]
    steps = np.linspace(-width, width, 5)
    plane = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    theirs = unit(*wcs.all_pix2world(plane[:, 0], plane[:, 1], 0))
    [frame] = tangent.frames(np.radians([ra]), np.radians([dec]))
    ours = tangent.directions(code, np.radians(plane)) @ frame
    assert np.linalg.norm(ours, axis=-1) == pytest.approx(1, abs=1e-15)
    assert np.linalg.norm(ours - theirs, axis=-1).max() < NEAR


@given(codes, st.floats(1e-9, 89))
def test_distances_in_the_plane_are_those_of_directions(code: str, degrees: float) -> None:
    angle = math.radians(degrees)
    distance = tangent.radial(code, angle)
    assert tangent.angular(code, distance) == pytest.approx(angle, rel=1e-12)
    [east] = tangent.directions(code, np.array([[distance, 0.0]]))
    assert east == pytest.approx([math.sin(angle), 0, math.cos(angle)], rel=1e-12, abs=1e-16)


@given(st.floats(0, 360), declinations)
def test_frames_are_right_handed(ra: float, dec: float) -> None:
    [frame] = tangent.frames(np.radians([ra]), np.radians([dec]))
    assert frame @ frame.T == pytest.approx(np.eye(3), abs=1e-15)
    assert np.linalg.det(frame) == pytest.approx(1, abs=1e-15)
    assert frame[2] == pytest.approx(unit(np.array(ra), np.array(dec)), abs=1e-15)


def test_only_the_north_pole_itself_is_turned() -> None:
    just_below = np.nextafter(np.pi / 2, 0)
    at, near, south = tangent.frames(np.zeros(3), np.array([np.pi / 2, just_below, -np.pi / 2]))
    assert at == pytest.approx(near * [[-1], [-1], [1]], abs=1e-15)
    assert south[0] == pytest.approx(near[0], abs=1e-15)
