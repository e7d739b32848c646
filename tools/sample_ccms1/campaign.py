# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of the campaign: the instrument, its detectors and filters, and what was observed in which night.

Sources: the records that ``register-instrument`` writes for ``lsst.obs.lsst.LsstComCam``; obs_lsst,
``translators/comCam.py`` (serial numbers of the CCDs); the public field list of the LSSTComCam campaign
(DP1).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tools.samples import camera as samples
from tools.samples.camera import Field, Record

INSTRUMENT = "LSSTComCam"
RAFT = "R22"
RAW_RUN = f"{INSTRUMENT}/raw/all"
GOOD_RAWS = f"{INSTRUMENT}/raw/DP1-RC3/DM-49594"

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://rtn-103.lsst.io/#sample")

ANCILLARY = "ancillary"
"""The directory below ``$DATA`` that export files name artifacts from."""


@dataclass(frozen=True)
class Detector(samples.Detector):
    """One CCD of the camera.

    Parameters
    ----------
    serial : `str`
        Serial number of the CCD, the ``LSST_NUM`` header.
    """

    serial: str


@dataclass(frozen=True)
class Filter(samples.Filter):
    """A filter in the changer.

    Parameters
    ----------
    slot : `int`
        Slot of the three-slot changer (made up but for ``g_01``).
    position : `float`
        Position of the changer in millimetres (made up but for ``g_01``).
    """

    slot: int
    position: float


@dataclass(frozen=True)
class Sequence:
    """Exposures taken one after the other with the same settings.

    Parameters
    ----------
    seq_num : `int`
        Number in the night of the first one.
    start : `str`
        When its exposure begins, TAI, ISO 8601 with milliseconds.
    image_type : `str`
        ``BIAS``, ``DARK``, ``FLAT`` or ``OBJECT``.
    band : `str`
        Band of the filter that was in the beam.
    exposure_time : `float`
        Seconds.
    count : `int`
        How many.
    field : `Field`, optional
        Where the telescope pointed; `None` at its park position.
    rotation : `float`
        Sky angle of the camera in degrees.
    together : `bool`
        Whether they are one group (a calibration sequence, the snaps of a visit) or each its own.
    good : `bool`
        Whether they were selected for processing (DM-49594).
    """

    seq_num: int
    start: str
    image_type: str
    band: str
    exposure_time: float
    count: int = 1
    field: Field | None = None
    rotation: float = 0.0
    together: bool = True
    good: bool = False


@dataclass(frozen=True)
class Night:
    """What was observed in a night.

    Parameters
    ----------
    day_obs : `int`
        The date, YYYYMMDD, of the observing day: it begins at 12:00 TAI.
    sequences : `tuple` [ `Sequence`, ... ]
        In the order of their numbers.
    """

    day_obs: int
    sequences: tuple[Sequence, ...]


def sample_uuid(*name: object) -> uuid.UUID:
    """Return the identifier that this sample gives to something, the same each time.

    Parameters
    ----------
    *name : `object`
        What tells the thing from all others.

    Returns
    -------
    id : `uuid.UUID`
        A name-based (version 5) UUID.
    """
    return uuid.uuid5(_NAMESPACE, "/".join(map(str, name)))


def instrument_record() -> Record:
    """Return the ``instrument`` dimension record."""
    return {
        "name": INSTRUMENT,
        "visit_max": 7050123199999,
        "visit_system": 2,
        "exposure_max": 7050123199999,
        "detector_max": 1000,
        "class_name": "lsst.obs.lsst.LsstComCam",
    }


_SERIALS = (229, 251, 215, 326, 283, 243, 319, 209, 206)

DETECTORS: tuple[Detector, ...] = tuple(
    Detector(INSTRUMENT, number, RAFT, f"S{number // 3}{number % 3}", f"ITL-3800C-{serial}")
    for number, serial in enumerate(_SERIALS)
)

FILTERS: dict[str, Filter] = {
    each.band: each
    for each in (
        Filter(INSTRUMENT, "u_02", "u", 1, 12.11),
        Filter(INSTRUMENT, "g_01", "g", 3, 4423.07),
        Filter(INSTRUMENT, "r_03", "r", 2, 2217.59),
        Filter(INSTRUMENT, "i_06", "i", 1, 12.11),
        Filter(INSTRUMENT, "z_03", "z", 2, 2217.59),
        Filter(INSTRUMENT, "y_04", "y", 3, 4423.07),
    )
}

CAMERA = samples.Camera(instrument_record(), DETECTORS, tuple(FILTERS.values()))

_TUC47 = Field("47_Tuc", 6.022329, -72.081444)
_ECDFS = Field("ECDFS", 53.1255, -28.1)
_SV38 = Field("Rubin_SV_38_7", 37.86, 6.98)
_FORNAX = Field("Fornax_dSph", 39.997, -34.449)
_EDFS = Field("EDFS_comcam", 59.1004, -48.73)
_SV95 = Field("Rubin_SV_95_-25", 95.0, -25.0)

NIGHTS: tuple[Night, ...] = (
    Night(
        20241108,
        (
            Sequence(1, "2024-11-08T18:00:01.323", "BIAS", "g", 0.0, 2),
            Sequence(3, "2024-11-08T18:05:12.207", "DARK", "g", 30.0),
            Sequence(4, "2024-11-08T18:10:40.118", "FLAT", "g", 5.0, 2),
            Sequence(6, "2024-11-08T18:20:02.941", "FLAT", "r", 3.0),
            Sequence(201, "2024-11-09T02:00:41.311", "OBJECT", "r", 30.0, 2, _TUC47, 12.5, False, True),
            Sequence(
                266, "2024-11-09T06:34:41.323", "OBJECT", "g", 30.0, 2, _ECDFS, 102.79926387, False, True
            ),
            Sequence(300, "2024-11-09T06:57:21.402", "OBJECT", "g", 15.0, 2, _ECDFS, 200.0),
        ),
    ),
    Night(
        20241110,
        (
            Sequence(1, "2024-11-10T17:45:33.019", "BIAS", "i", 0.0, 2),
            Sequence(3, "2024-11-10T17:50:04.760", "DARK", "i", 15.0),
            Sequence(4, "2024-11-10T17:55:21.555", "FLAT", "i", 2.5),
            Sequence(5, "2024-11-10T18:03:48.390", "FLAT", "z", 4.0),
            Sequence(97, "2024-11-11T03:40:41.323", "OBJECT", "i", 30.0, 2, _SV38, 281.25, False, True),
            Sequence(120, "2024-11-11T04:31:05.874", "OBJECT", "z", 30.0, 1, _FORNAX, 33.5, False, True),
            Sequence(121, "2024-11-11T04:31:52.116", "OBJECT", "z", 30.0, 1, _FORNAX, 33.5, False),
        ),
    ),
    Night(
        20241124,
        (
            Sequence(1, "2024-11-24T17:30:09.637", "BIAS", "u", 0.0),
            Sequence(2, "2024-11-24T17:36:00.001", "DARK", "u", 15.0),
            Sequence(3, "2024-11-24T17:41:27.250", "FLAT", "y", 8.0),
            Sequence(4, "2024-11-24T17:52:13.482", "FLAT", "u", 20.0),
            Sequence(150, "2024-11-25T04:20:15.069", "OBJECT", "u", 38.0, 1, _EDFS, 350.125, False, True),
            Sequence(163, "2024-11-25T04:48:30.733", "OBJECT", "y", 30.0, 1, _EDFS, 5.875, False, True),
            Sequence(210, "2024-11-25T06:50:57.925", "OBJECT", "r", 30.0, 1, _SV95, 90.0, False),
        ),
    ),
)
