# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shards of a catalogue are the catalogue, and each source is in its pixel."""

from __future__ import annotations

import numpy
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.catalogs import by_band
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.declared import declared_catalogs
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.shards import (
    differences,
    shards_of,
)
from astropy.table import Table, vstack
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.sphgeom import HtmPixelization, LonLat, UnitVector3d  # type: ignore[import-untyped]

FEW = settings(max_examples=15)
SOURCES = st.lists(
    st.tuples(st.floats(0, 3), st.floats(-2, 2), st.sampled_from(["g", "VR"]), st.floats()),
    min_size=1,
    max_size=9,
)
[CATALOG] = declared_catalogs(
    [
        {
            "path": "/data/fakes.fits",
            **dict.fromkeys(("format", "columns", "defaults", "band_names", "bands", "magnitudes")),
            "band_column": "band",
        }
    ]
)


@FEW
@given(SOURCES)
def test_shards_put_together_are_the_catalogue(sources: list[tuple[float, float, str, float]]) -> None:
    table = Table(rows=sources, names=("ra", "dec", "band", "mag"))
    table["number"] = numpy.arange(len(table))
    shards = shards_of(by_band(CATALOG, table))
    assert list(shards) == sorted(shards) and all(
        len(shard) == len(shard.table()) for shard in shards.values()
    )
    pixels = HtmPixelization(7)
    for (band, pixel), shard in shards.items():
        rows = shard.table()
        assert rows["number"].tolist() == sorted(rows["number"].tolist()) and set(rows["band"]) == {band}
        for ra, dec in rows["ra", "dec"]:
            assert pixels.index(UnitVector3d(LonLat.fromDegrees(ra, dec))) == pixel
    back = vstack([shard.table() for shard in shards.values()])
    back.sort("number")
    assert differences(back, table) is None


def test_what_differs_is_named() -> None:
    table = Table({"ra": [1.0, 2.0], "name": ["a", "bbb"], "mag": [numpy.nan, 3.0]})
    assert differences(table, table.copy()) is None
    wider, other, united = table.copy(), table.copy(), table.copy()
    wider["name"] = wider["name"].astype("U20")
    other["mag"][1] = 4.0
    united["ra"].unit = "deg"
    assert differences(wider, table) is None
    assert differences(other, table) == {"rows": 2, "other values in": "mag"}
    assert differences(united, table) == {"rows": 2, "other values in": "ra"}
    assert differences(table[:1], table) == {"rows": 1}
    assert differences(table["ra", "mag"], table) == {"rows": 2, "columns": "ra, mag"}
