# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all headers of the LSST cameras have in common.

Source: obs_lsst, ``translators/lsst.py``.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers import astro
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.astro import cache_translation
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.cards import CardTranslator
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.observatory import (
    SIMULATING_CONTROLLERS,
    detector_exposure_number,
    exposure_number,
    visit_number,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.lsst_cameras import FILTER_DELIMITER

if TYPE_CHECKING:
    from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
        InstrumentDefinition,
    )

TELESCOPE = "Simonyi Survey Telescope"
"""Name of the telescope in headers."""

LONGITUDE, LATITUDE, HEIGHT = -70.749417, -30.244639, 2663.0
"""Place of the telescope (degrees, degrees, metres), for headers without it."""

# The mount leans beyond the zenith and below the horizon by this much (degrees).
_ALTITUDES = (-5.55, 95.55)

# Air pressure has been written in hPa and in Pa: more than this is Pa.
_PRESSURE_MAX = 10_000


class LsstTranslator(CardTranslator):
    """Rules for the headers of any LSST camera; each camera's class adds its own.

    Attributes
    ----------
    definition : `InstrumentDefinition`
        The camera.
    day_offset_hours : `float`
        How long after midnight (TAI) the day of observation begins.
    type_tells_sky : `bool`
        Whether the observation type may say if the sky was seen, where nothing else does.
    """

    definition: ClassVar[InstrumentDefinition]
    day_offset_hours: ClassVar[float] = 12.0
    type_tells_sky: ClassVar[bool] = True

    default_resource_package = None  # type: ignore[assignment]
    _non_sky_observation_types = ("bias", "dark", "flat")

    @classmethod
    def observing_date_to_offset(cls, observing_date: Any) -> Any:
        """Return how long after midnight the day of observation began at some date."""
        del observing_date
        return astro.TimeDelta(cls.day_offset_hours * 3600, format="sec", scale="tai")

    def on_mountain(self) -> bool:
        """Return whether the camera was on the telescope and not on a test stand.

        Returns
        -------
        on_mountain : `bool`
            Whether it was.
        """
        return "TSTAND" not in self._header

    def is_on_sky(self) -> bool:
        """Return whether the telescope looked at the sky.

        Returns
        -------
        on_sky : `bool`
            Whether it did, as far as mount and observation type tell.
        """
        if self.is_key_ok("TRACKSYS") and self._header["TRACKSYS"].lower() == "local":
            return False
        return self.to_observation_type() not in self._non_sky_observation_types and self.on_mountain()

    def controller(self) -> str | None:
        """Return who commanded the camera.

        Returns
        -------
        controller : `str` or `None`
            Its code, such as ``O``; `None` if the header does not tell.
        """
        code = self.optional_card("CONTRLLR")
        return None if code is None else str(code)

    @cache_translation
    def to_location(self) -> Any:
        """Place of the telescope."""
        if not self.on_mountain():
            return None
        try:
            return super().to_location()
        except (KeyError, TypeError):
            return astro.EarthLocation.from_geodetic(LONGITUDE, LATITUDE, HEIGHT)

    @cache_translation
    def to_datetime_begin(self) -> Any:
        """Begin of the exposure: these headers are TAI, whatever TIMESYS says."""
        for keyword in ("MJD-BEG", "DATE-BEG", "MJD-OBS", "DATE-OBS"):
            if self.is_key_ok(keyword):
                form = "mjd" if keyword.startswith("MJD") else "fits"
                return astro.Time(self.required_card(keyword), scale="tai", format=form)
        raise KeyError("MJD-BEG")

    @cache_translation
    def to_datetime_end(self) -> Any:
        """End of the exposure, computed where the header does not have it."""
        if self.is_key_ok("DATE-END"):
            return super().to_datetime_end()
        seconds = self.to_exposure_time()
        begin = self.to_datetime_begin()
        return begin if seconds.value < 0 else begin + seconds

    @cache_translation
    def to_detector_num(self) -> int:
        """Id of the detector, by its raft and slot."""
        name = self.to_detector_unique_name()
        if name not in self.definition.detector_ids:
            raise ValueError(f"{name} is no detector of {self.definition.name}")
        return self.definition.detector_ids[name]

    @cache_translation
    def to_observation_type(self) -> str:
        """Kind of image, with one word for science."""
        kind = str(self.required_card("IMGTYPE")).lower()
        return "science" if kind in ("skyexp", "object") else kind

    @cache_translation
    def to_observation_reason(self) -> str:
        """Why the image was taken."""
        for keyword in ("REASON", "TESTTYPE"):
            if self.is_key_ok(keyword):
                return str(self.required_card(keyword)).lower()
        return super().to_observation_reason()

    @cache_translation
    def to_dark_time(self) -> Any:
        """Time that the detector collected charge."""
        if self.is_key_ok("DARKTIME"):
            return self.quantity_from_card("DARKTIME", astro.units.s)
        return self.to_exposure_time()

    @cache_translation
    def to_exposure_id(self) -> int:
        """Id of the exposure."""
        if "CALIB_ID" in self._header:
            raise ValueError("the keyword CALIB_ID says that it is a calibration product and no raw")
        return exposure_number(self.required_card("DAYOBS"), self.required_card("SEQNUM"), self.controller())

    @cache_translation
    def to_visit_id(self) -> int:
        """Id of the visit, by the exposure's group."""
        return visit_number(str(self.to_exposure_group()))

    @cache_translation
    def to_detector_exposure_id(self) -> int:
        """Id of this detector in this exposure."""
        return detector_exposure_number(self.to_exposure_id(), self.to_detector_num())

    @cache_translation
    def to_physical_filter(self) -> str:
        """All filters in the beam."""
        names = [str(self._header[key]) for key in ("FILTER", "FILTER1", "FILTER2") if self.is_key_ok(key)]
        joined = FILTER_DELIMITER.join(names) or "unknown"
        return joined.replace("NONE", "none")

    @cache_translation
    def to_tracking_radec(self) -> Any:
        """Where the telescope tracked; nothing where it did not."""
        # Mounts have reported to track during calibrations; only darks are sometimes really taken so.
        if self.to_observation_type() in set(self._non_sky_observation_types) - {"dark"}:
            return None
        if self.is_key_ok("TRACKSYS") and self._header["TRACKSYS"] != "RADEC":
            return None
        try:
            if self._header.get("DATE-OBS") == self._header["DATE"]:
                # The date was repaired afterwards: what derives from it is wrong, the mount's angles hold.
                with astro.earth_of_any_date():
                    return astro.SkyCoord(self.to_altaz_begin().transform_to(astro.ICRS()))
            return astro.tracking_from_degree_headers(
                self, ("RADESYS",), (("RASTART", "DECSTART"), ("RA", "DEC"))
            )
        except Exception:
            if self.is_on_sky():
                raise
            return None

    @cache_translation
    def to_altaz_begin(self) -> Any:
        """Where the mount pointed at the begin."""
        return self._mount_angles("ELSTART", "AZSTART")

    @cache_translation
    def to_altaz_end(self) -> Any:
        """Where the mount pointed at the end, with the time of the begin: so it is officially."""
        return self._mount_angles("ELEND", "AZEND")

    def _mount_angles(self, altitude: str, azimuth: str) -> Any:
        """Return what two keywords say of the mount, or `None`."""
        if not self.on_mountain():
            return None
        if self.controller() == "H" and not self.are_keys_ok([altitude, azimuth]):
            return None
        lowest, highest = _ALTITUDES
        return astro.altaz_from_degree_headers(
            self, ((altitude, azimuth),), self.to_datetime_begin(), max_alt=highest, min_alt=lowest
        )

    @cache_translation
    def to_boresight_airmass(self) -> Any:
        """Airmass at the begin, of what the telescope saw of the sky."""
        if not self.is_on_sky():
            return None
        airmass = self.optional_number("AMSTART")
        if airmass is not None:
            return airmass
        pointed = self.to_altaz_begin()
        return 1.0 if pointed is None else float(pointed.secz)

    @cache_translation
    def to_exposure_group(self) -> str | None:
        """Name of the exposure's group."""
        group = self.optional_card("GROUPID")
        if group is None:
            return super().to_exposure_group()
        if isinstance(group, datetime.datetime):
            # A correction file in YAML whose date is not quoted.
            return group.isoformat(timespec="milliseconds")
        return group  # type: ignore[no-any-return]

    @cache_translation
    def to_observing_day(self) -> int:
        """Day of observation, by the header or else by the date."""
        day = self.optional_card("DAYOBS")
        return super().to_observing_day() if day is None else int(day)

    @cache_translation
    def to_observation_counter(self) -> int:
        """Sequence number within the day; 0 where there is none."""
        return int(self.optional_card("SEQNUM") or 0)

    @cache_translation
    def to_group_counter_start(self) -> int:
        """Sequence number of the group's first exposure."""
        index = self.optional_card("CURINDEX")
        # Without a counter all exposures would be of one group: the id keeps them apart.
        counter = self.to_observation_counter()
        return int(counter - index + 1) if index is not None else counter or self.to_exposure_id()

    @cache_translation
    def to_group_counter_end(self) -> int:
        """Sequence number of the group's last exposure."""
        index, last = self.optional_card("CURINDEX"), self.optional_card("MAXINDEX")
        counter = self.to_observation_counter()
        if index is not None and last is not None:
            return int(counter + last - index)
        return counter or self.to_exposure_id()

    @cache_translation
    def to_boresight_rotation_coord(self) -> str:
        """Which frame the rotation angle is measured in."""
        return str(self.optional_card("ROTCOORD") or "unknown") if self.is_on_sky() else "unknown"

    @cache_translation
    def to_has_simulated_content(self) -> bool:
        """Whether anything in the image or its header was simulated."""
        # Each subsystem that can be simulated has a flag; which ones there are changes with time.
        if any("SIMULATE" in keyword and value for keyword, value in self._header.items()):
            return True
        return self.controller() in SIMULATING_CONTROLLERS

    @cache_translation
    def to_focus_z(self) -> Any:
        """How far the camera was out of focus."""
        distance = self.optional_card("FOCUSZ")
        # Some headers have it as text.
        return super().to_focus_z() if distance is None else float(distance) * astro.units.mm

    @cache_translation
    def to_relative_humidity(self) -> Any:
        """Humidity outside the dome (percent)."""
        return self.optional_number("HUMIDITY")

    @cache_translation
    def to_pressure(self) -> Any:
        """Air pressure outside the dome."""
        pressure = self.optional_card("PRESSURE")
        if pressure is None:
            return None
        return pressure * (astro.units.Pa if pressure > _PRESSURE_MAX else astro.units.hPa)

    @cache_translation
    def to_temperature(self) -> Any:
        """Temperature outside the dome."""
        degrees = self.optional_card("AIRTEMP")
        return None if degrees is None else degrees * astro.units.deg_C

    @cache_translation
    def to_can_see_sky(self) -> bool | None:
        """Whether light of the sky could reach the detector; unknown where nothing tells."""
        if self.is_key_ok("SHUTTIME") and self._header["SHUTTIME"] == 0.0:
            return False
        vignetting = self.optional_card("VIGN_MIN")
        if vignetting is not None:
            return {"FULLY": False, "UNKNOWN": None}.get(vignetting, True)
        if self.type_tells_sky or self.controller() == "H":
            return super().to_can_see_sky()
        return None
