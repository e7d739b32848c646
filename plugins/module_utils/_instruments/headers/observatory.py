# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that the LSST observatory makes of days, counters, controllers and groups.

Source: obs_lsst, ``translators/lsst.py``, ``translators/lsstCam.py`` and ``_packer.py``.
"""

from __future__ import annotations

import datetime
import hashlib
import re

CONTROLLERS = "OCHPQS"
"""Who may command a camera: the observatory (O), the camera (C), PhoSim (H), simulations (P, Q, S)."""

SIMULATING_CONTROLLERS = frozenset("HPQS")
"""The controllers whose data are simulated, at least in part."""

SEQUENCE_LIMIT = 100_000
"""Sequence numbers within a day are below this."""

_FIRST_MILLENNIUM = 2
_YEARS_FOR_EACH_CONTROLLER = 1000_00_00
_FIRST_DAY = 2000_00_00
_LAST_DAY_OF_CAMERA_COUNTER = 20231004
_LAST_DAY_OF_SIMULATION_COUNTERS = 20250417

# How many days, sequence numbers and detectors a packed id has room for.
_PACKED_DAYS, _PACKED_SEQUENCES, _PACKED_DETECTORS = 16384, 32768, 256
_FIRST_PACKED_DAY = datetime.date(2010, 1, 1)

_GROUP = re.compile(
    r"(?P<second>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(?P<thousandth>\d{3})(?:[+#](?P<number>\d+))?"
)
_FIRST_GROUP = datetime.datetime(2015, 1, 1)
_DIGEST_DIGITS = 14


def exposure_number(day_obs: str | int, seq_num: str | int, controller: str | None) -> int:
    """Compute the id of an exposure.

    Each controller but the first adds a thousand years to the day, as long as it had a counter of its own.

    Parameters
    ----------
    day_obs : `str` or `int`
        Day of observation, ``YYYYMMDD`` or an ISO date (with or without a time).
    seq_num : `str` or `int`
        Sequence number within that day.
    controller : `str` or `None`
        One of `CONTROLLERS`; empty or `None` where the camera has only one.

    Returns
    -------
    exposure_id : `int`
        The day's eight digits and the five of the sequence number.

    Raises
    ------
    ValueError
        Raised if the day, the sequence number or the controller is none of these.
    """
    digits = str(day_obs).partition("T")[0].replace("-", "")
    if len(digits) != 8 or not digits.isdecimal():
        raise ValueError(f"DAYOBS {day_obs!r} is no day; expected YYYYMMDD")
    day = int(digits)
    counter = int(seq_num)
    if not 0 <= counter < SEQUENCE_LIMIT:
        raise ValueError(f"SEQNUM {seq_num!r} is out of range; expected 0 to {SEQUENCE_LIMIT - 1}")
    shared = (controller == "C" and day > _LAST_DAY_OF_CAMERA_COUNTER) or (
        controller in ("P", "Q", "S") and day > _LAST_DAY_OF_SIMULATION_COUNTERS
    )
    if controller is not None and not shared:
        if controller not in ("", *CONTROLLERS):
            raise ValueError(
                f"CONTRLLR {controller!r} is no controller; expected one of {', '.join(CONTROLLERS)}"
            )
        day += _YEARS_FOR_EACH_CONTROLLER * CONTROLLERS.index(controller)
    return day * SEQUENCE_LIMIT + counter


def detector_exposure_number(exposure: int, detector: int) -> int:
    """Pack the ids of an exposure and of a detector into one.

    Parameters
    ----------
    exposure : `int`
        Id of the exposure, as `exposure_number` makes it.
    detector : `int`
        Id of the detector.

    Returns
    -------
    detector_exposure_id : `int`
        Controller, day, sequence number and detector, most significant first.

    Raises
    ------
    ValueError
        Raised if there is no room for one of them.
    """
    day, sequence = divmod(exposure, SEQUENCE_LIMIT)
    millennium, rest = divmod(day, _YEARS_FOR_EACH_CONTROLLER)
    controller = millennium - _FIRST_MILLENNIUM
    month, day_of_month = divmod(rest + _FIRST_MILLENNIUM * _YEARS_FOR_EACH_CONTROLLER, 100)
    date = datetime.date(*divmod(month, 100), day_of_month)
    days = (date - _FIRST_PACKED_DAY).days
    if not (
        0 <= controller < len(CONTROLLERS)
        # The official check lets one day too many pass.
        and 0 <= days <= _PACKED_DAYS
        and sequence < _PACKED_SEQUENCES
        and 0 <= detector < _PACKED_DETECTORS
    ):
        raise ValueError(f"exposure {exposure} and detector {detector} are too large for a packed id")
    packed = controller * _PACKED_DAYS + days
    return (packed * _PACKED_SEQUENCES + sequence) * _PACKED_DETECTORS + detector


def visit_number(group: str) -> int:
    """Compute the id of the visit that an exposure's group is.

    Parameters
    ----------
    group : `str`
        Name of the group: a number, the date (UTC) at which it began with or without a number of its own, or
        any other text.

    Returns
    -------
    visit_id : `int`
        The number itself; the milliseconds since 2015 and four digits for the group's number; or a hash.
    """
    try:
        return int(group)
    except ValueError:
        pass
    match = _GROUP.fullmatch(group)
    if match:
        seconds = int((datetime.datetime.fromisoformat(match["second"]) - _FIRST_GROUP).total_seconds())
        return int(f"{seconds}{match['thousandth']}{int(match['number'] or 0):04d}")
    digest = hashlib.blake2b(group.encode("us-ascii")).hexdigest()
    # Unlikely to be one of a date, and the length makes it even less likely that two texts have the same.
    return int(f"{int(digest[:_DIGEST_DIGITS], 16)}{len(group):02d}")


def day_of_exposure(exposure: int) -> int:
    """Tell the day of observation from the id of an exposure.

    Parameters
    ----------
    exposure : `int`
        As `exposure_number` computes it.

    Returns
    -------
    day_obs : `int`
        The day as YYYYMMDD, whichever controller it was.
    """
    return _FIRST_DAY + exposure // SEQUENCE_LIMIT % _YEARS_FOR_EACH_CONTROLLER


def pacific_hours(moment: datetime.datetime) -> int:
    """Return how far Pacific Time is behind UTC, which is when the days of the laboratories began.

    The rule of the United States since 2007, written out: a host need not have a time zone database.

    Parameters
    ----------
    moment : `datetime.datetime`
        A moment, UTC, without a zone.

    Returns
    -------
    hours : `int`
        7 in summer, 8 in winter.
    """
    begins = _sunday(moment.year, 3, 2) + datetime.timedelta(hours=2 + 8)
    ends = _sunday(moment.year, 11, 1) + datetime.timedelta(hours=2 + 7)
    return 7 if begins <= moment < ends else 8


def _sunday(year: int, month: int, ordinal: int) -> datetime.datetime:
    """Return the midnight that begins a month's first, second ... Sunday."""
    first = datetime.datetime(year, month, 1)
    return first + datetime.timedelta(days=(6 - first.weekday()) % 7 + 7 * (ordinal - 1))
