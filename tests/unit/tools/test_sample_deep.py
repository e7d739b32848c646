# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of DEEP: alike what is public of the real ones, and each exposure where its table says."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from astropy.io import fits
from astropy.table import Table

from tools.sample_deep.campaign import CAMERA, DETECTORS, EXPOSURES, GOOD
from tools.sample_deep.raws import extension_header, primary_header
from tools.sample_deep.sample import sample_files

# Registers how the timespans of exports are read.
importlib.import_module("lsst.daf.butler")

TESTS = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sample_files()


@pytest.fixture(scope="module")
def real() -> list[list[dict[str, Any]]]:
    """The headers of real exposures."""
    facts = json.loads((TESTS / "unit/data/raws/DECam.json").read_text())
    return list(facts["files_headers_by_hdu"].values())


def table(content: bytes) -> list[dict[str, Any]]:
    read = Table.read(content.decode().splitlines(), format="ascii.ecsv")
    return [dict(zip(read.colnames, row, strict=True)) for row in read.iterrows()]


def test_the_sample_is_the_same_each_time(files: dict[str, bytes]) -> None:
    again = sample_files()
    assert list(again) == list(files) and again == files
    assert json.loads(files["manifest.json"])["files"]["count"] == len(files) - 1


@pytest.mark.parametrize("element", ["instrument", "detector", "physical_filter"])
def test_records_are_the_real_ones(element: str) -> None:
    official = json.loads((TESTS / "unit/data/instruments/DECam.json").read_text())["records"][element]
    data_ids = [
        {"instrument": "DECam", "detector": each.id, "physical_filter": physical_filter.name}
        for each in DETECTORS
        for physical_filter in CAMERA.filters
    ]
    found = CAMERA.records(data_ids)[element]
    assert found and all(record in official for record in found)


def test_headers_have_the_keywords_of_real_ones_in_their_order(real: list[list[dict[str, Any]]]) -> None:
    kinds = {hdus[0]["OBSTYPE"]: hdus for hdus in real}
    assert {each.kind for each in EXPOSURES} == set(kinds)
    for exposure in EXPOSURES:
        primary, extension, *_unused = kinds[exposure.kind]
        found = primary_header(exposure)
        # Real files have the frame of the pointing in their extensions only.
        assert set(found) - set(primary) <= {"RADESYS"}
        for keyword in ("TELESCOP", "OBS-LONG", "OBS-LAT", "OBS-ELEV", "INSTRUME", "EXPREQ", "CAMSHUT"):
            assert type(found[keyword]) is type(primary[keyword])
            if keyword != "EXPREQ":
                assert found[keyword] == primary[keyword]
        assert set(extension_header(DETECTORS[0])) <= set(extension)


def test_each_exposure_is_of_its_night(files: dict[str, bytes]) -> None:
    listed = table(files["exposures.ecsv"])
    got = {row["md5sum"]: row for row in table(files["downloaded_exposures.ecsv"])}
    assert len(listed) == len(EXPOSURES) and len(got) == len(EXPOSURES) - 1
    assert set(got[listed[0]["md5sum"]]) == {
        "path",
        "md5sum",
        "did_download",
        "valid_in_archive",
        "valid_on_disk",
        "did_check_archive",
        "did_check_disk",
    }
    read = 0
    for row in listed:
        if row["md5sum"] not in got:
            continue
        name = f"images/{got[row['md5sum']]['path'].rsplit('/', 1)[-1]}"
        assert name.startswith(f"images/{row['md5sum']}_c4d_") and name.endswith("_ori.fits.fz")
        content = files[name]
        valid = hashlib.md5(content, usedforsecurity=False).hexdigest() == row["md5sum"]
        assert valid == got[row["md5sum"]]["valid_on_disk"]
        if valid:
            with fits.open(io.BytesIO(content)) as hdus:
                assert [hdu.header["CCDNUM"] for hdu in hdus[1:]] == [each.id for each in DETECTORS]
                header = dict(hdus[0].header)
            assert (header["EXPNUM"], header["OBSTYPE"]) == (row["EXPNUM"], row["obs_type"])
            read += 1
    assert read == len(GOOD)


def test_the_export_has_the_curated_calibrations(files: dict[str, bytes]) -> None:
    for section in yaml.safe_load(files["curated/export.yaml"])["data"]:
        for record in section["records"] if section["type"] == "dataset" else []:
            assert f"curated/{record['path']}" in files
