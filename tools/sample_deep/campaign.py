# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of the campaign: the instrument, and what was observed in two nights.

Sources: the records that ``register-instrument`` writes for ``lsst.obs.decam.DarkEnergyCamera``; the names of
detectors in astro_metadata_translator; the public code of the survey (stevenstetzler/proc-decam).
"""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass

from tools.samples.camera import Camera, Detector, Field, Filter, Record

INSTRUMENT = "DECam"
PROGRAM = "2019A-0337"
NIGHTS = (20190402, 20190403)

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/dirac-institute/proc-decam#sample")


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


class Chip(Detector):
    """A CCD of DECam: its raft is the half of the camera, its slot a number there."""

    @property
    def full_name(self) -> str:
        """Half and number, as in headers."""
        return f"{self.raft}{self.slot}"


DETECTORS: tuple[Chip, ...] = (
    Chip(INSTRUMENT, 1, "S", "29"),
    Chip(INSTRUMENT, 25, "S", "1"),
    Chip(INSTRUMENT, 57, "N", "26"),
)

VR = Filter(INSTRUMENT, "VR DECam c0007 6300.0 2600.0", "VR")
R = Filter(INSTRUMENT, "r DECam SDSS c0002 6415.0 1480.0", "r")

_RECORD: Record = {
    "name": INSTRUMENT,
    "visit_max": 33554432,
    "visit_system": 0,
    "exposure_max": 33554432,
    "detector_max": 100,
    "class_name": "lsst.obs.decam.DarkEnergyCamera",
}

CAMERA = Camera(_RECORD, DETECTORS, (R, VR))

FIELDS = (Field("A0a", 214.36, -12.11), Field("A0b", 216.12, -13.02), Field("A1a", 218.48, -13.87))
"""Fields of the survey; the pointings are made up."""


@dataclass(frozen=True)
class Exposure:
    """An exposure as the archive lists it.

    Parameters
    ----------
    number : `int`
        Its number.
    night : `int`
        The night it belongs to: the local date of the evening.
    begin : `datetime.datetime`
        When it begins, UTC.
    kind : {"zero", "dome flat", "object"}
        What it is.
    filter : `~tools.samples.camera.Filter`
        The filter.
    field : `~tools.samples.camera.Field` or `None`
        Where it points to, if that is the sky.
    state : {"valid", "broken", "absent"}, optional
        What became of its download.
    """

    number: int
    night: int
    begin: datetime.datetime
    kind: str
    filter: Filter
    field: Field | None = None
    state: str = "valid"

    @property
    def seconds(self) -> float:
        """How long it is exposed."""
        return {"zero": 0.0, "dome flat": 10.0, "object": 120.0}[self.kind]

    @property
    def stem(self) -> str:
        """The name that the archive gives it."""
        return f"c4d_{self.begin:%y%m%d_%H%M%S}_ori.fits.fz"


def _night(night: int, first: int, broken: int) -> list[Exposure]:
    """Observe a night: zeros and flats in the afternoon, the sky after midnight UTC."""
    evening = datetime.datetime.strptime(str(night), "%Y%m%d")
    plan: list[tuple[float, str, Filter, Field | None]] = [
        (20.50, "zero", VR, None),
        (20.52, "zero", VR, None),
        (20.54, "zero", VR, None),
        (21.10, "dome flat", VR, None),
        (21.12, "dome flat", R, None),
        (26.25, "object", VR, FIELDS[0]),
        (26.30, "object", VR, FIELDS[1]),
        (26.35, "object", R, FIELDS[2]),
    ]
    return [
        Exposure(
            first + place,
            night,
            evening + datetime.timedelta(seconds=round(hours * 3600)),
            kind,
            physical_filter,
            field,
            state="broken" if place == broken else "valid",
        )
        for place, (hours, kind, physical_filter, field) in enumerate(plan)
    ]


_FIRST, _SECOND = (
    _night(night, first, broken)
    for night, first, broken in zip(NIGHTS, (845291, 845620), (7, 2), strict=True)
)
_LOST = Exposure(
    845628, NIGHTS[1], datetime.datetime(2019, 4, 4, 5, 1, 7), "object", VR, FIELDS[0], state="absent"
)

EXPOSURES: tuple[Exposure, ...] = (*_FIRST, *_SECOND, _LOST)
"""All that the archive has. One of each night was downloaded badly, and one not at all."""

GOOD = tuple(each for each in EXPOSURES if each.state == "valid")
