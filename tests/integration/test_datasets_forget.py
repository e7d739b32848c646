# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_datasets forgets datasets whose artifacts are gone, and only those."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, DatasetRef, FileDataset

from tests.integration.canonical import dump
from tests.integration.modules_here import cycle_here
from tests.integration.removal_cases import (
    CALIB,
    LATER,
    RAWS,
    RUN,
    TAG,
    artifacts,
    fill,
    filled_copy,
    held,
    removed,
    trash,
)
from tests.integration.repository_runs import present


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    return filled_copy(tmp_path / "repo")


@pytest.fixture
def site(repo: Path, tmp_path: Path) -> Path:
    """Give a repository whose raws are in ``site/raws`` of its folder, beside something else."""
    fill(repo, tmp_path / "site/raws")
    (tmp_path / "site/raws/readme").touch()
    return repo


def forgotten(repo: Path, *collections: str, dataset_type: str = "*", **options: Any) -> Outcome:
    return removed(
        repo, collections or [RUN, LATER, RAWS], dataset_type=dataset_type, forget_unstored=True, **options
    )


def refuses(repo: Path, message: str, **options: Any) -> None:
    """Check that nothing is forgotten, and what is said."""
    before = dump(repo)
    for check in (True, False):
        with pytest.raises(ButlerError, match=message):
            forgotten(repo, check=check, **options)
    assert dump(repo) == before


def test_what_is_gone_is_counted_and_forgotten(filled: Path) -> None:
    artifacts(filled)[0].unlink()
    shutil.rmtree(filled / LATER)
    removed(filled, RUN, where="instrument = 'Cam' AND detector = 1", removal="unstore")
    item = {"dataset_type": "*", "collections": "*"}
    task = {"repo": str(filled), "state": "absent", "datasets": [item], "forget_unstored": True}
    done = cycle_here("butler_datasets", task)
    done.assert_converges()
    assert {f"{change['kind']} {change['name']}": change["before"] for change in done.run["changes"]} == {
        f"datasets bias in {RUN}": {"datasets": 2, "artifact gone": 1, "never stored": 1},
        f"datasets bias in {LATER}": {"datasets": 3, "artifact gone": 3},
        f"memberships bias in {TAG}": {"type": "TAGGED", "datasets": 2},
        f"certifications bias in {CALIB}": {
            "type": "CALIBRATION",
            "datasets": 2,
            "validity": [
                "(-∞, ∞): 1",
                "[2025-01-01T00:00:00, 2025-01-02T00:00:00): 1",
                "[2025-01-03T00:00:00, 2025-01-04T00:00:00): 1",
            ],
        },
    }
    assert done.run["stats"]["present"] == 4  # a bias, and the raws in place
    found = held(filled)
    assert found[RUN] == ["bias 2"] and found[LATER] == found[TAG] == [] and len(found[RAWS]) == 3
    assert len(artifacts(filled)) == 1 and len(found["stored"]) == 4 and trash(filled) == 0


def test_limits_hold_here_too(filled: Path) -> None:
    shutil.rmtree(filled / RUN)
    refuses(filled, "3 datasets would be forgotten, and max_removals is 2", max_removals=2)
    refuses(filled, f"{CALIB}: it is protected, and would lose 3 bias, valid", protect=[CALIB])


def test_artifacts_that_come_back_meanwhile_stay(filled: Path) -> None:
    artifact = artifacts(filled)[0]
    content = artifact.read_text()
    shutil.rmtree(filled / RUN)

    def come_back() -> None:
        artifact.parent.mkdir(parents=True)
        artifact.write_text(content)

    outcome = forgotten(filled, RUN, batch_size=10, report=Report(begin=come_back))
    assert outcome.notices == ["1 of the planned datasets have artifacts again, and were not forgotten"]
    assert outcome.stats["removed"] == 2 + 1 + 2 and outcome.stats["skipped"] == 1
    assert held(filled)[RUN] == ["bias 0"] and artifact.read_text() == content


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_root_that_is_not_mounted(kind: str, tmp_path: Path) -> None:
    repo, store = tmp_path / "repo", tmp_path / "store"
    present(repo, {"datastore": {"root": str(store)}}, override=True)
    fill(repo, tmp_path / "raws")
    store.rename(tmp_path / "away")
    if kind == "empty":  # whoever opens the repository makes it otherwise, and it is empty all the same
        store.mkdir()
    refuses(repo, f"{store}/, where the datastore keeps its artifacts, is missing or empty")
    (tmp_path / "away").rename(store)
    assert not forgotten(repo).changed


def test_a_file_system_within_the_root_that_is_not_mounted(filled: Path) -> None:
    shutil.rmtree(filled / "Cam")
    (filled / "Cam").mkdir()
    refuses(filled, f"of the directories above it {filled}/Cam/ is the last .* and it is empty")
    (filled / "Cam").rmdir()
    (filled / "Cam").symlink_to("/nowhere/Cam")
    refuses(filled, "of the directories above it / is the last that is there, and anything may be mounted")
    (filled / "Cam").unlink()
    assert forgotten(filled, RUN).stats["removed"] == 9


def test_artifacts_that_are_links(filled: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk/deep"
    disk.mkdir(parents=True)
    artifact = artifacts(filled)[0]
    shutil.move(artifact, disk / "file")
    artifact.symlink_to(disk / "file")
    assert not forgotten(filled, RUN).changed
    disk.rename(tmp_path / "away")
    refuses(filled, f"whether {artifact} is there can't be told: .* {tmp_path}/disk/ is the last")
    (tmp_path / "away").rename(disk)
    (disk / "other").touch()
    (disk / "file").unlink()
    assert forgotten(filled, RUN).stats["removed"] == 1 + 1 + 2
    assert artifact.is_symlink()  # no file was touched


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN])
def test_a_file_system_that_gives_another_answer(
    number: int, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = artifacts(filled)[1]
    artifacts(filled)[0].unlink()
    look = os.stat

    def answer(path: Any, *arguments: Any, **more: Any) -> os.stat_result:
        if path == str(stuck):
            raise OSError(number, os.strerror(number), path)
        return look(path, *arguments, **more)

    monkeypatch.setattr(os, "stat", answer)
    refuses(filled, f"whether {stuck} is there can't be told: {os.strerror(number)}")
    monkeypatch.undo()
    assert forgotten(filled, RUN).stats["removed"] == 1 + 1 + 2


def test_files_outside_the_root(site: Path, tmp_path: Path) -> None:
    raws = tmp_path / "site/raws"
    assert not forgotten(site).changed
    raws.rename(tmp_path / "away")
    refuses(site, f"{tmp_path}/site/ is the last that is there, and it is empty")
    raws.mkdir()
    refuses(site, f"{tmp_path}/site/raws/ is the last that is there, and it is empty")
    (raws / "readme").touch()
    outcome = forgotten(site)
    assert outcome.changes[0].before == {"datasets": 3, "artifact gone": 3}
    assert held(site)[RAWS] == [] and len(held(site)[RUN]) == 3
    assert sorted(path.name for path in (tmp_path / "away").iterdir()) == ["one.yaml", "readme", "two.yaml"]


def test_datasets_in_parts(filled: Path) -> None:
    with Butler.from_config(filled, writeable=True) as butler:
        butler.collections.register("Cam/parts")
        kind = butler.get_dataset_type("bias")
        data_ids = butler.query_data_ids(["instrument", "detector"], explain=False, order_by="detector")
        datastore = butler._datastore
        for data_id in data_ids[:2]:
            ref = DatasetRef(kind, data_id, "Cam/parts")
            folder = filled / "Cam/parts"
            folder.mkdir(exist_ok=True)
            paths = [folder / f"{data_id['detector']}_{part}.yaml" for part in "ab"]
            for path in paths:
                path.write_text("part: 1\n")
            butler.ingest(FileDataset(str(paths[0]), [ref]), transfer="direct")
            # What a composite has that is stored in parts: a record for each.
            (record,) = datastore.getStoredItemsInfo(ref)
            datastore.removeStoredItemInfo(ref)
            parts = [record.update(path=path.as_uri(), component=path.stem[-1]) for path in paths]
            datastore.addStoredItemInfo([ref, ref], parts)
            paths[0].unlink()
        paths[1].unlink()
    outcome = forgotten(filled, "Cam/parts")
    assert outcome.notices == [
        "bias in Cam/parts: 1 datasets are only partly gone, and were left as they are"
    ]
    assert held(filled)["Cam/parts"] == ["bias 0"]


def test_datastores_of_which_nobody_can_tell(filled: Path) -> None:
    config = filled / "butler.yaml"
    content = config.read_text()
    config.write_text(content.replace("datastore:\n", "datastore:\n  trust_get_request: true\n", 1))
    refuses(filled, "forget_unstored: the datastore serves files that it has no records of")


def test_another_datastore_may_have_it(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    kind = "lsst.daf.butler.datastores.fileDatastore.FileDatastore"
    stores = [
        {"datastore": {"cls": kind, "root": f"<butlerRoot>/{name}", "records": {"table": f"{name}_records"}}}
        for name in ("one", "two")
    ]
    chain = "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore"
    present(repo, {"datastore": {"cls": chain, "datastores": [item["datastore"] for item in stores]}})
    fill(repo, tmp_path / "raws")
    refuses(repo, "the repository has 2 datastores")
    stored = list(repo.rglob("bias_*.yaml"))
    assert removed(repo, RUN, removal="purge").stats["removed"] == 9
    left = list(repo.rglob("bias_*.yaml"))
    assert len(stored) == 12 and len(left) == 6 and all(path.match(f"{LATER}/*/*") for path in left)
