# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entry is for a server, and what it says."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import TIMEOUT, UnreachableError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.webdav_settings import (
    VARIABLE,
    Settings,
    base_of,
    read_settings,
)

FILE = """
- base_url: davs://store.example.org:2880/some/path
  user_name: service
  user_password: ${SECRET_OF_TESTS}
- base_url: davs://store.example.org/
  token: /nowhere/token
- no_base_url: 1
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "webdav.yaml"
    path.write_text(FILE)
    monkeypatch.setenv(VARIABLE, str(path))
    monkeypatch.setenv("SECRET_OF_TESTS", "p4ss")
    return path


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("davs://Store.example.org:2880/a%20b/c?d#e", "https://Store.example.org:2880/"),
        ("HTTPS://Store.example.org/", "https://store.example.org/"),
        ("davs://store.example.org/", "https://store.example.org/"),
        ("dav://store.example.org:80", "http://store.example.org:80/"),
        ("https://[::1]:2880/", "https://[::1]:2880/"),
    ],
)
def test_servers_are_named_as_lsst_resources_looks_them_up(url: str, base: str) -> None:
    from lsst.resources.davutils import normalize_url

    assert base_of(url) == base == normalize_url(url, preserve_path=False)


def test_variables_are_replaced_in_the_entry(file: Path) -> None:
    settings = read_settings("https://store.example.org:2880/")
    assert settings.authorization() == "Basic " + base64.b64encode(b"service:p4ss").decode()
    assert settings.where == f"the entry for davs://store.example.org:2880/ in {file}"


def test_a_port_that_is_written_is_another_entry(file: Path) -> None:
    assert read_settings("https://store.example.org/").entry == {
        "base_url": "davs://store.example.org/",
        "token": "/nowhere/token",
    }
    settings = read_settings("https://store.example.org:443/")
    assert settings.entry == {} and settings.authorization() is None and "there is none" in settings.where


def test_what_names_no_file_is_the_secret_itself(file: Path) -> None:
    assert read_settings("https://store.example.org/").authorization() == "Bearer /nowhere/token"
    for secret in ("/p4ss", "~p4ss", "./p4ss", "../p4ss"):
        settings = Settings("https://a/", str(file), {"user_name": "service", "user_password": secret})
        assert settings.authorization() == "Basic " + base64.b64encode(f"service:{secret}".encode()).decode()


@pytest.mark.parametrize("token", ["p4ss\n", "p4ss\nsecond", "p4\u2019ss", "p4ss\r"])
def test_a_token_that_no_header_can_carry_is_not_shown(token: str, file: Path, tmp_path: Path) -> None:
    inline = Settings("https://a/", str(file), {"token": token})
    named = tmp_path / "token"
    named.touch(0o600)
    named.write_text(f"{token}second")
    for settings in (inline, Settings("https://a/", str(file), {"token": str(named)})):
        with pytest.raises(UnreachableError, match="line break, or a character that is not") as caught:
            settings.authorization()
        assert "p4" not in caught.value.what + caught.value.hint


def test_two_entries_are_refused_as_lsst_resources_does(file: Path) -> None:
    file.write_text(FILE + FILE)
    with pytest.raises(UnreachableError, match=r"2 entries for https://store\.example\.org/"):
        read_settings("https://store.example.org/")


def test_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    settings = read_settings("https://store.example.org/")
    assert settings.authorization() is None and f"{VARIABLE} is to name" in settings.where


@pytest.mark.parametrize(("said", "taken"), [(20.5, 20.5), ("30", 30.0), (1, TIMEOUT), ("soon", TIMEOUT)])
def test_the_time_to_connect(said: object, taken: float) -> None:
    assert Settings("https://a/", None, {"timeout_connect": said}).timeout == taken
    assert Settings("https://a/", None).timeout == TIMEOUT


def test_frontends_are_asked_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR", "door.example.org")
    entry = {"frontend_base_urls": ["davs://${DOOR}:2880/x", "https://b/"]}
    assert Settings("https://a/", None, entry).frontends == ["https://door.example.org:2880/", "https://b/"]
    for nothing in ({}, {"frontend_base_urls": []}, {"frontend_base_urls": None}):
        assert Settings("https://a/", None, nothing).frontends == ["https://a/"]
