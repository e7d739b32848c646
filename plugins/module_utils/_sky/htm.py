# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels of the Hierarchical Triangular Mesh for many points at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

CHUNK = 50_000

# Points that rounding may put on the other side of an edge, in radians.
_NEAR_EDGE = 1e-13

# The vertices of the octahedron, and those of each of its faces, which are pixels 8 to 15 of level 0 (source:
# Kunszt, Szalay and Thakar 2001, "The Hierarchical Triangular Mesh").
_VERTICES = ((0, 0, 1), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, -1))
_FACES = ((1, 5, 2), (2, 5, 3), (3, 5, 4), (4, 5, 1), (1, 0, 4), (4, 0, 3), (3, 0, 2), (2, 0, 1))


def htm_indices(
    ra: NDArray[numpy.float64], dec: NDArray[numpy.float64], level: int = 7
) -> NDArray[numpy.int64]:
    """Find the pixel of each point.

    Parameters
    ----------
    ra, dec : `numpy.ndarray` of `float`, (n,)
        Right ascension and declination in degrees, finite, the latter from -90 to 90.
    level : `int`
        How often the faces of the octahedron are divided.

    Returns
    -------
    indices : `numpy.ndarray` of `int`, (n,)
        Those of ``lsst.sphgeom.HtmPixelization(level)``, which takes a hundred times as long, as it takes one
        point at a time. It is asked where rounding could make a difference.
    """
    import numpy

    indices = numpy.empty(len(ra), dtype=numpy.int64)
    for start in range(0, len(ra), CHUNK):
        part = slice(start, start + CHUNK)
        indices[part] = _chunk(numpy.asarray(ra[part], float), numpy.asarray(dec[part], float), level)
    return indices


def _chunk(ra: NDArray[numpy.float64], dec: NDArray[numpy.float64], level: int) -> NDArray[numpy.int64]:
    import numpy

    lon, lat = numpy.radians(ra), numpy.radians(dec)
    points = numpy.stack(
        [numpy.cos(lon) * numpy.cos(lat), numpy.sin(lon) * numpy.cos(lat), numpy.sin(lat)], axis=1
    )
    near = (numpy.abs(points) < _NEAR_EDGE).any(axis=1)
    x, y, north = points[:, 0] >= 0, points[:, 1] >= 0, points[:, 2] >= 0
    # The faces go around the axis by quadrants, in one sense in the south and in the other in the north.
    quadrant = numpy.where(y, numpy.where(x, 0, 1), numpy.where(x, 3, 2))
    face = numpy.where(north, 7 - quadrant, quadrant)
    corners = numpy.array(_VERTICES, dtype=float)[numpy.array(_FACES)[face]]
    v0, v1, v2 = corners[:, 0], corners[:, 1], corners[:, 2]
    indices = face + 8
    for _unused in range(level):
        w0, w1, w2 = _middle(v1, v2), _middle(v0, v2), _middle(v0, v1)
        sides = [_side(points, *edge) for edge in ((w1, w2), (w2, w0), (w0, w1))]
        near |= (numpy.abs(sides) < _NEAR_EDGE).any(axis=0)
        # The first three children are beyond the edges of the fourth, which is in the middle.
        child = numpy.select([side < 0 for side in sides], [0, 1, 2], default=3)[:, None]
        v0, v1, v2 = (
            numpy.choose(child, options) for options in ((v0, v1, v2, w0), (w2, w0, w1, w1), (w1, w2, w0, w2))
        )
        indices = indices * 4 + child[:, 0]
    for row in numpy.flatnonzero(near):
        indices[row] = _exact(float(ra[row]), float(dec[row]), level)
    return indices


def _middle(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    import numpy

    total = first + second
    middle: NDArray[Any] = total / numpy.linalg.norm(total, axis=1, keepdims=True)
    return middle


def _side(points: NDArray[Any], first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Tell on which side of great circles points are; positive is inside."""
    import numpy

    sides: NDArray[Any] = numpy.einsum("ij,ij->i", points, numpy.cross(first, second))
    return sides


def _exact(ra: float, dec: float, level: int) -> int:
    from lsst.sphgeom import (  # type: ignore[import-untyped]  # it has no stubs
        HtmPixelization,
        LonLat,
        UnitVector3d,
    )

    return int(HtmPixelization(level).index(UnitVector3d(LonLat.fromDegrees(ra, dec))))
