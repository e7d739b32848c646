# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether regions on the sky are the same but for rounding."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from lsst.sphgeom import Region  # type: ignore[import-untyped]  # it has no stubs
    from numpy.typing import NDArray

TOLERANCE_ARCSEC = 1e-4
"""How far apart the outlines of the same region can be.

Different programs, and different builds of one, put vertices up to 1e-6 arcsec apart; a pointing that was
changed on purpose moves them by a thousandth of an arcsecond at the very least.
"""

_POLYGON = ord("p")
"""The first byte of an encoded ``ConvexPolygon``; 24 bytes for each vertex follow (source: sphgeom)."""


def same_region(a: Region | None, b: Region | None, tolerance_arcsec: float = TOLERANCE_ARCSEC) -> bool:
    """Tell whether two regions are the same but for rounding.

    Parameters
    ----------
    a, b : `lsst.sphgeom.Region` or `None`
        The regions; `None` is only the same as `None`.
    tolerance_arcsec : `float`, optional
        How far apart the outlines of the same polygon can be.

    Returns
    -------
    same : `bool`
        See `same_regions`.
    """
    return same_regions([a], [b], tolerance_arcsec)[0]


def same_regions(
    some: Sequence[Region | None],
    others: Sequence[Region | None],
    tolerance_arcsec: float = TOLERANCE_ARCSEC,
) -> list[bool]:
    """Tell, pair by pair, whether regions are the same but for rounding.

    Convex polygons are the same if every vertex of each is within the tolerance of the outline of the other:
    where they start doesn't matter, nor do vertices that hardly stand out. Other kinds of regions have to be
    the same in all digits.

    Parameters
    ----------
    some, others : `~collections.abc.Sequence` [ `lsst.sphgeom.Region` or `None` ]
        The regions, both of the same length; `None` is only the same as `None`.
    tolerance_arcsec : `float`, optional
        How far apart the outlines of the same polygon can be; much less than a polygon's size.

    Returns
    -------
    same : `list` [ `bool` ]
        One for each pair.
    """
    tolerance = math.radians(tolerance_arcsec / 3600.0)
    same = [False] * len(some)
    alike: defaultdict[int, list[tuple[int, bytes, bytes]]] = defaultdict(list)
    for number, (a, b) in enumerate(zip(some, others, strict=True)):
        if a is None or b is None:
            same[number] = a is b
            continue
        code_a, code_b = a.encode(), b.encode()
        if code_a == code_b:
            same[number] = True
        elif code_a[0] == code_b[0] == _POLYGON:
            if len(code_a) == len(code_b):
                alike[len(code_a)].append((number, code_a, code_b))
            else:
                same[number] = _same_outline(_vertices([code_a])[0], _vertices([code_b])[0], tolerance)
    for pairs in alike.values():
        vertices_a = _vertices([code for _number, code, _other in pairs])
        vertices_b = _vertices([code for _number, _other, code in pairs])
        near = (((vertices_a - vertices_b) ** 2).sum(axis=-1) <= tolerance**2).all(axis=-1)
        for (number, _code, _other), a, b, as_they_are in zip(
            pairs, vertices_a, vertices_b, near.tolist(), strict=True
        ):
            same[number] = as_they_are or _same_outline(a, b, tolerance)
    return same


def _vertices(codes: list[bytes]) -> NDArray[np.float64]:
    """Give the vertices of encoded polygons with as many of them each, ``(n, k, 3)``."""
    import numpy as np

    code = np.frombuffer(b"".join(codes), np.uint8).reshape(len(codes), -1)
    return np.ascontiguousarray(code[:, 1:]).view("<f8").reshape(len(codes), -1, 3)


def _same_outline(a: NDArray[np.float64], b: NDArray[np.float64], tolerance: float) -> bool:
    """Tell whether each vertex of two polygons (unit vectors) is at most so far from the other's outline.

    Both being convex, each is then within the other but for the tolerance. Distances are those in the
    gnomonic plane at the middle of the first, where edges are straight; farther out they come out larger.
    """
    import numpy as np

    centre = a.mean(axis=0)
    centre /= np.linalg.norm(centre)
    # Any two directions across the centre will do.
    across = np.cross(centre, np.eye(3)[np.argmin(np.abs(centre))])
    across /= np.linalg.norm(across)
    plane = np.stack([across, np.cross(centre, across)], axis=-1)
    ahead_a, ahead_b = a @ centre, b @ centre
    if min(ahead_a.min(), ahead_b.min()) <= 0:
        return False
    flat_a, flat_b = a @ plane / ahead_a[:, np.newaxis], b @ plane / ahead_b[:, np.newaxis]
    return bool(
        _farthest_from_outline(flat_a, flat_b) <= tolerance
        and _farthest_from_outline(flat_b, flat_a) <= tolerance
    )


def _farthest_from_outline(points: NDArray[np.float64], corners: NDArray[np.float64]) -> float:
    """Give the distance of the farthest point from the edges of a polygon in the plane."""
    import numpy as np

    edges = np.roll(corners, -1, axis=0) - corners
    offsets = points[:, np.newaxis] - corners
    lengths = np.maximum((edges**2).sum(axis=-1), np.finfo(np.float64).tiny)
    along = np.clip((offsets * edges).sum(axis=-1) / lengths, 0.0, 1.0)
    gaps = offsets - along[..., np.newaxis] * edges
    return float(np.sqrt((gaps**2).sum(axis=-1).min(axis=1)).max())
