# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ObsCore table gets the regions of raws from butler_visits, as from define-visits."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from lsst.daf.butler import Butler, Config, DatasetType, DimensionRecord

from tests.integration.raw_files import write_raws
from tests.integration.raw_states import RUN, ingest, register
from tests.integration.repository_runs import OBSCORE
from tests.integration.visit_states import add_exposures, define
from tests.visit_facts import official_exposures, official_visits

RAWS = {
    **OBSCORE,
    "config": {
        **OBSCORE["config"],
        "collections": [RUN],
        "dataset_types": {"raw": {"dataproduct_type": "image", "calib_level": 1, "obs_id_fmt": "{exposure}"}},
        "extra_columns": {
            "lsst_exposure": {"template": "{exposure}", "type": "int"},
            "lsst_detector": {"template": "{detector}", "type": "int"},
        },
    },
}


def regions(repo: Path) -> list[tuple[int, int, str | None]]:
    with sqlite3.connect(repo / "gen3.sqlite3") as database:
        query = "SELECT lsst_exposure, lsst_detector, s_region FROM obscore ORDER BY 1, 2"
        return list(database.execute(query))


def with_table(folder: Path) -> Path:
    """Make a repository with an ObsCore table, and a camera."""
    repo = folder / "repo"
    Butler.makeRepo(repo, Config({"registry": {"managers": {"obscore": RAWS}}}))
    register(repo, "LSSTComCam")
    return repo


def test_regions_reach_the_obscore_table(tmp_path: Path) -> None:
    repo = with_table(tmp_path)
    write_raws(tmp_path / "raw")
    ingest(repo, tmp_path / "raw")
    before = regions(repo)
    assert before and all(region is None for _exposure, _detector, region in before)
    assert define(repo, collections=[RUN]).changed
    visits = {row["id"] for row in official_visits("LSSTComCam", "one-to-one")["visit"]}
    after = regions(repo)
    assert len(after) == len(before)
    for exposure, _detector, region in after:
        assert (region is not None) == (exposure in visits)
    assert any(str(region).startswith("POLYGON") for _exposure, _detector, region in after)


def with_some_raws(repo: Path, exposures: Sequence[DimensionRecord]) -> None:
    """Register raws of all detectors of some exposures, without files."""
    add_exposures(repo, exposures)
    with Butler.from_config(repo, writeable=True) as butler:
        raw = DatasetType(
            "raw", ("instrument", "detector", "exposure"), "Exposure", universe=butler.dimensions
        )
        butler.registry.registerDatasetType(raw)
        butler.collections.register(RUN)
        for exposure in exposures:
            data_ids = [
                {"instrument": "LSSTComCam", "exposure": exposure.id, "detector": detector}
                for detector in range(9)
            ]
            butler.registry.insertDatasets(raw, data_ids, run=RUN)


def test_regions_of_grown_visits_reach_the_obscore_table(tmp_path: Path) -> None:
    repo = with_table(tmp_path)
    first, second = (one for one in official_exposures("LSSTComCam") if one.seq_start == 300)
    declared = {"grouping": "by-group-metadata", "incremental": True, "batch_size": 1}
    with_some_raws(repo, [first])
    define(repo, **declared)
    with_some_raws(repo, [second])
    assert [region is None for *_key, region in regions(repo)] == [False] * 9 + [True] * 9
    assert define(repo, **declared).stats["replaced"] == 1
    shown = [region for *_key, region in regions(repo)]
    assert all(shown) and shown[:9] == shown[9:]


def test_regions_of_completed_visits_reach_the_obscore_table(tmp_path: Path) -> None:
    repo = with_table(tmp_path)
    [first, _second] = (one for one in official_exposures("LSSTComCam") if one.seq_start == 300)
    with_some_raws(repo, [first])
    define(repo)
    whole = regions(repo)
    with sqlite3.connect(repo / "gen3.sqlite3") as database:
        database.execute("DELETE FROM visit_detector_region WHERE detector = 3")
        database.execute("UPDATE obscore SET s_region = NULL WHERE lsst_detector = 3")
    assert define(repo, check_detector_regions=True).stats["added"] == 1
    assert regions(repo) == whole and all(region for *_key, region in whole)
