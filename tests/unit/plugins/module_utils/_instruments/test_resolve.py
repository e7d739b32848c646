# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which source serves an instrument, and what is said when none does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    DetectorDefinition,
    FilterDefinition,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.given import DEFAULT_RAW_FORMATTER
from ansible_collections.rubin.butler.plugins.module_utils._instruments.resolve import resolve_instrument

# A real instrument class, as an obs package would bring it.
OBS_PACKAGE = '''
from lsst.daf.butler import Formatter
from lsst.daf.butler.formatters.json import JsonFormatter
from lsst.pipe.base import Instrument


class PinholeCamera(Instrument):
    """One detector behind a pinhole."""

    @classmethod
    def getName(cls):
        return "Pinhole"

    def getRawFormatter(self, dataId):
        return JsonFormatter

    def register(self, registry, *, update=False):
        with registry.transaction():
            registry.syncDimensionData(
                "instrument",
                {
                    "name": self.getName(),
                    "detector_max": 10,
                    "visit_max": 99,
                    "exposure_max": 98,
                    "class_name": "obs_of_test.PinholeCamera",
                    "visit_system": 0,
                },
                update=update,
            )
            self.register_rest(registry)

    def register_rest(self, registry):
        registry.insertDimensionData(
            "detector",
            {"instrument": "Pinhole", "id": 7, "full_name": "D7", "purpose": "SCIENCE"},
            {"instrument": "Pinhole", "id": 3, "full_name": "D3", "name_in_raft": "3", "raft": "D",
             "purpose": "FOCUS"},
        )
        registry.syncDimensionData("physical_filter", {"instrument": "Pinhole", "name": "glass", "band": "r"})


class NamedCamera(PinholeCamera):
    raw_definition = ("frames", ("instrument", "detector", "exposure"), "StructuredDataDict")


class CuriousCamera(PinholeCamera):
    def register_rest(self, registry):
        registry.queryCollections("*")


class BrokenCamera(PinholeCamera):
    def register_rest(self, registry):
        raise FileNotFoundError("camera.yaml")


class BlindCamera(PinholeCamera):
    def register_rest(self, registry):
        pass


class NoCamera:
    pass
'''

GIVEN: dict[str, Any] = {
    "class_name": "my.obs.MyCam",
    "visit_max": 1000,
    "exposure_max": 2000,
    "detector_max": 10,
    "visit_system": "by-seq-start-end",
    "detectors": [
        {"id": 1, "full_name": "R1_S1", "name_in_raft": "S1", "raft": "R1", "purpose": "GUIDER"},
        {"id": 0, "full_name": "R0"},
    ],
    "filters": [{"physical_filter": "r_1", "band": "r"}, {"physical_filter": "clear"}],
}


@pytest.fixture
def obs_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "obs_of_test.py").write_text(OBS_PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "obs_of_test"
    sys.modules.pop("obs_of_test", None)


@pytest.mark.parametrize(
    "name", ["LSSTComCam", "lsst.obs.lsst.LsstComCam", "LSSTCam", "DECam", " LSSTCam-imSim "]
)
def test_without_its_class_the_built_in_definition_serves(name: str) -> None:
    resolved = resolve_instrument(name)
    assert resolved.source == "built-in"
    assert resolved.definition is find_built_in(name.strip())
    assert resolved.definition.class_name in resolved.note


def test_the_class_serves_where_it_is_installed(obs_package: str) -> None:
    resolved = resolve_instrument(f"{obs_package}.PinholeCamera")
    assert (resolved.source, resolved.note) == ("class", "")
    definition = resolved.definition
    assert definition.records()["instrument"] == [
        {
            "name": "Pinhole",
            "visit_max": 99,
            "visit_system": 0,
            "exposure_max": 98,
            "detector_max": 10,
            "class_name": "obs_of_test.PinholeCamera",
        }
    ]
    assert set(definition.detectors) == {
        DetectorDefinition(7, "D7", None, None),
        DetectorDefinition(3, "D3", "3", "D", "FOCUS"),
    }
    assert definition.filters == (FilterDefinition("glass", "r"),)
    assert definition.raw_formatter == "lsst.daf.butler.formatters.json.JsonFormatter"
    assert (definition.raw_dataset_type, definition.raw_storage_class) == ("raw", "Exposure")


def test_the_class_names_its_raw_dataset_type(obs_package: str) -> None:
    definition = resolve_instrument(f"{obs_package}.NamedCamera").definition
    assert (definition.raw_dataset_type, definition.raw_storage_class) == ("frames", "StructuredDataDict")


def test_the_class_comes_before_the_built_in_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a host with the Science Pipelines has: an importable lsst.obs.lsst.
    package = tmp_path / "lsst/obs/lsst"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(OBS_PACKAGE.replace("PinholeCamera", "LsstComCam"))
    for name in ("lsst", "lsst.obs"):
        (tmp_path / name.replace(".", "/") / "__init__.py").write_text(
            "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)\n"
        )
    import lsst

    monkeypatch.setattr(lsst, "__path__", [*lsst.__path__, str(tmp_path / "lsst")])
    try:
        by_name = resolve_instrument("LSSTComCam")
        by_class = resolve_instrument("lsst.obs.lsst.LsstComCam", {"MyCam": GIVEN})
    finally:
        for name in ("lsst.obs.lsst", "lsst.obs"):
            sys.modules.pop(name, None)
    assert by_name.source == by_class.source == "class"
    assert by_name.definition.visit_max == 99


@pytest.mark.parametrize(
    ("class_name", "said"),
    [
        ("CuriousCamera", "uses Registry.queryCollections to register itself"),
        ("BrokenCamera", "fails to register itself: camera.yaml"),
        (
            "BlindCamera",
            "registers 1 instrument; expected one instrument, its detectors and physical filters",
        ),
        ("NoCamera", "is no instrument class"),
        ("Missing", "can't be imported"),
    ],
)
def test_a_class_that_can_not_serve_is_said(obs_package: str, class_name: str, said: str) -> None:
    with pytest.raises(ButlerError) as caught:
        resolve_instrument(f"{obs_package}.{class_name}")
    assert said in caught.value.details[0]


def test_a_class_that_can_not_serve_leaves_it_to_the_definition_given(obs_package: str) -> None:
    given = {"Pinhole": GIVEN | {"class_name": f"{obs_package}.CuriousCamera"}}
    resolved = resolve_instrument("Pinhole", given)
    assert resolved.source == "definition"
    assert "queryCollections" in resolved.note


@pytest.mark.parametrize("name", ["MyCam", "my.obs.MyCam"])
def test_a_definition_given_as_data_serves(name: str) -> None:
    resolved = resolve_instrument(name, {"MyCam": GIVEN})
    assert resolved.source == "definition"
    assert resolved.definition.records() == {
        "instrument": [
            {
                "name": "MyCam",
                "visit_max": 1000,
                "visit_system": 2,
                "exposure_max": 2000,
                "detector_max": 10,
                "class_name": "my.obs.MyCam",
            }
        ],
        "detector": [
            {"instrument": "MyCam", "id": 0, "full_name": "R0", "name_in_raft": "R0", "raft": None,
             "purpose": "SCIENCE"},
            {"instrument": "MyCam", "id": 1, "full_name": "R1_S1", "name_in_raft": "S1", "raft": "R1",
             "purpose": "GUIDER"},
        ],
        "physical_filter": [
            {"instrument": "MyCam", "name": "clear", "band": "clear"},
            {"instrument": "MyCam", "name": "r_1", "band": "r"},
        ],
    }  # fmt: skip
    assert resolved.definition.raw_formatter == DEFAULT_RAW_FORMATTER


def test_a_definition_that_the_built_in_one_makes_needless_is_said() -> None:
    resolved = resolve_instrument("LSSTComCam", {"LSSTComCam": GIVEN})
    assert resolved.source == "built-in"
    assert "the definition of LSSTComCam given as data is not used" in resolved.note


@pytest.mark.parametrize("name", ["LATISS", "lsst.obs.lsst.Latiss", "", "nonsense.", ".x"])
def test_an_unknown_instrument_names_the_three_ways(name: str) -> None:
    with pytest.raises(ButlerError) as caught:
        resolve_instrument(name, {"MyCam": GIVEN}, option="instruments[0]")
    text = str(caught.value)
    assert repr(name) in text
    assert caught.value.option == "instruments[0]"
    assert "lsst.obs.lsst.LsstComCam" in text
    assert "definitions, as data: only MyCam" in text
    assert "Install the obs package" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"class_name": None}, "definitions.MyCam.class_name: missing, expected a text"),
        (
            {"visit_max": "many"},
            "definitions.MyCam.visit_max: got 'many', expected a whole number, 1 or more",
        ),
        ({"exposure_max": 0}, "definitions.MyCam.exposure_max: got 0, expected a whole number, 1 or more"),
        (
            {"detector_max": True},
            "definitions.MyCam.detector_max: got True, expected a whole number, 1 or more",
        ),
        (
            {"visit_system": "by-moon"},
            "definitions.MyCam.visit_system: got 'by-moon', expected one of one-to-one (0), "
            "by-group-metadata (1), by-seq-start-end (2)",
        ),
        ({"visit_system": [0]}, "definitions.MyCam.visit_system: got [0], expected one of"),
        ({"detectors": []}, "definitions.MyCam.detectors: got [], expected a list with one entry or more"),
        ({"filters": {"r": 1}}, "definitions.MyCam.filters: got {'r': 1}, expected a list"),
        ({"detectors": ["S00"]}, "definitions.MyCam.detectors[0]: got 'S00', expected a mapping"),
        (
            {"detectors": [{"id": 10, "full_name": "D"}]},
            "definitions.MyCam.detectors[0].id: got 10, expected a number below detector_max (10)",
        ),
        (
            {"detectors": [{"id": 1, "full_name": "D", "purpose": "art"}]},
            "definitions.MyCam.detectors[0].purpose: got 'art', expected one of SCIENCE, GUIDER, WAVEFRONT",
        ),
        (
            {"detectors": [{"id": 1, "full_name": "D", "raft": 4}]},
            "definitions.MyCam.detectors[0].raft: got 4, expected a text",
        ),
        (
            {"detectors": [{"id": 1, "full_name": "D"}, {"id": 1, "full_name": "E"}]},
            "definitions.MyCam.detectors: id 1 is given 2 times, expected once",
        ),
        (
            {"filters": [{"physical_filter": "r"}, {"physical_filter": "r"}]},
            "definitions.MyCam.filters: physical_filter 'r' is given 2 times, expected once",
        ),
        (
            {"filters": [{"name": "r"}]},
            "definitions.MyCam.filters[0].name: got 'r', expected no such key; known: band, physical_filter",
        ),
        ({"raw_formatter": ""}, "definitions.MyCam.raw_formatter: got '', expected a text"),
    ],
)
def test_a_wrong_definition_names_key_value_and_what_was_expected(change: dict[str, Any], said: str) -> None:
    # Asked for another instrument: what is given is checked all the same.
    with pytest.raises(ButlerError) as caught:
        resolve_instrument("LSSTComCam", {"MyCam": GIVEN | change})
    assert any(detail.startswith(said) for detail in caught.value.details), caught.value.details
    assert caught.value.option == "definitions.MyCam"


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ButlerError) as caught:
        resolve_instrument("MyCam", {"MyCam": {"visit_max": -1, "colour": "red"}})
    keys = [detail.split(":")[0].removeprefix("definitions.MyCam.") for detail in caught.value.details]
    assert sorted(keys) == sorted(
        [
            "detector_max",
            "visit_system",
            "class_name",
            "visit_max",
            "exposure_max",
            "detectors",
            "filters",
            "colour",
        ]
    )


def test_a_definition_that_is_no_mapping_is_said() -> None:
    with pytest.raises(ButlerError, match=r"definitions\.MyCam: got 'x', expected a mapping"):
        resolve_instrument("MyCam", {"MyCam": "x"})
