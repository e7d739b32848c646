# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_datasets through Ansible, and its state on real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    StoppedError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, DatasetRef, FileDataset

from tests.integration.ansible_play import cycle
from tests.integration.canonical import dump
from tests.integration.documented import run_examples
from tests.integration.interruptions import at_boundary
from tests.integration.modules_here import cycle_here, module_here
from tests.integration.postgres import READER, Database
from tests.integration.removal_cases import (
    CALIB,
    CHAIN,
    DETECTORS,
    FOREVER,
    LATER,
    RAWS,
    RUN,
    TAG,
    artifacts,
    fill,
    filled_copy,
    held,
    raws_in_place,
    removed,
    trash,
)
from tests.integration.repository_runs import present

BIASES = [f"bias {detector}" for detector in DETECTORS]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    return filled_copy(tmp_path / "repo")


def task(repo: Path, collections: str = RUN, **options: Any) -> dict[str, Any]:
    where = {"dataset_type": "bias", "collections": collections}
    return {"repo": str(repo), "state": "absent", "datasets": [where], **options}


def changes(outcome: Any) -> dict[str, Any]:
    """Give what a plan shows, by kind and name."""
    return {f"{change.kind} {change.name}": change.before for change in outcome.changes}


def test_datasets_are_purged_with_what_ends_by_that(filled: Path) -> None:
    done = cycle("butler_datasets", task(filled, removal="purge"))
    done.assert_converges()
    assert {f"{change['kind']} {change['name']}": change["before"] for change in done.run["changes"]} == {
        f"datasets bias in {RUN}": {"datasets": 3, "in the datastore": 3},
        f"memberships bias in {TAG}": {"type": "TAGGED", "datasets": 2},
        f"certifications bias in {CALIB}": {
            "type": "CALIBRATION",
            "datasets": 3,
            "validity": [
                "(-∞, ∞): 2",
                "[2025-01-01T00:00:00, 2025-01-02T00:00:00): 1",
                "[2025-01-03T00:00:00, 2025-01-04T00:00:00): 1",
            ],
        },
    }
    assert done.run["stats"]["removed"] == 3 + 2 + 4
    found = held(filled)
    assert found[RUN] == found[TAG] == found[CALIB] == [] and found[LATER] == BIASES
    assert {path.parent.parent.name for path in artifacts(filled)} == {"2"} and len(artifacts(filled)) == 3
    assert trash(filled) == 0


@pytest.mark.parametrize("removal", ["purge", "unstore", "disassociate", "forget"])
def test_a_registry_in_postgresql(
    removal: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    present(repo, {"registry": {"db": database.url}})
    fill(repo, tmp_path / "raws")
    options: dict[str, Any] = {"removal": removal}
    if removal == "forget":
        options = {"forget_unstored": True}
        shutil.rmtree(repo / RUN)
    if removal == "disassociate":
        options["tags"] = [TAG]
    reads = {"LSST_DB_AUTH_CREDENTIALS": database.credentials(READER)}
    check = module_here("butler_datasets", task(repo, **options), check_mode=True, **reads)
    assert not check.failed, check.message
    refused = module_here("butler_datasets", task(repo, **options), **reads)
    assert refused.failed and "permission denied" in refused.message
    done = cycle_here("butler_datasets", task(repo, **options))
    done.assert_converges()
    assert check["changes"] == done.run["changes"]
    found = held(repo)
    assert found[TAG] == (BIASES[:2] if removal == "unstore" else [])
    assert found[RUN] == (BIASES if removal in ("unstore", "disassociate") else [])
    stored = [name for name in found["stored"] if name.startswith("bias")]
    assert len(stored) == len(artifacts(repo)) == (6 if removal == "disassociate" else 3)


def test_unstored_datasets_stay_registered(filled: Path) -> None:
    done = cycle_here("butler_datasets", task(filled, removal="unstore"))
    done.assert_converges()
    assert [change["kind"] for change in done.run["changes"]] == ["artifacts"]
    assert done.run_again["stats"]["present"] == 3
    found = held(filled)
    assert found[RUN] == BIASES and len(found[CALIB]) == 4
    assert len(artifacts(filled)) == 3 and trash(filled) == 0
    assert removed(filled, removal="purge").stats["removed"] == 9


def test_datasets_leave_tagged_collections_only(filled: Path) -> None:
    before = artifacts(filled)
    outcome = removed(filled, RUN, removal="disassociate", tags=["Cam/g*"])
    assert changes(outcome) == {f"datasets bias no longer in {TAG}": {"datasets": 2}}
    assert outcome.stats["removed"] == 2 and outcome.stats["present"] == 1
    found = held(filled)
    assert found[TAG] == [] and found[RUN] == BIASES and artifacts(filled) == before
    assert not removed(filled, RUN, removal="disassociate", tags=[TAG]).changed
    with pytest.raises(ButlerError, match=f"tags: {CALIB} is a CALIBRATION collection"):
        removed(filled, RUN, removal="disassociate", tags=[CALIB])


def test_one_more_than_may_go_and_nothing_goes(filled: Path) -> None:
    before = dump(filled)
    for check in (True, False):
        with pytest.raises(ButlerError, match="6 datasets would be purged, and max_removals is 5") as caught:
            removed(filled, CHAIN, removal="purge", max_removals=5, check=check)
        assert caught.value.details == ("bias: 6",) and caught.value.option == "max_removals"
    with pytest.raises(ButlerError, match="2 datasets would leave TAGGED collections, and max_removals is 1"):
        removed(filled, CHAIN, removal="disassociate", tags=[TAG], max_removals=1)
    assert dump(filled) == before
    assert removed(filled, CHAIN, removal="purge", max_removals=6).stats["removed"] == 12


@pytest.mark.parametrize(
    ("protect", "removal", "said"),
    [
        (
            CALIB,
            "purge",
            rf"{CALIB}: it is protected, and would lose 3 bias, valid \(-∞, ∞\): 2, \[2025-01-01",
        ),
        ("Cam/g*", "purge", f"{TAG}: it is protected, and would lose 2 bias"),
        (CHAIN, "purge", f"{RUN}: it is protected, and would lose 3 bias"),
        (TAG, "unstore", f"{TAG}: it is protected, and would lose the artifacts of 2 bias"),
        (TAG, "disassociate", f"{TAG}: it is protected, and would lose 2 bias"),
    ],
)
def test_protected_collections_keep_their_datasets(
    protect: str, removal: str, said: str, filled: Path
) -> None:
    before = dump(filled)
    options = {"removal": removal, "protect": [protect], "tags": [TAG] if removal == "disassociate" else None}
    for check in (True, False):
        with pytest.raises(ButlerError, match=said):
            removed(filled, check=check, **options)
    assert dump(filled) == before
    assert removed(filled, LATER, removal="purge", protect=[TAG, CALIB, RUN]).stats["removed"] == 3


def test_all_datasets_of_a_data_id_go_at_once(filled: Path) -> None:
    first = {"where": "instrument = 'Cam' AND detector IN (chosen)", "bind": {"chosen": [0, 2]}}
    items = [{"dataset_type": "b*", "collections": [name], **first} for name in (CHAIN, TAG)]
    done = cycle_here("butler_datasets", {**task(filled, removal="purge"), "datasets": items})
    done.assert_converges()
    assert done.run["stats"]["removed"] == 4 + 1 + 3
    assert held(filled)[RUN] == held(filled)[LATER] == held(filled)[TAG] == ["bias 1"]


def test_files_that_were_ingested_in_place_stay(filled: Path) -> None:
    sources = raws_in_place()
    outcome = removed(filled, RAWS, dataset_type="raw", removal="purge")
    assert changes(outcome) == {f"datasets raw in {RAWS}": {"datasets": 3, "outside, stays": 3}}
    assert held(filled)[RAWS] == [] and len(sources) == 2 and raws_in_place() == sources
    within = filled / "in/place.yaml"
    within.parent.mkdir()
    within.write_text("raw: 1\n")
    with Butler.from_config(filled, writeable=True) as butler:
        (data_id, *_unused) = butler.query_data_ids(["instrument", "detector"], explain=False)
        ref = DatasetRef(butler.get_dataset_type("raw"), data_id, RAWS)
        butler.ingest(FileDataset(str(within), [ref]), transfer="direct")
    assert removed(filled, RAWS, dataset_type="raw", removal="purge").changed
    assert within.exists() and held(filled)[RAWS] == [] and trash(filled) == 0


@pytest.mark.parametrize("transfer", ["copy", "hardlink", "symlink", "relsymlink"])
def test_a_file_goes_with_the_last_dataset_that_is_in_it(transfer: str, filled: Path, tmp_path: Path) -> None:
    source = tmp_path / "two.yaml"
    source.write_text("raw: 1\n")
    with Butler.from_config(filled, writeable=True) as butler:
        butler.collections.register("Cam/copied")
        kind = butler.get_dataset_type("raw")
        refs = [DatasetRef(kind, ref.dataId, "Cam/copied") for ref in butler.query_datasets("raw", RAWS)]
        butler.ingest(FileDataset(str(source), refs), transfer=transfer)
    (artifact,) = (filled / "Cam/copied").rglob("*.yaml")
    one = {"where": "instrument = 'Cam' AND detector = 1", "dataset_type": "raw", "removal": "purge"}
    assert removed(filled, "Cam/copied", **one).stats["removed"] == 1
    assert artifact.exists() and held(filled)["Cam/copied"] == ["raw 0", "raw 2"]
    assert removed(filled, "Cam/copied", dataset_type="raw", removal="purge").stats["removed"] == 2
    assert not artifact.is_symlink() and not artifact.exists() and source.exists()


def test_it_stops_between_batches_and_goes_on(filled: Path) -> None:
    count = 0

    def stop() -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise StoppedError("enough")

    with pytest.raises(StoppedError):
        removed(filled, CHAIN, removal="purge", batch_size=1, report=Report(checkpoint=stop))
    assert len(held(filled)[RUN]) + len(held(filled)[LATER]) == 4 == len(artifacts(filled))
    removed(filled, CHAIN, removal="purge")
    assert artifacts(filled) == [] and trash(filled) == 0


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "options",
    [
        {"removal": "purge"},
        {"removal": "unstore"},
        {"removal": "disassociate", "tags": [TAG]},
        {"forget_unstored": True},
    ],
    ids=lambda options: str(next(iter(options.values()))),
)
def test_another_run_removes_the_rest_meanwhile(
    options: dict[str, Any], where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    repo = tmp_path / "repo"
    if where == "sqlite":
        filled_copy(repo)
    else:
        present(repo, {"registry": {"db": request.getfixturevalue("database").url}})
        fill(repo, tmp_path / "raws")
    if "removal" not in options:
        shutil.rmtree(repo / RUN)
    others: list[Outcome] = []
    report = at_boundary(2, lambda: others.append(removed(repo, **options)))
    first = removed(repo, batch_size=1, report=report, **options)
    if first.stats["removed"] != 2:  # what leaves a collection is not asked for again
        assert first.stats["removed"] + others[0].stats["removed"] == (
            3 if options.get("removal") == "unstore" else 9
        )
    assert others[0].changed and not removed(repo, **options).changed


def test_how_far_it_is(filled: Path) -> None:
    said: list[tuple[str, int, int | None]] = []
    report = Report(step=lambda *step: said.append(step))
    removed(filled, CHAIN, removal="purge", batch_size=4, report=report)
    assert said == [
        ("looking at", 6, None),
        *(("removing", done, 6) for done in (0, 1, 3, 6)),
    ]


def test_an_artifact_that_can_not_be_removed_is_told_and_removed_later(filled: Path) -> None:
    stuck = artifacts(filled)[1]
    stuck.unlink()
    stuck.mkdir()  # nothing removes it as a file, whoever the tests run as
    with pytest.raises(ButlerError, match="1 artifacts can't be removed") as caught:
        removed(filled, RUN, removal="purge")
    assert stuck.name in str(caught.value) and "still registered" in str(caught.value)
    assert held(filled)[RUN] == ["bias 1", "bias 2"] and trash(filled) > 0
    stuck.rmdir()
    assert removed(filled, RUN, removal="purge").changed
    assert held(filled)[RUN] == [] and trash(filled) == 0 and len(artifacts(filled)) == 3


def test_artifacts_are_not_taken_for_removed_where_nothing_is_mounted(tmp_path: Path) -> None:
    repo, store = tmp_path / "repo", tmp_path / "store"
    present(repo, {"datastore": {"root": str(store)}}, override=True)
    fill(repo, tmp_path / "raws")
    before = held(repo)
    store.rename(tmp_path / "away")
    for removal in ("purge", "unstore"):
        with pytest.raises(ButlerError, match=f"{store}/, where .* is missing or empty"):
            removed(repo, RUN, removal=removal)
    store.mkdir(exist_ok=True)  # whoever opens the repository makes it
    for removal in ("purge", "unstore"):
        with pytest.raises(ButlerError, match="is missing or empty: its file system may not be mounted"):
            removed(repo, RUN, removal=removal)
    assert held(repo) == before
    store.rmdir()
    (tmp_path / "away").rename(store)
    assert removed(repo, RUN, removal="purge").stats["removed"] == 9
    assert len(list((store / "Cam").rglob("*.yaml"))) == 3


def test_what_is_named_and_not_there(filled: Path, tmp_path: Path) -> None:
    with pytest.raises(ButlerError) as caught:
        removed(filled, [RUN, "none"], removal="purge", protect=["Cam/nobody"])
    assert caught.value.details == (
        "datasets[0].collections: collection none does not exist",
        "protect: collection Cam/nobody does not exist",
    )
    with pytest.raises(ButlerError, match=r"datasets\[0\].dataset_type: dataset type dark does not exist"):
        removed(filled, dataset_type="dark", removal="purge")
    skipped = removed(
        filled, [RUN, "none"], dataset_type="bias", removal="purge", on_missing="skip", check=True
    )
    assert skipped.stats["skipped"] == 1 and skipped.stats["removed"] == 9
    assert skipped.notices == ["left out: datasets[0].collections: collection none does not exist"]
    absent = removed(tmp_path / "none", RUN, removal="purge", protect=[CALIB], check=True)
    assert len(absent.assumes) == 3 and not absent.changed


def test_datasets_certified_meanwhile_are_shown_by_the_next_plan(filled: Path) -> None:
    before = changes(removed(filled, LATER, removal="purge", check=True))
    with Butler.from_config(filled, writeable=True) as butler:
        butler.registry.decertify(CALIB, "bias", FOREVER)
        butler.registry.certify(CALIB, butler.query_datasets("bias", LATER), FOREVER)
    after = changes(removed(filled, LATER, removal="purge", check=True))
    certified = {"type": "CALIBRATION", "datasets": 3, "validity": ["(-∞, ∞): 3"]}
    assert after == {**before, f"certifications bias in {CALIB}": certified}


def test_examples(tmp_path: Path) -> None:
    repo, deep = filled_copy(tmp_path / "dc2"), filled_copy(tmp_path / "deep")
    with Butler.from_config(deep, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert("instrument", {"name": "DECam"})
        for name, kind in (
            ("DEEP/20190402/biasGen/1", "RUN"),
            ("DEEP/20190402/calib/bias", "CALIBRATION"),
            ("DECam/raw/all", "RUN"),
            ("DEEP/20190402/science/raw", "TAGGED"),
        ):
            butler.collections.register(name, type(butler.collections.get_info(CHAIN).type)[kind])
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("2.2i/runs/1")
    results = run_examples("butler_datasets", {"/data/butler/dc2": str(repo), "/data/butler/deep": str(deep)})
    assert [result.changed for result in results] == [False] * 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "removal: say how the datasets are to be removed"),
        ({"removal": "purge", "forget_unstored": True}, "forget_unstored: forget_unstored=true and"),
        ({"removal": "disassociate"}, "tags: removal=disassociate needs the TAGGED collections"),
        ({"removal": "purge", "tags": [TAG]}, "tags: it is for removal=disassociate only"),
        ({"removal": "purge", "max_removals": -1}, "max_removals: -1 is no number of datasets"),
        ({"removal": "purge", "datasets": []}, "datasets: at least one selection is needed"),
        ({"removal": "erase"}, "value of removal must be one of"),
        ({"removal": "purge", "state": "present"}, "value of state must be one of: absent"),
        (
            {"removal": "purge", "datasets": [{"dataset_type": "bias", "collections": []}]},
            "datasets[0].collections: at least one is needed",
        ),
        (
            {
                "removal": "purge",
                "datasets": [{"dataset_type": "bias", "collections": RUN, "where": "dog = 1"}],
            },
            "datasets[0].where: the datasets of type bias can't be selected with 'dog = 1'",
        ),
    ],
)
def test_bad_input_is_answered_before_anything_is_removed(
    options: dict[str, Any], said: str, filled: Path
) -> None:
    before = dump(filled)
    result = module_here("butler_datasets", {**task(filled), **options})
    assert result.failed and said in result.message, result.message
    assert dump(filled) == before
