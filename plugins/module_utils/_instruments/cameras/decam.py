# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DECam's focal plane.

Source: obs_decam (``decam/camGeom/camera.py``), compared with the camera that it makes.
"""

from __future__ import annotations

from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import (
    CameraGeometry,
    DetectorGeometry,
    SensorModel,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.decam import DECAM

CCD = SensorModel(size=(2048, 4096), reference=(1023.5, 2047.5))
"""All CCDs are alike."""

PIXEL_SIZE = 0.015
"""Side of a pixel, in mm."""

# By number, from S29 to N31: x and y of the centre in micrometres, yaw in thousandths of a degree.
_PLACES = (
    (-185592, -63748, -10),
    (-185542, -24, -105),
    (-185618, 63776, 0),
    (-151832, -95611, -4),
    (-151870, -31869, 25),
    (-151904, 31901, -25),
    (-151852, 95595, 4),
    (-118018, -127452, 30),
    (-118166, -63738, -20),
    (-118134, 2, 6),
    (-118174, 63738, -30),
    (-118086, 127486, -27),
    (-84268, -159323, -4),
    (-84380, -95689, 10),
    (-84466, -31907, 11),
    (-84384, 31891, 8),
    (-84460, 95663, -40),
    (-84316, 159413, 19),
    (-50620, -159277, 16),
    (-50596, -95689, -1),
    (-50700, -31931, 7),
    (-50758, 31915, -22),
    (-50698, 95761, -22),
    (-50634, 159391, -16),
    (-16798, -191216, 7),
    (-16894, -127524, 3),
    (-16850, -63792, -10),
    (-16892, 92, 19),
    (-16836, 63824, 10),
    (-16850, 127636, 1),
    (-16898, 191268, 23),
    (16894, -191252, -24),
    (16884, -127546, -12),
    (16922, -63836, 10),
    (16908, -18, 3),
    (16978, 63708, 50),
    (16872, 127480, 8),
    (16878, 191230, -14),
    (50662, -159379, 11),
    (50682, -95727, 7),
    (50664, -31911, 16),
    (50714, 31933, 15),
    (50678, 95689, 17),
    (50646, 159333, 10),
    (84352, -159393, 26),
    (84384, -95787, 5),
    (84412, -31899, -25),
    (84482, 31787, 32),
    (84388, 95663, 12),
    (84308, 159357, 6),
    (118086, -127458, -18),
    (118086, -63762, -7),
    (118090, 50, -8),
    (118166, 63754, 6),
    (118074, 127464, 10),
    (151808, -95587, -8),
    (151800, -31935, 0),
    (151860, 31847, 39),
    (151794, 95557, 21),
    (185558, -63732, -12),
    (185504, 16, 0),
    (185550, 63794, -26),
)


def _detectors() -> tuple[DetectorGeometry, ...]:
    """All CCDs, in the order of their numbers."""
    numbers = sorted(detector.id for detector in DECAM.detectors)
    return tuple(
        DetectorGeometry(number, CCD, (x / 1000.0, y / 1000.0), yaw / 1000.0)
        for number, (x, y, yaw) in zip(numbers, _PLACES, strict=True)
    )


DECAM_GEOMETRY = CameraGeometry(
    name=DECAM.name,
    detectors=_detectors(),
    pixel_size=PIXEL_SIZE,
    radial=(0.0, 8.516497674138379e-05, 0.0, -4.501399132955917e-12),
    flipped=True,
)
"""62 CCDs; east and west change sides between the focal plane and the sky."""
