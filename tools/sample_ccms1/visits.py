# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The visits of the selected exposures, as ``define-visits`` makes them by default: one for each exposure.

The solar system objects are kept by visit, so their export brings the records of the visits. This geometry is
the sample's own, so that the sample doesn't agree with the collection's code by being made with it.

Sources: obs_base, ``defineVisits.py`` (boxes padded by 250 pixels, hull of all corners), and the geometry of
the camera in obs_lsst: CCDs 42.25 mm apart, a radial distortion of two terms.
"""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING

from tools.samples.camera import Record

from .campaign import DETECTORS, INSTRUMENT, Detector, instrument_record
from .exposures import Exposure, good_exposures

if TYPE_CHECKING:
    from lsst.sphgeom import ConvexPolygon, UnitVector3d  # type: ignore[import-untyped]

_WIDTH, _HEIGHT = 4072, 4000
_REFERENCE_X, _REFERENCE_Y = 2036.5, 2000.5
_PADDING = 250
_PITCH = 42.25
_PIXEL = 0.01
_PLATE_SCALE = 20.018130891688713
_DISTORTION = (9.2793028e-08, 2.41770368e-13)


def _focal_plane_corners(detector: Detector) -> list[tuple[float, float]]:
    """Return the corners of the padded box of a detector, in millimetres on the focal plane."""
    column, row = detector.id % 3 - 1, detector.id // 3 - 1
    left, right = -0.5 - _PADDING, _WIDTH - 0.5 + _PADDING
    bottom, top = -0.5 - _PADDING, _HEIGHT - 0.5 + _PADDING
    return [
        (column * _PITCH + (x - _REFERENCE_X) * _PIXEL, row * _PITCH + (y - _REFERENCE_Y) * _PIXEL)
        for x, y in ((left, bottom), (right, bottom), (right, top), (left, top))
    ]


def _on_sky(x: float, y: float, exposure: Exposure) -> UnitVector3d:
    """Project a position on the focal plane (millimetres) to the sky."""
    from lsst.sphgeom import UnitVector3d, Vector3d

    ra, dec = (math.radians(angle) for angle in exposure.boresight)
    angle = math.radians(exposure.sequence.rotation)
    square = x * x + y * y
    cubic, quintic = _DISTORTION
    scale = math.radians(_PLATE_SCALE / 3600.0) * (1.0 + cubic * square + quintic * square * square)
    field_x, field_y = x * scale, y * scale
    xi = -(field_x * math.cos(angle) - field_y * math.sin(angle))
    eta = field_x * math.sin(angle) + field_y * math.cos(angle)
    east = (-math.sin(ra), math.cos(ra), 0.0)
    north = (-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec))
    centre = (math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec))
    components = (c + xi * e + eta * n for c, e, n in zip(centre, east, north, strict=True))
    return UnitVector3d(Vector3d(*components))


def detector_region(exposure: Exposure, detector: Detector) -> ConvexPolygon:
    """Return the region of the sky that a detector may see.

    Parameters
    ----------
    exposure : `Exposure`
        The exposure.
    detector : `Detector`
        The detector.

    Returns
    -------
    region : `lsst.sphgeom.ConvexPolygon`
        The padded box on the sky.
    """
    from lsst.sphgeom import ConvexPolygon

    return ConvexPolygon.convexHull([_on_sky(x, y, exposure) for x, y in _focal_plane_corners(detector)])


def visit_region(exposure: Exposure) -> ConvexPolygon:
    """Return the region of the sky that the camera may see.

    Parameters
    ----------
    exposure : `Exposure`
        The exposure.

    Returns
    -------
    region : `lsst.sphgeom.ConvexPolygon`
        The hull of the regions of its detectors.
    """
    from lsst.sphgeom import ConvexPolygon

    corners = (corner for detector in DETECTORS for corner in _focal_plane_corners(detector))
    return ConvexPolygon.convexHull([_on_sky(x, y, exposure) for x, y in corners])


def day_obs_record(day_obs: int) -> Record:
    """Return the ``day_obs`` dimension record: the day from 12:00 TAI to 12:00 TAI.

    Parameters
    ----------
    day_obs : `int`
        Date, YYYYMMDD.

    Returns
    -------
    record : `dict`
        In the order of the columns; the timespan as its two ends.
    """
    from astropy.time import Time

    begin = datetime.datetime.strptime(str(day_obs), "%Y%m%d") + datetime.timedelta(hours=12)
    end = begin + datetime.timedelta(days=1)
    return {
        "instrument": INSTRUMENT,
        "id": day_obs,
        "datetime_begin": Time(begin.isoformat(), format="isot", scale="tai"),
        "datetime_end": Time(end.isoformat(), format="isot", scale="tai"),
    }


def visit_record(exposure: Exposure) -> Record:
    """Return the ``visit`` dimension record of an exposure.

    Parameters
    ----------
    exposure : `Exposure`
        The exposure.

    Returns
    -------
    record : `dict`
        In the order of the columns; the timespan as its two ends.
    """
    whole = exposure.record()
    kept = (
        "exposure_time",
        "target_name",
        "observation_reason",
        "science_program",
        "azimuth",
        "zenith_angle",
    )
    return {
        "instrument": INSTRUMENT,
        "id": exposure.id,
        "day_obs": exposure.day_obs,
        "physical_filter": exposure.filter.name,
        "name": exposure.obs_id,
        "seq_num": exposure.seq_num,
        **{column: whole[column] for column in kept},
        "region": visit_region(exposure),
        "datetime_begin": whole["datetime_begin"],
        "datetime_end": whole["datetime_end"],
    }


def visit_records() -> dict[str, list[Record]]:
    """Return every record that the visits of the selected exposures rest on.

    Returns
    -------
    records : `dict`
        Records by element, in the order of the universe: what an export of datasets with these visits brings.
        Source: daf_butler, ``_extract_all_dimension_records_from_data_ids``.
    """
    exposures = good_exposures()
    filters = {each.filter.name: each.filter for each in exposures}
    return {
        "instrument": [instrument_record()],
        "day_obs": [day_obs_record(day) for day in sorted({each.day_obs for each in exposures})],
        "detector": [detector.record() for detector in DETECTORS],
        "group": [{"instrument": INSTRUMENT, "name": name} for name in sorted({e.group for e in exposures})],
        "physical_filter": [filters[name].record() for name in sorted(filters)],
        "visit_system": [{"instrument": INSTRUMENT, "id": 0, "name": "one-to-one"}],
        "exposure": [each.record() for each in exposures],
        "visit": [visit_record(each) for each in exposures],
        "visit_definition": [
            {"instrument": INSTRUMENT, "exposure": each.id, "visit": each.id} for each in exposures
        ],
        "visit_detector_region": [
            {
                "instrument": INSTRUMENT,
                "detector": detector.id,
                "visit": each.id,
                "region": detector_region(each, detector),
            }
            for detector in DETECTORS
            for each in exposures
        ],
        "visit_system_membership": [
            {"instrument": INSTRUMENT, "visit_system": 0, "visit": each.id} for each in exposures
        ],
    }
