# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in definitions equal what the official ``register-instrument`` writes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import (
    BUILT_IN,
    find_built_in,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition

CHECKOUT = Path(__file__).parents[5]
ROOTS = [
    root
    for root in (
        CHECKOUT / "tests/unit/data/instruments",
        CHECKOUT.parent / "shared/reference/golden/instruments",
    )
    if root.is_dir()
]
NAMES = ["LSSTComCam", "LSSTCam-imSim", "LSSTCam", "DECam"]

pytestmark = pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.parts[-4])


@pytest.fixture(params=NAMES)
def official(request: pytest.FixtureRequest, root: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((root / f"{request.param}.json").read_text())
    return facts


@pytest.fixture
def built_in(official: dict[str, Any]) -> InstrumentDefinition:
    found = find_built_in(official["name"])
    assert found is not None
    return found


def test_records_are_the_official_ones_in_the_official_order(
    built_in: InstrumentDefinition, official: dict[str, Any]
) -> None:
    for element, records in built_in.records().items():
        # As text, so that the order of the keys and the types of the values count too.
        assert json.dumps(records) == json.dumps(official["records"][element]), element
    assert list(built_in.records()) == ["instrument", "detector", "physical_filter"]


def test_a_class_name_finds_the_same_definition(
    built_in: InstrumentDefinition, official: dict[str, Any]
) -> None:
    assert find_built_in(official["class_name"]) is built_in


def test_every_raw_goes_through_the_official_formatter(
    built_in: InstrumentDefinition, official: dict[str, Any]
) -> None:
    [(formatter, detectors)] = official["raw_formatter_to_detectors"].items()
    assert built_in.raw_formatter == formatter
    assert sorted(built_in.detector_ids.values()) == sorted(detectors)


def test_collection_names_are_the_official_ones(
    built_in: InstrumentDefinition, official: dict[str, Any]
) -> None:
    names = list(official["calibration_collection_examples"].values())
    assert names == [
        built_in.curated_calibration_run("20200101T000000+0000", "L"),
        built_in.calibration_collection("L"),
        built_in.unbounded_calibration_run("L"),
        built_in.umbrella_collection,
    ]
    assert built_in.default_raw_run == official["default_raw_run"]


def test_nothing_is_named_twice(root: Path) -> None:
    assert root.is_dir()
    for definition in BUILT_IN:
        for values in (
            [entry.id for entry in definition.detectors],
            [entry.full_name for entry in definition.detectors],
            [entry.physical_filter for entry in definition.filters],
        ):
            assert set(Counter(values).values()) == {1}
