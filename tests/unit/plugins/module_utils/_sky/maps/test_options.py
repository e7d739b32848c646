# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sky maps declared as Ansible data have the official configuration, and wrong data is explained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import RingsConfig, SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    BUILDERS,
    COMMON,
    KINDS,
    Field,
    kind_of,
    value_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.options import (
    DISCRETE_OPTIONS,
    RINGS_OPTIONS,
    config_from_options,
)
from hypothesis import given

from tests.sky_map_facts import CONFIGS, DC2, MAPS

SPECS = {"rings": RINGS_OPTIONS, "discrete": DISCRETE_OPTIONS}
POSITIONS = {"ra_list": [1, 2], "dec_list": [3, 4.5], "radius_list": [0.5, 1]}
OFFICIAL_RINGS = {"num_rings": 120, "projection": "TAN", "tract_overlap": 1 / 60, "pixel_scale": 0.2}


def as_options(config: SkyMapConfig) -> dict[str, Any]:
    """Declare a configuration as data, without what has no effect."""
    fields: tuple[Field, ...] = BUILDERS[config.tract_builder] + COMMON + KINDS[kind_of(config)]
    values = {field.name: value_of(config, field) for field in fields}
    lists = {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
    return {**values, **lists, "tract_builder": config.tract_builder}


def refusal(kind: str, options: dict[str, Any]) -> str:
    """Give the message about options."""
    with pytest.raises(ButlerError) as raised:
        config_from_options(kind, options, option="skymaps[0].rings")
    assert raised.value.option == "skymaps[0].rings"
    return str(raised.value).removeprefix("skymaps[0].rings: ")


@pytest.mark.parametrize("name", MAPS)
def test_the_known_sky_maps_can_be_declared(name: str) -> None:
    config = MAPS[name]
    assert config_from_options(kind_of(config), as_options(config)) == config


def test_what_is_not_given_has_the_official_default() -> None:
    assert config_from_options("rings", {"num_rings": 7, "rotation": None}) == RingsConfig(num_rings=7)
    assert config_from_options("rings", OFFICIAL_RINGS) == DC2


def test_numbers_have_the_type_of_the_option() -> None:
    config = config_from_options("discrete", {**POSITIONS, "rotation": 45})
    assert repr(config.rotation) == "45.0"
    assert repr(asdict(config)["ra_list"]) == "(1.0, 2.0)"


@given(config=CONFIGS)
def test_ansible_takes_every_sky_map(config: SkyMapConfig) -> None:
    options = as_options(config)
    checked = ArgumentSpecValidator(SPECS[kind_of(config)]).validate(options)
    assert checked.error_messages == []
    again = config_from_options(kind_of(config), checked.validated_parameters)
    assert as_options(again) == options


def test_ansible_refuses_what_the_argument_spec_tells() -> None:
    checked = ArgumentSpecValidator(RINGS_OPTIONS).validate({"tract_builder": "x", "patch_border": "y"})
    assert len(checked.error_messages) == 3  # and num_rings is missing


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"num_rings": 2}, "num_rings is 2, expected at least 3: tracts of fewer rings are 60 degrees wide"),
        ({"num_rings": None}, "num_rings is missing"),
        ({"num_rings": 3.5}, "num_rings is 3.5, expected a whole number"),
        ({"num_rings": True}, "num_rings is True, expected a whole number"),
        ({"pixel_scale": 0}, "pixel_scale is 0.0, expected arcseconds per pixel, above 0"),
        ({"pixel_scale": float("nan")}, "pixel_scale is nan, expected a number"),
        ({"rotation": float("inf")}, "rotation is inf, expected a number"),
        ({"ra_start": 360}, "ra_start is 360.0, expected degrees from 0 to under 360"),
        (
            {"projection": "tan"},
            "projection is 'tan', expected the three capital letters of a FITS projection",
        ),
        ({"tract_builder": ["cells"]}, "tract_builder is ['cells'], expected one of legacy, cells"),
        ({"tract_builder": "cell"}, "tract_builder is 'cell', expected one of legacy, cells"),
        ({"numRings": 5}, "numRings is unknown, expected num_rings"),
        ({"zzz": 5}, "zzz is unknown, expected one of num_rings, ra_start, tract_overlap"),
        ({"ra_list": [1.0]}, "ra_list is unknown, expected ra_start"),
        (
            {"patch_inner_dimensions": [4000]},
            "is [4000], expected two whole numbers of pixels from 1 on: [x, y]",
        ),
        (
            {"cell_border": 5},
            "cell_border has no effect with tract_builder legacy: leave it out, or set tract_builder to c",
        ),
        (
            {"tract_builder": "cells", "patch_border": 5},
            "patch_border has no effect with tract_builder cells: leave it out, or set tract_builder to l",
        ),
        (
            {"tract_builder": "cells", "cell_inner_dimensions": [150, 100]},
            "cell_inner_dimensions is [150, 100], expected two equal whole numbers",
        ),
        (
            {"tract_builder": "cells", "num_cells_per_patch_inner": 0},
            "is 0, expected a whole number of cells from 1",
        ),
        (
            {"tract_builder": "cells", "num_cells_in_patch_border": -1},
            "is -1, expected a whole number of cells from 0",
        ),
    ],
)
def test_wrong_options_of_rings_are_explained(wrong: dict[str, Any], said: str) -> None:
    assert said in refusal("rings", {**OFFICIAL_RINGS, **wrong})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ra_list": None}, "ra_list is missing"),
        ({"ra_list": []}, "ra_list is [], expected right ascensions in degrees"),
        (
            {"ra_list": [1]},
            "the numbers of values differ, expected one of each for each tract: ra_list has 1, dec_list",
        ),
        ({"dec_list": [0, -91]}, "dec_list is [0.0, -91.0], expected declinations from -90 to 90 degrees"),
        ({"radius_list": [0.5, -1]}, "radius_list is [0.5, -1.0], expected half the width of each tract"),
        ({"radius_list": ["a", 1]}, "radius_list is ['a', 1], expected a list of numbers"),
        ({"num_rings": 3}, "num_rings is unknown"),
    ],
)
def test_wrong_options_of_fields_are_explained(wrong: dict[str, Any], said: str) -> None:
    assert said in refusal("discrete", {**POSITIONS, **wrong})


def test_all_that_is_wrong_is_told_at_once() -> None:
    message = refusal("rings", {"num_rings": "x", "rotatoin": 5, "pixel_scale": []})
    assert message.splitlines() == [
        "3 options can't be used",
        "  - rotatoin is unknown, expected rotation",
        "  - num_rings is 'x', expected a whole number",
        "  - pixel_scale is [], expected a number",
    ]
