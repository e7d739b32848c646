# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the sky and the plane that a tract's pixels lie in.

The formulas are those of Calabretta & Greisen 2002 (A&A 395, 1077), sections 5.1.3 (``TAN``) and 5.1.4
(``STG``), written with vectors instead of angles: so nothing is lost at the poles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROJECTIONS = ("TAN", "STG")
"""Codes of the FITS projections that are built in: gnomonic and stereographic."""


def radial(projection: str, angle: float) -> float:
    """Give how far from a tract's centre a point lies in the plane.

    Parameters
    ----------
    projection : `str`
        One of `PROJECTIONS`.
    angle : `float`
        How far from the centre it lies on the sky, in radians: less than a right angle.

    Returns
    -------
    distance : `float`
        In radians at the scale of the centre.
    """
    import math

    return math.tan(angle) if projection == "TAN" else 2 * math.tan(angle / 2)


def angular(projection: str, distance: float) -> float:
    """Give how far from a tract's centre a point of the plane lies on the sky: undo `radial`.

    Parameters
    ----------
    projection : `str`
        One of `PROJECTIONS`.
    distance : `float`
        In radians at the scale of the centre.

    Returns
    -------
    angle : `float`
        In radians.
    """
    import math

    return math.atan(distance) if projection == "TAN" else 2 * math.atan(distance / 2)


def directions(projection: str, plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give where points of the plane lie, seen from the centre of the sphere.

    Parameters
    ----------
    projection : `str`
        One of `PROJECTIONS`.
    plane : `~numpy.ndarray`, ``(..., 2)``
        Positions to the east and to the north, in radians at the scale of the centre.

    Returns
    -------
    directions : `~numpy.ndarray`, ``(..., 3)``
        Unit vectors with components to the east, to the north, and to the centre of the tract.
    """
    import numpy as np

    square = (plane * plane).sum(axis=-1)
    found = np.empty((*plane.shape[:-1], 3))
    if projection == "TAN":
        toward = 1 / np.sqrt(1 + square)
        found[..., 2] = toward
    else:
        toward = 1 / (1 + square / 4)
        found[..., 2] = (1 - square / 4) * toward
    found[..., :2] = plane * toward[..., np.newaxis]
    return found


def frames(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the directions of east, north and the centre at the centres of tracts.

    At the north pole itself both others point the other way round: there FITS takes 0 degrees for ``LONPOLE``
    instead of 180 (Calabretta & Greisen 2002, equation 8), and so do the official tracts.

    Parameters
    ----------
    ra, dec : `~numpy.ndarray`, ``(n,)``
        The centres, in radians.

    Returns
    -------
    frames : `~numpy.ndarray`, ``(n, 3, 3)``
        For each tract three unit vectors, in rows: multiply `directions` with it from the left.
    """
    import numpy as np

    sin_ra, cos_ra = np.sin(ra), np.cos(ra)
    sin_dec, cos_dec = np.sin(dec), np.cos(dec)
    turned = np.where(dec >= np.pi / 2, -1.0, 1.0)
    nothing = np.zeros_like(ra)
    east = (-sin_ra * turned, cos_ra * turned, nothing)
    north = (-sin_dec * cos_ra * turned, -sin_dec * sin_ra * turned, cos_dec * turned)
    centre = (cos_dec * cos_ra, cos_dec * sin_ra, sin_dec)
    rows = [np.stack(vector, axis=-1) for vector in (east, north, centre)]
    return np.stack(rows, axis=-2)
