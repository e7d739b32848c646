# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As many exposures of LSSTComCam as are wanted, and what their headers and sidecars say.

The headers are those of the sample (``tools/sample_ccms1``) with other values where an exposure has its own:
when, where to, and its name. All that is computed takes microseconds: there are a hundred thousand of them.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from tools.sample_ccms1.campaign import DETECTORS, INSTRUMENT, Detector, Night, Sequence
from tools.sample_ccms1.exposures import Exposure
from tools.sample_ccms1.raws import raw_content
from tools.samples.camera import Field

Value = str | int | float

PER_NIGHT = 350
"""Exposures a night: the 16,539 of the survey's first campaign were taken in some 48 nights."""

FIRST_NIGHT = datetime.date(2024, 11, 1)
CADENCE = datetime.timedelta(seconds=100)
EXPOSURE_TIME = 30.0
DARK_TIME = 30.4306
"""Seconds."""

_MJD_EPOCH = datetime.datetime(1858, 11, 17)
_DAY = datetime.timedelta(days=1)
_FIELD = Field("47_Tuc", 6.022329, -72.081444)
_CARD = 80


@dataclass(frozen=True)
class Shot:
    """One exposure.

    Parameters
    ----------
    night : `int`
        Its night, counted from 0.
    seq_num : `int`
        Its number in the night, counted from 1.
    """

    night: int
    seq_num: int

    @cached_property
    def day_obs(self) -> int:
        """Date of the observing day, YYYYMMDD (`int`)."""
        return int(f"{FIRST_NIGHT + self.night * _DAY:%Y%m%d}")

    @property
    def id(self) -> int:
        """The ``exposure`` of data IDs (`int`)."""
        return self.day_obs * 100_000 + self.seq_num

    @cached_property
    def obs_id(self) -> str:
        """Name of the exposure (`str`)."""
        return f"CC_O_{self.day_obs}_{self.seq_num:06d}"

    @cached_property
    def begin(self) -> datetime.datetime:
        """When it began, TAI (`datetime.datetime`)."""
        evening = datetime.datetime.combine(FIRST_NIGHT, datetime.time(23))
        return evening + self.night * _DAY + self.seq_num * CADENCE + datetime.timedelta(milliseconds=311)

    @cached_property
    def end(self) -> datetime.datetime:
        """When it ended, TAI, to the millisecond (`datetime.datetime`)."""
        return self.begin + datetime.timedelta(milliseconds=round(1000 * DARK_TIME))

    @property
    def group(self) -> str:
        """Name of its group, which has no other exposure (`str`)."""
        return _isot(self.begin - datetime.timedelta(seconds=5, milliseconds=12))

    @property
    def folder(self) -> str:
        """Where its files lie: night and exposure (`str`)."""
        return f"{INSTRUMENT}/{self.day_obs}/{self.obs_id}"

    def file_name(self, detector: Detector) -> str:
        """Name one of its files."""
        return f"{self.obs_id}_{detector.full_name}.fits"

    @cached_property
    def _position(self) -> tuple[float, float]:
        offset = self.seq_num % 40
        return round(_FIELD.ra + 0.0125 * offset, 9), round(_FIELD.dec - 0.0075 * offset, 9)

    @cached_property
    def _horizontal(self) -> tuple[float, float]:
        """Azimuth and elevation in degrees: near those of the field, but not computed from the time."""
        return round(180.0 + 0.0121 * self.seq_num, 9), round(48.25 - 0.0052 * self.seq_num, 9)

    def cards(self) -> dict[str, Value]:
        """Give the keywords whose values no other exposure has.

        Returns
        -------
        cards : `dict`
            Values by keyword; ``FILENAME`` is left to the detector.
        """
        (ra, dec), (azimuth, elevation) = self._position, self._horizontal
        moments = {
            "": self.end - datetime.timedelta(milliseconds=1),
            "-OBS": self.begin,
            "-TRG": self.end - datetime.timedelta(milliseconds=5),
            "-BEG": self.begin,
            "-END": self.end,
        }
        return {
            **{f"DATE{suffix}": _isot(moment) for suffix, moment in moments.items()},
            **{f"MJD{suffix}": _mjd(moment) for suffix, moment in moments.items()},
            "OBSID": self.obs_id,
            "GROUPID": self.group,
            "RASTART": ra,
            "DECSTART": dec,
            "RAEND": ra,
            "DECEND": dec,
            "ELSTART": elevation,
            "AZSTART": azimuth,
            "DAYOBS": str(self.day_obs),
            "SEQNUM": self.seq_num,
            "IMAGETAG": f"{self.id:016x}",
        }

    def sidecar(self) -> str:
        """Write the exposure's ``_index.json`` as ``astrometadata write-index`` does.

        Returns
        -------
        text : `str`
            All the properties that astro_metadata_translator knows, translated: what the files have in common
            and what is each file's own.
        """
        # The begin is translated from MJD-BEG, the end from DATE-END (source: obs_lsst, translators/lsst.py).
        ra_dec, horizontal = list(self._position), list(self._horizontal)
        common = {
            **_COMMON,
            "exposure_id": self.id,
            "visit_id": self.id,
            "datetime_begin": _julian(0, _mjd(self.begin)),
            "datetime_end": _julian(*_days(self.end)),
            "tracking_radec": ra_dec,
            "altaz_begin": horizontal,
            "altaz_end": horizontal,
            "observation_id": self.obs_id,
            "exposure_group": self.group,
            "observing_day": self.day_obs,
            "observation_counter": self.seq_num,
            "group_counter_start": self.seq_num,
            "group_counter_end": self.seq_num,
        }
        own = {
            self.file_name(detector): {
                "detector_num": detector.id,
                "detector_name": detector.slot,
                "detector_unique_name": detector.full_name,
                "detector_serial": detector.serial,
                "detector_exposure_id": self.id * 1000 + detector.id,
            }
            for detector in DETECTORS
        }
        return json.dumps({"__CONTENT__": "translated", "__COMMON__": common, **own})

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Make the files.

        Yields
        ------
        name : `str`
            Name of a file.
        content : `bytes`
            A FITS file of two by two pixels.
        """
        cards = [_card(keyword, value) for keyword, value in self.cards().items()]
        for detector in DETECTORS:
            template = _template(detector)
            content = bytearray(template.content)
            name = self.file_name(detector)
            for card in [*cards, _card("FILENAME", name)]:
                start = template.offsets[card[:8]]
                content[start : start + _CARD] = card
            yield name, bytes(content)


_COMMON: dict[str, object] = {
    "_translator": INSTRUMENT,
    "telescope": "Simonyi Survey Telescope",
    "instrument": INSTRUMENT,
    "location": [1818938.94, -5208470.95, -3195172.08],
    "physical_filter": "r_03",
    "exposure_time": EXPOSURE_TIME,
    "exposure_time_requested": EXPOSURE_TIME,
    "dark_time": DARK_TIME,
    "boresight_airmass": 1.339535015,
    "boresight_rotation_angle": 12.5,
    "boresight_rotation_coord": "sky",
    "detector_group": "R22",
    "focus_z": 0.0020639,
    "object": _FIELD.name,
    "temperature": 284.625,
    "pressure": 742.1,
    "relative_humidity": 32.2,
    "science_program": "BLOCK-320",
    "observation_type": "science",
    "observation_reason": "science",
    "observing_day_offset": 43200,
    "has_simulated_content": False,
    "can_see_sky": True,
}


def shots(count: int, *, after: int = 0) -> Iterator[Shot]:
    """Give exposures in the order in which they were taken.

    Parameters
    ----------
    count : `int`
        How many.
    after : `int`, optional
        How many of the first ones to leave out.

    Yields
    ------
    shot : `Shot`
        An exposure; the same ones each time.
    """
    for number in range(after, after + count):
        yield Shot(number // PER_NIGHT, number % PER_NIGHT + 1)


@dataclass(frozen=True)
class _Template:
    content: bytes
    offsets: dict[bytes, int]


@cache
def _template(detector: Detector) -> _Template:
    """Make a file of the sample whose cards are overwritten, and tell where they are."""
    sequence = Sequence(
        201, "2024-11-09T02:00:41.311", "OBJECT", "r", EXPOSURE_TIME, field=_FIELD, rotation=12.5
    )
    content = raw_content(Exposure(Night(20241108, (sequence,)), sequence, 0), detector)
    end = content.index(b"END     ")
    return _Template(content, {content[start : start + 8]: start for start in range(0, end, _CARD)})


def _card(keyword: str, value: Value) -> bytes:
    said = f"'{value:<8}'" if isinstance(value, str) else f"{value!r:>20}"
    card = f"{keyword:<8}= {said}".ljust(_CARD).encode("ascii")
    if len(card) > _CARD:
        raise ValueError(f"{keyword} has no room for {value!r}")
    return card


def _isot(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _mjd(moment: datetime.datetime) -> float:
    return (moment - _MJD_EPOCH) / _DAY


def _days(moment: datetime.datetime) -> tuple[int, float]:
    """Split a date into whole days, as MJD, and the rest: so it keeps more digits than one number has."""
    whole, rest = divmod(moment - _MJD_EPOCH, _DAY)
    return whole, rest / _DAY


def _julian(whole: int, mjd: float) -> list[float]:
    """Split a date as astropy does: the nearest whole Julian day, and the rest."""
    nearest = round(mjd + 0.5)
    return [whole + nearest + 2_400_000.0, mjd - (nearest - 0.5)]
