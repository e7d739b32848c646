# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposures of four cameras, and the visits that the official tool defined for them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from lsst.daf.butler import DimensionRecord, DimensionUniverse, Timespan

CHECKOUT = Path(__file__).resolve().parents[1]
DATA = CHECKOUT / "tests/unit/data"
REFERENCE = CHECKOUT.parent / "shared/reference/golden/visits"
CAMERAS = ("LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam")
CASES = [*((name, "one-to-one") for name in CAMERAS), ("LSSTComCam", "one-to-one-and-by-counter")]
"""Cameras and groupings of which the official visits are known."""


def official_visits(name: str, grouping: str = "one-to-one") -> dict[str, Any]:
    """Give what the official tool wrote: all rows of ``detectors`` detectors for each visit, some regions.

    They are the caller's own: what a test does to them, the next one doesn't see.
    """
    facts: dict[str, Any] = json.loads((DATA / f"visits/{name}.json").read_text())[grouping]
    return facts


def reference_visits(name: str, grouping: str = "one-to-one") -> dict[str, Any] | None:
    """Give the same from the reference, with the regions of all detectors; `None` where that is not there."""
    path = REFERENCE / f"{name}{'' if grouping == 'one-to-one' else '_index_direct_bycounter'}.json"
    if not path.exists():
        return None
    facts: dict[str, Any] = json.loads(path.read_text())
    return {
        "visit_system": facts["visit_system"],
        "visit": [
            row
            | {
                "region": row["region"]["encoded_hex"],
                "timespan": {"nsec": row["timespan"]["nsec"]},
            }
            for row in sorted(facts["visit"], key=lambda row: int(row["id"]))
        ],
        "visit_definition": sorted([row["visit"], row["exposure"]] for row in facts["visit_definition"]),
        "visit_system_membership": sorted(
            [row["visit"], row["visit_system"]] for row in facts["visit_system_membership"]
        ),
        "detectors": len(facts["visit_detector_region"]) // len(facts["visit"]),
        "visit_detector_region": sorted(
            [row["visit"], row["detector"], row["region"]["encoded_hex"]]
            for row in facts["visit_detector_region"]
        ),
    }


@cache
def universe() -> DimensionUniverse:
    """Give the dimensions of a new repository."""
    return DimensionUniverse()


@cache
def official_exposures(name: str) -> tuple[DimensionRecord, ...]:
    """Give the exposures that the official ingest made of a camera's raws."""
    rows = json.loads((DATA / f"raws/{name}.json").read_text())["exposure"]
    return tuple(exposure_of(row) for row in rows)


def exposure_of(row: dict[str, Any]) -> DimensionRecord:
    """Make an exposure of the columns that a file of facts has."""
    begin, end = row["timespan"]["nsec"]
    return universe()["exposure"].RecordClass(**{**row, "timespan": Timespan(None, None, _nsec=(begin, end))})


def changed(exposure: DimensionRecord, **columns: Any) -> DimensionRecord:
    """Give an exposure with other columns."""
    return type(exposure)(**{**exposure.toDict(), **columns})
