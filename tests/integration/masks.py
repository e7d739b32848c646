# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad-pixel masks as the DEEP survey has them, and repositories with a camera."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy
from astropy.io import fits
from lsst.daf.butler import Butler

SUSPECT = 512
BAD_RUN, SUSPECT_RUN = "DEEP/calib/bad", "DEEP/calib/suspect"


def add_camera(butler: Butler, detectors: int = 4) -> None:
    """Register DECam with the first of its detectors, and two bands."""
    registry, camera = butler.registry, {"instrument": "DECam"}
    limits = {"detector_max": 63, "visit_max": 1, "exposure_max": 1}
    registry.insertDimensionData("instrument", {"name": "DECam", **limits})
    records = ({**camera, "id": number, "full_name": f"d{number}"} for number in range(1, detectors + 1))
    registry.insertDimensionData("detector", *records)
    bands = ({**camera, "name": name, "band": name} for name in ("VR", "g", "y"))
    registry.insertDimensionData("physical_filter", *bands)


def mask_of(*pixels: tuple[slice | int, slice | int, int], shape: tuple[int, int] = (24, 16)) -> Any:
    """Make a mask with values at (y, x)."""
    mask = numpy.zeros(shape, dtype=numpy.int16)
    for y, x, value in pixels:
        mask[y, x] = value
    return mask


def write_mask(path: Path, mask: Any, detector: int | None = None) -> None:
    """Write a mask with its detector in the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unit = fits.PrimaryHDU(mask)
    if detector is not None:
        unit.header["CCDNUM"] = detector
    unit.writeto(path, overwrite=True)


def des_name(detector: int) -> str:
    """Name a mask of DES."""
    return f"D_n20150105t0115_c{detector:02}_r2134p01_bpm.fits"


def cp_name(detector: int) -> str:
    """Name a mask of the Community Pipeline."""
    return f"DECam_Master_20140209v2_cd_{detector:02}.fits"


def write_masks(folder: Path) -> None:
    """Write masks: of detectors 1 to 3 by DES, and of 2 to 4 by the Community Pipeline."""
    column, block = (slice(None), 7, 64), (slice(10, 20), slice(9, 15), 8)
    des = {
        1: mask_of(column, (3, 3, SUSPECT)),
        2: mask_of(block, (0, slice(None), SUSPECT), (0, 0, SUSPECT + 1)),
        3: mask_of(),
    }
    cp = {2: mask_of((23, 15, 1)), 3: mask_of((slice(2, 4), slice(2, 4), 1)), 4: mask_of(column)}
    for detector, mask in des.items():
        write_mask(folder / "des" / des_name(detector), mask, detector)
    for detector, mask in cp.items():
        write_mask(folder / "cp" / cp_name(detector), mask, detector)


def declared(folder: Path) -> dict[str, Any]:
    """Declare the defects of these masks, as the documentation of the module does."""
    return {
        "instrument": "DECam",
        "sources": [
            {
                "name": "des",
                "directory": str(folder / "des"),
                "pattern": r"D_n20150105t0115_c(?P<detector>\d+)_r2134p01_bpm\.fits",
            },
            {
                "name": "cp",
                "directory": str(folder / "cp"),
                "pattern": r"DECam_Master_20140209v2_cd_(?P<detector>\d+)\.fits",
            },
        ],
        "dataset_types": [
            {
                "name": "defects",
                "run": BAD_RUN,
                "pixels": [{"source": "des", "except_values": [SUSPECT]}, {"source": "cp"}],
            },
            {
                "name": "suspectMask",
                "run": SUSPECT_RUN,
                "pixels": [{"source": "des", "values": [SUSPECT]}],
                "metadata": {"DEFECTTYPE": "SUSPECTPIXEL"},
            },
        ],
    }


def completed(options: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Fill in what a module's argument spec would."""
    filled = {
        "detectors": None,
        "detector_keyword": "CCDNUM",
        "on_conflict": "fail",
        "on_missing": "fail",
        **options,
        **more,
    }
    empty = dict.fromkeys(("values", "except_values", "bits"))
    filled["dataset_types"] = [
        {"metadata": None, **item, "pixels": [{**empty, **part} for part in item["pixels"]]}
        for item in filled["dataset_types"]
    ]
    return filled
