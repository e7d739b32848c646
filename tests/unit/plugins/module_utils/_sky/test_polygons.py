# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygons made in bulk are those that sphgeom makes one by one."""

from __future__ import annotations

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky import polygons as sky_polygons
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import inside_out, polygons
from ansible_collections.rubin.butler.plugins.module_utils._sky.tangent import directions, frames
from hypothesis import given
from hypothesis import strategies as st
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d
from numpy.typing import NDArray


def box(lon: float, lat: float, width: float, height: float, corners: int = 4) -> NDArray[np.float64]:
    """Give points around a place, counter-clockwise, in degrees."""
    turns = 2 * np.pi * (np.arange(corners) + 0.5) / corners
    plane = np.radians(np.stack([width * np.cos(turns), height * np.sin(turns)], axis=-1))
    [frame] = frames(np.radians([lon]), np.radians([lat]))
    return directions("TAN", plane) @ frame


@given(
    st.lists(
        st.tuples(st.floats(0, 360), st.floats(-90, 90), st.floats(1e-6, 5), st.floats(1e-6, 5)),
        max_size=20,
    ),
    st.integers(3, 6),
)
def test_polygons_are_the_hulls_of_their_vertices(
    places: list[tuple[float, float, float, float]], corners: int
) -> None:
    vertices = np.array([box(*place, corners) for place in places]).reshape(len(places), corners, 3)
    made = polygons(vertices)
    assert len(made) == len(places)
    for ours, given_vertices in zip(made, vertices, strict=True):
        assert [list(vertex) for vertex in ours.getVertices()] == given_vertices.tolist()
        hull = ConvexPolygon([UnitVector3d(*vertex) for vertex in given_vertices.tolist()])
        theirs = np.array([list(vertex) for vertex in hull.getVertices()])
        assert theirs.shape == given_vertices.shape
        away = [np.abs(np.roll(theirs, step, axis=0) - given_vertices).max() for step in range(corners)]
        assert min(away) < 1e-15
        assert ours.contains(UnitVector3d(*given_vertices.mean(axis=0).tolist()))


def test_vertices_need_not_lie_side_by_side_in_memory() -> None:
    wide = np.stack([box(10.0, 20.0, 1.0, 1.0), box(30.0, 40.0, 1.0, 1.0)] * 2)
    ours = polygons(wide[::2])
    assert ours == [polygons(wide[:1])[0]] * 2
    assert polygons(np.asfortranarray(wide)) == polygons(wide)
    assert polygons(wide.astype(">f8")) == polygons(wide)
    assert ours[0].contains(UnitVector3d(LonLat.fromDegrees(10.0, 20.0)))


def test_many_are_made_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    vertices = np.stack([box(lon, 20.0, 0.4, 1.0) for lon in range(7)])
    whole = polygons(vertices)
    monkeypatch.setattr(sky_polygons, "_CHUNK", 3)
    assert polygons(vertices) == whole
    assert polygons(vertices[:0]) == []


def wrong() -> dict[str, NDArray[np.float64]]:
    good = box(10.0, 20.0, 1.0, 1.0)
    dented = good.copy()
    dented[2] = good.mean(axis=0) / np.linalg.norm(good.mean(axis=0))
    dented[2] += 0.2 * (good[0] - dented[2])
    nowhere = good.copy()
    nowhere[1, 2] = np.nan
    return {
        "clockwise": good[::-1],
        "bow tie": good[[0, 2, 1, 3]],
        "dented": dented,
        "one point": good[[0, 0, 0, 0]],
        "a line": good[[0, 1, 0, 1]],
        "no number": nowhere,
        "more than a hemisphere": box(10.0, 20.0, 1.0, 1.0) * -1,
    }


@pytest.mark.parametrize("what", wrong())
def test_what_is_no_convex_polygon_is_refused(what: str) -> None:
    good = box(10.0, 20.0, 1.0, 1.0)
    several = np.stack([good, good, wrong()[what], good])
    assert inside_out(several).tolist() == [False, False, True, False]
    with pytest.raises(ButlerError, match="1 of 4 regions") as refused:
        polygons(several)
    assert "counter-clockwise" in refused.value.message
    assert refused.value.hint
