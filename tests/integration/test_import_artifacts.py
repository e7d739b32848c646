# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_import and files: nothing that exists is lost or overwritten, and what is missing is added."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from lsst.daf.butler import Butler, DatasetRef

from tests.integration.canonical import dump
from tests.integration.exports import (
    CALIB,
    CALIBRATIONS,
    DATASETS,
    RUNS,
    TAG,
    declare,
    import_here,
    official_import,
    paths_in,
    rewrite,
    sections_of,
    write_case,
)

TRANSFERS = ["auto", "copy", "direct", "hardlink", "link", "move", "relsymlink", "split", "symlink"]
COPYING = ["copy", "hardlink", "symlink"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_case(CALIBRATIONS, tmp_path / "site")


def one(butler: Butler) -> DatasetRef:
    """Give the dataset that something happens to."""
    ref = butler.find_dataset("bias", instrument="Cam", detector=1, collections=RUNS[0])
    assert ref is not None
    return ref


def path_of(butler: Butler, ref: DatasetRef) -> Path:
    return Path(butler.getURI(ref).ospath)


def artifacts(repo: Path) -> dict[str, str]:
    """Give the content of every artifact that the datastore records."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_all_datasets("*", find_first=False)
        return {str(ref.id): path_of(butler, ref).read_text() for ref in refs}


def shown(outcome: Outcome) -> list[tuple[str, str, int]]:
    return [(change.kind, change.name, change.count) for change in outcome.changes]


@pytest.mark.parametrize("transfer", ["copy", "symlink"])
def test_the_official_import_deletes_the_files_of_the_first_import(
    transfer: str, repo: Path, file: Path, tmp_path: Path
) -> None:
    official_import(repo, file, transfer)
    assert len(artifacts(repo)) == DATASETS
    with pytest.raises(Exception, match=r"(?i)integrity|unique|conflict"):
        official_import(repo, file, transfer)
    with pytest.raises(FileNotFoundError):
        artifacts(repo)

    ours = tmp_path / "ours"
    Butler.makeRepo(ours)
    import_here(ours, declare(file, transfer=transfer))
    first = artifacts(ours)
    assert not import_here(ours, declare(file, transfer=transfer)).changed
    assert artifacts(ours) == first and len(first) == DATASETS


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_importing_twice_changes_nothing(transfer: str, repo: Path, file: Path) -> None:
    sources = {path: (file.parent / path).read_text() for path in paths_in(file)}
    params = declare(file, transfer=transfer)
    check = import_here(repo, params, check=True)
    first = import_here(repo, params)
    assert first.changes == check.changes and first.stats == check.stats
    before, content = dump(repo), artifacts(repo)
    assert sorted(content.values()) == sorted(sources.values())
    again = import_here(repo, params)
    assert not again.changed and again.stats["present"] == first.stats["added"]
    assert dump(repo) == before and artifacts(repo) == content
    left = [path for path in sources if (file.parent / path).exists()]
    assert left == ([] if transfer == "move" else list(sources))


@pytest.mark.parametrize("transfer", [*COPYING, "direct"])
def test_a_deleted_dataset_comes_back_and_nothing_else_changes(transfer: str, repo: Path, file: Path) -> None:
    params = declare(file, transfer=transfer)
    import_here(repo, params)
    before = dump(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        butler.pruneDatasets([one(butler)], disassociate=True, unstore=True, purge=True)
    assert dump(repo) != before
    outcome = import_here(repo, params)
    assert shown(outcome) == [
        ("certifications", f"bias in {CALIB}", 1),
        ("datasets", f"bias in {RUNS[0]}", 1),
        ("datasets", f"bias in {TAG}", 1),
    ]
    assert dump(repo) == before


@pytest.mark.parametrize("transfer", [*COPYING, "direct"])
def test_a_deleted_datastore_record_comes_back(transfer: str, repo: Path, file: Path) -> None:
    params = declare(file, transfer=transfer)
    import_here(repo, params)
    before = dump(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        butler._datastore.forget([one(butler)])
    check = import_here(repo, params, check=True)
    outcome = import_here(repo, params)
    expected = [("datastore records", f"bias in {RUNS[0]}", 1)]
    # The artifact in the datastore belongs to nobody any more; it is the same, so that no example is given.
    assert shown(outcome) == expected + [("orphan", RUNS[0], 1)] * (transfer != "direct")
    assert all(not change.examples for change in outcome.changes if change.kind == "orphan")
    assert outcome.changes == check.changes and outcome.stats == check.stats
    assert dump(repo) == before


@pytest.mark.parametrize("transfer", [*COPYING, "direct"])
def test_an_artifact_changed_on_disk_is_left_alone(transfer: str, repo: Path, file: Path) -> None:
    params = declare(file, transfer=transfer)
    import_here(repo, params)
    with Butler.from_config(repo) as butler:
        path = path_of(butler, one(butler))
    path.unlink()
    path.write_text("somebody's correction")
    content = artifacts(repo)
    assert not import_here(repo, params).changed
    assert artifacts(repo) == content and path.read_text() == "somebody's correction"


@pytest.mark.parametrize("transfer", COPYING)
def test_a_file_of_nobody_is_listed_and_replaced(transfer: str, repo: Path, file: Path) -> None:
    params = declare(file, transfer=transfer)
    import_here(repo, params)
    before = artifacts(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        path = path_of(butler, one(butler))
        butler._datastore.forget([one(butler)])
    path.unlink()
    path.write_text("half of a fi")
    check = import_here(repo, params, check=True)
    orphan = next(change for change in check.changes if change.kind == "orphan")
    assert orphan.action == "replace" and orphan.examples == (str(path.relative_to(repo)),)
    outcome = import_here(repo, params)
    assert outcome.changes == check.changes and outcome.stats["replaced"] == 1
    assert artifacts(repo) == before


def test_a_file_that_was_moved_already_is_recorded_where_it_is(repo: Path, file: Path) -> None:
    params = declare(file, transfer="move")
    import_here(repo, params)
    before = dump(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        butler._datastore.forget([one(butler)])
    outcome = import_here(repo, params)
    assert shown(outcome) == [("datastore records", f"bias in {RUNS[0]}", 1)]
    assert any("at their place in the datastore already" in notice for notice in outcome.notices)
    assert dump(repo) == before


def test_missing_artifacts_fail_with_all_of_them_listed(repo: Path, file: Path) -> None:
    gone = [file.parent / path for path in paths_in(file) if "flat" in path][:3]
    for path in gone:
        path.unlink()
    before = dump(repo)
    with pytest.raises(ButlerError) as caught:
        import_here(repo, declare(file, transfer="copy"))
    assert all(f"imports[0]: artifact {path} does not exist" in str(caught.value) for path in gone)
    assert dump(repo)["files"] == before["files"] and "collection" not in dump(repo)
    check = import_here(repo, declare(file, transfer="copy"), check=True)
    assert len(check.assumes) == 3 and check.changed


def test_missing_artifacts_are_skipped_and_added_when_they_arrive(
    repo: Path, file: Path, tmp_path: Path
) -> None:
    gone = [file.parent / path for path in paths_in(file) if "flat" in path][:3]
    away = tmp_path / "away"
    away.mkdir()
    for path in gone:
        path.rename(away / path.name)
    params = declare(file, transfer="copy", on_missing="skip")
    outcome = import_here(repo, params)
    assert outcome.stats["skipped"] == 3 and not outcome.assumes
    assert "left out datasets whose artifacts are not there: 3 flat" in outcome.notices[0]
    assert len(artifacts(repo)) == DATASETS - 3
    again = import_here(repo, params)
    assert not again.changed and again.stats["skipped"] == 3
    for path in gone:
        (away / path.name).rename(path)
    third = import_here(repo, params)
    assert shown(third) == [("certifications", f"flat in {CALIB}", 3), ("datasets", f"flat in {RUNS[1]}", 3)]
    assert third.stats["skipped"] == 0 and len(artifacts(repo)) == DATASETS


def test_paths_of_another_site_are_mapped(repo: Path, file: Path, tmp_path: Path) -> None:
    sections = sections_of(file)
    for data in sections:
        for record in data["records"] if data["type"] == "dataset" else ():
            name = record["path"]
            record["path"] = f"/sdf/repo/{name}" if data["dataset_type"] == "bias" else f"old/{name}"
    rewrite(file, sections)
    with pytest.raises(ButlerError, match="artifact /sdf/repo/"):
        import_here(repo, declare(file, transfer="direct"))
    with pytest.raises(ButlerError, match="artifact /sdf/repo/"):
        import_here(repo, declare(file, transfer="direct", path_map={"/sdf/re": str(file.parent)}))
    rules = {"/sdf/repo": str(file.parent), "/sdf": "/nowhere", r"^old/(Cam/)": r"\1"}
    assert import_here(repo, declare(file, transfer="direct", path_map=rules)).stats["failed"] == 0
    with Butler.from_config(repo) as butler:
        assert path_of(butler, one(butler)).is_relative_to(file.parent)


def test_a_directory_may_be_a_uri(repo: Path, file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "with space"
    shutil.copytree(file.parent / "Cam", elsewhere / "Cam")
    shutil.rmtree(file.parent / "Cam")
    params = declare(file, transfer="direct", directory=f"file://{elsewhere}".replace(" ", "%20"))
    import_here(repo, params)
    assert not import_here(repo, params).changed
    assert len(artifacts(repo)) == DATASETS


def test_another_place_is_kept_and_told_in_direct_mode(repo: Path, file: Path, tmp_path: Path) -> None:
    import_here(repo, declare(file, transfer="direct"))
    before = dump(repo)
    shutil.copytree(file.parent, tmp_path / "second")
    moved: dict[str, Any] = declare(tmp_path / "second/export.yaml", transfer="direct")
    outcome = import_here(repo, moved)
    assert not outcome.changed and dump(repo) == before
    assert f"kept {DATASETS} datasets that are recorded at another place" in outcome.notices[0]
