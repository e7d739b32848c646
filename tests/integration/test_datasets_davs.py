# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_datasets on a WebDAV server: what is gone there, what can't be told, and artifacts that don't go."""

from __future__ import annotations

import http.server
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import UnclearError, gone_among
from ansible_collections.rubin.butler.plugins.module_utils._storage.sizes import sizes_of
from lsst.resources import ResourcePath

from tests.integration.davs_repository import QUICK, DavsRepository, make_davs_repository
from tests.integration.interruptions import at_boundary
from tests.integration.modules_here import cycle_here
from tests.integration.postgres import Database
from tests.integration.removal_cases import LATER, RAWS, RUN, TAG, fill, held, state
from tests.integration.webdav import PASSWORD, READER, WebDav, forget_clients

BIASES = ["bias 0", "bias 1", "bias 2"]


@pytest.fixture
def server(webdav: WebDav) -> Iterator[WebDav]:
    """Give the server, which is running and well afterwards whatever a test does to it."""
    passwords = (webdav.folder / "passwords").read_text()
    yield webdav
    (webdav.folder / "passwords").write_text(passwords)
    webdav.stop()
    webdav.start()


@pytest.fixture
def repo(
    server: WebDav, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DavsRepository:
    repository = make_davs_repository(server, database, tmp_path, monkeypatch)
    repository.make()
    fill(repository.uri, tmp_path / "raws")
    return repository


def removed(
    repo: DavsRepository, *, check: bool = False, report: Report | None = None, **options: Any
) -> Outcome:
    return repo.converge(state(**options), check=check, report=report)


def forgotten(repo: DavsRepository, **more: Any) -> Outcome:
    return removed(repo, collections=[RUN, LATER, RAWS], dataset_type="*", forget_unstored=True, **more)


def marked(repo: DavsRepository) -> int:
    return int(repo.database.execute(f"SELECT count(*) FROM {repo.namespace}.dataset_location_trash")[0][0])


def refuses(repo: DavsRepository, message: str, report: Report | None = None) -> None:
    before = repo.database.execute(f"SELECT id FROM {repo.namespace}.dataset ORDER BY id")
    with pytest.raises(ButlerError, match=message) as caught:
        forgotten(repo, report=report)
    assert PASSWORD not in str(caught.value)
    assert repo.database.execute(f"SELECT id FROM {repo.namespace}.dataset ORDER BY id") == before


def test_what_the_server_does_not_find_is_forgotten(repo: DavsRepository) -> None:
    shutil.rmtree(repo.folder / LATER)
    repo.artifacts()[0].unlink()
    item = {"dataset_type": "*", "collections": "*"}
    task = {"repo": repo.uri, "state": "absent", "datasets": [item], "forget_unstored": True}
    done = cycle_here("butler_datasets", task)
    done.assert_converges()
    assert {change["name"]: change["before"]["datasets"] for change in done.run["changes"][1:3]} == {
        f"bias in {RUN}": 1,
        f"bias in {LATER}": 3,
    }
    found = held(repo.uri)
    assert found[RUN] == BIASES[1:] and found[LATER] == [] and len(found[RAWS]) == 3
    assert len(repo.artifacts()) == 2


def test_datasets_are_purged_and_unstored_there(repo: DavsRepository) -> None:
    item = {"dataset_type": "bias", "collections": RUN}
    for removal, kept in (("unstore", BIASES), ("purge", [])):
        task = {"repo": repo.uri, "state": "absent", "datasets": [item], "removal": removal}
        done = cycle_here("butler_datasets", task)
        done.assert_converges()
        assert held(repo.uri)[RUN] == kept and len(repo.artifacts()) == 3 and marked(repo) == 0


def test_a_server_that_is_down_or_goes_away(repo: DavsRepository) -> None:
    shutil.rmtree(repo.folder / RUN)
    repo.server.stop()
    refuses(repo, "refuses connections")
    # When the plan is made, and the first batch is to be looked at again.
    repo.server.start()
    refuses(repo, "refuses connections", at_boundary(1, repo.server.stop))
    repo.server.start()
    assert forgotten(repo).stats["removed"] == 9


def test_credentials_that_are_not_taken(repo: DavsRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(repo.folder / RUN)
    repo.know(monkeypatch, user_password="wrong")
    with pytest.raises(ButlerError, match="401"):
        forgotten(repo)
    repo.know(monkeypatch)
    # They end when the plan is made.
    passwords = repo.server.folder / "passwords"
    refuses(repo, "401", at_boundary(1, lambda: passwords.write_text(f"{READER}:{{SHA}}other\n")))


def test_a_folder_that_may_not_be_looked_into(repo: DavsRepository) -> None:
    shutil.rmtree(repo.folder / LATER)
    folder = repo.folder / RUN / "bias"
    folder.chmod(0)
    try:
        refuses(repo, r"whether davs://.* is there can't be told: .*403")
    finally:
        folder.chmod(0o755)
    assert forgotten(repo).stats["removed"] == 3


def test_a_root_that_is_not_mounted_on_the_server(repo: DavsRepository) -> None:
    config = repo.folder / "butler.yaml"
    content = config.read_text()
    # butler.yaml is elsewhere than the artifacts.
    config.write_text(content.replace("root: <butlerRoot>", f"root: {repo.uri}/store"))
    store = repo.folder / "store"
    store.mkdir()
    for name in repo.folder.iterdir():
        if name not in (config, store):
            name.rename(store / name.name)
    repo.server.make_writable()
    assert not forgotten(repo).changed
    before = held(repo.uri)
    store.rename(repo.folder / "away")
    for message in ("is missing or empty", "is missing or empty: its file system may not be mounted"):
        with pytest.raises(ButlerError, match=message):
            forgotten(repo)
        with pytest.raises(ButlerError, match=message):
            removed(repo, removal="purge")
        store.mkdir(exist_ok=True)
        repo.server.make_writable()
    assert held(repo.uri) == before and marked(repo) == 0


def test_a_server_that_goes_away_while_artifacts_are_removed(repo: DavsRepository) -> None:
    with pytest.raises(ButlerError, match=r"can't be told|can't be removed"):
        removed(repo, removal="purge", report=at_boundary(2, repo.server.stop))
    repo.server.start()
    assert held(repo.uri)[RUN] == BIASES[1:]
    removed(repo, removal="purge")
    assert held(repo.uri)[RUN] == [] and len(repo.artifacts()) == 3 and marked(repo) == 0


def test_artifacts_that_the_server_does_not_remove(
    repo: DavsRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.know(monkeypatch, user_name=READER)
    with pytest.raises(ButlerError, match="1 artifacts can't be removed") as caught:
        removed(repo, removal="purge")
    assert re.search("status 40[13]", str(caught.value)) and "still registered" in str(caught.value)
    assert marked(repo) == 1  # the first one found it out for all
    assert held(repo.uri)[RUN] == BIASES and len(repo.artifacts()) == 6 and held(repo.uri)[TAG] == BIASES[:2]
    repo.know(monkeypatch)
    assert removed(repo, removal="purge").stats["removed"] == 9
    assert held(repo.uri)[RUN] == [] and len(repo.artifacts()) == 3 and marked(repo) == 0


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers everything below ``/odd`` with one status, and knows the folder that it is in."""

    protocol_version = "HTTP/1.1"
    status = 404
    seconds = 0.0

    def do_OPTIONS(self) -> None:
        self._answer(200, DAV="1, 2")

    def do_HEAD(self) -> None:
        self._odd()

    def do_PROPFIND(self) -> None:
        self._odd()

    def _odd(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.seconds)
        if not self.status:
            self.connection.shutdown(socket.SHUT_RDWR)
        self._answer(self.status or 500)

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_unused: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("scheme", "status", "seconds"),
    [
        *(("dav", status, 0.0) for status in (0, 401, 403, 408, 429, 500, 502, 503, 504)),
        ("dav", 207, 2.0),
        # For others lsst.resources tries again for more than half a minute.
        *(("http", status, 0.0) for status in (401, 403)),
    ],
)
def test_only_not_found_is_not_found(
    scheme: str, status: int, seconds: float, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "webdav.yaml"
    config.write_text(
        yaml.safe_dump([{"base_url": f"dav://127.0.0.1:{port}/", **QUICK, "timeout_read": 0.2}])
    )
    monkeypatch.setenv("LSST_RESOURCES_WEBDAV_CONFIG", str(config))
    forget_clients()
    uri = ResourcePath(f"{scheme}://127.0.0.1:{port}/odd/file.fits")
    monkeypatch.setattr(Answering, "status", status)
    monkeypatch.setattr(Answering, "seconds", seconds)
    said = str(status) if status not in (0, 207) else "Max retries exceeded|Read timed out"
    with pytest.raises(UnclearError, match=rf"whether .*/odd/file.fits is there can't be told: .*({said})"):
        gone_among([uri], [])
    with pytest.raises(UnclearError, match=rf"table: whether .*/odd/file.fits is there can't be .*({said})"):
        sizes_of([str(uri)], "table")
    monkeypatch.setattr(Answering, "status", 404)
    monkeypatch.setattr(Answering, "seconds", 0.0)
    assert sizes_of([str(uri)], "table") == {}
    if scheme == "http":
        assert gone_among([uri], []) == {uri}
    else:  # a server that does not even know its own root
        with pytest.raises(UnclearError, match="anything may be mounted there"):
            gone_among([uri], [])
