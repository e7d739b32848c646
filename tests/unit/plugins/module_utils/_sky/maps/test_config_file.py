# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Config files are read, never executed, and what isn't understood is named with its line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import CellTracts, DiscreteConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import (
    ACCEPTED,
    OtherSkyMapError,
    parse_config_file,
)
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sky_map_facts import DC2

RINGS = """config.name = "DC2"
config.skyMap = "rings"
config.skyMap["rings"].numRings = 120
config.skyMap["rings"].projection = "TAN"
config.skyMap["rings"].tractOverlap = 1.0/60
config.skyMap["rings"].pixelScale = 0.2
"""
FIELD = """config.name = "field"
config.skyMap.name = "discrete"
config.skyMap["discrete"].raList = [10.0, 20.0]
config.skyMap["discrete"].decList = [1.0, 2.0]
config.skyMap["discrete"].radiusList = [0.5, 0.5]
"""


def refusal(text: str) -> str:
    """Give the message about a file."""
    with pytest.raises(ButlerError) as raised:
        parse_config_file(text, "DC2.py")
    return str(raised.value)


def test_both_quotes_short_names_comments_and_imports_are_understood() -> None:
    text = '''\ufeff# -*- coding: utf-8 -*-
"""The sky map of a survey."""
import lsst.skymap.ringsSkyMap
config.name = 'DC2'  # as in the technote
rings = config.skyMap['rings']
tracts = rings.tractBuilder
rings.numRings = (
    2 * 60
)
tracts.name = "cells"; tracts.active.cellBorder = 0
config.skyMap.name = "rings"
config.skyMap.active.projection = "TAN"
rings.tractOverlap = 1 / 60
rings.pixelScale = 2e-1
rings.rotation = -0
rings.raStart = +0.0
'''
    wanted = replace(DC2, tract_builder="cells", cells=CellTracts(cell_border=0))
    assert parse_config_file(text, "x") == ("DC2", wanted)
    assert parse_config_file(text.replace("\n", "\r\n"), "x") == ("DC2", wanted)


def test_the_later_assignment_counts() -> None:
    assert parse_config_file(RINGS + 'config.skyMap["rings"].numRings = 3\n', "x")[1] == replace(
        DC2, num_rings=3
    )


def test_options_of_other_types_have_no_effect() -> None:
    others = """config.skyMap["discrete"].raList = [0.0]
config.skyMap["discrete"].pixelScale = 5
config.skyMap["healpix"].log2NSide = 3
config.skyMap["healpix"].nest = True
config.skyMap["equat"].decRange = (-1, 1)
config.skyMap["dodeca"].withTractsOnPoles = False
config.skyMap["dodeca"].tractBuilder = "cells"
"""
    assert parse_config_file(RINGS + others, "x") == ("DC2", DC2)
    assert "nest is 3, expected True or False" in refusal(RINGS + 'config.skyMap["healpix"].nest = 3')


def test_an_integer_stands_for_a_float() -> None:
    _name, config = parse_config_file(RINGS + "config.skyMap.active.rotation = 3\n", "x")
    assert repr(config.rotation) == "3.0"


def test_the_name_may_come_from_outside() -> None:
    nameless = RINGS.partition("\n")[2]
    assert parse_config_file(nameless, "x", "mine") == ("mine", DC2)
    # As with the official tool, whose -c name=... goes before the file.
    assert parse_config_file(RINGS, "x", "mine") == ("mine", DC2)
    assert refusal(nameless) == (
        "DC2.py has no line with config.name, the name of the sky map\n"
        'Add a line such as config.name = "DC2", or give the name in the task.'
    )


@pytest.mark.parametrize("kind", ["dodeca", "equat", "healpix"])
def test_other_types_are_told_from_errors(kind: str) -> None:
    with pytest.raises(OtherSkyMapError) as raised:
        parse_config_file(f"config.name = 'a'\nconfig.skyMap.name = {kind!r}\n", "a.py")
    assert raised.value.kind == kind
    assert str(raised.value) == (
        f"a.py configures a sky map of type {kind}\n"
        "Built in are rings and discrete; others need lsst.skymap on the managed host."
    )


def test_a_file_that_chooses_no_type_has_the_official_default() -> None:
    message = refusal("config.name = 'a'\nconfig.skyMap['rings'].numRings = 3\n")
    assert message.startswith(
        "DC2.py configures a sky map of type dodeca, the default, for it has no config.skyMap.name\n"
    )


NOT_AN_ASSIGNMENT = "this is no assignment of a value to an option of config"
NOT_PLAIN = "can't be read, the value is neither a string, a number nor a list of these, written out"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import os", NOT_AN_ASSIGNMENT),
        ("import lsst.skymap as config", NOT_AN_ASSIGNMENT),
        ("import lsst.skymap, os", NOT_AN_ASSIGNMENT),
        ("from lsst.skymap import RingsSkyMap", NOT_AN_ASSIGNMENT),
        ("__import__('os').system('true')", NOT_AN_ASSIGNMENT),
        ("config.load('other.py')", NOT_AN_ASSIGNMENT),
        ("config.skyMap['rings'].update(numRings=5)", NOT_AN_ASSIGNMENT),
        ("config.name += 'x'", NOT_AN_ASSIGNMENT),
        ("config.name: str = 'x'", NOT_AN_ASSIGNMENT),
        ("config.name = config.x = 'x'", NOT_AN_ASSIGNMENT),
        ("config.name, config.x = 'x', 'y'", NOT_AN_ASSIGNMENT),
        ("config.skyMap['rings'].patchInnerDimensions[0] = 1", NOT_AN_ASSIGNMENT),
        ("del config.name", NOT_AN_ASSIGNMENT),
        ("if True: config.name = 'x'", NOT_AN_ASSIGNMENT),
        ("for x in (1, 2): config.name = 'x'", NOT_AN_ASSIGNMENT),
        ("def f(): pass", NOT_AN_ASSIGNMENT),
        ("assert open('x')", NOT_AN_ASSIGNMENT),
        ("assert type(config) is lsst.x.MakeSkyMapConfig, print('x')", NOT_AN_ASSIGNMENT),
        ("assert type(config) is evil().MakeSkyMapConfig", NOT_AN_ASSIGNMENT),
        (
            "assert type(config) is lsst.a.RingsSkyMapConfig",
            "the file was saved from a RingsSkyMapConfig, expected",
        ),
        ("lsst.skymap.x = 5", NOT_AN_ASSIGNMENT),
        ("x = 5", "x is no option of config, nor a short name for a part of it"),
        ("x = open('y')", "x is no option of config, nor a short name for a part of it"),
        ("x = config.name", "x is no option of config, nor a short name for a part of it"),
        ("config = 5", "config takes no value, only its options do"),
        ("config.name = open('/etc/passwd').read()", f"config.name {NOT_PLAIN}"),
        ("config.name = f'{open(1)}'", f"config.name {NOT_PLAIN}"),
        ("config.name = b'DC2'", f"config.name {NOT_PLAIN}"),
        ("config.name = [x for x in 'ab']", f"config.name {NOT_PLAIN}"),
        ("config.name = 'D' + 'C2'", "config.name can't be read, only numbers are calculated with"),
        ("config.skyMap.active = 'rings'", "config.skyMap.active takes no value, only its options do"),
        ("config.skyMap.names = ['rings']", "config.skyMap.names is unknown, expected config.skyMap.name"),
        (
            "config.skyMap = 'ring'",
            "config.skyMap is 'ring', expected one of rings, discrete, dodeca, equat, healpix",
        ),
        ("config.skyMap = None", "config.skyMap is None, expected one of rings"),
        (
            "config.skyMap['ring'].numRings = 3",
            "config.skyMap['ring'] is unknown, expected config.skyMap[\"rings\"]",
        ),
        (
            "config.skyMap.rings.numRings = 3",
            'config.skyMap.rings is unknown, expected config.skyMap["rings"]',
        ),
        ("config.skymap.name = 'rings'", "config.skymap is unknown, expected config.skyMap"),
        ("config.numRing = 3", 'config.numRing is unknown, expected config.skyMap["rings"].numRings'),
        (
            "config.skyMap.active.pixelscale = 3",
            "pixelscale is unknown, expected config.skyMap.active.pixelScale",
        ),
        (
            "config.skyMap.active.cellBorder = 3",
            'cellBorder is unknown, expected config.skyMap.active.tractBuilder["cells"].cellBorder',
        ),
        ("config.skyMap.active.qqq = 3", "qqq is unknown, expected one of config.skyMap.active.tractB"),
        ("config.skyMap.active['numRings'] = 3", "its options are written config.skyMap.active.numRings"),
        ("config.name.x = 3", "config.name is a value, nothing is in it"),
        (
            "config.skyMap['rings'].numRings = 3.0",
            'config.skyMap["rings"].numRings is 3.0, expected a whole number',
        ),
        ("config.skyMap['rings'].numRings = '3'", "numRings is '3', expected a whole number"),
        ("config.skyMap['rings'].numRings = True", "numRings is True, expected a whole number"),
        ("config.skyMap['rings'].pixelScale = '0.2'", "pixelScale is '0.2', expected a number"),
        ("config.skyMap['rings'].pixelScale = 1e999", "pixelScale is inf, expected a number"),
        ("config.skyMap['rings'].projection = 3", "projection is 3, expected a string"),
        ("config.skyMap['rings'].patchInnerDimensions = 4000", "is 4000, expected a list of whole numbers"),
        ("config.skyMap['rings'].patchInnerDimensions = [1.5, 2]", "is [1.5, 2], expected a list of whole"),
        ("config.skyMap['discrete'].raList = ['a']", "raList is ['a'], expected a list of numbers"),
        ("config.skyMap['rings'].numRings = 9**9**9", "numRings can't be read, a power is above 64"),
        ("config.skyMap['rings'].numRings = 9**64", "can't be read, a number is too large to calculate with"),
        ("config.skyMap['rings'].pixelScale = 1/0", "can't be read, a number is divided by zero"),
        ("config.skyMap['rings'].pixelScale = (-1)**0.5", "can't be read, a number is too large"),
        (
            "config.skyMap['rings'].pixelScale = 1 << 3",
            "can't be read, numbers are calculated with + - * / and **",
        ),
        ("config.name = (", "this is not Python ('(' was never closed)"),
        ("config.name = " + "(" * 300 + "1" + ")" * 300, "this is not Python (too many nested parentheses)"),
    ],
)
def test_anything_else_is_refused_with_its_line(line: str, said: str) -> None:
    message = refusal(f"# a comment\n{RINGS}\n{line}\n")
    assert message.startswith("DC2.py, line 9: ")
    assert said in message
    assert f"\n  - {line[:190]}" in message
    plain_problem = re.search(
        "is unknown|expected|takes no value|nothing is in it|no items", message.partition("\n")[0]
    )
    assert (ACCEPTED in message) == (plain_problem is None or "was saved" in message)


@pytest.mark.parametrize(
    "value", ["'\0'", "'\ud800'", "-" * 99999 + "1", "+".join("1" * 99999), "[" * 150 + "]" * 150]
)
def test_what_python_cannot_parse_is_refused(value: str) -> None:
    message = refusal(f"config.name = {value}")
    assert message.startswith("DC2.py") and ("not Python" in message or "nested too deeply" in message)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("numRings = 0", 'config.skyMap["rings"].numRings (line 7) is 0, expected at least 3'),
        (
            "numRings = 2",
            "is 2, expected at least 3: tracts of fewer rings are 60 degrees wide or more and leave gaps",
        ),
        ("numRings = 2**31", "is 2147483648, expected at least 3"),
        ("numRings = None", 'config.skyMap["rings"].numRings (line 7) is None, expected a value'),
        ("raStart = 360", "raStart (line 7) is 360.0, expected degrees from 0 to under 360"),
        ("raStart = -1", "is -1.0, expected degrees from 0"),
        ("pixelScale = 0", "pixelScale (line 7) is 0.0, expected arcseconds per pixel, above 0"),
        ("pixelScale = -0.2", "is -0.2, expected arcseconds per pixel, above 0"),
        ("tractOverlap = -1", "tractOverlap (line 7) is -1.0, expected degrees from 0 to under 90"),
        (
            "projection = 'tan'",
            "projection (line 7) is 'tan', expected the three capital letters of a FITS projection",
        ),
        ("projection = 'T\u0391N'", "expected the three capital letters"),
        ("patchBorder = -1", "patchBorder (line 7) is -1, expected a whole number of pixels from 0 on"),
        ("patchInnerDimensions = [0, 1]", "is [0, 1], expected two whole numbers of pixels from 1 on"),
        ("patchInnerDimensions = [1, 2, 3]", "is [1, 2, 3], expected two whole numbers"),
    ],
)
def test_impossible_sky_maps_are_refused(line: str, said: str) -> None:
    message = refusal(f'{RINGS}config.skyMap["rings"].{line}\n')
    assert message.startswith('DC2.py: config.skyMap["rings"].')
    assert said in message


def test_cells_have_to_be_square_only_if_they_are_used() -> None:
    cells = 'config.skyMap["rings"].tractBuilder["cells"].cellInnerDimensions = [150, 151]\n'
    assert parse_config_file(RINGS + cells, "x")[1].cells.cell_inner_dimensions == (150, 151)
    message = refusal(RINGS + cells + 'config.skyMap["rings"].tractBuilder = "cells"\n')
    assert "is [150, 151], expected two equal whole numbers of pixels from 1 on: cells are square" in message


def test_all_impossible_values_are_told_at_once() -> None:
    message = refusal(RINGS + "config.skyMap.active.numRings = 1\nconfig.skyMap.active.pixelScale = 0\n")
    assert message.splitlines()[0] == "DC2.py: 2 options can't be used"
    assert "  - config.skyMap.active.pixelScale (line 8) is 0.0, expected" in message
    assert "  - config.skyMap.active.numRings (line 7) is 1, expected" in message


def test_the_number_of_rings_is_needed() -> None:
    message = refusal('config.name = "a"\nconfig.skyMap = "rings"\n')
    assert message.startswith("DC2.py doesn't set the number of rings\nAdd a line such as")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raList = [1.0]", 'raList (line 6) has 1, config.skyMap["discrete"].decList (line 4) has 2'),
        ("raList = []", "raList (line 6) is [], expected right ascensions in degrees, one for each tract"),
        (
            "decList = [0, 91]",
            "decList (line 6) is [0.0, 91.0], expected declinations from -90 to 90 degrees",
        ),
        ("radiusList = [90, 1]", "is [90.0, 1.0], expected half the width of each tract in degrees"),
        ("radiusList = [0, 1]", "expected half the width of each tract in degrees, above 0 and under 90"),
    ],
)
def test_impossible_fields_are_refused(line: str, said: str) -> None:
    assert said in refusal(f'{FIELD}config.skyMap["discrete"].{line}\n')


def test_radii_may_differ() -> None:
    _name, config = parse_config_file(f"{FIELD}config.skyMap.active.radiusList = [0.5, 0.8]\n", "x")
    assert isinstance(config, DiscreteConfig) and config.radius_list == (0.5, 0.8)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 65, " DC2", 5, None, ["a"]])
def test_names_that_no_registry_takes_are_refused(name: object) -> None:
    message = refusal(f"{RINGS}config.name = {name!r}\n")
    assert "name" in message and ("printable characters" in message or name is None)


def test_nothing_is_executed(tmp_path: Path) -> None:
    target = tmp_path / "made"
    for statement in (f"open({str(target)!r}, 'w')", f"config.name = open({str(target)!r}, 'w')"):
        refusal(RINGS + statement)
    assert not target.exists()


NAMES = ["config", ".skyMap", ".name", '["rings"]', ".active", ".tractBuilder", ".numRings", "x", "None"]
SIGNS = ["=", " ", "\n", "(", ")", "[", "]", "{", "}", ",", ".", ";", "#", "*", "**", "-", "/"]
ODD = ["\\", "\f", "\u2028", "\0", "lambda:"]
VALUES = ["1", "9" * 5000, "1e999", "1j", "'a'", '"""', "f'{1}'"]
STATEMENTS = ["import lsst.x", "assert type(config) is", "if 1:", "del "]
PIECES = st.sampled_from(NAMES + SIGNS + ODD + VALUES + STATEMENTS)


@given(text=st.text() | st.lists(PIECES, max_size=40).map("".join))
@example(text="x\u2028y\nimport os")
def test_no_text_has_any_other_outcome(text: str) -> None:
    for whole in (text, RINGS + text):
        try:
            name, config = parse_config_file(whole, "any.py")
        except ButlerError as error:
            assert "any.py" in str(error)
        else:
            assert name and config.pixel_scale > 0
