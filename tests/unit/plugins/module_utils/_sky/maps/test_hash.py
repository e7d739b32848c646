# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash of a sky map is the official one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.hash import sky_map_hash

from tests.sky_map_facts import DC2, MAPS, OFFICIAL, REFERENCE


@pytest.mark.parametrize("name", MAPS)
def test_the_hash_is_the_official_one(name: str) -> None:
    assert sky_map_hash(MAPS[name]).hex() == OFFICIAL[name]["hash"]


def test_the_facts_kept_here_are_those_of_the_reference() -> None:
    assert set(OFFICIAL) == {*MAPS, "public DC2"}
    for file in (REFERENCE / "golden/skymaps").glob("*.json"):
        facts = json.loads(file.read_text())
        assert OFFICIAL[file.stem]["hash"] == facts["skymap"][0]["hash"]["hex"]
        assert OFFICIAL[file.stem]["config"] == facts["config"].splitlines()


@pytest.mark.parametrize(
    "other",
    [
        replace(DC2, num_rings=121),
        replace(DC2, ra_start=1.0),
        replace(DC2, tract_overlap=0.0),
        replace(DC2, pixel_scale=0.3),
        replace(DC2, projection="STG"),
        replace(DC2, rotation=1.0),
        replace(DC2, legacy=replace(DC2.legacy, patch_border=0)),
        replace(DC2, legacy=replace(DC2.legacy, patch_inner_dimensions=(4000, 4100))),
        replace(DC2, tract_builder="cells"),
    ],
)
def test_each_option_with_an_effect_is_in_the_hash(other: SkyMapConfig) -> None:
    assert sky_map_hash(other) != sky_map_hash(DC2)


def test_the_tract_builder_that_is_not_used_is_not_in_the_hash() -> None:
    assert sky_map_hash(replace(DC2, cells=replace(DC2.cells, cell_border=0))) == sky_map_hash(DC2)
