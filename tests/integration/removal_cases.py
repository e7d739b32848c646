# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository with datasets to remove: calibrations that are tagged and certified, and files in place."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.state import RemovalsState
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset, Timespan

from tests.integration.converging import converge_here
from tests.integration.exports import make_instrument

RUN, LATER, RAWS = "Cam/biasGen/1", "Cam/biasGen/2", "Cam/raw/all"
TAG, CALIB, CHAIN = "Cam/good", "Cam/calib", "Cam/all"
DETECTORS = range(3)
FOREVER = Timespan(None, None)
STATE = "_states.removals.state:RemovalsState"


def fill(root: Path | str, raws: Path) -> None:
    """Put datasets into an empty repository.

    Parameters
    ----------
    root : `pathlib.Path` or `str`
        The repository. Its two runs get three biases each. The first two of `RUN` are tagged, and all three
        certified, the first of them twice.
    raws : `pathlib.Path`
        Where files are made that are ingested in place, two of them with two datasets in one.
    """
    raws.mkdir(parents=True, exist_ok=True)
    with Butler.from_config(root, writeable=True) as butler:
        make_instrument(butler)
        for name, calibration in (("bias", True), ("raw", False)):
            kind = DatasetType(
                name,
                ["instrument", "detector"],
                "StructuredDataDict",
                universe=butler.dimensions,
                isCalibration=calibration,
            )
            butler.registry.registerDatasetType(kind)
        for run in (RUN, LATER, RAWS):
            butler.collections.register(run)
        butler.collections.register(TAG, CollectionType.TAGGED)
        butler.collections.register(CALIB, CollectionType.CALIBRATION)
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.redefine_chain(CHAIN, [CALIB, LATER, RUN])
        biases = [
            butler.put({"bias": detector}, "bias", instrument="Cam", detector=detector, run=run)
            for run in (RUN, LATER)
            for detector in DETECTORS
        ]
        butler.registry.associate(TAG, biases[:2])
        butler.registry.certify(CALIB, biases[:1], Timespan.from_day_obs(20250101, 0))
        butler.registry.certify(CALIB, biases[:1], Timespan.from_day_obs(20250103, 0))
        butler.registry.certify(CALIB, biases[1:3], FOREVER)
        refs = [
            DatasetRef(butler.get_dataset_type("raw"), data_id, RAWS)
            for data_id in butler.query_data_ids(["instrument", "detector"], explain=False)
        ]
        for file, members in (("one.yaml", refs[:1]), ("two.yaml", refs[1:])):
            (raws / file).write_text("raw: 1\n")
            butler.ingest(FileDataset(str(raws / file), members), transfer="direct")


@cache
def _template() -> tempfile.TemporaryDirectory[str]:
    """Hold a filled repository, made once for all tests of a process."""
    folder = tempfile.TemporaryDirectory()
    Butler.makeRepo(f"{folder.name}/repo")
    fill(f"{folder.name}/repo", Path(folder.name, "raws"))
    return folder


def raws_in_place() -> list[Path]:
    """Give the files that `filled_copy` has ingested in place."""
    return sorted(Path(_template().name, "raws").iterdir())


def filled_copy(root: Path) -> Path:
    """Give a filled repository at a place, with an SQLite registry."""
    return Path(shutil.copytree(f"{_template().name}/repo", root))


def params(
    collections: str | Iterable[str] = RUN,
    dataset_type: str = "bias",
    where: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Give a task's arguments, checked."""
    names = [collections] if isinstance(collections, str) else list(collections)
    item = {"dataset_type": [dataset_type], "collections": names, "where": where, "bind": None}
    defaults = {
        "state": "absent",
        "datasets": [item],
        "removal": None,
        "forget_unstored": False,
        "tags": None,
        "max_removals": 100,
        "protect": None,
        "on_missing": "fail",
    }
    return {**defaults, **options}


def state(collections: str | Iterable[str] = RUN, batch_size: int = 2, **options: Any) -> RemovalsState:
    """Declare a removal."""
    return RemovalsState(RemovalsState.from_params(params(collections, **options)).declared, batch_size)


def removed(
    repo: Path,
    collections: str | Iterable[str] = RUN,
    *,
    check: bool = False,
    report: Report | None = None,
    **options: Any,
) -> Outcome:
    """Remove datasets in this process."""
    return converge_here(state(collections, **options), repo, check_mode=check, report=report)


def held(repo: Path | str) -> dict[str, list[str]]:
    """Give what the registry has: dataset types and detectors by collection, and ``stored`` ones."""
    found: dict[str, list[str]] = {}
    with Butler.from_config(repo) as butler:
        for info in butler.collections.query_info("*", include_summary=True):
            if info.type is CollectionType.CHAINED:
                continue
            names = []
            for name in sorted(info.dataset_types or ()):
                for item in butler.registry.queryDatasetAssociations(
                    name, [info.name], collectionTypes={info.type}, flattenChains=False
                ):
                    names.append(f"{name} {item.ref.dataId['detector']}")
            found[info.name] = sorted(names)
        every = [ref for name in ("bias", "raw") for ref in butler.query_datasets(
            name, [RUN, LATER, RAWS], find_first=False, explain=False
        )]  # fmt: skip
        known = butler.get_many_uris(every, allow_missing=True)
        found["stored"] = sorted(
            f"{ref.datasetType.name} {ref.dataId['detector']} {ref.run}" for ref in known
        )
    return found


def artifacts(repo: Path) -> list[Path]:
    """Give the files of the biases."""
    return sorted(path for path in (repo / "Cam").rglob("*") if path.is_file())


def trash(repo: Path) -> int:
    """Count what is marked in an SQLite registry, and not removed yet."""
    import sqlite3

    with sqlite3.connect(repo / "gen3.sqlite3") as database:
        return int(database.execute("SELECT count(*) FROM dataset_location_trash").fetchone()[0])
