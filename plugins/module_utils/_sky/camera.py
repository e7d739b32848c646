# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the detectors of a pointed camera are on the sky.

Source: the results of ``define-visits`` (obs_base), to which the tests compare. As there, a detector's region
is its padded box of pixels, and a visit's the convex hull of all of them; and for a visit of several
exposures both are those of its first.

The camera's plane is the gnomonic plane at the boresight, in which great circles are straight lines. So which
corners are on the hull, and in which order, doesn't depend on the pointing: hulls are sought once for a
camera, and then only turned to the sky.

At the north pole itself fields are half a turn from what they are beside it (see `frames`), as FITS, AST and
so the official code have it. Within 4 milliarcseconds of a pole, but not at it, AST puts the boresight up to
4 milliarcseconds away; that is not repeated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.tangent import directions, frames

if TYPE_CHECKING:
    import numpy as np
    from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import (
        CameraGeometry,
    )
    from numpy.typing import ArrayLike, NDArray

DEFAULT_PADDING = 250
"""Pixels around each detector: the default of the official ``define-visits``."""

_WIDEST = 1.0
"""Farthest from the boresight that the polynomials of cameras are followed, in the plane: 45 degrees."""

_FLATTEST = 1e-13
"""What a corner of a visit's hull has to stand out by, in radians (2e-8 arcsec): more than rounding."""

_SIDES = ((-1, -1), (1, -1), (1, 1), (-1, 1))
"""The corners of a box, in the order in which the official hull takes them."""


class CameraOnSky:
    """A camera, ready to be pointed.

    Parameters
    ----------
    camera : `CameraGeometry`
        The camera.
    padding : `int`, optional
        How many pixels to add to each detector on each side; negative makes it smaller.

    Attributes
    ----------
    detectors : `tuple` [`int`, ...]
        Ids of the detectors, in the order of `detector_vertices`.

    Raises
    ------
    ButlerError
        The padding turns a detector inside out, or goes beyond what the camera's optics are known for.
    """

    def __init__(self, camera: CameraGeometry, padding: int = DEFAULT_PADDING) -> None:
        import numpy as np

        self.camera = camera
        self.padding = padding
        self.detectors = tuple(detector.id for detector in camera.detectors)
        _check_padding(camera, padding)
        corners = directions("TAN", _in_field(camera, _in_focal_plane(camera, padding)))
        hulls = [_hull(of_detector) for of_detector in corners]
        if any(len(hull) != len(_SIDES) for hull in hulls):
            raise ButlerError(
                f"{padding}: with so much added a detector of {camera.name} isn't convex on the sky",
                option="padding",
                hint=f"The usual padding is {DEFAULT_PADDING} pixels.",
            )
        self._corners = np.take_along_axis(corners, np.array(hulls)[:, :, np.newaxis], axis=1).reshape(-1, 3)
        everything = corners.reshape(-1, 3)
        self._hull = _without_flat(everything[_hull(everything)])

    def detector_vertices(self, ra: ArrayLike, dec: ArrayLike, sky_angle: ArrayLike) -> NDArray[np.float64]:
        """Give the corners of all detectors for some pointings.

        Parameters
        ----------
        ra, dec : array_like, ``(n,)``
            Boresights (``tracking_ra``, ``tracking_dec`` of exposures): ICRS, in degrees.
        sky_angle : array_like, ``(n,)``
            Turns of the camera on the sky (``sky_angle`` of exposures), in degrees.

        Returns
        -------
        vertices : `~numpy.ndarray`, ``(n, detectors, 4, 3)``
            Unit vectors, counter-clockwise as seen from outside the sphere, starting where the official
            polygons do.

        Raises
        ------
        ButlerError
            A pointing is not on the sky.

        Notes
        -----
        18 kB for each pointing of LSSTCam: take some hundreds at once.
        """
        turned = _turned(ra, dec, sky_angle)
        return (self._corners @ turned).reshape(len(turned), len(self.detectors), len(_SIDES), 3)

    def visit_vertices(self, ra: ArrayLike, dec: ArrayLike, sky_angle: ArrayLike) -> NDArray[np.float64]:
        """Give the convex hulls of all detectors for some pointings.

        Parameters
        ----------
        ra, dec, sky_angle : array_like, ``(n,)``
            As for `detector_vertices`.

        Returns
        -------
        vertices : `~numpy.ndarray`, ``(n, k, 3)``
            Unit vectors, counter-clockwise as seen from outside the sphere.

        Raises
        ------
        ButlerError
            A pointing is not on the sky.
        """
        vertices: NDArray[np.float64] = self._hull @ _turned(ra, dec, sky_angle)
        return vertices


def _in_focal_plane(camera: CameraGeometry, padding: int) -> NDArray[np.float64]:
    """Give the corners of all padded detectors in mm, ``(detectors, 4, 2)``."""
    import numpy as np

    sides = np.array(_SIDES)
    found = np.empty((len(camera.detectors), len(_SIDES), 2))
    for corners, detector in zip(found, camera.detectors, strict=True):
        size = np.array(detector.sensor.size)
        # The centre of the first pixel is 0, so its edge -0.5.
        pixels = (size - 1) / 2 + sides * (size / 2 + padding) - detector.sensor.reference
        yaw = np.radians(detector.yaw)
        turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
        corners[:] = detector.position + pixels * camera.pixel_size @ turn
    return found


def _in_field(camera: CameraGeometry, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give where places in the focal plane (mm) look, in the gnomonic plane to the east and to the north.

    That is for a sky angle of 0: then y is to the north, and x to the west.
    """
    import numpy as np

    radius = np.hypot(places[..., 0], places[..., 1])
    scale = np.polynomial.polynomial.polyval(radius, camera.radial[1:])
    return places * scale[..., np.newaxis] * [1.0 if camera.flipped else -1.0, 1.0]


def _turned(ra: ArrayLike, dec: ArrayLike, sky_angle: ArrayLike) -> NDArray[np.float64]:
    """Give the frames of pointings (see `frames`) with the camera's directions for east and north."""
    import numpy as np

    pointings = np.array(np.broadcast_arrays(*np.atleast_1d(ra, dec, sky_angle)), dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(pointings).all(axis=0) & (np.abs(pointings[1]) <= 90)))
    if bad.size:
        first = ", ".join(
            f"{name} {value}"
            for name, value in zip(("ra", "dec", "sky_angle"), pointings[:, bad[0]].tolist(), strict=True)
        )
        raise ButlerError(
            f"{bad.size} of {pointings.shape[1]} pointings are not on the sky; the first is {first}",
            hint="Degrees are expected, and a declination from -90 to 90.",
        )
    longitude, latitude, angle = np.radians(pointings)
    found = frames(longitude, latitude)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found[:, :2] = np.moveaxis(turn, -1, 0) @ found[:, :2]
    return found


def _hull(vectors: NDArray[np.float64]) -> list[int]:
    """Tell which vectors are on the convex hull of all, from where and in the order that sphgeom has them."""
    from lsst.sphgeom import ConvexPolygon, UnitVector3d  # type: ignore[import-untyped]  # it has no stubs

    points = [UnitVector3d(*vector) for vector in vectors.tolist()]
    numbers = {(point.x(), point.y(), point.z()): number for number, point in enumerate(points)}
    vertices = ConvexPolygon.convexHull(points).getVertices()
    return [numbers[vertex.x(), vertex.y(), vertex.z()] for vertex in vertices]


def _without_flat(hull: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out the corners of a hull, in the gnomonic plane, that rounding could turn inside out."""
    import numpy as np

    while True:
        before, after = np.roll(hull, 1, axis=0), np.roll(hull, -1, axis=0)
        across = np.cross(before - hull, after - hull)
        height = np.linalg.norm(across, axis=1) / np.linalg.norm(after - before, axis=1)
        flattest = int(np.argmin(height))
        if height[flattest] > _FLATTEST:
            return hull
        hull = np.delete(hull, flattest, axis=0)


def _check_padding(camera: CameraGeometry, padding: int) -> None:
    """Refuse a padding with which detectors would not be what they are.

    Raises
    ------
    ButlerError
        The padding is too small or too large.
    """
    import numpy as np

    smallest = min(min(detector.sensor.size) for detector in camera.detectors)
    least = -((smallest - 1) // 2)
    # A corner moves away from the centre by at most the diagonal of what is added.
    farthest = np.linalg.norm(_in_focal_plane(camera, 0), axis=-1).max()
    most = int((_reach(camera) - farthest) / (camera.pixel_size * np.sqrt(2)))
    if not least <= padding <= most:
        raise ButlerError(
            f"{padding}: {camera.name} can be padded by {least} to {most} pixels on each side; with less "
            f"nothing is left of a detector (the smallest has {smallest} pixels), with more the optics are "
            "not known",
            option="padding",
            hint=f"The usual padding is {DEFAULT_PADDING} pixels.",
        )


def _reach(camera: CameraGeometry) -> float:
    """Give how far out in the focal plane (mm) a camera's polynomial grows and stays within `_WIDEST`."""
    import numpy as np

    outward = np.polynomial.Polynomial(camera.radial)
    roots = np.concatenate([outward.deriv().roots(), (outward - _WIDEST).roots()])
    return float(min(root.real for root in roots if abs(root.imag) < 1e-9 * abs(root) and root.real > 0))
