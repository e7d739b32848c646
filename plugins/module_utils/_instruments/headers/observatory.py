# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that the LSST observatory makes of days, counters and controllers.

Source: obs_lsst, ``translators/lsst.py`` and ``translators/lsstCam.py``.
"""

from __future__ import annotations

import datetime

CONTROLLERS = "OCHPQS"
"""Who may command a camera: the observatory (O), the camera (C), PhoSim (H), simulations (P, Q, S)."""

SIMULATING_CONTROLLERS = frozenset("HPQS")
"""The controllers whose data are simulated, at least in part."""

SEQUENCE_LIMIT = 100_000
"""Sequence numbers within a day are below this."""

_YEARS_FOR_EACH_CONTROLLER = 1000_00_00
_LAST_DAY_OF_CAMERA_COUNTER = 20231004
_LAST_DAY_OF_SIMULATION_COUNTERS = 20250417


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
