# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is needed of a camera to tell where its detectors look, as typed data.

Source: ``lsst.afw.cameraGeom``, whose cameras the tests compare with.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SensorModel:
    """What detectors of one make have in common.

    Attributes
    ----------
    size : `tuple` [`int`, `int`]
        Size of the imaging area in x and y, in pixels.
    reference : `tuple` [`float`, `float`]
        The point that its position is about, in pixels; the centre of the first pixel is (0, 0).
    """

    size: tuple[int, int]
    reference: tuple[float, float]


@dataclass(frozen=True, slots=True)
class DetectorGeometry:
    """One detector, lying flat in the focal plane.

    The heights of LSSTCam's wavefront sensors are left out: the official projection ignores them too.

    Attributes
    ----------
    id : `int`
        The number that data IDs use.
    sensor : `SensorModel`
        Size and reference point.
    position : `tuple` [`float`, `float`]
        Where the reference point is in the focal plane, in mm.
    yaw : `float`, optional
        Turn from the axes of the focal plane to those of the detector, counter-clockwise, in degrees.
    """

    id: int
    sensor: SensorModel
    position: tuple[float, float]
    yaw: float = 0.0


@dataclass(frozen=True, slots=True)
class CameraGeometry:
    """A camera's detectors, and what the optics make of the focal plane.

    Attributes
    ----------
    name : `str`
        Name of the instrument (``LSSTComCam``).
    detectors : `tuple` [`DetectorGeometry`, ...]
        The detectors, by increasing id.
    pixel_size : `float`
        Side of a pixel, in mm.
    radial : `tuple` [`float`, ...]
        Coefficients of the polynomial from the distance to the centre of the focal plane in mm to that to
        the boresight in the gnomonic plane in radians, by power; the first is 0.
    flipped : `bool`, optional
        Whether x changes its sign between the two planes.
    """

    name: str
    detectors: tuple[DetectorGeometry, ...]
    pixel_size: float
    radial: tuple[float, ...]
    flipped: bool = False
