# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_export with the artifacts: copied or linked once, and never over other files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
from lsst.daf.butler import Butler, Config, DatasetType
from lsst.daf.butler.tests import MetricsExample

from tests.integration.canonical import difference, dump
from tests.integration.davs_repository import DavsRepository, make_davs_repository
from tests.integration.exporting import butler_command, calibrations, content_of, export_here
from tests.integration.exports import (
    CALIB,
    CALIBRATIONS,
    DATASETS,
    RUNS,
    declare,
    import_here,
    official_import,
    paths_in,
    write_case,
)
from tests.integration.postgres import Database
from tests.integration.raw_zips import SKY, fill_summit, make_zip
from tests.integration.webdav import WebDav


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_case(CALIBRATIONS, tmp_path / "site")


@pytest.fixture
def origin(repo: Path, site: Path) -> Path:
    official_import(repo, site, "copy")
    return repo


@pytest.fixture
def other(empty_repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_repository, tmp_path / "other"))


def test_an_export_with_its_artifacts_is_that_of_the_official_tool(
    origin: Path, site: Path, other: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    one = calibrations(out / "export.yaml", transfer="copy")
    check, done = (export_here(origin, one, check=each) for each in (True, False))
    assert check.outcome.changes == done.outcome.changes and check.outcome.stats == done.outcome.stats
    assert done.told("artifacts") == {
        f"{kind} in {out}": (None, {"artifacts": count}) for kind, count in (("bias", 3), ("flat", 6))
    }
    assert content_of(out / "export.yaml") == content_of(site)
    butler_command("import", str(other), str(out), "--transfer", "copy")
    assert difference(dump(origin), dump(other)) == []
    shutil.rmtree(origin)
    again = tmp_path / "again"
    Butler.makeRepo(again)
    import_here(again, declare(out / "export.yaml", transfer="copy"))
    assert difference(dump(other), dump(again)) == []


@pytest.mark.parametrize("transfer", ["copy", "hardlink", "link", "relsymlink", "symlink"])
def test_artifacts_are_transferred_once(transfer: str, origin: Path, tmp_path: Path) -> None:
    one = calibrations(tmp_path / "export.yaml", transfer=transfer, directory=str(tmp_path / "new/files"))
    done = export_here(origin, one)
    assert done.outcome.stats["added"] == 1 + DATASETS
    artifacts = [tmp_path / "new/files" / path for path in paths_in(tmp_path / "export.yaml")]
    sources = [origin / path for path in paths_in(tmp_path / "export.yaml")]
    assert all(path.is_symlink() == transfer.endswith("symlink") for path in artifacts)
    same = [path.samefile(source) for path, source in zip(artifacts, sources, strict=True)]
    assert set(same) == {transfer != "copy"}
    assert [path.read_bytes() for path in artifacts] == [path.read_bytes() for path in sources]
    again = export_here(origin, one)
    assert not again.outcome.changed and again.outcome.stats["present"] == 1 + DATASETS
    artifacts[0].unlink()
    mended = export_here(origin, one)
    assert mended.outcome.stats["added"] == 1 and artifacts[0].exists()
    # Whether it is copied or linked makes no difference afterwards.
    assert not export_here(origin, {**one, "transfer": "copy"}).outcome.changed


def test_how_far_it_is(origin: Path, tmp_path: Path) -> None:
    said: list[tuple[str, int, int | None]] = []
    report = Report(step=lambda *step: said.append(step))
    one = calibrations(tmp_path / "export.yaml", transfer="copy", directory=str(tmp_path / "files"))
    export_here(origin, one, report=report)
    assert said == [
        ("looking up", 3, None),
        ("looking up", DATASETS, None),
        *(("transferring", done, None) for done in range(DATASETS)),
    ]


def test_other_files_are_not_overwritten(origin: Path, tmp_path: Path) -> None:
    one = calibrations(tmp_path / "export.yaml", transfer="copy")
    export_here(origin, one)
    artifact = tmp_path / paths_in(tmp_path / "export.yaml")[0]
    source = origin / paths_in(tmp_path / "export.yaml")[0]
    os.utime(artifact, ns=(0, 0))
    assert not export_here(origin, one).outcome.changed, "older, and yet the same"
    text = artifact.read_text()
    artifact.write_text(text.swapcase())
    os.utime(artifact, ns=(10**9, 10**9))
    with pytest.raises(ButlerError, match=f"1 other files are in their places: {artifact}"):
        export_here(origin, one)
    done = export_here(origin, one, on_conflict="replace")
    assert done.outcome.stats["replaced"] == 1 and artifact.read_text() == source.read_text()
    artifact.unlink()
    artifact.symlink_to("nowhere")
    with pytest.raises(ButlerError, match=f"1 other files are in their places: {artifact}"):
        export_here(origin, one)
    assert export_here(origin, one, on_conflict="replace").outcome.changed and not artifact.is_symlink()


def test_artifacts_that_are_gone_are_told_and_left_out(origin: Path, tmp_path: Path) -> None:
    one = calibrations(tmp_path / "export.yaml", transfer="copy")
    with Butler.from_config(origin) as butler:
        (bias,) = butler.query_datasets("bias", RUNS[0], where="instrument = 'Cam' AND detector = 0")
        lost = Path(butler.getURI(bias).ospath)
    lost.unlink()
    with pytest.raises(ButlerError, match=f"artifact file://{lost} .1 bias datasets. does not exist"):
        export_here(origin, one)
    done = export_here(origin, one, on_missing="skip")
    assert done.exports[0]["missing_datasets"] == {"bias": 1} and done.exports[0]["datasets"]["bias"] == 2
    assert len(content_of(*done.files)[CALIB]) == DATASETS - 1
    # Where they stay in their places nobody looks.
    assert export_here(origin, {**one, "transfer": "none"}).exports[0]["datasets"]["bias"] == 3


@pytest.mark.parametrize("ingested", ["direct", "copy"])
def test_odd_names_and_artifacts_ingested_in_place(ingested: str, repo: Path, tmp_path: Path) -> None:
    file = write_case(CALIBRATIONS, tmp_path / "naïve #1 100%")
    text = file.read_text().replace("Cam/calib/DM-1/biasGen\n", '"naïve run/50%/biasGen"\n')
    file.write_text(text)
    import_here(repo, declare(file, transfer=ingested))
    (tmp_path / "out").mkdir()
    one = calibrations(tmp_path / "out/export.yaml", collections=["*"], with_collections=[])
    for transfer in ("copy", "direct"):
        new = tmp_path / transfer
        Butler.makeRepo(new)
        made = export_here(repo, {**one, "transfer": transfer}).files[0]
        assert made.read_text().isascii()
        official_import(new, made, "copy")
        with Butler.from_config(repo) as butler, Butler.from_config(new) as copy:
            refs = butler.query_all_datasets("*", find_first=False)
            assert len(refs) == DATASETS
            assert {ref.id: butler.get(ref) for ref in refs} == {ref.id: copy.get(ref) for ref in refs}


@pytest.mark.parametrize("ingested", ["direct", "copy"])
def test_members_of_zips_are_told_by_their_uris(
    ingested: str, repo: Path, other: Path, tmp_path: Path
) -> None:
    summit = Path(shutil.copytree(other, tmp_path / "summit"))
    fill_summit(summit, tmp_path / "files")
    path = make_zip(summit, tmp_path / "zips", SKY)
    with Butler.from_config(summit) as butler, Butler.from_config(repo, writeable=True) as target:
        raws = butler.query_all_datasets("*", find_first=False)
        target.transfer_dimension_records_from(butler, raws)
        for kind in butler.registry.queryDatasetTypes("*"):
            target.registry.registerDatasetType(kind)
        target.ingest_zip(str(path), transfer=ingested)
    one = {"file": str(tmp_path / "export.yaml"), "dataset_type": ["*"], "collections": ["*"]}
    for transfer in ("copy", "none") if ingested == "copy" else ("copy",):
        with pytest.raises(ButlerError, match="datasets raw: 3 are members of zips") as caught:
            export_here(repo, {**one, "transfer": transfer})
        assert "does not exist" not in str(caught.value)
    done = export_here(repo, {**one, "transfer": "direct"})
    assert done.exports[0]["datasets"] == {"guider_raw": 1, "raw": 3}
    official_import(other, done.files[0], "direct")
    with Butler.from_config(other) as butler:
        found = butler.get_many_uris(butler.query_all_datasets("*", find_first=False)).values()
        assert len(found) == 4 and all(uris.primaryURI and uris.primaryURI.exists() for uris in found)
    import_here(other, declare(done.files[0], transfer="direct"))


def test_datasets_in_several_files_are_told(tmp_path: Path) -> None:
    parts = ("summary", "output", "data")
    metrics = {
        "pytype": "lsst.daf.butler.tests.MetricsExample",
        "delegate": "lsst.daf.butler.tests.MetricsDelegate",
        "components": dict.fromkeys(parts, "StructuredDataDict"),
    }
    root = tmp_path / "composites"
    datastore = {"composites": {"default": False, "disassembled": {"metrics": True}}}
    Butler.makeRepo(root, Config({"storageClasses": {"Metrics": metrics}, "datastore": datastore}))
    with Butler.from_config(root, writeable=True) as butler:
        butler.registry.registerDatasetType(DatasetType("metrics", (), "Metrics", universe=butler.dimensions))
        butler.collections.register("run")
        butler.put(MetricsExample(*({"is": part} for part in parts)), "metrics", run="run")
    one = {"file": str(tmp_path / "export.yaml"), "dataset_type": ["*"], "collections": ["*"]}
    with pytest.raises(ButlerError, match="datasets metrics: 1 are stored in several files each"):
        export_here(root, one)


@pytest.fixture
def far(
    webdav: WebDav, database: Database, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DavsRepository:
    repository = make_davs_repository(webdav, database, tmp_path, monkeypatch)
    repository.make()
    repository.converge(ImportsState.from_params(declare(site, transfer="copy")))
    (tmp_path / "out").mkdir()
    return repository


def read_for(far: DavsRepository, one: dict[str, Any]) -> set[str]:
    """Give the names of the artifacts that are read for an export that has nothing to do."""
    before = len(far.server.requests)
    assert not export_here(far.uri, one).outcome.changed
    asked = [line for line in far.server.requests[before:] if line.startswith("GET ")]
    return {path.name for path in far.artifacts() if any(path.name in line for line in asked)}


def test_artifacts_come_from_a_webdav_server(far: DavsRepository, repo: Path, tmp_path: Path) -> None:
    one = calibrations(tmp_path / "out/export.yaml", transfer="copy")
    done = export_here(far.uri, one)
    assert done.outcome.stats["added"] == 1 + DATASETS
    assert read_for(far, one) == set()
    official_import(repo, tmp_path / "out/export.yaml", "copy")
    with Butler.from_config(far.uri) as butler, Butler.from_config(repo) as copy:
        refs = butler.query_all_datasets("*", find_first=False)
        assert {ref.id: butler.get(ref) for ref in refs} == {ref.id: copy.get(ref) for ref in refs}
    direct = export_here(far.uri, {**one, "transfer": "direct"})
    assert all(path.startswith(far.uri) for path in paths_in(direct.files[0]))
    with pytest.raises(ButlerError, match=r"exports.0..transfer: transfer mode 'symlink' needs local files"):
        export_here(far.uri, {**one, "transfer": "symlink", "directory": str(tmp_path / "links")})


@pytest.mark.parametrize("later", [1, 100_000])
def test_what_a_webdav_server_stored_again_is_not_taken_for_the_same(
    later: int, far: DavsRepository, tmp_path: Path
) -> None:
    one = calibrations(tmp_path / "out/export.yaml", transfer="copy")
    export_here(far.uri, one)
    artifact = far.artifacts()[0]
    copy = tmp_path / "out" / artifact.relative_to(far.folder)
    stored = artifact.stat().st_mtime
    artifact.write_text(artifact.read_text().swapcase())
    os.utime(artifact, (stored + later, stored + later))
    for check in (True, False):
        with pytest.raises(ButlerError, match=f"1 other files are in their places: {copy}"):
            export_here(far.uri, one, check=check)
    done = export_here(far.uri, one, on_conflict="replace")
    assert done.outcome.stats["replaced"] == 1 and copy.read_bytes() == artifact.read_bytes()
    assert read_for(far, one) == set()


def test_copies_of_other_tools_are_read_where_their_time_leaves_doubt(
    far: DavsRepository, tmp_path: Path
) -> None:
    one = calibrations(tmp_path / "out/export.yaml", transfer="copy")
    export_here(far.uri, one)
    artifact = far.artifacts()[0]
    copy = tmp_path / "out" / artifact.relative_to(far.folder)
    stored = artifact.stat().st_mtime
    for later, is_read in ((-100_000, True), (10, True), (100_000, False)):
        os.utime(copy, (stored + later, stored + later))
        assert read_for(far, one) == ({artifact.name} if is_read else set())
    copy.write_text(copy.read_text().swapcase())
    os.utime(copy, (stored + 10, stored + 10))
    with pytest.raises(ButlerError, match=f"1 other files are in their places: {copy}"):
        export_here(far.uri, one)
    mark = far.server.take_offline(artifact)
    try:
        with pytest.raises(ButlerError, match=rf"artifact davs://.*/{artifact.name} can't be read, .*503"):
            export_here(far.uri, one)
    finally:
        mark.unlink()
