# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of a visit, from those of its exposures.

Source: obs_base, ``defineVisits.py``, compared with the records that it writes.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord, Timespan

MANY_REASONS = "various"
"""Why a visit was observed if its exposures do not agree on it."""


def visit_columns(exposures: Sequence[DimensionRecord]) -> dict[str, Any]:
    """Give the columns of a visit that follow from its exposures.

    Parameters
    ----------
    exposures : `~collections.abc.Sequence` [ `lsst.daf.butler.DimensionRecord` ]
        The exposures of a visit, in the order in which they were taken; one at least.

    Returns
    -------
    columns : `dict` [ `str`, `object` ]
        All columns of a ``visit`` record but its instrument, id, name and region. Times are in seconds and
        angles in degrees.

    Notes
    -----
    What is unknown of one exposure is unknown of the visit, but for its reason.
    """
    total = _folded(exposures, "zenith_angle", lambda first, second: first + second)
    reason = agreed(exposures, "observation_reason")
    return {
        "day_obs": min(exposure.day_obs for exposure in exposures),
        "physical_filter": agreed(exposures, "physical_filter"),
        "seq_num": _folded(exposures, "seq_num", min),
        "exposure_time": _folded(exposures, "exposure_time", lambda first, second: first + second),
        "target_name": agreed(exposures, "target_name"),
        "observation_reason": MANY_REASONS if reason is None else reason,
        "science_program": agreed(exposures, "science_program"),
        "azimuth": mean_angle([exposure.azimuth for exposure in exposures]),
        "zenith_angle": None if total is None else total / len(exposures),
        "timespan": _span([exposure.timespan for exposure in exposures]),
    }


def _folded(exposures: Iterable[DimensionRecord], column: str, fold: Callable[[Any, Any], Any]) -> Any:
    """Fold a column, from the first exposure to the last.

    A result of `None` on the way gives place to what follows, as in the official tool: of three exposures of
    which the first two do not agree, the third decides.
    """
    folded: Any = None
    for exposure in exposures:
        value = getattr(exposure, column)
        if value is None:
            return None
        folded = value if folded is None else fold(folded, value)
    return folded


def agreed(exposures: Iterable[DimensionRecord], column: str) -> Any:
    """Give what the exposures of a visit agree on.

    Parameters
    ----------
    exposures : `~collections.abc.Iterable` [ `lsst.daf.butler.DimensionRecord` ]
        The exposures, in the order in which they were taken.
    column : `str`
        A column of theirs.

    Returns
    -------
    value : `object`
        The visit's value, `None` if there is none.
    """
    return _folded(exposures, column, lambda first, second: first if first == second else None)


def mean_angle(angles: Sequence[float | None]) -> float | None:
    """Average angles, such as azimuths on both sides of north.

    Parameters
    ----------
    angles : `~collections.abc.Sequence` [ `float` or `None` ]
        Angles in degrees; one at least.

    Returns
    -------
    mean : `float` or `None`
        A single angle as it is; of several the direction of their sum as vectors, between -180 and 180
        degrees. `None` if one of them is.
    """
    known = [angle for angle in angles if angle is not None]
    if len(known) < len(angles):
        return None
    if len(known) == 1:
        return known[0]
    # Divided before the direction is taken, although that does not depend on it, to have the same last bit.
    vectors = (cmath.rect(1.0, math.radians(angle)) for angle in known)
    return math.degrees(cmath.phase(sum(vectors) / len(known)))


def _span(timespans: Sequence[Timespan | None]) -> Timespan | None:
    known = [timespan for timespan in timespans if timespan is not None]
    if len(known) < len(timespans):
        return None
    if len(known) == 1:
        return known[0]
    from lsst.daf.butler import Timespan

    first = min(known, key=lambda timespan: timespan.nsec[0])
    last = max(known, key=lambda timespan: timespan.nsec[1])
    return Timespan(first.begin, last.end)
