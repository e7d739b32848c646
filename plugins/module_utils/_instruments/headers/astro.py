# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where this package imports astropy and astro_metadata_translator.

The translator classes need their base class when they are defined. Where it is not installed, stand-ins let
every file be imported all the same (Ansible's import test does); nothing can be translated then.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    import erfa  # type: ignore[import-untyped]
    from astro_metadata_translator import FitsTranslator
    from astro_metadata_translator.translators.helpers import (
        altaz_from_degree_headers,
        is_non_science,
        tracking_from_degree_headers,
    )
    from astropy import units
    from astropy.coordinates import (
        ICRS,
        AltAz,
        Angle,
        EarthLocation,
        SkyCoord,
    )
    from astropy.time import Time, TimeDelta
    from astropy.utils import iers

    _Method = TypeVar("_Method", bound=Callable[..., Any])

    def cache_translation(func: _Method) -> _Method:
        """Compute a property once for each header."""
        return func

else:
    try:
        import erfa
        from astro_metadata_translator import FitsTranslator, cache_translation
        from astro_metadata_translator.translators.helpers import (
            altaz_from_degree_headers,
            is_non_science,
            tracking_from_degree_headers,
        )
        from astropy import units
        from astropy.coordinates import ICRS, AltAz, Angle, EarthLocation, SkyCoord
        from astropy.time import Time, TimeDelta
        from astropy.utils import iers
    except ImportError:
        FitsTranslator = object
        ICRS = AltAz = Angle = EarthLocation = SkyCoord = Time = TimeDelta = erfa = iers = units = None
        altaz_from_degree_headers = is_non_science = tracking_from_degree_headers = None

        def cache_translation(func):
            """Leave the method as it is."""
            return func


@contextmanager
def earth_of_any_date() -> Iterator[None]:
    """Let coordinates be transformed with the installed table of the Earth's rotation.

    astropy would fetch a new table when dates are later than the installed one was measured, and refuses once
    that is more than 30 days ago: the same header would be translated today and not tomorrow. The angles of
    a mount need no such accuracy (a predicted rotation is wrong by milliseconds).

    Yields
    ------
    `None`
        Meanwhile a date has the same angles whenever it is asked for.
    """
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


__all__ = [
    "ICRS",
    "AltAz",
    "Angle",
    "EarthLocation",
    "FitsTranslator",
    "SkyCoord",
    "Time",
    "TimeDelta",
    "altaz_from_degree_headers",
    "cache_translation",
    "earth_of_any_date",
    "erfa",
    "is_non_science",
    "tracking_from_degree_headers",
    "units",
]
