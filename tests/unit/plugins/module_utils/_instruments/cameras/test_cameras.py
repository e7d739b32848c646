# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in cameras have the numbers of those that the obs packages make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.catalogue import (
    BUILT_IN_CAMERAS,
    camera_geometry,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import CameraGeometry
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import (
    BUILT_IN,
    find_built_in,
)

CHECKOUT = Path(__file__).parents[6]
KEPT = CHECKOUT / "tests/unit/data/cameras"
REFERENCE = CHECKOUT.parent / "shared/reference/golden/cameras"
NAMES = ["LSSTComCam", "LSSTCam-imSim", "LSSTCam", "DECam"]
SAMPLES = "fp_to_field_angle_samples_r_mm_then_x_of_plusx_y_of_plusx_x_of_plusy_y_of_plusy_rad"
COLUMNS = ("bbox_wh", "bbox_min", "pixel_size_mm", "reference_point_pix", "fp_position_mm", "yaw_deg")


def condensed(facts: dict[str, Any]) -> dict[str, Any]:
    """Give what is kept here of a camera of the reference."""
    return {
        "name": facts["name"],
        "class_name": facts["class_name"],
        "parity": facts["focal_plane_parity_flip"],
        "samples": facts[SAMPLES][::5],
        "tilted": [row["id"] for row in facts["detectors"] if row["pitch_deg"] or row["roll_deg"]],
        "detectors": [
            [
                row["id"],
                *(value for name in COLUMNS for value in np.ravel(row[name]).tolist()),
            ]
            for row in facts["detectors"]
        ],
    }


@pytest.fixture(params=NAMES)
def official(request: pytest.FixtureRequest) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((KEPT / f"{request.param}.json").read_text())
    return facts


@pytest.fixture
def camera(official: dict[str, Any]) -> CameraGeometry:
    found = camera_geometry(official["name"])
    assert found is not None
    return found


def test_the_facts_kept_here_are_those_of_the_reference(official: dict[str, Any]) -> None:
    path = REFERENCE / f"{official['name']}.json"
    if path.exists():
        assert condensed(json.loads(path.read_text())) == official
    assert official["tilted"] == []  # there is no field for a tilt


def test_detectors_are_where_the_official_camera_has_them(
    camera: CameraGeometry, official: dict[str, Any]
) -> None:
    side = camera.pixel_size
    ours = [
        [
            detector.id,
            *detector.sensor.size,
            *(0, 0, side, side),
            *detector.sensor.reference,
            *detector.position,
            detector.yaw,
        ]
        for detector in camera.detectors
    ]
    assert np.shape(ours) == np.shape(official["detectors"])
    # 1e-12 mm are 2e-11 arcsec.
    np.testing.assert_allclose(ours, sorted(official["detectors"]), rtol=0, atol=1e-12)


def test_the_optics_are_the_official_ones(camera: CameraGeometry, official: dict[str, Any]) -> None:
    sign = -1 if camera.flipped else 1
    assert camera.flipped == official["parity"]
    for radius, x_of_x, y_of_x, x_of_y, y_of_y in official["samples"]:
        field = np.polynomial.polynomial.polyval(radius, camera.radial)
        assert [x_of_x, y_of_x, x_of_y, y_of_y] == pytest.approx([sign * field, 0, 0, field], abs=1e-16)
    # The samples reach the outermost detectors.
    assert official["samples"][-1][0] > max(np.hypot(*detector.position) for detector in camera.detectors)


def test_a_class_name_finds_the_same_camera(camera: CameraGeometry, official: dict[str, Any]) -> None:
    assert camera_geometry(official["class_name"]) is camera
    assert camera.name == official["name"]


def test_what_is_not_built_in_is_not_found() -> None:
    assert camera_geometry("LATISS") is None
    assert camera_geometry("lsst.obs.subaru.HyperSuprimeCam") is None


def test_every_built_in_instrument_has_a_camera_with_its_detectors() -> None:
    assert len(BUILT_IN_CAMERAS) == len(BUILT_IN)
    for camera in BUILT_IN_CAMERAS:
        instrument = find_built_in(camera.name)
        assert instrument is not None
        assert [detector.id for detector in camera.detectors] == sorted(instrument.detector_ids.values())
