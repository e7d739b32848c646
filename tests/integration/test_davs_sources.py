# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources on a WebDAV server that gives no answer: nothing is left out for it, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.files import FilesState
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
from astropy.table import Table
from lsst.daf.butler import Butler

from tests.integration.canonical import dump
from tests.integration.converging import converge_here
from tests.integration.davs_repository import QUICK
from tests.integration.exports import CALIBRATIONS, DATASETS, make_instrument, write_case
from tests.integration.refcat_files import PIXELS, in_table, register_type, write_shards
from tests.integration.webdav import PASSWORD, WebDav


@pytest.fixture
def sources(webdav: WebDav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of its own behind the server."""
    webdav.use(monkeypatch, tmp_path / "webdav.yaml", **QUICK)
    return webdav.data / f"sources {tmp_path.name}"


@contextmanager
def down(server: WebDav) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def hidden(folder: Path) -> Iterator[None]:
    """Let the server answer 403 about what is in a folder."""
    folder.chmod(0)
    try:
        yield
    finally:
        folder.chmod(0o755)


def refuses(state: Any, repo: Path, option: str, said: str) -> None:
    Butler.from_config(repo, writeable=True).close()  # the first one makes a table
    before = dump(repo)
    for check_mode in (True, False):
        with pytest.raises(
            ButlerError, match=rf"whether davs://.* is there can't be told: .*{said}"
        ) as caught:
            converge_here(state, repo, check_mode=check_mode)
        assert caught.value.option == option and "run the task again" in str(caught.value)
        assert PASSWORD not in str(caught.value)
    assert dump(repo) == before


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_files(on_missing: str, webdav: WebDav, sources: Path, repo: Path, tmp_path: Path) -> None:
    write_shards(sources)
    (sources / f"{PIXELS[0]}.fits").unlink()
    table = tmp_path / "table.ecsv"
    rows = {"filename": [f"{pixel}.fits" for pixel in PIXELS], "htm7": list(PIXELS)}
    Table(rows).write(table, format="ascii.ecsv")
    state = FilesState.from_params(
        in_table(table, prefix=webdav.uri(sources), transfer="direct", on_missing=on_missing)
    )
    with down(webdav):  # while nothing is known of the dataset type
        refuses(state, repo, "table", "refuse")
    register_type(repo)
    with down(webdav):
        refuses(state, repo, "table", "refuse")
    with hidden(sources):
        refuses(state, repo, "table", "403")
    if on_missing == "skip":
        done = converge_here(state, repo)
        assert done.stats["skipped"] == 1 and done.stats["added"] == len(PIXELS)  # the run, and five


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_an_import(on_missing: str, webdav: WebDav, sources: Path, repo: Path, tmp_path: Path) -> None:
    write_case(CALIBRATIONS, sources)
    sources.chmod(0o755)
    file = Path((sources / "export.yaml").rename(tmp_path / "export.yaml"))
    one = {"file": str(file), "directory": webdav.uri(sources)}
    state = ImportsState.from_params(
        {"imports": [one], "transfer": "direct", "on_conflict": "fail", "on_missing": on_missing}
    )
    with Butler.from_config(repo, writeable=True) as butler:
        make_instrument(butler)
    with down(webdav):
        refuses(state, repo, "imports[0]", "refuse")
    with hidden(sources):
        refuses(state, repo, "imports[0]", "403")
    converge_here(state, repo)
    with Butler.from_config(repo) as butler:
        assert len(butler.query_all_datasets("*", find_first=False)) == DATASETS
