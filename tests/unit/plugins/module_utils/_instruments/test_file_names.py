# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File names tell the same as the headers that the official tool read."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import name_rule, zip_rule

DATA = Path(__file__).parents[5] / "tests/unit/data/raws"


@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim"])
def test_names_tell_the_official_data_ids(name: str) -> None:
    definition = find_built_in(name)
    assert definition is not None
    official = json.loads((DATA / f"{name}.json").read_text())
    wanted = {(raw["data_id"]["exposure"], raw["data_id"]["detector"]) for raw in official["raw_datasets"]}
    rule = name_rule(definition)
    assert {rule(PurePosixPath(path).name) for path in official["files_headers_by_hdu"]} == wanted


@pytest.mark.parametrize(
    ("instrument", "file", "raw"),
    [
        ("LSSTComCam", "CC_C_20190530_000001_R22_S00.fits", (3019053000001, 0)),
        ("LSSTComCam", "CC_O_20241108_000010_R22_S22.fits.fz", (2024110800010, 8)),
        ("LSSTComCam", "CC_O_20241108_000010_R22_S22_guider.fits", None),
        ("LSSTComCam", "CC_O_20241108_000010_R01_S00.fits", None),
        ("LSSTComCam", "CC_X_20241108_000010_R22_S00.fits", None),
        ("LSSTComCam", "MC_O_20241108_000010_R22_S00.fits", None),
        ("LSSTComCam", "raw.fits", None),
        ("LSSTCam", "MC_O_20250415_000060_R00_SG0.fits", (2025041500060, 189)),
        ("DECam", "DECam_00160496.fits", None),
    ],
)
def test_names(instrument: str, file: str, raw: tuple[int, int] | None) -> None:
    definition = find_built_in(instrument)
    assert definition is not None
    assert name_rule(definition)(file) == raw


@pytest.mark.parametrize(
    ("instrument", "file", "exposure"),
    [
        ("LSSTCam", "MC_O_20250415_000060.zip", 2025041500060),
        ("LSSTCam", "MC_C_20250425_000031.zip", 2025042500031),
        ("LSSTComCam", "CC_C_20190530_000001.zip", 3019053000001),
        ("LSSTCam", "CC_O_20250415_000060.zip", None),
        ("LSSTCam", "MC_X_20250415_000060.zip", None),
        ("LSSTCam", "MC_O_20250415_000060_R22_S11.zip", None),
        ("LSSTCam", "MC_O_20250415_000060.zip.part", None),
        ("DECam", "MC_O_20250415_000060.zip", None),
    ],
)
def test_names_of_zips(instrument: str, file: str, exposure: int | None) -> None:
    definition = find_built_in(instrument)
    assert definition is not None
    assert zip_rule(definition)(file) == exposure
