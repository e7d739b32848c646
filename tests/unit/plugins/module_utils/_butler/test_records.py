# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records are compared as what they mean, not digit by digit."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.records import differences, same_value
from lsst.daf.butler import DimensionRecord, DimensionUniverse
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

ARCSEC = 1 / 3600


def square(shift: float = 0.0) -> ConvexPolygon:
    """Make a polygon of about a degree, moved by some degrees."""
    corners = ((10.0, 10.0), (11.0, 10.0), (11.0, 11.0), (10.0, 11.0))
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(lon, lat + shift)) for lon, lat in corners])


def tract(shift: float) -> DimensionRecord:
    return DimensionUniverse()["tract"].RecordClass(skymap="m", id=1, region=square(shift))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (1.0, 1.0 + 1e-12, True),
        (1.0, 1.0 + 1e-6, False),
        (-1.3e-14, 0.0, True),
        (0.0, 1e-10, True),
        (0.0, 1e-8, False),
        (1e-8, -1e-8, False),
        (float("nan"), float("nan"), True),
        ("a", "a", True),
        ("a", "b", False),
        (b"a", b"a", True),
        (None, None, True),
        (None, 1.0, False),
        (square(), square(1e-7 * ARCSEC), True),
        (square(), square(1e-2 * ARCSEC), False),
        (square(), None, False),
        (None, square(), False),
    ],
)
def test_values_are_the_same_but_for_rounding(first: object, second: object, same: bool) -> None:
    assert same_value(first, second) is same


def test_a_region_computed_by_another_program_is_no_difference() -> None:
    assert differences(tract(0.0), tract(1e-7 * ARCSEC)) == {}
    assert list(differences(tract(0.0), tract(0.1))) == ["region"]
