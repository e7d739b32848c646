# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_import and what contradicts it: all conflicts are found before anything is written."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan

from tests.integration.canonical import dump
from tests.integration.exports import (
    CALIB,
    CALIBRATIONS,
    CHAIN,
    FILTERS,
    RUNS,
    TAG,
    declare,
    import_here,
    make_instrument,
    rewrite,
    sections_of,
    write_case,
)

Sections = list[dict[str, Any]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_case(CALIBRATIONS, tmp_path / "site")


@pytest.fixture
def other_file(file: Path, tmp_path: Path) -> Path:
    """Give another export of the same."""
    shutil.copytree(file.parent, tmp_path / "other")
    return tmp_path / "other/export.yaml"


def only(sections: Sections, kind: str, **values: Any) -> dict[str, Any]:
    """Give the one section of a kind that has the values."""
    (found,) = [
        data
        for data in sections
        if data["type"] == kind and all(data.get(key) == value for key, value in values.items())
    ]
    return found


def changed(file: Path, change: Callable[[Sections], object]) -> Path:
    sections = sections_of(file)
    change(sections)
    return rewrite(file, sections)


def fails(repo: Path, *expected: str, **params: Any) -> None:
    """Check that nothing is written and that all that was expected is said, in check mode too."""
    before = dump(repo)
    for check in (True, False):
        with pytest.raises(ButlerError) as caught:
            import_here(repo, params, check=check)
        for text in expected:
            assert text in str(caught.value)
    assert {**dump(repo), "opaque_meta": []} == {**before, "opaque_meta": []}


def first_bias(sections: Sections) -> dict[str, Any]:
    record: dict[str, Any] = only(sections, "dataset", dataset_type="bias")["records"][0]
    return record


def test_a_record_that_differs_follows_on_conflict(repo: Path, file: Path) -> None:
    import_here(repo, declare(file, transfer="direct"))
    before = dump(repo)
    changed(
        file, lambda data: only(data, "dimension", element="instrument")["records"][0].update(visit_max=7)
    )
    fails(repo, "instrument Cam: visit_max: None -> 7", **declare(file, transfer="direct"))
    kept = import_here(repo, declare(file, transfer="direct", on_conflict="keep"))
    assert not kept.changed and kept.notices == ["kept instrument Cam, which differs: visit_max: None -> 7"]
    assert dump(repo) == before
    replaced = import_here(repo, declare(file, transfer="direct", on_conflict="replace"))
    assert [(change.action, change.kind, change.after) for change in replaced.changes] == [
        ("replace", "instrument", {"visit_max": 7})
    ]
    assert not import_here(repo, declare(file, transfer="direct")).changed


def test_documentation_follows_on_conflict_and_is_added_where_there_is_none(repo: Path, file: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register(RUNS[0], doc="somebody's")
        butler.collections.register(RUNS[1])
    fails(repo, f'collection {RUNS[0]}: its documentation is "somebody\'s"', **declare(file))
    import_here(repo, declare(file, transfer="direct", on_conflict="keep"))
    with Butler.from_config(repo) as butler:
        assert butler.collections.get_info(RUNS[0]).doc == "somebody's"
        assert butler.collections.get_info(RUNS[1]).doc == "made by flatGen"
    import_here(repo, declare(file, transfer="direct", on_conflict="replace"))
    with Butler.from_config(repo) as butler:
        assert butler.collections.get_info(RUNS[0]).doc == "made by biasGen"


def test_a_chain_with_other_children_follows_on_conflict(repo: Path, file: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.register("Cam/calib/DM-0", CollectionType.CALIBRATION)
        butler.collections.redefine_chain(CHAIN, ["Cam/calib/DM-0"])
    fails(repo, f"chain {CHAIN}: its children are ['Cam/calib/DM-0']", **declare(file))
    outcome = import_here(repo, declare(file, transfer="direct", on_conflict="keep"))
    assert any(notice.startswith(f"kept chain {CHAIN}") for notice in outcome.notices)
    with Butler.from_config(repo) as butler:
        assert butler.collections.get_info(CHAIN).children == ("Cam/calib/DM-0",)
    import_here(repo, declare(file, transfer="direct", on_conflict="replace"))
    with Butler.from_config(repo) as butler:
        assert butler.collections.get_info(CHAIN).children == (CALIB, *RUNS)


def test_a_chain_that_lacks_children_gets_them(repo: Path, file: Path) -> None:
    import_here(repo, declare(file, transfer="direct"))
    before = dump(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.redefine_chain(CHAIN, [CALIB, RUNS[1]])
    outcome = import_here(repo, declare(file, transfer="direct"))
    assert [(change.kind, change.name) for change in outcome.changes] == [("chain", CHAIN)]
    assert dump(repo) == before
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.redefine_chain(CHAIN, [RUNS[1], CALIB])
    fails(repo, f"chain {CHAIN}: its children are", **declare(file, transfer="direct"))


def test_collections_of_another_type_never_follow_on_conflict(repo: Path, file: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register(RUNS[0], CollectionType.CHAINED)
        butler.collections.register(CALIB, CollectionType.TAGGED)
        butler.collections.register(TAG, CollectionType.CALIBRATION)
        butler.collections.register(CHAIN)
    for choice in ("fail", "keep", "replace"):
        fails(
            repo,
            f"collection {RUNS[0]}: it is a CHAINED collection, and RUN was declared",
            f"collection {CALIB}: it is a TAGGED collection, and CALIBRATION was declared",
            f"collection {TAG}: it is a CALIBRATION collection, and TAGGED was declared",
            f"collection {CHAIN}: it is a RUN collection, and CHAINED was declared",
            **declare(file, on_conflict=choice),
        )


@pytest.mark.parametrize(
    ("dimensions", "storage_class", "calibration", "reason"),
    [
        (("instrument",), "StructuredDataDict", True, "dimensions is ['instrument']"),
        (("instrument", "detector"), "StructuredDataList", True, "storage_class is 'StructuredDataList'"),
        # These two are convertible into each other, which is no reason to mix them.
        (("instrument", "detector"), "Packages", True, "storage_class is 'Packages'"),
        (("instrument", "detector"), "StructuredDataDict", False, "is_calibration is False"),
    ],
)
def test_a_dataset_type_with_another_definition(
    dimensions: tuple[str, ...], storage_class: str, calibration: bool, reason: str, repo: Path, file: Path
) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        kind = DatasetType(
            "bias", dimensions, storage_class, universe=butler.dimensions, isCalibration=calibration
        )
        butler.registry.registerDatasetType(kind)
    fails(repo, "dataset type bias: it is registered with another definition", reason, **declare(file))


def test_one_id_of_two_datasets_and_two_datasets_of_one_data_id(
    repo: Path, file: Path, other_file: Path
) -> None:
    import_here(repo, declare(file, transfer="copy"))

    def exchange(sections: Sections) -> None:
        # The first gets the id of a flat, the second a new one.
        records = only(sections, "dataset", dataset_type="bias")["records"]
        flats = only(sections, "dataset", dataset_type="flat")["records"]
        flat = flats.pop(0)
        records[0]["dataset_id"] = flat["dataset_id"]
        records[1]["dataset_id"] = [uuid.UUID(int=5)]
        sections[:] = [data for data in sections if data["type"] != "associations"]

    changed(other_file, exchange)
    fails(
        repo,
        "and bias@{instrument: 'Cam', detector: 0} in Cam/calib/DM-1/biasGen was declared with the same id",
        "dataset bias@{instrument: 'Cam', detector: 1} in Cam/calib/DM-1/biasGen: it is dataset",
        f"and {uuid.UUID(int=5)} was declared: {other_file} line",
        **declare(other_file, transfer="copy", on_conflict="replace"),
    )


def test_another_run_of_the_same_dataset(repo: Path, file: Path, other_file: Path) -> None:
    import_here(repo, declare(file, transfer="copy"))

    def rename(sections: Sections) -> None:
        only(sections, "collection", name=RUNS[0])["name"] = "Cam/elsewhere"
        only(sections, "dataset", run=RUNS[0])["run"] = "Cam/elsewhere"
        only(sections, "collection", name=CHAIN)["children"] = [CALIB, RUNS[1]]

    changed(other_file, rename)
    fails(
        repo,
        f"it is bias@{{instrument: 'Cam', detector: 0}} in {RUNS[0]}, and",
        **declare(other_file, import_chains=False),
    )


def test_another_dataset_in_the_tag_and_in_the_validity_range(repo: Path, file: Path) -> None:
    import_here(repo, declare(file, transfer="direct", import_chains=False))
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("Cam/newer")
        mine = butler.put({}, "bias", instrument="Cam", detector=1, run="Cam/newer")
        flat = {"instrument": "Cam", "detector": 2, "physical_filter": "g_1"}
        own = butler.put({}, "flat", flat, run="Cam/newer")
        theirs = butler.query_datasets("bias", TAG, where="detector = 1 AND instrument = 'Cam'")
        butler.registry.disassociate(TAG, theirs)
        butler.registry.associate(TAG, [mine])
        butler.registry.decertify(CALIB, "flat", Timespan(None, None), dataIds=[flat])
        butler.registry.certify(CALIB, [own], Timespan.from_day_obs(20250102, 0))
    fails(
        repo,
        f"{TAG} bias {{instrument: 'Cam', detector: 1}}: it holds {mine.id}, and",
        f"{CALIB} flat {{instrument: 'Cam', detector: 2, physical_filter: 'g_1'}}: {own.id} is certified for",
        **declare(file, transfer="direct", on_conflict="replace"),
    )


def test_only_the_lacking_part_of_a_validity_range_is_certified(repo: Path, file: Path) -> None:
    import_here(repo, declare(file, transfer="direct"))
    day = Timespan.from_day_obs(20250301, 0)
    with Butler.from_config(repo, writeable=True) as butler:
        ids = [{"instrument": "Cam", "detector": 1, "physical_filter": f"{name}_1"} for name in FILTERS]
        butler.registry.decertify(CALIB, "flat", day, dataIds=ids)
    outcome = import_here(repo, declare(file, transfer="direct"))
    assert [(change.kind, change.count) for change in outcome.changes] == [("certifications", 2)]
    with Butler.from_config(repo) as butler:
        spans = [
            item.timespan
            for item in butler.registry.queryDatasetAssociations("flat", [CALIB], flattenChains=False)
            if item.ref.dataId["detector"] == 1
        ]
    assert spans.count(day) == 2 and len(spans) == 6
    assert not import_here(repo, declare(file, transfer="direct")).changed


def test_exports_that_contradict_each_other_are_both_named(repo: Path, file: Path, other_file: Path) -> None:
    def contradict(sections: Sections) -> None:
        only(sections, "dimension", element="instrument")["records"][0]["visit_max"] = 8
        only(sections, "collection", name=TAG)["collection_type"] = "CALIBRATION"
        only(sections, "dataset_type", name="flat")["storage_class"] = "StructuredDataList"
        first_bias(sections)["data_id"] = [{"instrument": "Cam", "detector": 2}]
        only(sections, "collection", name=CHAIN)["children"] = [CALIB]
        sections[:] = [data for data in sections if data["type"] != "associations"]

    changed(other_file, contradict)
    with pytest.raises(ButlerError) as caught:
        import_here(repo, {"imports": [{"file": str(file)}, {"file": str(other_file)}]})
    lines = str(caught.value).splitlines()
    for name in (
        "instrument Cam: visit_max: None -> 8",
        f"collection {TAG}: another type",
        "dataset type flat: defined as",
        "two datasets of one id",
        f"collection {CHAIN}: another children",
    ):
        (line,) = [line for line in lines if name in line]
        assert str(file) in line and str(other_file) in line


def test_datasets_whose_records_or_type_or_run_are_nowhere(repo: Path, file: Path) -> None:
    def strip(sections: Sections) -> None:
        sections[:] = [data for data in sections if data["type"] == "dataset"]

    changed(file, strip)
    with pytest.raises(ButlerError) as caught:
        import_here(repo, declare(file, transfer="direct"))
    for line in (
        "imports[0].file: dataset type bias does not exist",
        f"imports[0].file: RUN collection {RUNS[0]} does not exist",
    ):
        assert line in str(caught.value)
    check = import_here(repo, declare(file, transfer="direct"), check=True)
    assert [(change.name, change.count, change.unresolved) for change in check.changes] == [
        (f"bias in {RUNS[0]}", 3, True),
        (f"flat in {RUNS[1]}", 6, True),
    ]
    with Butler.from_config(repo, writeable=True) as butler:
        make_instrument(butler)
        for run in RUNS:
            butler.collections.register(run)
        for name, dimensions in (("bias", ["detector"]), ("flat", ["detector", "physical_filter"])):
            kind = DatasetType(name, dimensions, "StructuredDataDict", universe=butler.dimensions)
            butler.registry.registerDatasetType(kind)
    assert import_here(repo, declare(file, transfer="direct")).stats["added"] == 9
