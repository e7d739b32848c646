# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_export and the files on disk: whole, only where they differ, never mistaken for others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.exporting import calibrations, content_of, declared, export_here
from tests.integration.exports import CALIBRATIONS, RUNS, official_import, write_case
from tests.integration.full_disk import fill, in_a_process
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a repository of calibrations, which nobody writes to."""
    root = tmp_path_factory.mktemp("imported")
    file = write_case(CALIBRATIONS, root / "site")
    Butler.makeRepo(root / "repo")
    official_import(root / "repo", file, "copy")
    return root / "repo"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def listed(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_files_of_an_earlier_larger_run_are_never_left_unsaid(imported: Path, out: Path) -> None:
    one = calibrations(out / "cut.yaml")
    (out / "cut_2024.yaml").write_text("description: Butler Data Repository Export\n")
    assert len(export_here(imported, {**one, "max_datasets": 2}).files) == 5
    before = listed(out)
    for fewer in ({"max_datasets": 4}, {}):
        with pytest.raises(ButlerError, match=r"left more.*cut_004.yaml; prune=true removes them"):
            export_here(imported, {**one, **fewer})
        assert listed(out) == before
    check, done = (
        export_here(imported, {**one, "max_datasets": 4}, prune=True, check=each) for each in (True, False)
    )
    assert check.outcome.changes == done.outcome.changes and check.outcome.stats == done.outcome.stats
    assert done.outcome.stats["removed"] == 2 and done.outcome.stats["replaced"] == 3
    assert sorted(listed(out)) == ["cut_000.yaml", "cut_001.yaml", "cut_002.yaml", "cut_2024.yaml"]
    assert not export_here(imported, {**one, "max_datasets": 4}).outcome.changed


def test_only_what_differs_is_written(imported: Path, out: Path) -> None:
    one = calibrations(out / "cut.yaml", max_datasets=3)
    files = export_here(imported, one).files
    times = [file.stat().st_mtime_ns for file in files]
    files[1].write_text(files[1].read_text().replace("detector: 1", "detector: 11"))
    done = export_here(imported, one)
    assert done.outcome.stats == {**done.outcome.stats, "present": 2, "replaced": 1, "added": 0}
    assert done.contents() == {}, "the repository has not changed"
    (change,) = done.outcome.changes
    assert change.examples == (str(files[1]),) and change.before["sha256"] != change.after["sha256"]
    assert [file.stat().st_mtime_ns for file in files][::2] == times[::2]


def test_permissions_are_those_declared_or_those_there(imported: Path, out: Path) -> None:
    one, file = calibrations(out / "export.yaml"), out / "export.yaml"
    export_here(imported, one)
    assert file.stat().st_mode & 0o777 == 0o644
    done = export_here(imported, {**one, "mode": "0600"})
    assert done.told("export files") == {"permissions of": ({"mode": "0644"}, {"mode": "0600"})}
    assert file.stat().st_mode & 0o777 == 0o600
    export_here(imported, {**one, "dataset_type": ["bias"]})
    assert file.stat().st_mode & 0o777 == 0o600 and "flat" not in content_of(file)
    assert not export_here(imported, {**one, "dataset_type": ["bias"], "mode": 0o600}).outcome.changed


def test_a_link_stays_and_what_it_leads_to_is_replaced(imported: Path, out: Path) -> None:
    (out / "real").mkdir()
    (out / "real/export.yaml").touch()
    (out / "export.yaml").symlink_to("real/export.yaml")
    export_here(imported, calibrations(out / "export.yaml"))
    assert (out / "export.yaml").is_symlink() and "bias" in content_of(out / "real/export.yaml")


def test_what_is_no_export_is_not_overwritten(imported: Path, out: Path) -> None:
    one = calibrations(out / "export.yaml")
    (out / "export.yaml").write_text("- hosts: all\n")
    with pytest.raises(ButlerError, match="there is something else than an export"):
        export_here(imported, one)
    assert (out / "export.yaml").read_text() == "- hosts: all\n"
    assert export_here(imported, one, on_conflict="replace").outcome.changed
    shutil.copy(write_case(CALIBRATIONS, out / "site"), out / "export.yaml")
    assert export_here(imported, one).outcome.stats["replaced"] == 1, "the official tool's file is one"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"file": "/data/export.yml"}, "exports[0].file: /data/export.yml does not end with .yaml"),
        ({"max_datasets": 0}, "exports[0].max_datasets: 0 is too few"),
        ({"mode": "rw-r--r--"}, "exports[0].mode: 'rw-r--r--' is no mode"),
        ({"mode": "0044"}, "exports[0].mode: '0044' is no mode of a file that its owner may read"),
        ({"collections": []}, "exports[0].collections: at least one is needed"),
        ({"directory": "/data"}, "exports[0].directory: transfer=none puts no artifacts there"),
        ({"dataset_type": ["bias.metadata"]}, "exports[0].dataset_type: bias.metadata is a component"),
    ],
    ids=str,
)
def test_bad_input_is_answered(imported: Path, out: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ButlerError) as caught:
        export_here(imported, {**calibrations(out / "export.yaml"), **options})
    assert message in str(caught.value) and listed(out) == {}


def test_a_file_is_declared_once(imported: Path, out: Path) -> None:
    twice = [calibrations(out / "export.yaml"), calibrations(out / "x/../export.yaml")]
    with pytest.raises(ButlerError, match=r"exports\[1\].file: .*export.yaml is exports\[0\] already"):
        export_here(imported, *twice)


def _export_unprivileged(repo: Path, one: dict[str, Any]) -> str:
    if os.getuid() == 0:  # who may write everywhere
        os.setgid(65534)
        os.setuid(65534)
    return str(export_here(repo, one).outcome.stats)


def test_a_directory_that_can_not_be_written_is_told_before(imported: Path, out: Path) -> None:
    for folder in (*imported.parents, *out.parents):
        if "/pytest-of-" in str(folder):
            folder.chmod(0o755)
    out.chmod(0o555)
    said = in_a_process(_export_unprivileged, imported, calibrations(out / "export.yaml"))
    assert f"nothing can be written to {out}: this user may not write there" in said
    out.chmod(0o777)
    assert "'added': 1" in in_a_process(_export_unprivileged, imported, calibrations(out / "export.yaml"))


def test_a_disk_that_is_too_small_is_told_before(imported: Path, out: Path, tmp_path: Path) -> None:
    repo = Path(shutil.copytree(imported, tmp_path / "repo"))
    with Butler.from_config(repo) as butler:
        (bias,) = butler.query_datasets("bias", RUNS[0], where="instrument = 'Cam' AND detector = 0")
        os.truncate(butler.getURI(bias).ospath, 1 << 42)
    assert shutil.disk_usage(out).free < 1 << 42
    with pytest.raises(ButlerError, match=rf"disk of {out}: 43980465\d+ bytes are to be written"):
        export_here(repo, calibrations(out / "export.yaml", transfer="copy"))
    assert listed(out) == {}
    assert export_here(repo, calibrations(out / "export.yaml", transfer="symlink")).outcome.changed


def _export_on_a_full_disk(repo: Path, one: dict[str, Any]) -> str:
    fill("write", least=4_000)
    return str(export_here(repo, one).outcome.stats)


def test_a_disk_that_is_full_meanwhile_leaves_the_old_file(imported: Path, out: Path) -> None:
    one = calibrations(out / "export.yaml")
    export_here(imported, {**one, "dataset_type": ["bias"]})
    before = listed(out)
    said = in_a_process(_export_on_a_full_disk, imported, one)
    assert "No space left on device" in said and listed(out) == before
    assert export_here(imported, one).outcome.changed and sorted(listed(out)) == ["export.yaml"]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("transfer", "count"), [("none", 6), ("copy", 4)])
def test_a_killed_run_leaves_whole_files_and_the_next_one_finishes(
    transfer: str, count: int, imported: Path, tmp_path: Path
) -> None:
    template = tmp_path / "template"
    shutil.copytree(imported, template / "repo")
    (template / "repo/out").mkdir()

    def attempt_in(folder: Path) -> Attempt:
        one = calibrations(folder / "repo/out/cut.yaml", max_datasets=2, transfer=transfer)
        params = declared(folder / "repo", one, prune=True)
        return Attempt("_states.exports.state:ExportsState", params, folder / "repo", opens=False)

    # The next run replaces some of the files, and removes one.
    export_here(template / "repo", calibrations(template / "repo/out/cut.yaml", max_datasets=1))
    for kept in ("cut_007.yaml", "cut_008.yaml"):
        (template / "repo/out" / kept).rename(template / "repo/out" / f"{kept}.old")
    kills = prove_killed_runs_are_finished(
        template,
        attempt_in,
        steps=some(count, 10, "checkpoint", "file", "transfer", "transferred"),
        moments=1,
        seed=11,
    )
    assert kills >= count
