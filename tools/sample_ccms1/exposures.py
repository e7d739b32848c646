# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exposures that were taken: every quantity from which headers and dimension records are both made."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from functools import cached_property

from tools.samples.camera import Field, Record

from .campaign import FILTERS, INSTRUMENT, NIGHTS, Filter, Night, Sequence

DARK_OVERHEAD = 0.4306
"""Seconds by which the dark time exceeds the exposure time."""

READOUT = 9.517
"""Seconds from the end of an exposure to the begin of the next in its sequence."""

PARKED_AZIMUTH = 0.0
PARKED_ELEVATION = 80.0

_LATITUDE, _LONGITUDE = -30.244639, -70.749417
_TAI_MINUS_UTC = 37.0


def mjd(time: datetime.datetime) -> float:
    """Convert a time to a Modified Julian Date.

    Parameters
    ----------
    time : `datetime.datetime`
        Any time, naive, of any scale without leap seconds.

    Returns
    -------
    mjd : `float`
        Days, of the same scale.
    """
    from astropy.time import Time

    return float(Time(time.isoformat(), format="isot", scale="tai").mjd)


def isot(time: datetime.datetime) -> str:
    """Write a time as headers have it, to the millisecond."""
    return time.isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Pointing:
    """Where the telescope points at a moment.

    Parameters
    ----------
    azimuth, elevation : `float`
        Degrees; the azimuth counts from north over east.
    hour_angle : `float`
        Hours.
    """

    azimuth: float
    elevation: float
    hour_angle: float

    @property
    def airmass(self) -> float:
        """Airmass of a plane-parallel atmosphere."""
        return round(1.0 / math.sin(math.radians(self.elevation)), 9)


def pointing(ra: float, dec: float, tai: datetime.datetime) -> Pointing:
    """Tell where in the sky of Cerro Pachon a position stands.

    Parameters
    ----------
    ra, dec : `float`
        ICRS coordinates in degrees.
    tai : `datetime.datetime`
        When.

    Returns
    -------
    pointing : `Pointing`
        Precession (to first order) and the rotation of the Earth are in it, refraction, nutation and
        aberration are not: good to a hundredth of a degree.
    """
    days = mjd(tai) - _TAI_MINUS_UTC / 86400.0 - 51544.5
    years = days / 365.25
    ra_2000, dec_2000 = math.radians(ra), math.radians(dec)
    ra_date = ra + years * (46.124 + 20.043 * math.sin(ra_2000) * math.tan(dec_2000)) / 3600.0
    dec_date = math.radians(dec + years * 20.043 * math.cos(ra_2000) / 3600.0)
    sidereal = 280.46061837 + 360.98564736629 * days + _LONGITUDE
    hour_angle = (sidereal - ra_date + 180.0) % 360.0 - 180.0
    angle, latitude = math.radians(hour_angle), math.radians(_LATITUDE)
    up = math.sin(latitude) * math.sin(dec_date) + math.cos(latitude) * math.cos(dec_date) * math.cos(angle)
    north = math.cos(latitude) * math.sin(dec_date) - math.sin(latitude) * math.cos(dec_date) * math.cos(
        angle
    )
    east = -math.cos(dec_date) * math.sin(angle)
    return Pointing(
        azimuth=round(math.degrees(math.atan2(east, north)) % 360.0, 9),
        elevation=round(math.degrees(math.asin(up)), 9),
        hour_angle=round(hour_angle / 15.0, 9),
    )


@dataclass(frozen=True)
class Exposure:
    """One exposure.

    Parameters
    ----------
    night : `Night`
        Its observing day.
    sequence : `Sequence`
        The sequence that it belongs to.
    index : `int`
        Its place in the sequence, counted from 0.
    """

    night: Night
    sequence: Sequence
    index: int

    @property
    def day_obs(self) -> int:
        """Date of the observing day, YYYYMMDD."""
        return self.night.day_obs

    @property
    def seq_num(self) -> int:
        """Number in the observing day."""
        return self.sequence.seq_num + self.index

    @property
    def id(self) -> int:
        """The ``exposure`` of data IDs: day and number."""
        return self.day_obs * 100000 + self.seq_num

    @property
    def obs_id(self) -> str:
        """Name of the exposure: ComCam, the controller of the observatory, day and number."""
        return f"CC_O_{self.day_obs}_{self.seq_num:06d}"

    @property
    def field(self) -> Field | None:
        """The field that was observed, `None` for calibrations."""
        return self.sequence.field

    @property
    def filter(self) -> Filter:
        """The filter in the beam."""
        return FILTERS[self.sequence.band]

    @property
    def observation_type(self) -> str:
        """The type as records name it."""
        image_type = self.sequence.image_type.lower()
        return "science" if image_type == "object" else image_type

    @property
    def program(self) -> str:
        """Observing block."""
        return "BLOCK-320" if self.field else "BLOCK-T60"

    @property
    def reason(self) -> str:
        """Why the exposure was taken."""
        return "science" if self.field else "daily-cals"

    @property
    def target(self) -> str:
        """Name of what was observed."""
        return self.field.name if self.field else "Park position"

    @property
    def dark_time(self) -> float:
        """Seconds from the end of clearing to the begin of reading."""
        return round(self.sequence.exposure_time + DARK_OVERHEAD, 4)

    @property
    def shutter_opened(self) -> bool:
        """Whether light came in."""
        return self.sequence.image_type in ("FLAT", "OBJECT")

    @cached_property
    def begin(self) -> datetime.datetime:
        """When the exposure began, TAI."""
        step = datetime.timedelta(milliseconds=round(1000 * (self.sequence.exposure_time + READOUT)))
        return datetime.datetime.fromisoformat(self.sequence.start) + self.index * step

    @cached_property
    def end(self) -> datetime.datetime:
        """When the exposure ended, TAI, to the millisecond."""
        return self.begin + datetime.timedelta(milliseconds=round(1000 * self.dark_time))

    @cached_property
    def group(self) -> str:
        """Name of the group: the moment when it was scheduled."""
        first = self.begin
        if self.sequence.together:
            first = datetime.datetime.fromisoformat(self.sequence.start)
        return isot(first - datetime.timedelta(seconds=5, milliseconds=12))

    @property
    def first_of_group(self) -> int:
        """Number of the first exposure of the group."""
        return self.sequence.seq_num if self.sequence.together else self.seq_num

    @property
    def group_size(self) -> int:
        """How many exposures the group has."""
        return self.sequence.count if self.sequence.together else 1

    @cached_property
    def boresight(self) -> tuple[float, float]:
        """Where tracking began: ICRS coordinates in degrees; each is aside of the last."""
        if self.field is None:
            raise ValueError(f"{self.obs_id} did not track the sky")
        return round(self.field.ra + 0.0125 * self.index, 9), round(self.field.dec - 0.0075 * self.index, 9)

    def horizontal(self, time: datetime.datetime) -> Pointing:
        """Return where the telescope pointed at a time; parked, it does not move."""
        if self.field is None:
            return Pointing(PARKED_AZIMUTH, PARKED_ELEVATION, 0.0)
        return pointing(*self.boresight, time)

    def record(self) -> Record:
        """Return the ``exposure`` dimension record that raw ingestion makes of the headers.

        Returns
        -------
        record : `dict`
            In the order of the columns; the timespan as its two ends. Source: obs_base,
            ``makeExposureRecordFromObsInfo``, and obs_lsst, ``translators/lsst.py``: the begin is taken from
            ``MJD-BEG``, the end from ``DATE-END``.
        """
        from astropy.time import Time

        where = self.horizontal(self.begin)
        ra, dec = self.boresight if self.field else (None, None)
        return {
            "instrument": INSTRUMENT,
            "id": self.id,
            "day_obs": self.day_obs,
            "group": self.group,
            "physical_filter": self.filter.name,
            "obs_id": self.obs_id,
            "exposure_time": self.sequence.exposure_time,
            "dark_time": self.dark_time,
            "observation_type": self.observation_type,
            "observation_reason": self.reason,
            "seq_num": self.seq_num,
            "seq_start": self.first_of_group,
            "seq_end": self.first_of_group + self.group_size - 1,
            "target_name": self.target,
            "science_program": self.program,
            "tracking_ra": ra,
            "tracking_dec": dec,
            "sky_angle": self.sequence.rotation if self.field else None,
            "azimuth": where.azimuth,
            "zenith_angle": 90.0 - where.elevation,
            "has_simulated": False,
            "can_see_sky": self.field is not None,
            "datetime_begin": Time(mjd(self.begin), format="mjd", scale="tai"),
            "datetime_end": Time(isot(self.end), format="isot", scale="tai"),
        }


def all_exposures() -> tuple[Exposure, ...]:
    """Return the exposures of all nights, in the order of their ids."""
    return tuple(
        Exposure(night, sequence, index)
        for night in NIGHTS
        for sequence in night.sequences
        for index in range(sequence.count)
    )


def good_exposures() -> tuple[Exposure, ...]:
    """Return the science exposures that were selected for processing, in the order of their ids."""
    return tuple(each for each in all_exposures() if each.sequence.good)
