# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a raw file's header tells the registry.

Source: obs_base, ``makeExposureRecordFromObsInfo`` and the records that ``RawIngestTask`` makes beside it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo
    from lsst.daf.butler import Timespan

NEEDED = frozenset(
    {
        "datetime_begin",
        "datetime_end",
        "detector_num",
        "exposure_group",
        "exposure_id",
        "exposure_time_requested",
        "group_counter_end",
        "group_counter_start",
        "has_simulated_content",
        "instrument",
        "observation_id",
        "observation_type",
        "observing_day",
        "physical_filter",
    }
)
"""Properties of an `~astro_metadata_translator.ObservationInfo` without which a file can't be ingested."""

WELCOME = frozenset(
    {
        "altaz_begin",
        "boresight_rotation_angle",
        "boresight_rotation_coord",
        "can_see_sky",
        "dark_time",
        "object",
        "observation_counter",
        "observation_reason",
        "observing_day_offset",
        "science_program",
        "tracking_radec",
    }
)
"""Properties that may be missing: their columns are null then."""


@dataclass(frozen=True, slots=True)
class RawHeader:
    """What each raw file, or each extension of it, has to say for itself.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.
    exposure : `int`
        Id of the exposure.
    detector : `int`
        Id of the detector.
    physical_filter : `str`
        Name of the filter.
    """

    instrument: str
    exposure: int
    detector: int
    physical_filter: str


@dataclass(frozen=True, slots=True)
class ExposureInfo:
    """The columns of an exposure record, and of the records that it refers to.

    Parameters
    ----------
    instrument, group, physical_filter, obs_id, observation_type : `str`
        These and all fields but the last are the columns of the ``exposure`` table.
    id, day_obs, seq_start, seq_end : `int`
        The exposure's id, its day as YYYYMMDD, and the first and last number of its group.
    exposure_time : `float`
        How long the shutter was open (seconds).
    dark_time : `float` or `None`
        How long the detectors collected charge (seconds).
    observation_reason, target_name, science_program : `str` or `None`
        What it was taken for.
    seq_num : `int` or `None`
        Its number in the day.
    tracking_ra, tracking_dec, sky_angle, azimuth, zenith_angle : `float` or `None`
        Where the telescope pointed (degrees; coordinates are ICRS).
    has_simulated : `bool`
        Whether any of it is simulated.
    can_see_sky : `bool` or `None`
        Whether light from the sky could get to the detectors.
    timespan : `lsst.daf.butler.Timespan`
        From its begin to its end (TAI).
    day_obs_timespan : `lsst.daf.butler.Timespan` or `None`
        The day of observation; `None` where it is not known when it begins.
    """

    instrument: str
    id: int
    day_obs: int
    group: str
    physical_filter: str
    obs_id: str
    exposure_time: float
    dark_time: float | None
    observation_type: str
    observation_reason: str | None
    seq_num: int | None
    seq_start: int
    seq_end: int
    target_name: str | None
    science_program: str | None
    tracking_ra: float | None
    tracking_dec: float | None
    sky_angle: float | None
    azimuth: float | None
    zenith_angle: float | None
    has_simulated: bool
    can_see_sky: bool | None
    timespan: Timespan
    day_obs_timespan: Timespan | None

    def records(self) -> dict[str, dict[str, Any]]:
        """Return the dimension records, each after those that it refers to.

        Returns
        -------
        records : `dict` [ `str`, `dict` [ `str`, `object` ] ]
            One record each of ``day_obs``, ``group`` and ``exposure``.
        """
        exposure = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del exposure["day_obs_timespan"]
        return {
            "day_obs": {
                "instrument": self.instrument,
                "id": self.day_obs,
                "timespan": self.day_obs_timespan,
            },
            "group": {"instrument": self.instrument, "name": self.group},
            "exposure": exposure,
        }


@cache
def _day(day_obs: int, offset: int) -> Timespan:
    """Give the timespan of a day; many exposures are of one."""
    from lsst.daf.butler import Timespan

    return Timespan.from_day_obs(day_obs, offset)


def exposure_from_observation(observation: ObservationInfo) -> ExposureInfo:
    """Make the columns of an exposure record of a translated header.

    Parameters
    ----------
    observation : `astro_metadata_translator.ObservationInfo`
        The translated header, with all of `NEEDED`.

    Returns
    -------
    exposure : `ExposureInfo`
        The columns.
    """
    from lsst.daf.butler import Timespan

    # What is needed is there; the class declares that anything may be missing.
    info: Any = observation
    ra = dec = sky_angle = azimuth = zenith_angle = None
    if info.tracking_radec is not None:
        tracked = info.tracking_radec.icrs
        ra, dec = float(tracked.ra.degree), float(tracked.dec.degree)
        if info.boresight_rotation_coord == "sky" and info.boresight_rotation_angle is not None:
            sky_angle = float(info.boresight_rotation_angle.degree)
    if info.altaz_begin is not None:
        azimuth, zenith_angle = float(info.altaz_begin.az.degree), float(info.altaz_begin.zen.degree)
    day_obs_timespan = None
    if info.observing_day_offset is not None:
        offset = round(info.observing_day_offset.to_value("s"))
        day_obs_timespan = _day(info.observing_day, offset)
    begin = info.datetime_begin
    return ExposureInfo(
        instrument=info.instrument,
        id=info.exposure_id,
        day_obs=info.observing_day,
        group=info.exposure_group,
        physical_filter=info.physical_filter,
        obs_id=info.observation_id,
        exposure_time=float(info.exposure_time_requested.to_value("s")),
        dark_time=None if info.dark_time is None else float(info.dark_time.to_value("s")),
        observation_type=info.observation_type,
        observation_reason=info.observation_reason,
        seq_num=info.observation_counter,
        seq_start=info.group_counter_start,
        seq_end=info.group_counter_end,
        target_name=info.object,
        science_program=info.science_program,
        tracking_ra=ra,
        tracking_dec=dec,
        sky_angle=sky_angle,
        azimuth=azimuth,
        zenith_angle=zenith_angle,
        has_simulated=info.has_simulated_content,
        can_see_sky=info.can_see_sky,
        # An exposure that ends before it begins would have no timespan, hence no calibrations: make it brief.
        timespan=Timespan(begin, max(begin, info.datetime_end)),
        day_obs_timespan=day_obs_timespan,
    )
