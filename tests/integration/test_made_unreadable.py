# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored datasets that can't be compared with what a task makes: outages are told from other content."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.state import DefectsState
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.state import InjectionState
from astropy.table import Table
from lsst.daf.butler import Butler

from tests.integration.converging import converge_here
from tests.integration.davs_repository import make_davs_repository
from tests.integration.masks import add_camera, completed, declared, write_masks
from tests.integration.postgres import Database
from tests.integration.repository_runs import present
from tests.integration.webdav import WebDav

Made: TypeAlias = Callable[..., DefectsState | InjectionState]
ON_CONFLICT = ("fail", "keep", "replace")
GARBAGE = {
    "cut off": lambda content: content[:100],
    "of the same size": lambda content: bytes(len(content)),
}


@pytest.fixture
def server(webdav: WebDav) -> Iterator[WebDav]:
    """Give the server, which is running and well afterwards whatever a test does to it."""
    yield webdav
    webdav.stop()
    webdav.start()


@pytest.fixture(params=["defects", "injection"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """Give what makes the state of a task of each kind."""
    if request.param == "defects":
        write_masks(tmp_path / "bpm")
        options = completed(declared(tmp_path / "bpm"))
        return lambda **more: DefectsState.from_params({**options, **more})
    path = tmp_path / "fakes.ecsv"
    Table({"ra": [10.0, 40.0], "dec": [1.0, 2.0]}).write(path)
    names = ("format", "columns", "defaults", "band_column", "band_names", "bands", "magnitudes")
    catalog = {**dict.fromkeys(names), "path": str(path), "bands": ["g"]}
    options = {"catalogs": [catalog], "run": "fakes", "dataset_type": "injection_catalog"}
    return lambda **more: InjectionState.from_params(
        {**options, "on_conflict": "fail", "on_missing": "fail", **more}
    )


@pytest.fixture
def site(made: Made, tmp_path: Path) -> Path:
    """Give a repository that has it all, in a datastore elsewhere."""
    repo = tmp_path / "repo"
    present(repo, {"datastore": {"root": str(tmp_path / "store")}}, override=True)
    with Butler.from_config(repo, writeable=True) as butler:
        add_camera(butler)
    assert converge_here(made(), repo).changed
    return repo


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Give all files below a folder, and when they were written."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def refuses(converge: Callable[..., Outcome], made: Made, *told: str) -> None:
    """Check that a task gives up, whatever is to be done about what differs."""
    for on_conflict in ON_CONFLICT:
        with pytest.raises(ButlerError) as caught:
            converge(made(on_conflict=on_conflict))
        message = str(caught.value)
        assert all(text in message for text in told), message
        assert "on_conflict" not in message


def test_a_server_that_does_not_give_a_file(
    made: Made, server: WebDav, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = make_davs_repository(server, database, tmp_path, monkeypatch)
    repo.make()
    with Butler.from_config(repo.uri, writeable=True) as butler:
        add_camera(butler)
    assert repo.converge(made()).changed
    before = contents(repo.folder)
    artifact = repo.artifacts()[0]
    mark = server.take_offline(artifact)
    refuses(repo.converge, made, artifact.name, "can't be read", "503", "run the task again")
    mark.unlink()
    assert contents(repo.folder) == before
    repository = open_repository(repo.uri, writeable=True)
    with repository.butler:
        server.stop()
        with pytest.raises(ButlerError, match=r"can't be read(.|\n)*refuses connections"):
            made(on_conflict="replace").observe(repository)
    server.start()
    assert contents(repo.folder) == before
    assert not repo.converge(made()).changed


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_root_that_is_not_mounted(kind: str, made: Made, site: Path, tmp_path: Path) -> None:
    store, away = tmp_path / "store", tmp_path / "away"
    before = contents(store)
    store.rename(away)
    if kind == "empty":  # whoever opens the repository makes it otherwise, and it is empty all the same
        store.mkdir()
    refuses(
        lambda state: converge_here(state, site),
        made,
        f"{store}/, where the datastore keeps its artifacts, is missing or empty",
    )
    assert contents(store) == {}
    away.rename(store)
    assert contents(store) == before
    assert not converge_here(made(), site).changed


def test_a_file_that_is_no_file(made: Made, site: Path, tmp_path: Path) -> None:
    before = contents(tmp_path / "store")
    artifact = min(before)
    artifact.rename(tmp_path / "aside")
    artifact.mkdir()
    refuses(lambda state: converge_here(state, site), made, f"{artifact} can't be read", "IsADirectoryError")
    artifact.rmdir()
    (tmp_path / "aside").rename(artifact)
    assert contents(tmp_path / "store") == before


def test_a_file_that_is_gone_is_a_difference(made: Made, site: Path, tmp_path: Path) -> None:
    before = contents(tmp_path / "store")
    artifact = min(before)
    artifact.unlink()
    with pytest.raises(ButlerError, match="content its file is gone stored"):
        converge_here(made(), site)
    done = converge_here(made(on_conflict="replace"), site)
    assert [change.action for change in done.changes] == ["replace"] and artifact.is_file()
    assert not converge_here(made(), site).changed


@pytest.mark.parametrize("kind", GARBAGE)
def test_content_that_is_none_is_a_difference(kind: str, made: Made, site: Path, tmp_path: Path) -> None:
    before: Any = contents(tmp_path / "store")
    artifact = min(before)
    artifact.write_bytes(GARBAGE[kind](before[artifact][1]))
    with pytest.raises(ButlerError, match=r"content it (can't be read|is no table of defects)"):
        converge_here(made(), site)
    done = converge_here(made(on_conflict="replace"), site)
    assert [change.action for change in done.changes] == ["replace"]
    assert not converge_here(made(), site).changed
