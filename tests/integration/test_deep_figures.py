# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The biases of one night of DEEP in full: the figures that DEEP-processing.md prints."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Iterator

import pytest
from lsst.daf.butler import Butler

from tests.integration.ansible_play import Playbook
from tests.integration.campaign_site import Site, printed
from tests.integration.decam_files import DETECTORS, NIGHT, write_tables
from tests.integration.raw_files import write_fits
from tools.sample_deep.campaign import VR, Exposure
from tools.sample_deep.raws import primary_header

FIRST, FILES, RAWS = 845200, 25, 1550
BIAS = "DEEP/20190402/bias"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    expected = {f"{BIAS}/raw": RAWS}
    made = Site(
        tmp_path_factory.mktemp("site"), "deep", "data/deep", deep_types=["bias"], deep_expected=expected
    )
    begin = datetime.datetime(2019, 4, 2, 19)
    rows = []
    for place in range(FILES):
        zero = Exposure(FIRST + place, NIGHT, begin + datetime.timedelta(seconds=40 * place), "zero", VR)
        path = made.data / "images" / zero.stem
        write_fits(
            path, [primary_header(zero), *({"EXTNAME": f"D{one}", "CCDNUM": one} for one in DETECTORS)]
        )
        rows.append((zero.number, NIGHT, "zero", path))
    write_tables(made.data, rows)
    yield made
    shutil.rmtree(made.root)


def told(done: Playbook, task: str) -> dict[str, object]:
    return {change["name"]: change["after"] for change in done.changes if change["task"] == task}


def test_a_nights_biases(site: Site) -> None:
    done = site.run()
    assert done.returncode == 0, done.output
    ingested = told(done, "1) Ingest")[f"DECam/raw/all day_obs={NIGHT}"]
    assert ingested == {"exposures": FILES, "files": FILES, "datasets": RAWS}
    assert told(done, "2) Raw")[f"raw in {BIAS}/raw"] == {"datasets": RAWS}
    assert told(done, "3) Collection and 7) Collection") == {BIAS: ["DECam/calib", f"{BIAS}/raw"]}
    assert printed(site, "query-collections", "--chains=tree", BIAS) == [
        f"{BIAS} CHAINED",
        "  DECam/calib CALIBRATION",
        f"  {BIAS}/raw TAGGED",
    ]
    assert len(printed(site, "query-datasets", "raw", "--collections", f"{BIAS}/raw")) == RAWS
    # Today's official tool makes no visits of what is known not to see the sky, and so do we.
    with Butler.from_config(site.repo) as butler:
        assert not butler.query_dimension_records("visit", instrument="DECam", explain=False)


def test_its_visits_where_it_is_not_known_what_sees_the_sky(site: Site) -> None:
    """As in the registry that DEEP-processing.md tells of, which is older."""
    with Butler.from_config(site.repo, writeable=True) as butler:
        records = butler.query_dimension_records("exposure", instrument="DECam")
        older = [{**record.toDict(), "can_see_sky": None} for record in records]
        butler.registry.insertDimensionData("exposure", *older, replace=True)
    done = site.run()
    assert done.returncode == 0, done.output
    assert {change["task"] for change in done.changes} == {"4) Visit"}
    with Butler.from_config(site.repo) as butler:
        visits = butler.query_dimension_records("visit", instrument="DECam")
        assert sorted(visit.id for visit in visits) == [FIRST + place for place in range(FILES)]
