# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on a repository whose root is on a WebDAV server, with data from there that have odd names."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.webdav_settings import VARIABLE
from ansible_collections.rubin.butler.plugins.module_utils._states.files import FilesState
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
from ansible_collections.rubin.butler.plugins.module_utils._states.info import InfoState
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import SkyMapsState
from astropy.table import Table
from lsst.daf.butler import Butler

from tests.integration.ansible_play import run
from tests.integration.davs_repository import DavsRepository, make_davs_repository, write_remote_raws
from tests.integration.exports import CALIBRATIONS, DATASETS, make_instrument, write_case
from tests.integration.ports import free_port
from tests.integration.postgres import Database
from tests.integration.raw_files import TOTAL
from tests.integration.raw_states import raws
from tests.integration.refcat_files import (
    FORMATTER,
    PIXELS,
    in_directory,
    in_table,
    register_type,
    write_shards,
)
from tests.integration.repository_runs import present
from tests.integration.sky_maps import FIELDS, declared
from tests.integration.webdav import PASSWORD, WebDav

TWICE = (True, False, True, False)


@pytest.fixture
def repo(
    webdav: WebDav, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DavsRepository:
    return make_davs_repository(webdav, database, tmp_path, monkeypatch)


def test_a_repository_is_made_and_removed(repo: DavsRepository) -> None:
    assert [repo.make(check=check).changed for check in TWICE] == [True, True, False, False]
    text = (repo.folder / "butler.yaml").read_text()
    assert repo.database.url in text and PASSWORD not in text
    assert [repo.remove(check=check).changed for check in TWICE] == [True, True, False, False]
    assert not repo.folder.exists() and repo.database.tables("ccms1") == []


def test_a_top_directory_that_can_not_be_removed_stays_alone(repo: DavsRepository) -> None:
    area = repo.folder
    repo.name = f"{repo.name}/top"
    repo.folder.mkdir(parents=True)
    repo.server.make_writable()
    area.chmod(0o555)
    try:
        repo.make()
        repo.converge(SkyMapsState.from_params({"skymaps": [declared("small_discrete", discrete=FIELDS)]}))
        gone = repo.remove()
        assert list(repo.folder.iterdir()) == [] and repo.database.tables("ccms1") == []
        (notice,) = (line for line in gone.notices if "stays" in line)
        assert notice.startswith(f"{repo.uri}/ is empty and stays: ") and "status " in notice
        assert not repo.remove().changed
    finally:
        area.chmod(0o755)


def test_check_mode_takes_a_server_that_is_still_to_be_set_up_for_granted(repo: DavsRepository) -> None:
    later = f"davs://localhost:{free_port()}/butler/later"
    checked = present(later, repo.seed, check=True)
    assert checked.changed and len(checked.assumes) == 1
    assert checked.assumes[0].startswith(f"repo: {later}/ can't be reached: ")
    with pytest.raises(ButlerError, match=r"can't be reached: .* refuses connections"):
        present(later, repo.seed)
    with pytest.raises(ButlerError, match=r"can't be reached: .* refuses connections"):
        open_repository(later, writeable=False)


def test_check_mode_takes_a_host_that_is_still_to_be_set_up_for_granted(
    repo: DavsRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "later.yaml"
    monkeypatch.setenv(VARIABLE, str(missing))
    repository = {"repo": repo.uri, "seed_config": repo.seed}
    checked, made = (run("butler_repo", repository, check_mode=check) for check in (True, False))
    assert checked.changed and not checked.failed, checked.message
    assert f"{VARIABLE} names {missing}, which can't be read" in checked["assumes"][0]
    assert made.failed and "which can't be read" in made.message
    collections = {"repo": repo.uri, "collections": [{"name": "u/me/run", "type": "RUN"}]}
    after, done = (run("butler_collection", collections, check_mode=check) for check in (True, False))
    assert after.changed and not after.failed, after.message
    assert done.failed and "which can't be read" in done.message
    assert not repo.folder.exists()


def test_a_registry_in_a_file_can_not_be_there(repo: DavsRepository) -> None:
    with pytest.raises(ButlerError, match=r"is not on a local file system, so its registry can't be"):
        present(repo.uri, {"datastore": {"name": "ccms1"}})
    assert not repo.folder.exists()


@pytest.mark.parametrize("transfer", ["direct", "copy"])
def test_raws(transfer: str, repo: DavsRepository) -> None:
    repo.register()
    source = write_remote_raws(repo.server)
    state = raws(source, transfer=transfer, run="naïve run/raw")
    repo.cycle(state)
    stored = repo.stored()
    assert len(stored) == TOTAL
    if transfer == "direct":
        assert all(uri.startswith(source) for uri in stored.values()) and repo.artifacts() == []
    else:
        assert sorted(map(repo.server.uri, repo.artifacts())) == sorted(stored.values())
    before = len(repo.server.requests)
    assert not repo.converge(state, check=True).changed
    asked = [line.split()[0] for line in repo.server.requests[before:]]
    assert set(asked) == {"OPTIONS", "PROPFIND", "GET"} and asked.count("GET") == 1, "files were asked for"
    with Butler.from_config(repo.uri) as butler:
        (ref, *_unused) = butler.registry.queryDatasets("raw", collections=...)
        assert butler.getURI(ref).read().startswith(b"SIMPLE")
    (repo.folder / "ünknown 1%20.txt").write_text("nobody knows it")
    info = InfoState.from_params(
        {"repo": repo.uri, "collections": ["*"], "orphans": True, "records": [], "limit": 1000}
    )
    repo.converge(info, check=True)
    assert [Path(name).name for name in info.facts["orphans"]["files"]] == ["ünknown 1%20.txt"]
    gone = repo.remove()
    (notice,) = [line for line in gone.notices if "1 files stay" in line]
    assert "ünknown 1%20.txt" in notice
    assert [path.name for path in repo.artifacts()] == ["ünknown 1%20.txt"]


def test_files_of_a_directory(repo: DavsRepository) -> None:
    repo.make()
    register_type(repo.uri)
    shards = repo.server.data / f"thé monster {repo.name}"
    write_shards(shards)
    # As an operator writes it, with nothing quoted.
    directory = f"{repo.server.url}/data/{shards.name}"
    repo.cycle(FilesState.from_params(in_directory(directory, transfer="copy", formatter=FORMATTER)))
    stored = repo.stored()
    assert len(stored) == len(PIXELS) and all(uri.isascii() for uri in stored.values())
    assert len(repo.artifacts()) == len(PIXELS)
    gone = repo.remove()
    assert gone.stats["removed"] == len(PIXELS) + 2 and not repo.folder.exists()
    assert (shards / "147000.fits").exists()


def test_files_of_a_table(repo: DavsRepository, tmp_path: Path) -> None:
    repo.make()
    register_type(repo.uri)
    shards = repo.server.data / "ä table"
    write_shards(shards)
    table = tmp_path / "tablé 1.ecsv"
    rows = {"filename": [f"{pixel}.fits" for pixel in PIXELS], "htm7": list(PIXELS)}
    Table(rows).write(table, format="ascii.ecsv")
    prefix = f"{repo.server.url}/data/{shards.name}/"
    repo.cycle(FilesState.from_params(in_table(table, prefix=prefix, transfer="direct", formatter=FORMATTER)))
    assert set(repo.stored().values()) == {repo.server.uri(shards / f"{pixel}.fits") for pixel in PIXELS}


@pytest.mark.parametrize("transfer", ["direct", "copy"])
def test_an_import(transfer: str, repo: DavsRepository) -> None:
    repo.make()
    folder = repo.server.data / f"calibrätions 1 {repo.name}"
    file = write_case(CALIBRATIONS, folder)
    folder.chmod(0o755)
    arguments = {"imports": [{"file": repo.server.uri(file)}], "transfer": transfer, "on_conflict": "fail"}
    with Butler.from_config(repo.uri, writeable=True) as butler:
        make_instrument(butler)
    repo.cycle(ImportsState.from_params(arguments))
    stored = repo.stored()
    assert len(stored) == DATASETS
    inside = sorted(stored.values()) if transfer == "copy" else []
    assert sorted(map(repo.server.uri, repo.artifacts())) == inside


def test_a_sky_map(repo: DavsRepository) -> None:
    repo.make()
    repo.cycle(SkyMapsState.from_params({"skymaps": [declared("small_discrete", discrete=FIELDS)]}))
    (uri,) = repo.stored().values()
    assert [uri] == [repo.server.uri(path) for path in repo.artifacts()]
