# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The focal planes of the LSST cameras, by rule.

Source: obs_lsst (``policy``: ``lsstCam``, ``comCam``, ``imsim`` and ``cameraTransforms.yaml``), compared with
the cameras that it makes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import (
    CameraGeometry,
    DetectorGeometry,
    SensorModel,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    DetectorDefinition,
    InstrumentDefinition,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.lsst_cameras import (
    CORNER_RAFTS,
    LSSTCAM,
    LSSTCAM_IMSIM,
    LSSTCOMCAM,
)

PIXEL_SIZE = 0.01
"""Side of a pixel, in mm."""

RAFT_PITCH = 127.0
"""From a raft of LSSTCam to the next, in mm."""

SENSOR_PITCH = 42.25
"""From a sensor of a raft to the next, in mm."""

ITL = SensorModel(size=(4072, 4000), reference=(2036.5, 2000.5))
E2V = SensorModel(size=(4096, 4004), reference=(2047.5, 2001.5))
WAVEFRONT = SensorModel(size=(4072, 2000), reference=(2036.5, 1000.5))

ITL_RAFTS = ("R01", "R02", "R03", "R10", "R20", "R41", "R42", "R43")
"""The science rafts of LSSTCam whose sensors are of ITL; all others are of e2v."""

# The sensors of R44, from the camera's centre in mm, and their yaw in degrees. The other corner rafts are
# the same one turned, by what is given here.
_CORNER = {
    "SG0": (212.24, 258.74, 270.0),
    "SG1": (258.74, 212.24, 0.0),
    "SW0": (214.25, 202.625, 0.0),
    "SW1": (214.25, 225.875, 180.0),
}
_CORNER_TURNS = {"R44": 0, "R40": 1, "R00": 2, "R04": 3}

# imSim has the grid a little turned: centres of the rafts, and of the sensors in each, in mm.
_IMSIM_RAFTS = {
    "R01": (-127.6, -253.8),
    "R02": (-0.5, -254.1),
    "R03": (126.6, -254.4),
    "R10": (-254.4, -126.6),
    "R11": (-127.3, -126.8),
    "R12": (-0.2, -127.0),
    "R13": (126.8, -127.4),
    "R14": (253.9, -127.6),
    "R20": (-254.1, 0.6),
    "R21": (-127.1, 0.2),
    "R22": (0.0, 0.0),
    "R23": (127.1, -0.3),
    "R24": (254.2, -0.5),
    "R30": (-253.9, 127.6),
    "R31": (-126.8, 127.4),
    "R32": (0.3, 127.1),
    "R33": (127.4, 126.8),
    "R34": (254.4, 126.5),
    "R41": (-126.5, 254.5),
    "R42": (0.6, 254.1),
    "R43": (127.6, 253.9),
}
_IMSIM_SENSORS = {
    "S00": (-42.37, -42.19),
    "S01": (-0.09, -42.32),
    "S02": (42.18, -42.37),
    "S10": (-42.32, 0.08),
    "S11": (0.0, 0.0),
    "S12": (42.28, -0.1),
    "S20": (-42.19, 42.36),
    "S21": (0.1, 42.28),
    "S22": (42.36, 42.2),
}


def _on_grid(raft: str, sensor: str) -> tuple[float, float]:
    """Centre of a science sensor; rows count upwards in y, columns in x, of rafts and of sensors."""
    x = (int(raft[2]) - 2) * RAFT_PITCH + (int(sensor[2]) - 1) * SENSOR_PITCH
    y = (int(raft[1]) - 2) * RAFT_PITCH + (int(sensor[1]) - 1) * SENSOR_PITCH
    return x, y


def _science(number: int, raft: str, sensor: str) -> DetectorGeometry:
    """Place a science sensor of LSSTCam."""
    return DetectorGeometry(number, ITL if raft in ITL_RAFTS else E2V, _on_grid(raft, sensor))


def _corner(number: int, raft: str, sensor: str) -> DetectorGeometry:
    """Place a guider or wavefront sensor of LSSTCam."""
    x, y, yaw = _CORNER[sensor]
    turns = _CORNER_TURNS[raft]
    for _quarter in range(turns):
        x, y = -y, x
    model = WAVEFRONT if sensor.startswith("SW") else ITL
    return DetectorGeometry(number, model, (x, y), yaw + 90.0 * turns)


def _lsstcam(number: int, raft: str, sensor: str) -> DetectorGeometry:
    """Place any sensor of LSSTCam."""
    return (_corner if raft in CORNER_RAFTS else _science)(number, raft, sensor)


def _comcam(number: int, raft: str, sensor: str) -> DetectorGeometry:
    """Place a sensor of LSSTComCam; all are of ITL."""
    return DetectorGeometry(number, ITL, _on_grid(raft, sensor))


def _imsim(number: int, raft: str, sensor: str) -> DetectorGeometry:
    """Place a sensor as imSim does; all are of ITL."""
    (raft_x, raft_y), (x, y) = _IMSIM_RAFTS[raft], _IMSIM_SENSORS[sensor]
    return DetectorGeometry(number, ITL, (raft_x + x, raft_y + y))


def _camera(
    instrument: InstrumentDefinition,
    placed: Callable[[int, str, str], DetectorGeometry],
    plate_scale: float,
    distortion: tuple[float, ...],
) -> CameraGeometry:
    """Put the detectors of an instrument into its focal plane.

    The plate scale is in arcseconds per mm; the distortion is relative to it.
    """

    def place(detector: DetectorDefinition) -> DetectorGeometry:
        return placed(detector.id, str(detector.raft), str(detector.name_in_raft))

    scale = math.radians(plate_scale / 3600.0)
    return CameraGeometry(
        name=instrument.name,
        detectors=tuple(sorted(map(place, instrument.detectors), key=lambda detector: detector.id)),
        pixel_size=PIXEL_SIZE,
        radial=tuple(scale * coefficient for coefficient in distortion),
    )


_LSST_PLATE_SCALE = 20.005867576692737
_LSST_DISTORTION = (0.0, 1.0, 0.0, -8.33713991e-09, 0.0, -1.41389858e-15)

LSSTCAM_GEOMETRY = _camera(LSSTCAM, _lsstcam, _LSST_PLATE_SCALE, _LSST_DISTORTION)
"""21 science rafts and four corner rafts."""

LSSTCAM_IMSIM_GEOMETRY = _camera(LSSTCAM_IMSIM, _imsim, _LSST_PLATE_SCALE, _LSST_DISTORTION)
"""21 science rafts on a grid that is a little turned."""

LSSTCOMCAM_GEOMETRY = _camera(
    LSSTCOMCAM, _comcam, 20.018130891688713, (0.0, 1.0, 0.0, 9.2793028e-08, 0.0, 2.41770368e-13)
)
"""One raft in the centre."""
