# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that `lsst.resources` gets along with are not refused, however they answer."""

from __future__ import annotations

import http.server
import re
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import reach_uris

from tests.integration.certificates import Authority

CONFIG = "LSST_RESOURCES_WEBDAV_CONFIG"


class Odd(http.server.ThreadingHTTPServer):
    """A WebDAV server whose next answers can be said; those that follow are good."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.options: list[int] = []
        self.propfind: list[int] = []
        self.asked: list[str] = []
        self.ahead = 0.0

    @property
    def url(self) -> str:
        return f"dav://127.0.0.1:{self.server_port}"


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers of it."""

    server: Odd
    protocol_version = "HTTP/1.1"

    def do_OPTIONS(self) -> None:
        self._answer(self.server.options.pop(0) if self.server.options else 200)

    def do_PROPFIND(self) -> None:
        self._answer(self.server.propfind.pop(0) if self.server.propfind else 207)

    def _answer(self, status: int) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(self.command)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if status == 308:
            self.send_header("Location", "/elsewhere/")
        elif status < 300:
            self.send_header("DAV", "1, 2")
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + self.server.ahead)

    def log_message(self, *_unused: object) -> None:
        pass


@pytest.fixture
def odd() -> Iterator[Odd]:
    with Odd() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def configure(patch: pytest.MonkeyPatch, file: Path, **entry: Any) -> None:
    file.write_text(yaml.safe_dump([entry]))
    patch.setenv(CONFIG, str(file))


@pytest.mark.parametrize(
    ("options", "propfind", "asked"),
    [
        ([308], [], ["OPTIONS", "PROPFIND"]),
        ([201], [], ["OPTIONS", "PROPFIND"]),
        ([], [308], ["OPTIONS", "PROPFIND"]),
        ([], [404], ["OPTIONS", "PROPFIND"]),
        ([429], [], ["OPTIONS", "OPTIONS", "PROPFIND"]),
        ([503], [500], ["OPTIONS", "OPTIONS", "PROPFIND", "PROPFIND"]),
    ],
)
def test_answers_after_which_work_goes_on(
    options: list[int], propfind: list[int], asked: list[str], odd: Odd
) -> None:
    odd.options, odd.propfind = options, propfind
    reach_uris([("sources[0]", f"{odd.url}/a")])
    assert odd.asked == asked


def test_answers_after_which_it_does_not(odd: Odd) -> None:
    odd.options = [204]
    with pytest.raises(ButlerError, match="answers OPTIONS with 204 No Content"):
        reach_uris([("repo", f"{odd.url}/a")])
    odd.propfind = [503, 503]
    with pytest.raises(ButlerError, match="answers PROPFIND /a with 503 Service Unavailable"):
        reach_uris([("repo", f"{odd.url}/a")])


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (7200, "; its clock is 7[12]\\d\\d s ahead of the one of this host"),
        (-7200, "; its clock is 7[12]\\d\\d s behind the one of this host"),
        (0, r"with the password given \(401\)$"),
    ],
)
def test_a_clock_that_is_wrong_is_said_where_somebody_is_refused(
    ahead: float, said: str, odd: Odd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"base_url": f"{odd.url}/", "user_name": "alice", "user_password": str(tmp_path / "password")}
    (tmp_path / "password").touch(0o600)
    (tmp_path / "password").write_text("wonderland")
    configure(monkeypatch, tmp_path / "file", **entry)
    odd.ahead, odd.propfind = ahead, [401]
    with pytest.raises(ButlerError) as caught:
        reach_uris([("repo", f"{odd.url}/a")])
    assert re.search(said, caught.value.message) and "wonderland" not in str(caught.value)


def test_rights_may_be_for_some_folders_below_a_prefix(odd: Odd) -> None:
    odd.propfind = [403]
    reach_uris([("prefix", f"{odd.url}/")])
    with pytest.raises(ButlerError, match="does not allow anybody to look at /"):
        reach_uris([("directory", f"{odd.url}/")])


def test_one_frontend_that_works_is_enough(odd: Odd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, gone = "dav://virtual.invalid:1/", "dav://127.0.0.1:1/"
    configure(monkeypatch, tmp_path / "file", base_url=base, frontend_base_urls=[gone, f"{odd.url}/"])
    reach_uris([("repo", f"{base}a")])
    assert odd.asked == ["OPTIONS", "PROPFIND"]
    configure(monkeypatch, tmp_path / "file", base_url=base, frontend_base_urls=[gone])
    with pytest.raises(ButlerError, match=r"127\.0\.0\.1:1 refuses connections"):
        reach_uris([("repo", f"{base}a")])


def test_a_web_server_that_wants_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority("CA of the web server")
    pem, ca = tmp_path / "localhost.pem", tmp_path / "ca.crt"
    pem.touch(0o600)
    pem.write_bytes(authority.sign(["localhost"]))
    ca.write_bytes(authority.certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.load_verify_locations(ca)
    context.verify_mode = ssl.CERT_REQUIRED
    # Since 1.3 a client is told only when it has asked for something.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with Odd() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = ("sources[0]", f"https://localhost:{server.server_port}/a")
        with pytest.raises(ButlerError, match="the TLS handshake with localhost failed"):
            reach_uris([place])
        monkeypatch.setenv("LSST_HTTP_AUTH_CLIENT_CERT", str(pem))
        with pytest.raises(ButlerError, match="CLIENT_CERT is set, and LSST_HTTP_AUTH_CLIENT_KEY is not"):
            reach_uris([place])
        monkeypatch.setenv("LSST_HTTP_AUTH_CLIENT_KEY", str(pem))
        reach_uris([place])
        monkeypatch.delenv("LSST_HTTP_AUTH_CLIENT_CERT")
        monkeypatch.delenv("LSST_HTTP_AUTH_CLIENT_KEY")
        monkeypatch.setenv("X509_USER_PROXY", str(pem))
        reach_uris([place])
        monkeypatch.setenv("X509_USER_PROXY", "/nowhere/proxy")
        with pytest.raises(ButlerError, match="X509_USER_PROXY names /nowhere/proxy, which can't be used"):
            reach_uris([place])
        server.shutdown()


def test_behind_a_proxy_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    reach_uris([("sources[0]", "https://nowhere.invalid/")])
    monkeypatch.setenv("NO_PROXY", "nowhere.invalid")
    with pytest.raises(ButlerError, match="can't be resolved"):
        reach_uris([("sources[0]", "https://nowhere.invalid/")])
