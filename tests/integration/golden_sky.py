# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills repositories with sky maps and visits that nothing of the collection has computed.

Visits, with their regions, are those that the official tool wrote. Tracts and patches are made one by one
from pixels of an `astropy.wcs.WCS`, as ``tractInfo.py`` and ``tractBuilder.py`` of ``lsst.skymap`` make them
from those of ``lsst.afw``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from lsst.daf.butler import Butler, Timespan
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from tests.integration.visit_states import add_exposures, polygon
from tests.sky_map_facts import CHECKOUT, OFFICIAL, REFERENCE
from tests.visit_facts import CAMERAS, official_exposures, official_visits, reference_visits

DATA = CHECKOUT / "tests/unit/data"
GROUPINGS = dict.fromkeys(CAMERAS, "one-to-one") | {"LSSTComCam": "one-to-one-and-by-counter"}
"""How exposures are grouped here: LSSTComCam has two that are one visit as well."""


@dataclass(frozen=True)
class Tracts:
    """Tracts of patches, in the projection TAN.

    Attributes
    ----------
    centres : `tuple` [ `tuple` [ `float`, `float` ], ... ]
        Where they are, in degrees.
    reach : `float`
        How far each has to reach along its axes, in degrees.
    pixel_scale : `float`
        Size of a pixel, in arcseconds.
    inner : `int`
        Pixels along the inner region of a patch.
    border : `int`
        Pixels around it.
    clipped : `bool`
        Whether patches end where their tract does.
    """

    centres: tuple[tuple[float, float], ...]
    reach: float
    pixel_scale: float
    inner: int = 4000
    border: int = 100
    clipped: bool = True

    def regions(self, tract: int) -> Iterator[tuple[tuple[int, ...], ConvexPolygon]]:
        """Give regions with their keys: that of the tract; then of patches, by number, column and row."""
        wcs = self._wcs(tract)
        first, count = self._pixels(wcs, self.centres[tract])
        last = first + count * self.inner
        yield (), _on_sky(wcs, (first, first), (last, last))
        around = (first, last) if self.clipped else (-math.inf, math.inf)
        for row in range(count):
            for column in range(count):
                corner = [first + number * self.inner for number in (column, row)]
                low = [max(edge - self.border, around[0]) for edge in corner]
                high = [min(edge + self.inner + self.border, around[1]) for edge in corner]
                yield (row * count + column, column, row), _on_sky(wcs, low, high)

    def _wcs(self, tract: int) -> WCS:
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval = self.centres[tract]
        wcs.wcs.crpix = [1, 1]
        wcs.wcs.cdelt = [-self.pixel_scale / 3600, self.pixel_scale / 3600]
        return wcs

    def _pixels(self, wcs: WCS, centre: tuple[float, float]) -> tuple[int, int]:
        """Give the first pixel, in x and y alike, and how many patches there are from there."""
        away = SkyCoord(*centre, unit="deg").directional_offset_by(
            [0, 90, 180, 270] * units.deg, self.reach * units.deg
        )
        numbers = [math.floor(number + 0.5) for xy in wcs.world_to_pixel(away) for number in xy]
        pixels = max(numbers) - min(numbers) + 1
        count = math.ceil(pixels / self.inner)
        return min(numbers) - (count * self.inner - pixels) // 2, count


def _on_sky(wcs: WCS, low: Iterable[float], high: Iterable[float]) -> ConvexPolygon:
    """Give the region of pixels from the first of some to the first beyond, in x and y."""
    (left, bottom), (right, top) = ([edge - 0.5 for edge in edges] for edges in (low, high))
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return ConvexPolygon(
        [UnitVector3d(LonLat.fromDegrees(*place)) for place in wcs.all_pix2world(corners, 0)]
    )


@cache
def golden_map(name: str) -> dict[str, Any]:
    """Give a sky map of the official tool: its record, some tracts, and some patches of each.

    Regions are under ``tract`` by tract, and under ``patch`` by tract, patch, column and row; ``centres`` are
    by tract as well.
    """
    path = REFERENCE / f"golden/skymaps/{name}.json"
    if path.exists():
        facts = json.loads(path.read_text())
        [record] = facts["skymap"]
        tracts = {(row["id"],): polygon(row["region"]["encoded_hex"]) for row in facts["tracts"]}
        patches = {
            tuple(row[key] for key in ("tract", "id", "cell_x", "cell_y")): polygon(
                row["region"]["encoded_hex"]
            )
            for row in facts["patches"]
        }
        record = record | {"hash": bytes.fromhex(record["hash"]["hex"])}
    else:
        facts = json.loads((DATA / "skymaps/regions.json").read_text())[name]
        record = {"name": name, "hash": bytes.fromhex(OFFICIAL[name]["hash"])}
        record |= {key: facts[key] for key in ("tract_max", "patch_nx_max", "patch_ny_max")}
        tracts, patches = (
            {tuple(key): polygon(base64.b64decode(code).hex()) for *key, code in facts[element]}
            for element in ("tracts", "patches")
        )
    return {
        "record": record,
        "n_patch_total": facts["n_patch_total"],
        "centres": {row["tract"]: tuple(row["crval_deg"]) for row in facts["tract_info"]},
        "tract": tracts,
        "patch": patches,
    }


def visits_of(name: str) -> dict[str, Any]:
    """Give the official visits of a camera; where the reference is there, with regions of all detectors."""
    return reference_visits(name, GROUPINGS[name]) or kept_visits(name)


def kept_visits(name: str) -> dict[str, Any]:
    """Give those visits with the regions that are kept here."""
    return official_visits(name, GROUPINGS[name])


def known_detectors(name: str) -> set[tuple[int, int]]:
    """Give the visits and detectors of a camera of which the official region is at hand."""
    return {(visit, detector) for visit, detector, _code in visits_of(name)["visit_detector_region"]}


def insert_visits(repo: Path, name: str) -> None:
    """Write a camera's instrument, exposures and visits as the official tools did."""
    records = json.loads((DATA / f"instruments/{name}.json").read_text())["records"]
    facts = visits_of(name)
    with Butler.from_config(repo, writeable=True) as butler:
        for element in ("instrument", "detector", "physical_filter"):
            butler.registry.insertDimensionData(element, *records[element])
    add_exposures(repo, official_exposures(name))
    of_camera = {"instrument": name}
    visits = [
        row
        | {
            "region": polygon(row["region"]),
            "timespan": Timespan(None, None, _nsec=tuple(row["timespan"]["nsec"])),
        }
        for row in facts["visit"]
    ]
    rows = {
        "visit_system": facts["visit_system"],
        "visit": visits,
        "visit_definition": [
            of_camera | {"visit": visit, "exposure": exposure}
            for visit, exposure in facts["visit_definition"]
        ],
        "visit_system_membership": [
            of_camera | {"visit": visit, "visit_system": system}
            for visit, system in facts["visit_system_membership"]
        ],
        "visit_detector_region": [
            of_camera | {"visit": visit, "detector": detector, "region": polygon(code)}
            for visit, detector, code in facts["visit_detector_region"]
        ],
    }
    with Butler.from_config(repo, writeable=True) as butler, butler.registry.transaction():
        for element, values in rows.items():
            butler.registry.insertDimensionData(element, *values)


def insert_sky_map(repo: Path, name: str, tracts: Tracts) -> None:
    """Write a sky map, tract by tract and patch by patch."""
    rows: dict[str, list[dict[str, Any]]] = {"tract": [], "patch": []}
    side = 0
    for tract in range(len(tracts.centres)):
        for key, region in tracts.regions(tract):
            row = {"skymap": name, "region": region}
            if key:
                patch, column, line = key
                side = max(side, column + 1)
                row |= {"tract": tract, "id": patch, "cell_x": column, "cell_y": line}
                rows["patch"].append(row)
            else:
                rows["tract"].append(row | {"id": tract})
    record: dict[str, Any] = {"tract_max": len(tracts.centres), "patch_nx_max": side, "patch_ny_max": side}
    # Nobody asks for the hash here.
    record |= {"name": name, "hash": name.encode()}
    with Butler.from_config(repo, writeable=True) as butler, butler.registry.transaction():
        butler.registry.insertDimensionData("skymap", record)
        for element, values in rows.items():
            butler.registry.insertDimensionData(element, *values)
