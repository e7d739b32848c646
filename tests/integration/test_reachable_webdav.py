# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a WebDAV server is said at once: which step failed, and what to check."""

from __future__ import annotations

import http.server
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import reach_uris
from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import TIMEOUT

from tests.integration.ansible_play import run
from tests.integration.webdav import PASSWORD, READER, SERVICE, WebDav
from tests.integration.webdav_tokens import web_token
from tests.waiting import until

CONFIG = "LSST_RESOURCES_WEBDAV_CONFIG"


@pytest.fixture
def server(webdav: WebDav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebDav]:
    """Give the server, which is well afterwards, and a file with credentials for it."""
    webdav.write_config(tmp_path / "webdav.yaml")
    monkeypatch.setenv(CONFIG, str(tmp_path / "webdav.yaml"))
    yield webdav
    webdav.show("good")


def said(url: str) -> str:
    """Ask, and give what is said; the password never is."""
    with pytest.raises(ButlerError) as caught:
        reach_uris([("repo", url)])
    assert str(caught.value).startswith(f"repo: {url} can't be reached: "), caught.value
    assert PASSWORD not in str(caught.value) and "wr0ng" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("user", [SERVICE, READER])
def test_a_server_that_is_well_is_asked_twice(user: str, server: WebDav, tmp_path: Path) -> None:
    server.write_config(tmp_path / "webdav.yaml", user)
    before = len(server.requests)
    places = [
        ("repo", f"{server.url}/butler/new é 1"),
        ("sources[0]", f"{server.url}/data/"),
        ("table", "/local"),
    ]
    reach_uris(places)
    # The server writes its log when it has answered.
    until(lambda: len(server.requests) >= before + 2)
    assert [line.split()[0] for line in server.requests[before:]] == ["OPTIONS", "PROPFIND"]


@pytest.mark.parametrize(
    ("settings", "message", "check"),
    [
        (
            {"user_password": "wr0ng"},
            "refuses user service with the password given (401)",
            "user_password in",
        ),
        ({"user_password": None}, "wants to know who asks (401)", "user_name and user_password, or token"),
        (
            {"base_url": "davs://other.example.org:1/"},
            "is not trusted here, CA of the tests",
            "there is none",
        ),
        ({"trusted_authorities": "UNKNOWN"}, "is not trusted here, CA of the tests", "trusted_authorities"),
        (
            {"trusted_authorities": "/nowhere/ca.crt"},
            "/nowhere/ca.crt, which is not there",
            "trusted_authorities",
        ),
        (
            {"user_password": "/wr0ng"},
            "refuses user service with the password given (401)",
            "If user_password is to name a file: there is none of that name.",
        ),
        ({"token": "~wr0ng"}, "refuses the token (401)", "If token is to name a file: there is none"),
        (
            {"token": "wr0ng\n"},
            "has a line break, or a character that is not ASCII",
            "in a file of its own",
        ),
        ({"user_cert": "/nowhere/proxy"}, "user_cert of the entry", "may read both"),
        ({"token": "wr0ng"}, "refuses the token (401)", "Check that it is a token for this server"),
        ({"token": web_token(exp=1_600_000_000)}, "it has expired on 2020-09-13 12:26:40 UTC", "Renew it"),
        (
            {"token": web_token(exp=9_000_000_000, nbf=8_000_000_000)},
            "it is valid from 2223-07-06 14:13:20 UTC on, and the server's clock says 2",
            "Set the clock that is wrong",
        ),
    ],
)
def test_what_this_host_knows_is_wrong(
    settings: dict[str, Any], message: str, check: str, server: WebDav, tmp_path: Path
) -> None:
    if settings.get("trusted_authorities") == "UNKNOWN":
        settings = {"trusted_authorities": str(server.unknown_ca)}
    file = server.write_config(tmp_path / "webdav.yaml", **settings)
    text = said(f"{server.url}/butler/ccms1")
    assert message in text and check in text
    assert str(file) in text or "/nowhere/" in text or "base_url" in settings


@pytest.mark.parametrize(
    ("certificate", "message"),
    [
        (
            "expired",
            r"the certificate of localhost has expired on 20\d\d-\d\d-\d\d .*the clock of this host says 20",
        ),
        ("unknown", r"signed by an authority that is not trusted here, unknown CA of the tests,"),
        ("other", r"the certificate is not for localhost, but for other\.example\.org"),
    ],
)
def test_the_servers_certificate_is_wrong(certificate: str, message: str, server: WebDav) -> None:
    server.show(certificate)
    assert re.search(message, said(f"{server.url}/butler/ccms1"))


def test_a_server_that_is_not_there(server: WebDav) -> None:
    assert "Connection refused" in said("davs://localhost:1/butler")
    assert "the name nowhere.invalid can't be resolved" in said("davs://nowhere.invalid/butler")
    assert "davs:// (TLS) or dav:// (none)" in said(f"{server.url.replace('davs', 'dav')}/butler")


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = said(f"davs://localhost:{silent.getsockname()[1]}/butler")
    assert "does not answer a TLS handshake" in text and TIMEOUT < 10


def test_a_web_server_without_webdav(server: WebDav, tmp_path: Path) -> None:
    class Plain(http.server.BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_unused: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.folder / "good.pem")
    with http.server.HTTPServer(("127.0.0.1", 0), Plain) as plain:
        plain.socket = context.wrap_socket(plain.socket, server_side=True)
        threading.Thread(target=plain.serve_forever, daemon=True).start()
        url = f"davs://localhost:{plain.server_port}"
        server.write_config(tmp_path / "webdav.yaml", base_url=url)
        assert "is a web server without WebDAV" in said(f"{url}/butler")
        plain.shutdown()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user_password: p4ss\n  base_url: x\n", "is not YAML"),
        ("base_url: davs://localhost/\n", "is not a list of entries"),
        (None, "can't be read: No such file"),
    ],
)
def test_a_file_of_credentials_that_can_not_be_used(
    content: str | None, message: str, server: WebDav, tmp_path: Path
) -> None:
    file = tmp_path / "webdav.yaml"
    file.unlink() if content is None else file.write_text(content)
    text = said(f"{server.url}/butler")
    assert f"{CONFIG} names {file}, which" in text and message in text and "p4ss" not in text


def test_a_token_file_that_others_may_read(server: WebDav, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(web_token(exp=1))
    token.chmod(0o644)
    server.write_config(tmp_path / "webdav.yaml", token=str(token))
    assert f"chmod 600 {token}" in said(f"{server.url}/butler")


def test_modules_say_it_of_their_options(server: WebDav, repo: Path) -> None:
    arguments = {
        "repo": str(repo),
        "instrument": "LSSTComCam",
        "sources": ["/data", "davs://localhost:1/raw/"],
    }
    result = run("butler_raws", arguments, check_mode=True)
    assert result.failed
    assert result.message.startswith(
        "sources[1]: davs://localhost:1/raw/ can't be reached: localhost:1 refuses connections"
    )
    elsewhere = server.url.replace(str(server.port), "1")
    result = run("butler_info", {"repo": f"{elsewhere}/butler"})
    assert result.failed and f"repo: {elsewhere}/butler can't be reached" in result.message


@pytest.mark.parametrize("option", ["file", "directory"])
def test_a_password_in_the_uri_of_an_import_is_not_shown(option: str, repo: Path) -> None:
    uris = {"file": "/nowhere/export.yaml", option: "davs://user:wr0ng@localhost:1/x"}
    result = run("butler_import", {"repo": str(repo), "imports": [uris]}, check_mode=True)
    assert result.failed and "wr0ng" not in str(result.result)
    assert result.message.startswith(f"imports[0].{option}: davs://localhost:1/x comes with user information")
