# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pex_config itself makes of config files, and of stored sky maps, what is made of them here."""

from __future__ import annotations

import contextlib
import pickle
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import parse_config_file
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import kind_of
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.shown import shown_config
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.stored import config_text, stored_sky_map
from hypothesis import example, given
from hypothesis import strategies as st

from tests.pex_sky_maps import DiscreteSkyMap, MakeSkyMapConfig, RingsSkyMap, official_names, values
from tests.sky_map_facts import CONFIGS, MAPS, OFFICIAL


def loaded(text: str) -> Any:
    """Execute a config file as the official tool does."""
    config = MakeSkyMapConfig()
    config.loadFromString(text)
    config.validate()
    return config


def assert_same(ours: SkyMapConfig, theirs: Any) -> None:
    """Compare what determines the hash."""
    shown = shown_config(ours)
    del shown["skyMap"]
    found = values(theirs)
    assert {name: repr(found[name]) for name in shown} == {name: repr(shown[name]) for name in shown}


@pytest.mark.parametrize("name", MAPS)
def test_config_files_mean_what_pex_config_makes_of_them(name: str) -> None:
    text = "\n".join(OFFICIAL[name]["config"])
    found, config = parse_config_file(text, "file")
    theirs = loaded(text)
    assert (found, kind_of(config)) == (theirs.name, theirs.skyMap.name)
    assert config == MAPS[name]
    assert_same(config, theirs.skyMap.active)


@given(config=CONFIGS)
def test_stored_sky_maps_load(config: SkyMapConfig) -> None:
    with official_names():
        sky_map = pickle.loads(stored_sky_map(config))
        assert sky_map.__class__ is {"rings": RingsSkyMap, "discrete": DiscreteSkyMap}[kind_of(config)]
        assert sky_map.version == {"rings": 1, "discrete": 0}[kind_of(config)]
        assert_same(config, sky_map.config)
        # Also options without effect are there, and the class is told from the text alone.
        again = type(sky_map.config)._fromPython(config_text(config))
        assert again == sky_map.config
        assert again.tractBuilder["cells"].cellBorder == config.cells.cell_border
        assert again.tractBuilder["legacy"].patchBorder == config.legacy.patch_border


@given(config=CONFIGS, name=st.sampled_from(["DC2", "a/b", 'with "quotes"', "ünïcode"]))
def test_what_pex_config_saves_is_read(config: SkyMapConfig, name: str) -> None:
    whole = MakeSkyMapConfig(name=name)
    whole.skyMap = kind_of(config)
    with official_names():
        whole.skyMap.active.loadFromString(config_text(config))
        text = whole.saveToString()
    assert "\nimport lsst.skymap.ringsSkyMap\n" in text and "assert type(config) is lsst.pipe.tasks" in text
    assert repr(parse_config_file(text, "saved")) == repr((name, config))


PLACES = st.sampled_from(
    [
        f"{root}{rest}"
        for root in ('config.skyMap["rings"]', "config.skyMap['discrete']", "config.skyMap.active", "part")
        for rest in (
            ".numRings",
            ".raStart",
            ".raList",
            ".decList",
            ".radiusList",
            ".pixelScale",
            ".projection",
            ".rotation",
            ".patchBorder",
            ".patchInnerDimensions",
            ".tractBuilder",
            ".tractBuilder.name",
            '.tractBuilder["cells"].cellInnerDimensions',
            ".tractBuilder.active.cellBorder",
            '["numRings"]',
            "",
        )
    ]
    + [
        "config.name",
        "config.skyMap",
        "config.skyMap.name",
        "part",
        "config",
        "config.skyMap.names",
        "config.x",
    ]
)
NUMBERS = [
    "120",
    "0",
    "-1",
    "3",
    "0.0",
    "1.5",
    "1.0/60",
    "-2**3",
    "-(2)**0.5",
    "2**-1",
    "1e400",
    "+5",
    "--5",
    "7//2",
]
TEXTS = ['"rings"', "'discrete'", '"healpix"', '"cells"', "'TAN'", '"a"', "True", "None"]
LISTS = [
    "[4000,4000]",
    "(1,2)",
    "1,2",
    "[1.0]",
    "[]",
    "[2.2,-36.45]",
    "[0.5,0.5]",
    "[None]",
    '["a"]',
    "[1]*2",
]
PARTS = ["part", 'config.skyMap["rings"]', "config.skyMap"]
WRITTEN = st.sampled_from(NUMBERS + TEXTS + LISTS + PARTS)
LINES = st.lists(st.tuples(PLACES, WRITTEN).map(" = ".join), max_size=12)
START = ['config.name = "x"', "config.skyMap = 'rings'", 'config.skyMap["rings"].numRings = 5']


@given(lines=LINES)
@example(lines=['part = config.skyMap["rings"]', "config.skyMap.name = 'discrete'", "part.raStart = 7"])
@example(lines=['config.skyMap["rings"].tractBuilder = "cells"', "config.skyMap.active.pixelScale = 2"])
def test_no_line_means_anything_else_than_to_pex_config(lines: list[str]) -> None:
    # More is refused here than pex_config refuses, with a reason: such lines are left out.
    kept = START
    for line in lines:
        with contextlib.suppress(ButlerError):
            parse_config_file("\n".join([*kept, line]), "file")
            kept = [*kept, line]
    text = "\n".join(kept)
    name, config = parse_config_file(text, "file")
    theirs = loaded(text)
    assert (name, kind_of(config)) == (theirs.name, theirs.skyMap.name)
    assert_same(config, theirs.skyMap.active)


@given(line=st.tuples(PLACES, WRITTEN).map(" = ".join))
def test_single_lines_are_accepted_as_by_pex_config(line: str) -> None:
    # What pex_config accepts and is refused here: another config, True for 1, None in a list, other operators
    # and types of sky maps, values that make no sky map, and parts of the configuration as values.
    text = "\n".join([*START, 'part = config.skyMap["rings"]', line])
    accepted = False
    with contextlib.suppress(Exception):
        loaded(text)
        accepted = True
    try:
        parse_config_file(text, "file")
    except ButlerError as error:
        stricter = (
            "config =",
            "True",
            "None",
            "//",
            "]*2",
            "healpix",
            "discrete",
            "part",
            "= config",
            "'a'",
            '"a"',
        )
        assert not accepted or any(word in line for word in stricter) or "expected" in str(error), line
    else:
        assert accepted, line
