# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of the campaign: the instrument with some of its detectors, what was observed, the tracts.

Sources: the records that ``register-instrument`` writes for ``lsst.obs.lsst.LsstCamImSim``; RTN-029 (some
detectors, visits and tracts); the list of the 19,852 visits of DP0.2 (``DR6_Run2.2i_WFD_visits.txt``).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from tools.samples.camera import Camera, Detector, Field, Filter

INSTRUMENT = "LSSTCam-imSim"
RAW_RUN = f"{INSTRUMENT}/raw/all"

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://rtn-029.lsst.io/#sample")

_RAFTS = tuple(
    f"R{column}{row}"
    for column in range(5)
    for row in range(5)
    if (column, row) not in ((0, 0), (0, 4), (4, 0), (4, 4))  # these are no science rafts
)


def identify(path: str) -> uuid.UUID:
    """Return the identifier that this sample gives to a dataset, the same each time.

    Parameters
    ----------
    path : `str`
        Path of its artifact.

    Returns
    -------
    id : `uuid.UUID`
        A name-based (version 5) UUID.
    """
    return uuid.uuid5(_NAMESPACE, path)


def _detector(number: int) -> Detector:
    raft, place = divmod(number, 9)
    return Detector(INSTRUMENT, number, _RAFTS[raft], f"S{place // 3}{place % 3}")


DETECTORS: tuple[Detector, ...] = tuple(_detector(number) for number in (0, 1, 2, 38, 94, 188))
"""The first three, which RTN-029 prints, and those of the raws: two edges of the camera and its centre."""

RAW_DETECTORS = DETECTORS[3:]

FILTERS: dict[str, Filter] = {band: Filter(INSTRUMENT, f"{band}_sim_1.4", band) for band in "ugrizy"}

CAMERA = Camera(
    {
        "name": INSTRUMENT,
        "visit_max": 9999999,
        "visit_system": 0,
        "exposure_max": 9999999,
        "detector_max": 1000,
        "class_name": "lsst.obs.lsst.LsstCamImSim",
    },
    DETECTORS,
    tuple(FILTERS.values()),
)


@dataclass(frozen=True)
class Exposure:
    """One exposure, which is one visit.

    Parameters
    ----------
    year : `int`
        Year of the survey, counted from 1.
    id : `int`
        Number of the visit.
    band : `str`
        Band of the filter.
    mjd : `float`
        When it begins: Modified Julian Date, TAI.
    ra, dec : `float`
        Where the telescope points to, ICRS, degrees.
    rotation : `float`
        Angle of the camera as the simulation has it, degrees.
    """

    year: int
    id: int
    band: str
    mjd: float
    ra: float
    dec: float
    rotation: float

    @property
    def field(self) -> Field:
        """The field on the sky."""
        return Field(str(self.id), self.ra, self.dec)


EXPOSURES: tuple[Exposure, ...] = (
    Exposure(1, 204595, "i", 59857.28711061111, 55.67759885870274, -30.4423935708909, 195.6243330026845),
    Exposure(1, 261426, "r", 59934.0833333, 58.2, -36.4, 87.25),
    Exposure(2, 433998, "u", 60262.1875, 61.4, -31.75, 12.5),
    Exposure(2, 446033, "g", 60281.1666667, 66.9, -42.1, 301.0),
    Exposure(3, 697993, "y", 60605.2291667, 53.6, -28.3, 164.75),
    Exposure(3, 731614, "i", 60633.1875, 63.3, -39.9, 244.5),
    Exposure(4, 943296, "r", 60987.2083333, 59.9, -33.6, 33.125),
    Exposure(4, 982985, "r", 61026.125, 70.2, -35.2, 120.0),
    Exposure(5, 1200013, "z", 61340.2291667, 56.1, -44.0, 359.5),
    Exposure(5, 1235077, "g", 61379.1666667, 68.5, -29.5, 210.25),
)
"""The first as it was simulated; of the others the numbers, and some filters, are those of DP0.2."""

SKYMAP = "DC2"

TRACTS = (2723, 2724, 3080, 3449, 3832, 4433)
"""The tracts whose truth tables RTN-029 names."""
