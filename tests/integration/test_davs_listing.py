# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of a WebDAV server are listed as local ones are, each asked for once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import list_raws
from ansible_collections.rubin.butler.plugins.module_utils._storage.remote_folders import AHEAD, walk_remote
from ansible_collections.rubin.butler.plugins.module_utils._storage.sizes import sizes_of
from lsst.resources import ResourcePath

from tests.integration.webdav import WebDav

NIGHTS = {"2024 11 08": 2, "2024#11": AHEAD + 6, "50%25": 0, "plain": 3, "été": 1}
"""How many directories each has; those without any have nothing in them."""


@pytest.fixture
def top(webdav: WebDav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder behind the server with more directories than are asked for at a time."""
    webdav.use(monkeypatch, tmp_path / "webdav.yaml")
    top = webdav.data / tmp_path.name
    for night, exposures in NIGHTS.items():
        (top / night).mkdir(parents=True)
        for number in range(exposures):
            folder = top / night / f"exposure {number}"
            folder.mkdir()
            (folder / "raw & co.fits").touch()
    return top


def listed(
    webdav: WebDav, top: Path, *, without: str | None = None
) -> list[tuple[str, list[str], list[str]]]:
    found = []
    for folder, folders, files in walk_remote(ResourcePath(webdav.uri(top))):
        found.append((folder.relative_to(ResourcePath(webdav.uri(top))), list(folders), list(files)))
        if without in folders:
            folders.remove(without)
    return found


def test_it_is_what_a_local_listing_gives_in_its_order(webdav: WebDav, top: Path) -> None:
    expected = [(".", sorted(NIGHTS), [])]
    for night, exposures in sorted(NIGHTS.items()):
        inner = sorted(f"exposure {number}" for number in range(exposures))
        if inner:
            expected.append((night, inner, []))
        expected += [(f"{night}/{name}", [], ["raw & co.fits"]) for name in inner]
    before = len(webdav.requests)
    assert listed(webdav, top) == expected
    # lsst.resources looks whether a directory is there before it lists it. That names are quoted, and été
    # does not hold itself, takes a question each.
    answered = [line for line in webdav.requests[before:] if " 207 " in line]
    assert len(answered) <= 2 * (1 + len(NIGHTS) + sum(NIGHTS.values())) + 2


def test_a_directory_may_hold_one_of_its_own_name(webdav: WebDav, top: Path) -> None:
    (top / "été/été").mkdir()
    (top / "été/été/one.fits").touch()
    found = {folder: (folders, files) for folder, folders, files in listed(webdav, top / "été")}
    assert found["."] == (["exposure 0", "été"], []) and found["été"] == ([], ["one.fits"])


def test_what_a_caller_takes_out_is_not_asked_for(webdav: WebDav, top: Path) -> None:
    before = len(webdav.requests)
    found = listed(webdav, top, without="plain")
    assert len(found) == 1 + 3 + sum(NIGHTS.values()) - NIGHTS["plain"]
    assert not any("/plain" in line for line in webdav.requests[before:])


def test_a_file_that_is_spelled_in_two_ways_is_there_for_both(webdav: WebDav, top: Path) -> None:
    folder = webdav.uri(top / "plain" / "exposure 0")
    there = [f"{folder}/raw%20&%20co.fits", f"{folder}/./raw%20&%20co.fits"]
    before = len(webdav.requests)
    assert sizes_of([*there, f"{folder}/none.fits"], "table") == dict.fromkeys(there, 0)
    assert [line.split()[0] for line in webdav.requests[before:]].count("PROPFIND") == 2


def test_a_listing_that_is_given_up_leaves_no_thread(webdav: WebDav, top: Path) -> None:
    walk = walk_remote(ResourcePath(webdav.uri(top)))
    assert next(walk)[1] == sorted(NIGHTS)
    walk.close()
    assert not any(thread.name.startswith("butler listing") for thread in threading.enumerate())


def test_a_directory_needs_no_slash_at_its_end(webdav: WebDav, top: Path) -> None:
    wanted = sum(NIGHTS.values())
    for source in (webdav.uri(top), webdav.uri(top).rstrip("/"), webdav.uri(top).rstrip("/") + "/"):
        assert len(list_raws([source]).files) == wanted
    one = webdav.uri(top / "plain" / "exposure 0" / "raw & co.fits")
    assert list_raws([one]).files == (one,)
    with pytest.raises(ButlerError, match="is not there"):
        list_raws([webdav.uri(top / "none")])
