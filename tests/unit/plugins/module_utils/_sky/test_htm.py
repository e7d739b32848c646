# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of many points are those that sphgeom gives for each."""

from __future__ import annotations

import numpy
from ansible_collections.rubin.butler.plugins.module_utils._sky.htm import htm_indices
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.sphgeom import HtmPixelization, LonLat, UnitVector3d  # type: ignore[import-untyped]

# Edges and corners of pixels too: those of the coarse ones are at such angles.
RA = st.one_of(st.floats(-360, 720), st.integers(-16, 32).map(lambda n: n * 22.5))
DEC = st.one_of(st.floats(-90, 90), st.integers(-4, 4).map(lambda n: n * 22.5))


@settings(max_examples=40)
@given(st.lists(st.tuples(RA, DEC), max_size=12), st.integers(0, 9))
def test_points_are_in_the_pixels_of_sphgeom(points: list[tuple[float, float]], level: int) -> None:
    pixels = HtmPixelization(level)
    expected = [pixels.index(UnitVector3d(LonLat.fromDegrees(*point))) for point in points]
    ra, dec = (numpy.array([point[axis] for point in points], dtype=float) for axis in (0, 1))
    assert htm_indices(ra, dec, level).tolist() == expected
