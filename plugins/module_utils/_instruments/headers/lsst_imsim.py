# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers of LSSTCam as imSim simulates it.

Source: obs_lsst, ``translators/imsim.py`` and ``translators/lsstsim.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers import astro
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.astro import cache_translation
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.lsst import (
    HEIGHT,
    LATITUDE,
    LONGITUDE,
    TELESCOPE,
    LsstTranslator,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.lsst_cameras import LSSTCAM_IMSIM


class LsstCamImSimTranslator(LsstTranslator):
    """Headers of LSSTCam-imSim: plain numbers for exposures, days that begin at midnight."""

    name = LSSTCAM_IMSIM.name
    definition = LSSTCAM_IMSIM
    day_offset_hours = 0.0

    _const_map = {  # noqa: RUF012 - as the base class has it
        "instrument": LSSTCAM_IMSIM.name,
        "boresight_rotation_coord": "sky",
        "has_simulated_content": True,
        "object": "UNKNOWN",
        "observation_counter": 0,
        "pressure": None,
        "relative_humidity": 40.0,
        "temperature": None,
    }
    _trivial_map = {  # noqa: RUF012 - as the base class has it
        "detector_group": "RAFTNAME",
        "detector_name": "SENSNAME",
        "detector_serial": "LSST_NUM",
        "exposure_id": "OBSID",
        "observation_id": "OBSID",
        "science_program": "RUNNUM",
        "visit_id": "OBSID",
    }

    @classmethod
    def can_translate(cls, header: Mapping[str, Any], filename: str | None = None) -> bool:
        """Return whether a header is of this camera; it has no ``INSTRUME``."""
        del filename
        return header.get("TESTTYPE") == "IMSIM"

    @cache_translation
    def to_telescope(self) -> Any:
        """Name of the telescope, where the header tells that it is that of LSST."""
        is_lsst = str(self.optional_card("OUTFILE")).startswith("lsst") or "LSST_NUM" in self._header
        return TELESCOPE if is_lsst else None

    @cache_translation
    def to_location(self) -> Any:
        """Place of the telescope."""
        if self.to_telescope():
            return astro.EarthLocation.from_geodetic(LONGITUDE, LATITUDE, HEIGHT)
        try:
            return super().to_location()
        except Exception:
            return None

    @cache_translation
    def to_detector_exposure_id(self) -> int:
        """Id of this detector in this exposure: the three last digits are the detector's."""
        return int(self.to_exposure_id() * self.definition.detector_max + self.to_detector_num())

    @cache_translation
    def to_exposure_time(self) -> Any:
        """Exposure time."""
        return self.quantity_from_card("EXPTIME", astro.units.s)

    @cache_translation
    def to_dark_time(self) -> Any:
        """Time that the detector collected charge."""
        return self.quantity_from_card("DARKTIME", astro.units.s)

    @cache_translation
    def to_tracking_radec(self) -> Any:
        """Where the telescope pointed, for calibrations too."""
        return astro.tracking_from_degree_headers(self, ("RADESYS",), (("RATEL", "DECTEL"),))

    @cache_translation
    def to_boresight_rotation_angle(self) -> Any:
        """Rotation of the camera on the sky, which the header measures the other way round."""
        turned = astro.Angle(90.0, unit="deg") - astro.Angle(
            self.quantity_from_card("ROTANGLE", astro.units.deg)
        )
        return turned.wrap_at("360d")

    @cache_translation
    def to_physical_filter(self) -> Any:
        """Name of the filter, with the version of the throughputs if the simulation used any."""
        glass = self._header["FILTER"]
        if glass is None:
            return None
        for keyword, value in self._header.items():
            if keyword.startswith("PKG") and value == "throughputs":
                version = self.required_card("VER" + keyword.removeprefix("PKG"))
                return f"{glass}_sim_{version.strip()}"
        return str(glass)

    @cache_translation
    def to_altaz_begin(self) -> Any:
        """Where the mount pointed at the begin, for science."""
        if self.to_observation_type() != "science":
            return None
        if self.are_keys_ok(["HASTART", "DECTEL"]):
            # The declination is taken as the apparent one.
            place = self.to_location()
            hour_angle, declination = (
                astro.Angle(self.required_card(keyword), unit="deg").radian
                for keyword in ("HASTART", "DECTEL")
            )
            azimuth, altitude = astro.erfa.hd2ae(hour_angle, declination, place.lat.radian)
            radian = astro.units.radian
            return astro.AltAz(
                azimuth * radian, altitude * radian, obstime=self.to_datetime_begin(), location=place
            )
        tracked = self.to_tracking_radec()
        if tracked is None:
            return None
        # These dates may be in the future, where no table of the Earth's rotation reaches.
        with astro.earth_of_any_date():
            return tracked.transform_to(astro.AltAz()).frame

    @cache_translation
    def to_altaz_end(self) -> None:
        """Where the mount pointed at the end is not known."""
        return

    @cache_translation
    def to_boresight_airmass(self) -> Any:
        """Airmass at the begin, for calibrations too where the header has it."""
        for keyword in ("AIRMASS", "AMSTART"):
            airmass = self.optional_number(keyword)
            if airmass is not None:
                return airmass
        pointed = self.to_altaz_begin()
        return None if pointed is None else float(pointed.secz)
