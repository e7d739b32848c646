# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many polygons on the sky at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    import numpy as np
    from lsst.sphgeom import ConvexPolygon  # type: ignore[import-untyped]  # it has no stubs
    from numpy.typing import NDArray

_CHUNK = 20_000
"""Polygons made from one buffer, so that the bytes of a million never stand beside the polygons."""


def inside_out(vertices: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which polygons are not convex with vertices counter-clockwise as seen from outside the sphere.

    A polygon is that if all vertices that follow one another, three at a time, turn to the left: what
    ``sphgeom`` wants of a polygon that it takes as it is.

    Parameters
    ----------
    vertices : `~numpy.ndarray`, ``(n, k, 3)``
        Unit vectors; at least three for each polygon.

    Returns
    -------
    bad : `~numpy.ndarray`, ``(n,)``
        Also true where a number is not finite.
    """
    import numpy as np

    # Differences of neighbours keep their digits however small a polygon is.
    ahead = np.roll(vertices, -1, axis=1) - vertices
    behind = np.roll(ahead, 1, axis=1)
    turns = (
        vertices[..., 0] * (behind[..., 1] * ahead[..., 2] - behind[..., 2] * ahead[..., 1])
        + vertices[..., 1] * (behind[..., 2] * ahead[..., 0] - behind[..., 0] * ahead[..., 2])
        + vertices[..., 2] * (behind[..., 0] * ahead[..., 1] - behind[..., 1] * ahead[..., 0])
    )
    bad: NDArray[np.bool_] = np.any(~(turns > 0), axis=1)
    return bad


def polygons(vertices: NDArray[np.float64]) -> list[ConvexPolygon]:
    """Make polygons of their vertices, and don't look for their convex hulls.

    They are written as ``ConvexPolygon.encode`` of ``lsst.sphgeom`` does (the letter ``p`` and the components
    of the vertices, little-endian) and read again: several times faster than a vector object for each vertex.

    Parameters
    ----------
    vertices : `~numpy.ndarray`, ``(n, k, 3)``
        Unit vectors, counter-clockwise as seen from outside the sphere; at least three for each polygon.

    Returns
    -------
    polygons : `list` [ `lsst.sphgeom.ConvexPolygon` ]
        One for each, with the vertices in the order given.

    Raises
    ------
    ButlerError
        A polygon is not convex, or its vertices are clockwise.
    """
    import numpy as np
    from lsst.sphgeom import ConvexPolygon

    count, corners, _unused = vertices.shape
    size = 1 + 24 * corners
    found: list[ConvexPolygon] = []
    for start in range(0, count, _CHUNK):
        some = vertices[start : start + _CHUNK]
        bad = np.flatnonzero(inside_out(some))
        if bad.size:
            raise ButlerError(
                f"{bad.size} of {len(some)} regions on the sky are not convex polygons with vertices "
                f"counter-clockwise; the first has the vertices {some[bad[0]].tolist()}",
                hint="Regions have to be smaller than a hemisphere and larger than nothing.",
            )
        encoded = np.empty((len(some), size), np.uint8)
        encoded[:, 0] = ord("p")
        encoded[:, 1:] = np.ascontiguousarray(some, "<f8").reshape(len(some), 3 * corners).view(np.uint8)
        found += map(ConvexPolygon.decode, encoded.view(f"V{size}").ravel().tolist())
    return found
