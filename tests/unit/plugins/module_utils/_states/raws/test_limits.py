# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task is about the exposures, detectors and days that it names, and about its share of them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits, shard_of
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler.queries.expressions.parser import ParserYacc


def definition(name: str) -> InstrumentDefinition:
    found = find_built_in(name)
    assert found is not None
    return found


COMCAM = definition("LSSTComCam")
LSSTCAM = definition("LSSTCam")


def limits(instrument: InstrumentDefinition = COMCAM, **params: Any) -> Limits:
    return Limits.from_params(params, instrument)


def test_nothing_is_asked_for_where_all_is_wanted() -> None:
    none = limits(exposures=None, detectors=None, day_obs=None, limit=None, shard=None)
    assert none == limits() == Limits()
    assert none.any_exposure and none.any_detector and none.any_day and none.limit is None
    assert none.wants_exposure(1) and none.wants_detector(999) and none.wants_day(20241108)


@pytest.mark.parametrize("value", [2024110800266, "2024110800266", " 2024110800266 "])
def test_an_exposure_is_named(value: Any) -> None:
    named = limits(exposures=[value])
    assert not named.any_exposure
    assert named.wants_exposure(2024110800266) and not named.wants_exposure(2024110800267)


STARTS = st.integers(0, 7050123199000)


@given(STARTS, st.integers(0, 400), st.integers(1, 50), st.sampled_from(["..", " .. "]), st.booleans())
def test_a_range_is_what_it_is_written_out(
    start: int, length: int, stride: int, dots: str, one: bool
) -> None:
    text = f"{start}{dots}{start + length}" + (f":{stride}" if not one else "")
    wanted = set(range(start, start + length + 1, 1 if one else stride))
    found = limits(exposures=[text])
    for number in range(max(0, start - 3), start + length + 4):
        assert found.wants_exposure(number) == (number in wanted)


@pytest.mark.parametrize("text", ["5..9", "5 .. 9:3", "3..3", "0..8 : 2"])
def test_a_range_is_what_a_query_takes_it_for(text: str) -> None:
    tree: Any = ParserYacc().parse(f"detector IN ({text})")
    literal = tree.values[0]
    official = set(range(literal.start, literal.stop + 1, literal.stride or 1))
    assert {number for number in range(20) if limits(exposures=[text]).wants_exposure(number)} == official


def test_a_long_range_is_not_written_out() -> None:
    found = limits(exposures=["1..7050123199999:7"])
    assert found.exposures is not None and found.exposures.ranges == (range(1, 7050123200000, 7),)
    assert sum(found.wants_exposure(2024110800000 + number) for number in range(7000)) == 1000


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([4], {4}),
        (["4", "R22_S22"], {4, 8}),
        (["0..3", "R22_S11"], {0, 1, 2, 3, 4}),
        (["7..100"], {7, 8}),
        (["0..8:4"], {0, 4, 8}),
    ],
)
def test_detectors_are_named_by_number_and_by_name(values: list[Any], wanted: set[int]) -> None:
    found = limits(detectors=values)
    assert not found.any_detector
    assert {number for number in range(300) if found.wants_detector(number)} == wanted


def test_names_are_those_of_the_instrument() -> None:
    assert limits(LSSTCAM, detectors=["R22_S11"]).detectors == frozenset({94})
    assert limits(definition("DECam"), detectors=["S29", "N29"]).detectors == frozenset({1, 60})


def test_days_are_named() -> None:
    found = limits(day_obs=[20241108, "20241120..20241203"])
    assert not found.any_day
    wanted = [day for day in (20241107, 20241108, 20241119, 20241130, 20241203) if found.wants_day(day)]
    assert wanted == [20241108, 20241130, 20241203]
    assert limits(day_obs=["20241100..20241199"]).wants_day(20241131)


@pytest.mark.parametrize(
    ("params", "option", "message"),
    [
        ({"exposures": []}, "exposures", "it is empty"),
        ({"exposures": [1, "x"]}, "exposures[1]", "got 'x', expected whole numbers, and ranges such as "),
        ({"exposures": [True]}, "exposures[0]", "got True, expected whole numbers"),
        ({"exposures": ["1.0"]}, "exposures[0]", "got '1.0', expected whole numbers"),
        ({"exposures": [-4]}, "exposures[0]", "got -4, expected whole numbers"),
        ({"exposures": ["1..5:0"]}, "exposures[0]", "got '1..5:0', expected whole numbers"),
        ({"exposures": ["1...5"]}, "exposures[0]", "got '1...5', expected whole numbers"),
        ({"exposures": ["9..5"]}, "exposures[0]", "expected a range that ends where it begins or later"),
        ({"exposures": [70501231999990]}, "exposures[0]", "expected ids up to 7050123199999, the largest of"),
        ({"detectors": ["R22_S33"]}, "detectors[0]", "expected whole numbers, and ranges such as 0..8 or"),
        ({"detectors": [3, 9]}, "detectors[1]", "got 9, expected detectors of LSSTComCam: 0, 1, 2"),
        ({"detectors": ["9..12"]}, "detectors[0]", "got '9..12', expected detectors of LSSTComCam"),
        ({"day_obs": ["2024-11-08"]}, "day_obs[0]", "got '2024-11-08', expected whole numbers"),
        ({"day_obs": [20241131]}, "day_obs[0]", "got 20241131, expected a date such as 20241108"),
        ({"day_obs": ["2024..2025"]}, "day_obs[0]", "got '2024..2025', expected a date such as 20241108"),
        ({"exposures": ["9" * 5000]}, "exposures[0]", "expected whole numbers"),
        ({"limit": 0}, "limit", "got 0, expected 1 or more"),
        ({"shard": {"index": 0, "count": 0}}, "shard.count", "got 0, expected 1 or more"),
        ({"shard": {"index": 3, "count": 3}}, "shard.index", "got 3, expected 0 to 2"),
        ({"shard": {"index": -1, "count": 3}}, "shard.index", "got -1, expected 0 to 2"),
    ],
)
def test_what_can_be_no_limit_is_named(params: dict[str, Any], option: str, message: str) -> None:
    with pytest.raises(ButlerError, match=re.escape(message)) as caught:
        limits(**params)
    assert caught.value.option == option


@given(st.lists(STARTS, unique=True), st.integers(1, 40))
def test_every_exposure_is_in_one_shard(ids: list[int], count: int) -> None:
    shards = [limits(shard={"index": index, "count": count}) for index in range(count)]
    for number in ids:
        assert [index for index, shard in enumerate(shards) if shard.wants_exposure(number)] == [
            shard_of(number, count)
        ]
    assert all(shard.any_exposure == (count == 1) for shard in shards)


@given(
    st.sampled_from([2024110800001, 2025062000000, 7024110800001, 229388, 0]),
    st.integers(0, 10_000),
    st.integers(1, 2),
    st.integers(2, 32),
)
def test_shards_of_one_night_are_even(start: int, offset: int, step: int, count: int) -> None:
    sizes = Counter(shard_of(start + offset + step * number, count) for number in range(1000))
    assert max(abs(sizes[index] - 1000 / count) for index in range(count)) < 8


def test_shards_of_a_survey_are_even() -> None:
    nights = range(20241101, 20241131)
    ids = [night * 100_000 + number for night in nights for number in range(1, 551)]
    for count in (2, 3, 4, 8, 16):
        sizes = Counter(shard_of(number, count) for number in ids)
        assert max(sizes.values()) - min(sizes.values()) < 0.02 * len(ids) / count + 10


def test_a_shard_stays_the_same() -> None:
    assert [shard_of(2024110800260 + number, 4) for number in range(8)] == [1, 0, 2, 1, 3, 2, 0, 3]


def test_a_shard_is_of_the_named_exposures() -> None:
    found = limits(exposures=["2024110800001..2024110800100"], shard={"index": 1, "count": 2})
    wanted = {number for number in range(2024110800000, 2024110800200) if found.wants_exposure(number)}
    assert wanted == {n for n in range(2024110800001, 2024110800101) if shard_of(n, 2) == 1}
