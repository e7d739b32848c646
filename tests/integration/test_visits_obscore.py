# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ObsCore table gets the regions of raws from butler_visits, as from define-visits."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from lsst.daf.butler import Butler, Config

from tests.integration.raw_files import write_raws
from tests.integration.raw_states import RUN, ingest, register
from tests.integration.repository_runs import OBSCORE
from tests.integration.visit_states import define
from tests.visit_facts import official_visits

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


def test_regions_reach_the_obscore_table(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    Butler.makeRepo(repo, Config({"registry": {"managers": {"obscore": RAWS}}}))
    register(repo, "LSSTComCam")
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
