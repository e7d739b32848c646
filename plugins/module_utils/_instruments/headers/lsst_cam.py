# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers of LSSTCam and of LSSTComCam, which is a small LSSTCam.

Source: obs_lsst, ``translators/lsstCam.py`` and ``translators/comCam.py``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, MutableMapping
from numbers import Number
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers import astro
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.astro import cache_translation
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.corrections import (
    known_correction,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.lsst import (
    TELESCOPE,
    LsstTranslator,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.observatory import (
    pacific_hours,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.lsst_cameras import (
    FILTER_DELIMITER,
    LSSTCAM,
    LSSTCOMCAM,
)

_log = logging.getLogger(__name__)

_CORRECTIONS_PATH = "METADATA_CORRECTIONS_PATH"

# LSSTCam: between these days ROTPA was that of LSSTComCam, and on half a night it had another error.
_ROTATION_BEFORE, _ROTATION_UNTIL = 20250301, 20250422
_ROTATION_LAST_WRONG = 250

# LSSTCam: sequence numbers that claim an open dome, by day; the dome was closed.
_DOME_CLOSED: Mapping[int, tuple[tuple[int, int], ...]] = {
    20250518: ((0, 99999),),
    20250703: ((743, 745),),
    20250704: ((832, 834),),
    20250705: ((1, 736),),
    20250707: ((744, 823), (864, 943)),
    20250714: ((258, 781),),
    20250715: ((205, 1218),),
    20250819: ((4, 1052),),
}

# LSSTCam: first and last sequence number with a wrong filter, by day, and what the header should say.
_WRONG_FILTERS: Mapping[int, tuple[int, int, Mapping[str, object]]] = {
    20250609: (76, 578, {"FILTER": "z_20", "FILTBAND": "z", "FILTPOS": 201.0, "FILTSLOT": 4}),
    20260315: (49, 109, {"FILTER": "i_39", "FILTBAND": "i", "FILTPOS": 304.0, "FILTSLOT": 1}),
}

# LSSTCam: days on which the pinhole filter's name had a zero too many, and on which a block lacked its T.
_PINHOLE_DAYS = frozenset({"20231107", "20231108", "20241015", "20241016"})
_BLOCK_DAYS = frozenset(
    {
        *range(20250415, 20250419),
        *(20250421, 20250423, 20250424, 20250425),
        *(20250503, 20250504, 20250512, 20250522, 20250524),
        *range(20250826, 20250829),
    }
)

# LSSTComCam: serial numbers of the sensors, by slot, for headers without them.
_COMCAM_SERIALS: Mapping[str, str] = {
    slot: f"ITL-3800C-{number}"
    for slot, number in {
        "S00": 229,
        "S01": 251,
        "S02": 215,
        "S10": 326,
        "S11": 283,
        "S12": 243,
        "S20": 319,
        "S21": 209,
        "S22": 206,
    }.items()
}
_COMCAM_LEFT_TUCSON = "2020-03-13"


def _may_lack_rotation(translator: LsstCamTranslator) -> None:
    """Raise `KeyError` if the header must say how the camera was rotated: on sky, for science."""
    if translator.on_mountain():
        astro.is_non_science(translator)


class LsstCamTranslator(LsstTranslator):
    """Headers of LSSTCam.

    Attributes
    ----------
    shipped : `int`
        Month (``YYYYMM``) from which on days begin as on the summit; before, as in the laboratories.
    on_telescope : `str`
        Date (UTC) from which on the camera is on the telescope.
    """

    name = LSSTCAM.name
    supported_instrument = LSSTCAM.name
    definition = LSSTCAM
    shipped: ClassVar[int] = 202405
    on_telescope: ClassVar[str] = "2025-03-01"
    type_tells_sky = False

    _const_map = {"instrument": LSSTCAM.name, "telescope": TELESCOPE}  # noqa: RUF012 - as the base class has it
    _trivial_map = {  # noqa: RUF012 - as the base class has it
        "detector_group": "RAFTBAY",
        "detector_name": "CCDSLOT",
        "detector_serial": "LSST_NUM",
        "observation_id": "OBSID",
    }

    @classmethod
    def can_translate(cls, header: Mapping[str, Any], filename: str | None = None) -> bool:
        """Return whether a header is of this camera."""
        del filename
        return str(header.get("INSTRUME")).lower() == cls.name.lower()

    @classmethod
    def fix_header(
        cls, header: MutableMapping[str, Any], instrument: str, obsid: str, filename: str | None = None
    ) -> bool:
        """Correct a header in place; return whether anything was wrong."""
        before = dict(header)
        places = os.environ.get(_CORRECTIONS_PATH, "").split(os.pathsep)
        if not any((Path(place) / f"{instrument}-{obsid}.yaml").exists() for place in places if place):
            # A correction file of the operator's has been applied already, instead of the known correction.
            header.update(known_correction(instrument, obsid))
        cls.fix_camera_header(header)
        if header == before:
            return False
        changed = sorted(key for key, value in header.items() if before.get(key) != value)
        _log.debug("%s (%s): corrected %s", filename, obsid, ", ".join(changed))
        return True

    @classmethod
    def fix_camera_header(cls, header: MutableMapping[str, Any]) -> None:
        """Correct what is wrong for whole periods.

        Parameters
        ----------
        header : `~collections.abc.MutableMapping` [ `str`, `object` ]
            The header, changed in place.
        """
        if "FILTER" not in header and header.get("FILTER2") is not None:
            header["FILTER2"] = None
        day_text = header.get("DAYOBS")
        if day_text in _PINHOLE_DAYS and header.get("FILTER") == "ph_05":
            header["FILTER"] = "ph_5"
        if not day_text:
            return
        day, sequence, rotation = int(day_text), header.get("SEQNUM", -1), header.get("ROTPA")
        if rotation and _ROTATION_BEFORE < day < _ROTATION_UNTIL:
            header["ROTPA"] = rotation - 90.0
        if rotation and day == _ROTATION_UNTIL and sequence <= _ROTATION_LAST_WRONG:
            turned = astro.Angle(rotation - 180.0, unit="deg")
            header["ROTPA"] = float(turned.wrap_at("180d").value)
        if any(first <= sequence <= last for first, last in _DOME_CLOSED.get(day, ())):
            header["VIGN_MIN"] = "FULLY"
        first, last, right = _WRONG_FILTERS.get(day, (0, -1, {}))
        if first <= sequence <= last:
            header.update(right)
        if day in _BLOCK_DAYS and header.get("PROGRAM") == "BLOCK-417":
            header["PROGRAM"] = "BLOCK-T417"

    @classmethod
    def observing_date_to_offset(cls, observing_date: Any) -> Any:
        """Return how long after midnight the day began: on the summit, or in a laboratory in California."""
        if int(observing_date.strftime("%Y%m")) >= cls.shipped:
            return super().observing_date_to_offset(observing_date)
        hours = pacific_hours(observing_date.utc.to_datetime())
        return astro.TimeDelta(hours * 3600, format="sec", scale="tai")

    def on_mountain(self) -> bool:
        """Return whether the camera was on the telescope; PhoSim's always is."""
        if self.controller() == "H":
            return True
        return bool(self.to_datetime_begin() > astro.Time(self.on_telescope, format="isot", scale="utc"))

    @cache_translation
    def to_physical_filter(self) -> str:
        """All filters in the beam, without the empty places behind them."""
        name = super().to_physical_filter()
        empty = f"{FILTER_DELIMITER}empty"
        while name.endswith(empty):
            name = name.removesuffix(empty)
        return name

    @cache_translation
    def to_exposure_time_requested(self) -> Any:
        """Exposure time that was asked for."""
        return self.quantity_from_card("EXPTIME", astro.units.s)

    @cache_translation
    def to_exposure_time(self) -> Any:
        """Time that the shutter was open, if it was opened."""
        if self.is_key_ok("SHUTTIME") and self._header["SHUTTIME"] > 0.0:
            return self.quantity_from_card("SHUTTIME", astro.units.s)
        return self.to_exposure_time_requested()

    @cache_translation
    def to_object(self) -> str:
        """Target of the observation."""
        return self.text_of(["OBJECT"], "UNKNOWN")

    @cache_translation
    def to_science_program(self) -> str:
        """For which program it was observed."""
        return self.text_of(["PROGRAM", "RUNNUM"], "unknown")

    @cache_translation
    def to_boresight_rotation_angle(self) -> Any:
        """Rotation of the camera."""
        angle = self.quantity_from_card(
            ["ROTPA", "ROTANGLE"], astro.units.deg, default=0.0, checker=_may_lack_rotation
        )
        return astro.Angle(angle)

    @cache_translation
    def to_can_see_sky(self) -> bool | None:
        """Whether light of the sky could reach the detector: never in a laboratory."""
        return super().to_can_see_sky() if self.on_mountain() else False


class LsstComCamTranslator(LsstCamTranslator):
    """Headers of LSSTComCam."""

    name = LSSTCOMCAM.name
    definition = LSSTCOMCAM
    shipped = 202003
    on_telescope = "2024-08-24"

    _const_map = {"instrument": LSSTCOMCAM.name}  # noqa: RUF012 - as the base class has it

    @classmethod
    def can_translate(cls, header: Mapping[str, Any], filename: str | None = None) -> bool:
        """Return whether a header is of this camera, and not of a commissioning camera elsewhere."""
        del filename
        if "TELESCOP" not in header:
            return False
        camera = str(header.get("INSTRUME")).lower()
        if camera == "comcam" and header["TELESCOP"] in (TELESCOPE, "LSST"):
            return True
        # Some of 2019 call themselves LSST_CAMERA.
        return camera == "lsst_camera" and header.get("TELCODE") == "CC"

    @classmethod
    def fix_camera_header(cls, header: MutableMapping[str, Any]) -> None:
        """Correct what is wrong for whole periods.

        Parameters
        ----------
        header : `~collections.abc.MutableMapping` [ `str`, `object` ]
            The header, changed in place.
        """
        glass = header.get("FILTER")
        if glass is None:
            header["FILTER"] = "unknown"
        elif glass in ("r", ""):
            # The name of a band: in Tucson it was this glass, in Chile there was none before the telescope.
            shipped = astro.Time(_COMCAM_LEFT_TUCSON, format="isot", scale="utc")
            header["FILTER"] = "empty" if cls(header).to_datetime_begin() > shipped else "r_03"
        if header.get("INSTRUME") == "LSST_CAMERA":
            header["INSTRUME"] = "ComCam"
        slot = str(header.get("CCDSLOT"))
        if "LSST_NUM" not in header and slot in _COMCAM_SERIALS:
            header["LSST_NUM"] = _COMCAM_SERIALS[slot]
        if not isinstance(header.get("ROTPA"), Number):
            header["ROTPA"] = 0.0
