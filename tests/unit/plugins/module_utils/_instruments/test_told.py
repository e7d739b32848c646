# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translated headers in indexes and sidecars become what the headers themselves become."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
    NEEDED,
    WELCOME,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.told import (
    describe_translated,
    identify_translated,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import (
    HeaderReader,
    translator_of,
)
from astro_metadata_translator import ObservationInfo

DATA = Path(__file__).parents[5] / "tests/unit/data/raws"
NAMES = ["LSSTComCam", "LSSTCam-imSim", "LSSTCam"]


def definition_of(name: str) -> InstrumentDefinition:
    definition = find_built_in(name)
    assert definition is not None
    return definition


@cache
def headers_of(name: str) -> dict[str, dict[str, Any]]:
    """Headers of the raws of an instrument, merged as the official tool merges them."""
    files = json.loads((DATA / f"{name}.json").read_text())["files_headers_by_hdu"]
    return {file: {**hdus[0], **(hdus[1] if len(hdus) > 1 else {})} for file, hdus in files.items()}


def simple(name: str, header: dict[str, Any]) -> dict[str, Any]:
    """What an index would hold of a header, after it was written and read."""
    translated = ObservationInfo(
        dict(header), translator_class=translator_of(name), subset=set(NEEDED | WELCOME)
    ).to_simple()
    read: dict[str, Any] = json.loads(json.dumps(translated))
    return read


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    header = next(header for file, header in headers_of("LSSTComCam").items() if "CC_O_20241108" in file)
    return simple("LSSTComCam", header)


@pytest.mark.parametrize("name", NAMES)
def test_what_was_translated_before_is_what_the_header_tells(name: str) -> None:
    definition = definition_of(name)
    reader = HeaderReader(definition)
    for file, header in headers_of(name).items():
        values = simple(name, header)
        assert identify_translated(values, definition, file) == reader.identify(header, file)
        told, read = (
            exposure.records()
            for exposure in (describe_translated(values, definition, file), reader.describe(header, file))
        )
        # Angles go through degrees and back: their last digit may differ. Times may not.
        for element, record in read.items():
            assert told[element] == {
                column: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
                for column, value in record.items()
            }


def test_properties_that_are_not_used_do_not_matter(values: dict[str, Any]) -> None:
    definition = definition_of("LSSTComCam")
    more = values | {"ext_of_tomorrow": 1, "_translator": "none", "humidity": "wet", "unheard_of": {}}
    assert describe_translated(more, definition, "f") == describe_translated(values, definition, "f")


@pytest.mark.parametrize("function", [identify_translated, describe_translated])
def test_another_instrument_is_refused(values: dict[str, Any], function: Any) -> None:
    with pytest.raises(ButlerError) as caught:
        function(values, definition_of("LSSTCam"), "f")
    assert str(caught.value) == (
        "f is a raw of LSSTComCam (instrument='LSSTComCam' in its sidecar), expected a raw of LSSTCam"
    )
    with pytest.raises(ButlerError) as caught:
        function({"exposure_id": 1}, definition_of("LSSTCam"), "f")
    assert str(caught.value) == (
        "f is no raw of an instrument that is known here (its sidecar has no instrument), "
        "expected a raw of LSSTCam"
    )


@pytest.mark.parametrize("name", ["exposure_id", "detector_num", "physical_filter"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "its sidecar does not tell"),
        (True, "its sidecar has True, expected a "),
        ([1], "its sidecar has [1], expected a "),
        (1.5, "its sidecar has 1.5, expected a "),
    ],
)
def test_what_tells_raws_apart_has_to_be_there(
    values: dict[str, Any], name: str, value: object, reason: str
) -> None:
    with pytest.raises(ButlerError) as caught:
        identify_translated(values | {name: value}, definition_of("LSSTComCam"), "f")
    assert str(caught.value).startswith(f"f: can't work out {name} of a raw of LSSTComCam: {reason}")


@pytest.mark.parametrize("name", sorted(NEEDED - {"instrument"}))
def test_what_an_exposure_needs_has_to_be_there(values: dict[str, Any], name: str) -> None:
    definition = definition_of("LSSTComCam")
    less = {key: value for key, value in values.items() if key != name}
    if name.startswith("group_counter") or name == "has_simulated_content":
        # Indexes of early days do not have these; the library has defaults for them.
        assert describe_translated(less, definition, "f") == describe_translated(values, definition, "f")
        less[name] = None
    with pytest.raises(ButlerError) as caught:
        describe_translated(less, definition, "f")
    assert str(caught.value) == (
        f"f: can't work out {name} of a raw of LSSTComCam: its sidecar does not tell"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("observing_day", "someday"),
        ("datetime_begin", "2024-11-08T01:02:03"),
        ("datetime_begin", ["x", "y"]),
        ("datetime_end", [2460000.5]),
        ("tracking_radec", [10.0]),
        ("tracking_radec", "here"),
        ("altaz_begin", [10.0, 200.0]),
        ("exposure_time_requested", {}),
        ("boresight_rotation_angle", {}),
        ("boresight_rotation_coord", 17),
        ("has_simulated_content", "perhaps"),
        ("object", 5),
    ],
)
def test_values_that_make_no_sense_are_an_error_of_the_file(
    values: dict[str, Any], name: str, value: object
) -> None:
    with pytest.raises(ButlerError, match=r"^f: can't work out .* of a raw of LSSTComCam: its sidecar has "):
        describe_translated(values | {name: value}, definition_of("LSSTComCam"), "f")
