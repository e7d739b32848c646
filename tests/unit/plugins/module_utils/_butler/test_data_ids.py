# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data IDs expanded in bulk, as the registry expands them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lsst.daf.butler.tests.registry_data
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import find, lacking_parents
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    record_key,
    records_by_key,
)
from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, DatasetType, DimensionUniverse

UNIVERSE = DimensionUniverse()
OFFICIAL = Path(lsst.daf.butler.tests.registry_data.__path__[0])


@pytest.fixture(scope="module")
def butler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Butler]:
    root = tmp_path_factory.mktemp("ids") / "repo"
    with Butler.from_config(Butler.makeRepo(root), writeable=True) as opened:
        for name in ("base", "spatial", "lsstcam-subset"):
            opened.import_(filename=str(OFFICIAL / f"{name}.yaml"), without_datastore=True)
        yield opened


def ref_of(*dimensions: str, **values: Any) -> DatasetRef:
    kind = DatasetType("kind", dimensions, "StructuredDataDict", universe=UNIVERSE)
    return DatasetRef(kind, DataCoordinate.standardize(values, dimensions=kind.dimensions), run="run")


REFS = [
    ref_of("visit", "detector", instrument="Cam1", visit=1, detector=2),
    ref_of("physical_filter", instrument="Cam1", physical_filter="Cam1-G"),
    ref_of("patch", skymap="SkyMap1", tract=0, patch=3),
    ref_of("htm7", htm7=140000),
    ref_of(),
]


def test_every_record_and_implied_value_is_that_of_the_registry(butler: Butler) -> None:
    expander = find(butler, [ref.dataId for ref in REFS], {})
    assert expander.missing == set()
    for ref in REFS:
        expanded = expander.expanded(ref)
        assert expanded is not None and expanded.id == ref.id
        official = butler.registry.expandDataId(ref.dataId)
        assert dict(expanded.dataId.mapping) == dict(official.mapping)
        for name in ref.dimensions.names - {"htm7"}:
            assert expanded.dataId.records[name] == official.records[name]


def test_planned_records_count_and_missing_ones_are_told() -> None:
    instrument = UNIVERSE["instrument"].RecordClass(name="New", class_name="a.b")
    wanted = ref_of("physical_filter", "detector", instrument="New", physical_filter="r", detector=1)
    expander = find(None, [wanted.dataId], {record_key(instrument): instrument})
    assert expander.missing == {("physical_filter", ("New", "r")), ("detector", ("New", 1))}
    assert expander.expanded(wanted) is None


def test_records_that_new_records_refer_to(butler: Butler) -> None:
    new = [
        UNIVERSE["physical_filter"].RecordClass(instrument="New", name="r", band="r"),
        UNIVERSE["detector"].RecordClass(instrument="Cam1", id=77, full_name="D77"),
        UNIVERSE["visit"].RecordClass(
            instrument="Cam1", id=9, physical_filter="no", day_obs=20210909, name="v"
        ),
    ]
    by_key = {record_key(record): record for record in new}
    lacking = {
        ("instrument", ("New",)): ("physical_filter", ("New", "r")),
        ("physical_filter", ("Cam1", "no")): ("visit", ("Cam1", 9)),
    }
    assert lacking_parents(butler, by_key) == lacking
    assert ("instrument", ("Cam1",)) in lacking_parents(None, by_key)


@pytest.mark.parametrize("element", ["visit_definition", "visit_system_membership", "visit_detector_region"])
def test_records_of_joins_are_found_by_their_keys_only(element: str, butler: Butler) -> None:
    records = butler.query_dimension_records(element, instrument="LSSTCam")
    keys = [record_key(record) for record in records]
    assert len(keys) > 1
    wanted = [*keys[1:], (element, ("LSSTCam", 1, 2)), (element, ("Nowhere", 1, 2))]
    assert sorted(records_by_key(butler, wanted)) == sorted(keys[1:])
