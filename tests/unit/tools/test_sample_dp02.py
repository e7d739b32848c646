# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of DP0.2: what RTN-029 prints is in them, and what is public of the real ones is alike."""

from __future__ import annotations

import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import parse_config_file
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.geometry import SkyMapGeometry

from tools.sample_dp02.campaign import CAMERA, EXPOSURES, RAW_DETECTORS
from tools.sample_dp02.raws import SEGMENT, primary_header
from tools.sample_dp02.sample import sample_files

# Registers how the timespans of exports are read.
importlib.import_module("lsst.daf.butler")

TESTS = Path(__file__).resolve().parents[2]
REAL_EXPORT = TESTS / "integration/data/ap_verify_ci_dc2-export.yaml.gz"
RTN029 = TESTS / "unit/data/rtn029"

# The simulated optics' own WCS, which nothing in a repository depends on.
WCS = ("CRPIX", "CRVAL", "CTYPE", "CD1_", "CD2_", "A_", "B_", "AP_", "BP_")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sample_files()


def sections(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(content)["data"]
    return found


def of_type(kind: str, content: bytes) -> list[dict[str, Any]]:
    return [section for section in sections(content) if section["type"] == kind]


@pytest.fixture(scope="module")
def real() -> bytes:
    """The export of DP0.2's calibrations, with other things, of a public repository."""
    return gzip.decompress(REAL_EXPORT.read_bytes())


def test_the_sample_is_the_same_each_time(files: dict[str, bytes]) -> None:
    again = sample_files()
    assert list(again) == list(files) and again == files
    counted = json.loads(files["manifest.json"])["files"]
    assert counted["count"] == len(files) - 1
    contents = [content for name, content in files.items() if name.endswith((".fits", ".parq"))]
    assert len(set(contents)) == len(contents)


def test_both_exports_bring_the_collections_that_rtn_029_prints(files: dict[str, bytes]) -> None:
    printed = dict(line.split() for line in (RTN029 / "collections.txt").read_text().splitlines()[2:])
    brought = {
        section["name"]: section["collection_type"]
        for export in ("calib", "curated")
        for section in of_type("collection", files[f"{export}/export.yaml"])
    }
    commanded = {"2.2i/defaults", "2.2i/truth_summary", "skymaps", "refcats", "LSSTCam-imSim/raw/all"}
    assert brought == {name: kind for name, kind in printed.items() if name not in commanded}


def test_every_artifact_is_where_its_export_says(files: dict[str, bytes]) -> None:
    for export in ("calib", "curated"):
        named = [
            f"{export}/{record['path']}"
            for section in of_type("dataset", files[f"{export}/export.yaml"])
            for record in section["records"]
        ]
        there = [name for name in files if name.startswith(f"{export}/") and name.endswith(".fits")]
        assert sorted(named) == sorted(there) and len(set(named)) == len(named)


@pytest.mark.parametrize("name", ["bias", "dark", "flat", "bfk", "camera"])
def test_calibrations_are_like_the_real_ones(name: str, files: dict[str, bytes], real: bytes) -> None:
    ours = [content for path, content in files.items() if path.endswith("export.yaml")]
    (real_type,) = (each for each in of_type("dataset_type", real) if each["name"] == name)
    detectors = {record["id"]: record["full_name"] for record in records(real, "detector")}
    (real_section,) = (each for each in of_type("dataset", real) if each["dataset_type"] == name)
    (sample, *_others) = real_section["records"]
    compared = 0
    for content in ours:
        for each in of_type("dataset_type", content):
            if each["name"] == name:
                assert each == real_type
        mine = {record["id"]: record["full_name"] for record in records(content, "detector")}
        for section in of_type("dataset", content):
            if (section["dataset_type"], section["run"]) == (name, real_section["run"]):
                for record in section["records"]:
                    (data_id,), (real_id,) = record["data_id"], sample["data_id"]
                    assert record["formatter"] == sample["formatter"] and list(data_id) == list(real_id)
                    path = record["path"]
                    if "detector" in data_id:
                        full_name = detectors[real_id["detector"]]
                        path = path.replace(mine[data_id["detector"]], full_name)
                    if data_id.get("physical_filter") == real_id.get("physical_filter"):
                        assert path == sample["path"]
                        compared += 1
    assert compared


def records(content: bytes, element: str) -> list[dict[str, Any]]:
    return [
        record
        for section in of_type("dimension", content)
        for record in (section["records"] if section["element"] == element else [])
    ]


@pytest.mark.parametrize("element", ["instrument", "detector", "physical_filter"])
def test_records_are_the_real_ones(element: str, files: dict[str, bytes]) -> None:
    facts = json.loads((TESTS / "unit/data/instruments/LSSTCam-imSim.json").read_text())
    official = facts["records"][element]
    found = records(files["calib/export.yaml"], element)
    assert found and all(record in official for record in found)


def test_validity_ranges_are_the_real_ones(files: dict[str, bytes], real: bytes) -> None:
    def ranges(content: bytes) -> dict[str, set[str]]:
        runs = {
            identifier: section["run"]
            for section in of_type("dataset", content)
            for record in section["records"]
            for identifier in record["dataset_id"]
        }
        found: dict[str, set[str]] = {}
        for section in of_type("associations", content):
            for each in section["validity_ranges"]:
                for identifier in each["dataset_ids"]:
                    found.setdefault(runs[identifier], set()).add(str(each["timespan"]))
        return found

    ours = ranges(files["calib/export.yaml"]) | ranges(files["curated/export.yaml"])
    theirs = ranges(real)
    assert {run: ours[run] for run in theirs} == theirs


def test_headers_are_those_of_a_real_raw() -> None:
    facts = json.loads((TESTS / "unit/data/raws/LSSTCam-imSim.json").read_text())["files_headers_by_hdu"]
    exposure = EXPOSURES[0]
    for detector in RAW_DETECTORS:
        primary, segment = facts[f"204595/lsst_a_204595_{detector.full_name}_i.fits"]
        wanted = {key: value for key, value in primary.items() if not key.startswith(WCS)}
        found = {key: value for key, value in primary_header(exposure, detector).items() if key in wanted}
        structural = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND"}
        assert found == {key: value for key, value in wanted.items() if key not in structural}
        assert list(found) == [key for key in wanted if key not in structural]
        assert segment | SEGMENT == segment


def test_raws_are_laid_out_by_year_and_visit(files: dict[str, bytes]) -> None:
    raws = [name for name in files if name.startswith("raw/")]
    assert "raw/y1-wfd/00261426/lsst_a_261426_R22_S11_r.fits" in raws
    assert {name.split("/")[1] for name in raws} == {f"y{year}-wfd" for year in range(1, 6)}
    assert len(raws) == len(EXPOSURES) * len(RAW_DETECTORS)
    assert len({each.band for each in EXPOSURES}) == len(CAMERA.filters) == 6


def test_the_sky_map_is_dc2(files: dict[str, bytes]) -> None:
    name, config = parse_config_file(files["skymaps/DC2.py"].decode(), "DC2.py")
    geometry = SkyMapGeometry(config)
    assert (name, geometry.count, geometry.patch_total) == ("DC2", 18938, 927962)


def test_tables_name_the_files_beside_them(files: dict[str, bytes]) -> None:
    head, *rows = files["truth_summary/truth_tables.csv"].decode().splitlines()
    assert head == "file URI,skymap,tract"
    for row in rows:
        path, sky_map, tract = row.split(",")
        assert f"truth_summary/{path}" in files and sky_map == "DC2"
        assert path == f"truth_parquet/truth_patchint_tract{tract}.parq"
    lines = [line for line in files["refcats/refcat.ecsv"].decode().splitlines() if not line.startswith("#")]
    assert lines[0] == "filename htm7"
    for line in lines[1:]:
        path, index = line.split()
        assert path == f"cal_ref_cat/{index}.fits" and f"refcats/{path}" in files
