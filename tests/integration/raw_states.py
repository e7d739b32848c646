# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives the states of instruments and raws directly, and reads what they left."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import name_rule
from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import InstrumentsState
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.state import RawsState
from lsst.daf.butler import Butler, DatasetRef, Timespan

from tests.integration.converging import converge_here
from tests.integration.raw_files import official, official_datasets

RUN = "LSSTComCam/raw/all"
BEFORE_BATCHES = 3
"""Boundaries before those of the first batch: a dataset type, a run, shared records."""
SHARED = ("day_obs", "group", "exposure")
DEFAULTS: dict[str, Any] = {
    "instrument": "LSSTComCam",
    "run": None,
    "transfer": "copy",
    "file_pattern": r"\.fit[s]?\b",
    "on_conflict": "fail",
    "on_error": "fail",
    "max_errors": None,
    "batch_size": 10_000,
    "select": None,
    "verify": None,
    "exposures": None,
    "detectors": None,
    "day_obs": None,
    "limit": None,
    "shard": None,
    "check_paths": False,
    "sidecars": True,
    "processes": 1,
}


def register(repo: Path, *instruments: str) -> None:
    """Register instruments."""
    params = {"instruments": list(instruments), "definitions": {}, "on_conflict": "fail"}
    converge_here(InstrumentsState.from_params(params), repo)


def raws(*sources: Path | str, **params: Any) -> RawsState:
    """Give a declared state."""
    return RawsState.from_params({**DEFAULTS, "sources": [str(source) for source in sources], **params})


def ingest(
    repo: Path | None,
    *sources: Path | str,
    check_mode: bool = False,
    report: Report | None = None,
    **params: Any,
) -> Outcome:
    """Bring a repository to a declared state, or tell what that would take."""
    return converge_here(raws(*sources, **params), repo, check_mode=check_mode, report=report)


def refs_in(butler: Butler, run: str = RUN) -> list[DatasetRef]:
    """Give the raws of a run."""
    found = butler.query_datasets("raw", collections=run, explain=False, limit=None)
    return sorted(found, key=lambda ref: (ref.dataId["exposure"], ref.dataId["detector"]))


def stored(repo: Path, run: str = RUN) -> dict[str, str]:
    """Give the ids of the raws of a run that the datastore records, with their URIs."""
    with Butler.from_config(repo) as butler:
        uris = butler.get_many_uris(refs_in(butler, run), allow_missing=True)
        return {str(ref.id): str(found.primaryURI) for ref, found in uris.items()}


def unstore(repo: Path, number: int) -> DatasetRef:
    """Drop the datastore's record of one raw, and the artifact with it if there is one in the datastore."""
    with Butler.from_config(repo, writeable=True) as butler:
        ref = refs_in(butler)[number]
        butler.pruneDatasets([ref], disassociate=False, unstore=True, purge=False)
        return ref


def assert_records_are_official(repo: Path, name: str = "LSSTComCam") -> None:
    """Compare every column of day_obs, group and exposure with what the official ingest wrote."""
    with Butler.from_config(repo) as butler:
        for element in SHARED:
            found = {
                record.dataId.required_values: record.toDict()
                for record in butler.query_dimension_records(element, explain=False, limit=None)
            }
            key = "name" if element == "group" else "id"
            wanted = {(row["instrument"], row[key]): row for row in official(name)[element]}
            assert found.keys() == wanted.keys()
            for data_id, row in wanted.items():
                assert list(found[data_id]) == list(row)
                for column, value in row.items():
                    assert_same(found[data_id][column], value, (element, data_id, column))


def assert_datasets_are_official(repo: Path, name: str = "LSSTComCam", folder: Path | None = None) -> None:
    """Compare dataset type, ids, data IDs, run, paths, sizes and formatters with the official.

    Those of artifacts are compared with what the official ingest copied; with a folder, the files in it were
    ingested in place.
    """
    golden = official_datasets(name)
    with Butler.from_config(repo) as butler:
        dataset_type = butler.get_dataset_type("raw")
        assert golden["dataset_type"] == {
            "dataset_type": dataset_type.name,
            "storage_class": dataset_type.storageClass_name,
            "dimensions": list(dataset_type.dimensions.required),
        }
        assert butler.collections.query("*") == [golden["run"]]
        refs = refs_in(butler, golden["run"])
        exported = butler._datastore.export_records(refs)[butler._datastore.name].records
    found = []
    for ref in refs:
        [record] = exported[ref.id]["file_datastore_records"]
        assert record.formatter == golden["formatter"]
        found.append(
            {
                "exposure": ref.dataId["exposure"],
                "detector": ref.dataId["detector"],
                "id": str(ref.id),
                "path": record.path,
                "size": record.file_size,
            }
        )
    if folder is None:
        assert found == golden["datasets"]
    else:
        names = _paths_of(name)
        assert found == [
            row | {"path": f"file://{folder / names[row['exposure'], row['detector']]}"}
            for row in golden["datasets"]
        ]


def _paths_of(name: str) -> dict[tuple[int, int], str]:
    """Give the files of an instrument's raws, as their names or extensions tell."""
    definition = find_built_in(name)
    assert definition is not None
    rule = name_rule(definition)
    paths = {}
    for path, hdus in official(name)["files_headers_by_hdu"].items():
        raw = rule(Path(path).name)
        if raw is not None:
            paths[raw] = path
        else:
            number = int(path.removeprefix("DECam_").removesuffix(".fits"))
            paths |= {(number, hdu["CCDNUM"]): path for hdu in hdus[1:]}
    return paths


def assert_same(found: object, wanted: object, what: object) -> None:
    if isinstance(wanted, dict):
        assert isinstance(found, Timespan) and list(found.nsec) == wanted["nsec"], what
    elif isinstance(wanted, float):
        assert isinstance(found, float) and math.isclose(found, wanted, rel_tol=1e-9), (what, found, wanted)
    else:
        assert found == wanted, what
