# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports to import: published ones with placeholder artifacts, and one that the official tool writes."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._exports.values import parse
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
from lsst.daf.butler import Butler, CollectionType, DatasetType, FormatterV2, Timespan

TESTS = Path(__file__).resolve().parents[1]
PUBLISHED = {
    "pretrained models": TESTS / "unit/data/rtn103/pretrained-models-export.yaml.txt",
    "fgcm look-up table": TESTS / "unit/data/rtn103/DM-48089-fgcmLookupTable-export.yaml.txt",
    "ap_verify_ci_dc2": TESTS / "integration/data/ap_verify_ci_dc2-export.yaml.gz",
}
CALIBRATIONS = "calibrations"
"""The export that `write_calibrations` makes."""

RUNS = ("Cam/calib/DM-1/biasGen", "Cam/calib/DM-1/flatGen")
TAG, CALIB, CHAIN = "Cam/good", "Cam/calib/DM-1", "Cam/calib"
DETECTORS, FILTERS = range(3), ("g", "r")
DATASETS = len(DETECTORS) * (1 + len(FILTERS))


def published(name: str) -> bytes:
    """Give a published export."""
    content = PUBLISHED[name].read_bytes()
    return gzip.decompress(content) if PUBLISHED[name].suffix == ".gz" else content


def write_case(name: str, folder: Path) -> Path:
    """Write an export beside its artifacts.

    Parameters
    ----------
    name : `str`
        A key of `PUBLISHED`, or `CALIBRATIONS`.
    folder : `pathlib.Path`
        Where to; made if it is not there.

    Returns
    -------
    file : `pathlib.Path`
        The export.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if name == CALIBRATIONS:
        shutil.copytree(_calibrations().name, folder, dirs_exist_ok=True)
        return folder / "export.yaml"
    file = folder / "export.yaml"
    file.write_bytes(published(name))
    for path in paths_in(file):
        artifact = folder / path
        artifact.parent.mkdir(parents=True, exist_ok=True)
        artifact.write_text(f"placeholder of {path}\n")
    return file


def sections_of(file: Path) -> list[dict[str, Any]]:
    """Give the data of an export."""
    sections = parse(file.read_bytes()).sections
    assert sections is not None
    return [data for _unused, data in sections]


def parse_head(file: Path) -> dict[str, Any]:
    """Give what an export says about itself."""
    return parse(file.read_bytes()).head


def rewrite(file: Path, sections: list[dict[str, Any]], **head: Any) -> Path:
    """Replace the data of an export, and entries of its head."""
    document = {**parse_head(file), **head, "data": sections}
    file.write_text(yaml.dump(document, sort_keys=False))
    return file


def paths_in(file: Path) -> list[str]:
    """Give the paths of the artifacts that an export names."""
    return [
        record["path"]
        for data in sections_of(file)
        if data["type"] == "dataset"
        for record in data["records"]
    ]


def make_instrument(butler: Butler) -> None:
    """Register an instrument with detectors and filters."""
    registry = butler.registry
    registry.insertDimensionData("instrument", {"name": "Cam", "detector_max": 9, "class_name": "obs.Cam"})
    for detector in DETECTORS:
        registry.insertDimensionData(
            "detector", {"instrument": "Cam", "id": detector, "full_name": f"D{detector}", "raft": "R"}
        )
    for name in FILTERS:
        registry.insertDimensionData(
            "physical_filter", {"instrument": "Cam", "name": f"{name}_1", "band": name}
        )


@cache
def _calibrations() -> tempfile.TemporaryDirectory[str]:
    """Hold a folder with the export of calibrations, made once for all tests of a process."""
    folder = tempfile.TemporaryDirectory()
    write_calibrations(Path(folder.name))
    return folder


def write_calibrations(folder: Path) -> Path:
    """Let the official tool export biases and flats with a TAGGED and a CALIBRATION collection in a chain."""
    root = folder / "origin"
    with Butler.from_config(Butler.makeRepo(root), writeable=True) as butler:
        make_instrument(butler)
        kinds = {"bias": ("instrument", "detector"), "flat": ("instrument", "detector", "physical_filter")}
        for name, dimensions in kinds.items():
            kind = DatasetType(
                name, dimensions, "StructuredDataDict", universe=butler.dimensions, isCalibration=True
            )
            butler.registry.registerDatasetType(kind)
        for run in RUNS:
            butler.collections.register(run, doc=f"made by {run.rpartition('/')[2]}")
        butler.collections.register(TAG, CollectionType.TAGGED)
        butler.collections.register(CALIB, CollectionType.CALIBRATION, doc="certified")
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.redefine_chain(CHAIN, [CALIB, *RUNS])
        spans = [Timespan.from_day_obs(20250101, 0), Timespan.from_day_obs(20250102, 0), Timespan(None, None)]
        for detector in DETECTORS:
            where: dict[str, Any] = {"instrument": "Cam", "detector": detector}
            bias = butler.put({"bias": detector}, "bias", where, run=RUNS[0])
            butler.registry.certify(CALIB, [bias], spans[detector])
            if detector > 0:
                butler.registry.associate(TAG, [bias])
            for name in FILTERS:
                flat = butler.put({name: detector}, "flat", where, physical_filter=f"{name}_1", run=RUNS[1])
                butler.registry.certify(CALIB, [flat], spans[2])
        with butler.export(directory=folder, filename=folder / "export.yaml", transfer="copy") as export:
            export.saveDatasets(butler.query_datasets("bias", RUNS[0]))
            export.saveDatasets(butler.query_datasets("flat", RUNS[1]))
            for collection in (TAG, CALIB, CHAIN):
                export.saveCollection(collection)
    shutil.rmtree(root)
    return folder / "export.yaml"


def declare(file: Path, **options: Any) -> dict[str, Any]:
    """Give the module's arguments for one export."""
    return {"imports": [{"file": str(file)}], "on_conflict": "fail", **options}


def import_here(repo: Path, params: Mapping[str, Any], *, check: bool = False) -> Outcome:
    """Converge an import in this process."""
    repository = open_repository(str(repo), writeable=not check)
    with repository.butler:
        state = ImportsState.from_params(params)
        return converge(state, repository, check_mode=check, report=Report())


@contextmanager
def importable_formatters(file: Path) -> Iterator[None]:
    """Let the official import find classes of the names of an export's formatters."""
    names = {
        record["formatter"]
        for data in sections_of(file)
        if data["type"] == "dataset"
        for record in data["records"]
        if "formatter" in record
    }
    added = []
    for name in sorted(names):
        module, _unused, kind = name.rpartition(".")
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            dotted = ".".join(parts[:depth])
            if dotted not in sys.modules and not module.startswith("lsst.daf.butler"):
                sys.modules[dotted] = types.ModuleType(dotted)
                added.append(dotted)
        if module in added:
            members = {"__module__": module, "validate_extension": classmethod(lambda cls, location: None)}
            setattr(sys.modules[module], kind, type(kind, (FormatterV2,), members))
    try:
        yield
    finally:
        for dotted in added:
            del sys.modules[dotted]


def official_import(repo: Path, file: Path, transfer: str, directory: Path | None = None) -> None:
    """Import as ``butler import`` does."""
    with importable_formatters(file), Butler.from_config(repo, writeable=True) as butler:
        butler.import_(directory=directory or file.parent, filename=str(file), transfer=transfer)
