# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories with calibrations to certify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import Span
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.state import CertifyState
from lsst.daf.butler import Butler, CollectionType, DatasetType

from tests.integration.converging import converge_here

CALIB = "DEEP/20190402/calib/bias"
OLD, NEW = "DEEP/20190402/bias/20241111T115007Z", "DEEP/20190402/bias/20241211T000000Z"
CHAIN = "DEEP/20190402/bias"
DATASETS: dict[str, Any] = {
    "dataset_type": ["bias"],
    "collections": [NEW],
    "where": None,
    "bind": None,
    "data_ids": None,
}
CERTIFICATION: dict[str, Any] = {
    "collection": CALIB,
    "datasets": [DATASETS],
    "begin": None,
    "end": None,
    "prune": False,
    "state": "present",
}


def fill(repo: Path, runs: Mapping[str, Iterable[int]], detectors: int = 4) -> None:
    """Register a camera with its calibrations, and biases of some detectors in some runs."""
    with Butler.from_config(repo, writeable=True) as butler:
        registry, camera = butler.registry, {"instrument": "DECam"}
        limits = {"detector_max": 10**6, "visit_max": 1, "exposure_max": 1}
        registry.insertDimensionData("instrument", {"name": "DECam", **limits})
        records = ({**camera, "id": number, "full_name": f"d{number}"} for number in range(1, detectors + 1))
        registry.insertDimensionData("detector", *records)
        registry.insertDimensionData(
            "physical_filter",
            {**camera, "name": "VR", "band": "VR"},
            {**camera, "name": "g", "band": "g"},
        )
        for name, dimensions, certifiable in (
            ("bias", ["detector"], True),
            ("flat", ["detector", "physical_filter"], True),
            ("defects", ["detector"], True),
            ("suspectMask", ["detector"], True),
            ("log", ["detector"], False),
        ):
            kind = DatasetType(
                name,
                ["instrument", *dimensions],
                "Exposure",
                universe=butler.dimensions,
                isCalibration=certifiable,
            )
            registry.registerDatasetType(kind)
        for run, numbers in runs.items():
            put(butler, "bias", run, numbers)
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.redefine_chain(CHAIN, list(runs))


def put(butler: Butler, name: str, run: str, numbers: Iterable[int], **more: str) -> None:
    """Make datasets of detectors."""
    butler.collections.register(run)
    data_ids = [{"instrument": "DECam", "detector": number, **more} for number in numbers]
    butler.registry.insertDatasets(name, data_ids, run=run)


def state_of(*certifications: Mapping[str, Any], **options: Any) -> CertifyState:
    """Make a state from what differs from the defaults; what is of ``DATASETS`` goes into the datasets."""
    items = []
    for item in certifications:
        datasets = {key: item[key] for key in item if key in DATASETS}
        rest = {key: item[key] for key in item if key not in DATASETS}
        items.append({**CERTIFICATION, "datasets": [{**DATASETS, **datasets}], **rest})
    params = {"certifications": items, "on_missing": "fail", "on_conflict": "fail", **options}
    return CertifyState.from_params(params)


def converged(
    repo: Path, *certifications: Mapping[str, Any], check_mode: bool = False, **options: Any
) -> Outcome:
    """Bring a repository to what is declared."""
    return converge_here(state_of(*certifications, **options), repo, check_mode=check_mode)


def valid(repo: Path, name: str = "bias", collection: str = CALIB) -> dict[int, list[tuple[str, str]]]:
    """Tell by detector what is valid: ranges, those that touch and are of one dataset joined, and runs."""
    found: dict[int, list[tuple[Span, Any]]] = {}
    with Butler.from_config(repo) as butler:
        for item in butler.registry.queryDatasetAssociations(
            name, [collection], collectionTypes={CollectionType.CALIBRATION}
        ):
            assert item.timespan is not None
            detector = int(item.ref.dataId["detector"])
            found.setdefault(detector, []).append((Span(*item.timespan.nsec), item.ref))
    return {detector: _joined(found[detector]) for detector in sorted(found)}


def _joined(items: Sequence[tuple[Span, Any]]) -> list[tuple[str, str]]:
    result: list[tuple[Span, Any]] = []
    for span, ref in sorted(items, key=lambda item: item[0]):
        if result and result[-1][0].end > span.begin:
            raise AssertionError(f"two are valid at {span}: {result[-1][1]} and {ref}")
        if result and result[-1][0].end == span.begin and result[-1][1].id == ref.id:
            result[-1] = (Span(result[-1][0].begin, span.end), ref)
        else:
            result.append((span, ref))
    return [(str(span), ref.run) for span, ref in result]
