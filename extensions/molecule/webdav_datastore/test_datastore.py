# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The datastore of the scenario, from the outside: what verify.yml runs, on the machine of the controller."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

FACTS: dict[str, Any] = json.loads(Path(os.environ["RUBIN_BUTLER_DATASTORE"]).read_text())
HOST, PORT = FACTS["host"], FACTS["port"]
BASE = f"https://{HOST}:{PORT}"
WRITES = ["PUT", "DELETE", "MKCOL", "PROPPATCH", "MOVE", "COPY", "LOCK", "PATCH", "POST"]
PLACE = "/butler/test"
LARGE = 300 * 1024**2

Headers = dict[str, str]


def basic(user: str, password: str | None = None) -> Headers:
    return urllib3.make_headers(basic_auth=f"{user}:{password or FACTS['passwords'][user]}")


def encoded(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"sub": "service@example.org", "iss": "https://issuer.example.org", "aud": ["datastore.test"]}
    wanted = usual | {"iat": now, "exp": now + 600} | changes
    return {name: value for name, value in wanted.items() if value is not None}


def shared(content: dict[str, Any], secret: str | None = None) -> Headers:
    """Sign as one who shares a key with the server."""
    signed = encoded({"alg": "HS256", "kid": "shared"}) + "." + encoded(content)
    key = (secret or FACTS["shared"]).encode()
    return {
        "Authorization": f"Bearer {signed}.{encoded(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"
    }


def issued(content: dict[str, Any]) -> Headers:
    """Sign as the issuer whose certificate the server has."""
    key = serialization.load_pem_private_key(Path(FACTS["issuer_key"]).read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    signed = encoded({"alg": "RS256", "kid": "issuer"}) + "." + encoded(content)
    return {
        "Authorization": f"Bearer {signed}."
        + encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))
    }


HTTP = urllib3.PoolManager(ca_certs=FACTS["ca"], retries=False, timeout=120)


def ask(method: str, path: str, who: Headers | None = None, body: Any = None, **headers: str) -> int:
    return answer(method, path, who, body, **headers).status


def answer(
    method: str, path: str, who: Headers | None = None, body: Any = None, **headers: str
) -> urllib3.BaseHTTPResponse:
    wanted = {**(who or {}), **headers}
    return HTTP.request(method, BASE + path, headers=wanted, body=body, redirect=False)


@pytest.fixture(autouse=True)
def place() -> Iterator[None]:
    """Have an empty directory, and the servers' own areas as they were."""
    ask("DELETE", f"{PLACE}/", basic("butler"))
    assert ask("MKCOL", f"{PLACE}/", basic("butler")) == 201
    assert ask("PUT", f"{PLACE}/file", basic("butler"), b"data") == 201
    yield
    assert ask("DELETE", f"{PLACE}/", basic("butler")) == 204
    assert answer("GET", "/raw/first%20light.fits", basic("reader")).data == b"raw data"


def names_in(path: str, who: Headers) -> str:
    found = answer("PROPFIND", path, who, Depth="1")
    assert found.status == 207
    return found.data.decode()


def test_the_service_account_writes_and_deletes() -> None:
    who = basic("butler")
    assert ask("PUT", f"{PLACE}/new", who, b"new data") == 201
    assert answer("GET", f"{PLACE}/new", who).data == b"new data"
    assert ask("MOVE", f"{PLACE}/new", who, Destination=f"{BASE}{PLACE}/moved") == 201
    assert ask("COPY", f"{PLACE}/moved", who, Destination=f"{BASE}{PLACE}/copied") == 201
    listed = names_in(PLACE, who)
    assert "/moved<" in listed and "/copied<" in listed and "/new<" not in listed
    assert ask("DELETE", f"{PLACE}/copied", who) == 204


def test_a_reader_reads_and_is_refused_all_else() -> None:
    who = basic("reader")
    assert answer("GET", f"{PLACE}/file", who).data == b"data"
    assert ask("HEAD", f"{PLACE}/file", who) == 200
    assert "/file<" in names_in(PLACE, who)
    elsewhere = {"Destination": f"{BASE}{PLACE}/other"}
    assert {method: ask(method, f"{PLACE}/file", who, **elsewhere) for method in WRITES} == dict.fromkeys(
        WRITES, 403
    )


def test_raw_data_are_everyones_to_read_and_nobodys_to_write() -> None:
    for who in (basic("reader"), basic("butler"), basic("curator"), issued(claims())):
        assert answer("GET", "/raw/first%20light.fits", who).data == b"raw data"
        for path in ("/raw/first%20light.fits", "/raw/new", "/raw"):
            assert {ask(method, path, who, Destination=f"{BASE}/raw/other") for method in WRITES} == {403}


@pytest.mark.parametrize(
    "target", ["/raw/other", "/butler/../raw/other", "/%72aw/other", "//raw//other", "/other"]
)
def test_nothing_is_copied_or_moved_to_where_it_may_not_be_written(target: str) -> None:
    for method in ("COPY", "MOVE"):
        assert ask(method, f"{PLACE}/file", basic("butler"), Destination=BASE + target) == 403
    assert answer("GET", f"{PLACE}/file", basic("butler")).data == b"data"


def test_raw_data_are_copied_by_who_may_write_at_the_destination_and_never_into_their_area() -> None:
    raw = "/raw/first%20light.fits"
    for who in (basic("butler"), shared(claims())):
        wanted = {"Destination": f"{BASE}{PLACE}/copied", "Overwrite": "T"}
        assert ask("COPY", raw, who, **wanted) in (201, 204)
        assert answer("GET", f"{PLACE}/copied", who).data == b"raw data"
        for target in (
            "/raw/other",
            "//raw/other",
            "/%72aw/other",
            "/butler/../raw/other",
            "/butler/%2e%2e/raw/other",
            "/butler/.%2E/raw/other",
            "/elsewhere/other",
            "/other",
            "/butler",
        ):
            assert ask("COPY", raw, who, Destination=BASE + target) == 403, target
        assert ask("COPY", raw, who) == 403
        assert ask("MOVE", raw, who, **wanted) == 403
    for name in ("reader", "curator"):
        assert ask("COPY", raw, basic(name), Destination=f"{BASE}{PLACE}/other") == 403
        assert ask("COPY", f"{PLACE}/file", basic(name), Destination=f"{BASE}{PLACE}/other") == 403
    assert "other" not in names_in("/raw", basic("reader"))


def test_nothing_is_copied_from_where_it_may_not_be_read() -> None:
    assert ask("COPY", "/elsewhere", basic("butler"), Destination=f"{BASE}{PLACE}/stolen") == 403
    assert ask("COPY", "/", basic("butler"), Destination=f"{BASE}{PLACE}/stolen") == 403


def test_outside_of_the_areas_are_only_names() -> None:
    assert ask("OPTIONS", "/", basic("reader")) == 200
    assert "/butler/<" in names_in("/", basic("reader"))
    # The way to an area, and not what stands beside it.
    for path in ("/above", "/above/"):
        assert "/above/area/<" in names_in(path, basic("curator"))
    for path in ("/old", "/old/", "/old/sub", "/above/beside", "/above/area/", "/none", "//old"):
        for depth in ("0", "1"):
            assert ask("PROPFIND", path, basic("curator"), Depth=depth) == 403
            assert ask("PROPFIND", path, issued(claims(sub="stranger")), Depth=depth) == 403
    assert ask("GET", "/", basic("butler")) == 403
    assert ask("PUT", "/new", basic("butler"), b"") == 403
    assert ask("MKCOL", "/butler2", basic("butler")) == 403


def test_without_a_password_there_is_nothing() -> None:
    # 403 where not even a password would help.
    never = {"/": {"GET", "HEAD"}, "/none": {"GET", "HEAD", "PROPFIND"}}
    for path in ("/", "/butler", "/raw", "/elsewhere", f"{PLACE}/file", "/raw/first%20light.fits", "/none"):
        useless = never.get(path, set())
        for method in ("GET", "HEAD", "OPTIONS", "PROPFIND"):
            assert ask(method, path, Depth="1") == (403 if method in useless else 401)
        assert {ask(method, path, Destination=f"{BASE}/x") for method in WRITES} <= {401, 403}


def test_wrong_passwords_are_refused() -> None:
    assert ask("GET", f"{PLACE}/file", basic("reader", "wrong")) == 401
    assert ask("GET", f"{PLACE}/file", basic("reader", FACTS["passwords"]["butler"])) == 401
    assert ask("GET", f"{PLACE}/file", basic("nobody", FACTS["passwords"]["butler"])) == 401


def test_tokens_of_both_kinds_are_taken() -> None:
    for who in (shared(claims()), issued(claims())):
        assert ask("OPTIONS", "/", who) == 200
        assert ask("PUT", f"{PLACE}/token", who, b"data") in (201, 204)
        assert answer("GET", f"{PLACE}/token", who).data == b"data"
        assert ask("COPY", f"{PLACE}/token", who, Destination=f"{BASE}{PLACE}/copied", Overwrite="T") in (
            201,
            204,
        )
        assert ask("MOVE", f"{PLACE}/copied", who, Destination=f"{BASE}/raw/other") == 403
        assert ask("PUT", "/raw/token", who, b"data") == 403
    reader = issued(claims(sub="reader"))
    assert ask("GET", f"{PLACE}/file", reader) == 200
    assert ask("PUT", f"{PLACE}/file", reader, b"data") == 403
    assert ask("GET", f"{PLACE}/file", issued(claims(sub="stranger"))) == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"iss": "https://else.example.org"},
        {"aud": "else"},
        {"iss": None},
        {"aud": None},
    ],
    ids=str,
)
def test_tokens_that_are_not_for_here_are_refused(changes: dict[str, Any]) -> None:
    for sign in (shared, issued):
        assert ask("GET", f"{PLACE}/file", sign(claims(**changes))) in (401, 403)
        assert ask("PUT", f"{PLACE}/file", sign(claims(**changes)), b"x") in (401, 403)


def test_tokens_of_a_skewed_clock() -> None:
    now = int(time.time())
    ahead = claims(iat=now + 300, nbf=now + 300, exp=now + 900)
    assert ask("GET", f"{PLACE}/file", shared(ahead)) == 200
    behind = claims(iat=now - 605, exp=now - 5)
    assert ask("GET", f"{PLACE}/file", shared(behind)) == 401


def test_forged_tokens_are_refused() -> None:
    unsigned = encoded({"alg": "none"}) + "." + encoded(claims()) + "."
    certificate = Path(FACTS["issuer_key"]).with_suffix(".crt").read_text()
    for who in (
        shared(claims(), secret="x" * 48),
        shared(claims(), secret=certificate),
        {"Authorization": f"Bearer {unsigned}"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"bearer {FACTS['passwords']['butler']}"},
    ):
        assert ask("PUT", f"{PLACE}/file", who, b"forged") == 401
    query = shared(claims())["Authorization"].removeprefix("Bearer ")
    assert ask("GET", f"{PLACE}/file?access_token={query}") == 401


def test_links_lead_nowhere() -> None:
    assert ask("GET", "/raw/link/passwd", basic("butler")) == 403
    assert ask("GET", "/butler/../../../etc/passwd", basic("butler")) in (400, 403, 404)
    assert ask("GET", "/raw/%2e%2e/%2e%2e/etc/passwd", basic("butler")) in (400, 403, 404)


def test_files_are_bytes_whatever_their_name() -> None:
    who = basic("butler")
    content = b"#!/bin/sh\necho run\n" * 100
    for name in (
        "page.html",
        "a.php",
        "a.cgi",
        "a.var",
        "a.shtml",
        "data.fits.gz",
        "tab.yaml",
        ".htaccess",
        "x.Z",
    ):
        assert ask("PUT", f"{PLACE}/{name}", who, content) == 201, name
        done = answer("GET", f"{PLACE}/{name}", who, **{"Accept-Encoding": "gzip"})
        kept = name.startswith(".ht")  # what the distributions keep to themselves
        assert (done.status, done.data) == (200, content) or (kept and done.status == 403), name
        assert "Content-Encoding" not in done.headers, name
    part = answer("GET", f"{PLACE}/page.html", who, Range="bytes=2-8")
    assert (part.status, part.data) == (206, content[2:9])


def test_no_listing_goes_deep_and_no_lock_is_had() -> None:
    assert ask("PROPFIND", "/butler", basic("butler"), Depth="infinity") == 403
    wanted = (
        b'<?xml version="1.0"?><lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope>'
        b"<locktype><write/></locktype></lockinfo>"
    )
    assert ask("LOCK", f"{PLACE}/file", basic("butler"), wanted) == 403


def test_a_large_file() -> None:
    """Larger than what the memory of a worker should hold, and of no known length when it starts."""

    def zeros() -> Iterator[bytes]:
        for _count in range(LARGE // 2**20):
            yield bytes(2**20)

    who = basic("butler")
    assert ask("PUT", f"{PLACE}/large", who, zeros()) == 201
    assert answer("HEAD", f"{PLACE}/large", who).headers["Content-Length"] == str(LARGE)


def test_butlers_client_reads_and_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    account = {"user_name": "butler", "user_password": FACTS["passwords"]["butler"]}
    config = [{"base_url": f"davs://{HOST}:{PORT}/", "trusted_authorities": FACTS["ca"], **account}]
    (tmp_path / "webdav.yaml").write_text(json.dumps(config))
    (tmp_path / "webdav.yaml").chmod(0o600)
    monkeypatch.setenv("LSST_RESOURCES_WEBDAV_CONFIG", str(tmp_path / "webdav.yaml"))
    from lsst.resources import ResourcePath

    root = ResourcePath(f"davs://{HOST}:{PORT}{PLACE}/", forceDirectory=True)
    for name in ("plain", "with blanks", "Gerät", "星.fits", "50%+&#'"):
        one = root.join("new/deep", forceDirectory=True).join(name, forceDirectory=False)
        one.write(b"data")
        assert one.exists() and one.size() == 4 and one.read() == b"data"
        other = root.join("other", forceDirectory=True).join(name, forceDirectory=False)
        other.transfer_from(one, "copy")
        assert other.read() == b"data"
        one.remove()
        assert not one.exists()
    assert len(list(ResourcePath.findFileResources([root.join("other", forceDirectory=True)]))) == 5
    raw = ResourcePath(f"davs://{HOST}:{PORT}/raw/first light.fits")
    assert raw.read() == b"raw data"
    copied = root.join("copied/first light.fits")
    copied.transfer_from(raw, "copy")
    assert copied.read() == b"raw data"
    with pytest.raises(Exception, match="403"):
        ResourcePath(f"davs://{HOST}:{PORT}/raw/new.fits").write(b"data")


def test_only_tls_from_1_2_on_and_only_of_a_known_authority() -> None:
    with pytest.raises(urllib3.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib3.PoolManager(retries=False).request("OPTIONS", BASE)
    for newest, taken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        context = ssl.create_default_context(cafile=FACTS["ca"])
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
        with socket.create_connection((HOST, PORT), timeout=20) as plain:
            if taken:
                assert context.wrap_socket(plain, server_hostname=HOST).version() == "TLSv1.2"
            else:
                with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
                    context.wrap_socket(plain, server_hostname=HOST)


def test_nothing_is_said_without_tls() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, 80), timeout=20)
    done = urllib3.PoolManager(retries=False).request(
        "GET", f"http://{HOST}:{PORT}/raw/", headers=basic("reader")
    )
    assert done.status == 400


def test_little_is_told_of_the_server() -> None:
    assert answer("GET", "/none").headers["Server"] == "Apache"
    assert ask("TRACE", "/butler", basic("butler")) in (403, 405)
    for path in ("/server-status", "/icons/", "/manual/", "/cgi-bin/x"):
        assert ask("GET", path, basic("butler")) == 403
