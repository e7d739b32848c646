# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations and their differences are shown under the official names."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    DiscreteConfig,
    LegacyTracts,
    RingsConfig,
    SkyMapConfig,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.hash import sky_map_hash
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.shown import differences as told
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.shown import shown_config
from hypothesis import example, given

from tests.sky_map_facts import CONFIGS, DC2, MAPS

CELLS = replace(DC2, tract_builder="cells")


def differences(registered: SkyMapConfig, declared: SkyMapConfig) -> list[str]:
    return told(shown_config(registered), shown_config(declared))


def test_what_determines_the_hash_is_shown_in_order() -> None:
    assert list(shown_config(DC2).items()) == [
        ("skyMap", "rings"),
        ("tractBuilder", "legacy"),
        ("patchInnerDimensions", [4000, 4000]),
        ("patchBorder", 100),
        ("tractOverlap", 1 / 60),
        ("pixelScale", 0.2),
        ("projection", "TAN"),
        ("rotation", 0.0),
        ("numRings", 120),
        ("raStart", 0.0),
    ]
    cells = ["cellInnerDimensions", "cellBorder", "numCellsPerPatchInner", "numCellsInPatchBorder"]
    assert list(shown_config(CELLS))[2:6] == cells
    assert list(shown_config(MAPS["small_discrete"]))[-3:] == ["raList", "decList", "radiusList"]


def test_differences_are_told_option_by_option() -> None:
    other = replace(DC2, pixel_scale=0.3, projection="STG", legacy=LegacyTracts((4000, 4100)))
    assert differences(DC2, other) == [
        "patchInnerDimensions: [4000, 4000] registered, [4000, 4100] declared",
        "pixelScale: 0.2 registered, 0.3 declared",
        "projection: TAN registered, STG declared",
    ]
    assert differences(DC2, replace(CELLS, num_rings=3)) == [
        "tractBuilder: legacy registered, cells declared",
        "numRings: 120 registered, 3 declared",
    ]


def test_of_long_lists_the_first_difference_is_told() -> None:
    field = DiscreteConfig(ra_list=(1.0, 2.0, 3.0), dec_list=(0.0,) * 3, radius_list=(0.5,) * 3)
    longer = replace(field, ra_list=(1.0,) * 4)
    assert differences(field, replace(field, ra_list=(1.0, 2.5, 3.5))) == [
        "raList: value 1 is 2.0 registered, 2.5 declared"
    ]
    assert differences(field, longer) == ["raList: 3 values registered, 4 declared"]
    assert differences(field, DC2)[0] == "skyMap: discrete registered, rings declared"


def test_zero_and_minus_zero_differ_as_they_do_for_the_hash() -> None:
    assert differences(DC2, replace(DC2, rotation=-0.0)) == ["rotation: 0.0 registered, -0.0 declared"]


@given(one=CONFIGS, other=CONFIGS)
@example(one=DC2, other=RingsConfig(num_rings=120))
@example(one=DC2, other=replace(DC2, cells=replace(DC2.cells, cell_border=1)))
@example(one=DC2, other=replace(DC2, rotation=-0.0))
def test_there_are_differences_if_the_hashes_differ(one: SkyMapConfig, other: SkyMapConfig) -> None:
    assert (differences(one, other) == []) == (sky_map_hash(one) == sky_map_hash(other))
    assert differences(one, one) == []
