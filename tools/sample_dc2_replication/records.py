# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of exposures and visits that the exports bring.

The exposures are those of the sample of DP0.2. A visit is its exposure, as ``define-visits`` makes them; its
regions are rough boxes around the pointing.
Source of the columns: the records that raw ingestion makes of simulated raws.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tools.sample_dp02.campaign import CAMERA, FILTERS, INSTRUMENT, RAW_DETECTORS, Exposure
from tools.samples.camera import Record

if TYPE_CHECKING:
    from lsst.sphgeom import ConvexPolygon  # type: ignore[import-untyped]

_EXPOSURE_DAYS = 30.0 / 86_400.0
_CAMERA_RADIUS, _DETECTOR_RADIUS = 1.75, 0.12
"""Half the sides of the boxes, degrees."""


def day_obs(exposure: Exposure) -> int:
    """Return the day of an exposure, which begins at 00:00 TAI for simulated ones.

    Parameters
    ----------
    exposure : `~tools.sample_dp02.campaign.Exposure`
        The exposure.

    Returns
    -------
    day : `int`
        YYYYMMDD.
    """
    from astropy.time import Time

    return int(Time(exposure.mjd, format="mjd", scale="tai").strftime("%Y%m%d"))


def _day_record(day: int) -> Record:
    from astropy.time import Time, TimeDelta

    begin = Time(f"{day // 10000}-{day // 100 % 100:02}-{day % 100:02}", scale="tai")
    end = begin + TimeDelta(1.0, format="jd")
    return {"instrument": INSTRUMENT, "id": day, "datetime_begin": begin, "datetime_end": end}


def _exposure_record(exposure: Exposure) -> Record:
    from astropy.time import Time

    name = str(exposure.id)
    return {
        "instrument": INSTRUMENT,
        "id": exposure.id,
        "day_obs": day_obs(exposure),
        "group": name,
        "physical_filter": FILTERS[exposure.band].name,
        "obs_id": name,
        "exposure_time": 30.0,
        "dark_time": 30.0,
        "observation_type": "science",
        "observation_reason": "imsim",
        "seq_num": 0,
        "seq_start": exposure.id,
        "seq_end": exposure.id,
        "target_name": "UNKNOWN",
        "science_program": name,
        "tracking_ra": exposure.ra,
        "tracking_dec": exposure.dec,
        "sky_angle": (450.0 - exposure.rotation) % 360.0,
        "azimuth": 93.0,
        "zenith_angle": 10.0 + exposure.year,
        "has_simulated": True,
        "can_see_sky": True,
        "datetime_begin": Time(exposure.mjd, format="mjd", scale="tai"),
        "datetime_end": Time(exposure.mjd + _EXPOSURE_DAYS, format="mjd", scale="tai"),
    }


def _box(ra: float, dec: float, radius: float) -> ConvexPolygon:
    from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

    wide = radius / math.cos(math.radians(dec))
    corners = [(ra - wide, dec - radius), (ra + wide, dec - radius)]
    corners += [(ra + wide, dec + radius), (ra - wide, dec + radius)]
    return ConvexPolygon.convexHull([UnitVector3d(LonLat.fromDegrees(*corner)) for corner in corners])


def _visit_record(exposure: Exposure) -> Record:
    whole = _exposure_record(exposure)
    kept = ("exposure_time", "target_name", "observation_reason", "science_program")
    return {
        "instrument": INSTRUMENT,
        "id": exposure.id,
        "day_obs": whole["day_obs"],
        "physical_filter": whole["physical_filter"],
        "name": whole["obs_id"],
        "seq_num": 0,
        **{column: whole[column] for column in kept},
        "azimuth": whole["azimuth"],
        "zenith_angle": whole["zenith_angle"],
        "region": _box(exposure.ra, exposure.dec, _CAMERA_RADIUS),
        "datetime_begin": whole["datetime_begin"],
        "datetime_end": whole["datetime_end"],
    }


def exposure_records(exposures: Iterable[Exposure]) -> dict[str, list[Record]]:
    """Return the records that an export of raws brings.

    Parameters
    ----------
    exposures : `~collections.abc.Iterable` [ `~tools.sample_dp02.campaign.Exposure` ]
        Those of the raws.

    Returns
    -------
    records : `dict`
        By element, in the order of the universe.
    """
    wanted = list(exposures)
    return {
        "instrument": [CAMERA.record],
        "day_obs": [_day_record(day) for day in sorted({day_obs(each) for each in wanted})],
        "detector": [each.record() for each in RAW_DETECTORS],
        "group": [{"instrument": INSTRUMENT, "name": str(each.id)} for each in wanted],
        "physical_filter": [FILTERS[band].record() for band in sorted({each.band for each in wanted})],
        "exposure": [_exposure_record(each) for each in wanted],
    }


def visit_records(exposures: Iterable[Exposure]) -> dict[str, list[Record]]:
    """Return the records that an export of datasets of visits brings.

    Parameters
    ----------
    exposures : `~collections.abc.Iterable` [ `~tools.sample_dp02.campaign.Exposure` ]
        Those of the visits.

    Returns
    -------
    records : `dict`
        By element, in the order of the universe.
    """
    wanted = list(exposures)
    shared = exposure_records(wanted)
    exposure = shared.pop("exposure")
    return {
        **shared,
        "visit_system": [{"instrument": INSTRUMENT, "id": 0, "name": "one-to-one"}],
        "exposure": exposure,
        "visit": [_visit_record(each) for each in wanted],
        "visit_definition": [
            {"instrument": INSTRUMENT, "exposure": each.id, "visit": each.id} for each in wanted
        ],
        "visit_detector_region": [
            {
                "instrument": INSTRUMENT,
                "detector": detector.id,
                "visit": each.id,
                "region": _box(each.ra + place, each.dec, _DETECTOR_RADIUS),
            }
            for place, detector in enumerate(RAW_DETECTORS, -1)
            for each in wanted
        ],
        "visit_system_membership": [
            {"instrument": INSTRUMENT, "visit_system": 0, "visit": each.id} for each in wanted
        ],
    }
