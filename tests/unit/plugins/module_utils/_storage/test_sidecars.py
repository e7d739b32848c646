# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes and sidecars tell of raw files what the official readers take from them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.sidecars import (
    Sidecars,
    Told,
    read_index,
    read_sidecar,
    sidecar_name,
)
from astro_metadata_translator import indexing
from lsst.resources import ResourcePath

HEADERS = {
    "a.fits": {"INSTRUME": "X", "EXPID": 1, "AIRMASS": 1.5, "FILTER": None},
    "b.fits": {"INSTRUME": "X", "EXPID": 2, "AIRMASS": 1.5},
}
TRANSLATED = {
    "a.fits": {"instrument": "X", "exposure_id": 1, "observation_id": "one"},
    "b.fits": {"instrument": "X", "exposure_id": 2, "observation_id": "two"},
}
BROKEN = {
    b"": "is no JSON: Expecting value",
    b'{"__COMMON__": {': "is no JSON: Expecting property name",
    b"\xff\xfe{": "is no JSON",
    b"[" * 100_000: "is no JSON: maximum recursion depth exceeded",
    b"[1, 2]": "holds a list, expected an object",
    b"null": "holds null, expected an object",
    b'"text"': "holds a text, expected an object",
    b"17": "holds a number, expected an object",
}
BROKEN_INDEX = BROKEN | {
    b"{}": "has no __COMMON__, so it is no index of raw files",
    b'{"__COMMON__": [1]}': "has a list as __COMMON__, expected an object",
    b'{"__COMMON__": {}, "__CONTENT__": "pixels"}': (
        "says that its __CONTENT__ is 'pixels', expected 'metadata' or 'translated'"
    ),
    b'{"__COMMON__": {}, "__CONTENT__": ["metadata"]}': "says that its __CONTENT__ is ['metadata'], expected",
    b'{"__COMMON__": {}, "__CONTENT__": "metadata", "a.fits": true}': (
        "has a truth value as the entry of a.fits, expected an object"
    ),
}
BROKEN_SIDECAR = BROKEN | {
    b'{"__CONTENT__": "pixels"}': "says that its __CONTENT__ is 'pixels', expected 'metadata' or 'translated'"
}


class Warnings(list[str]):
    """What was warned about."""

    def __call__(self, line: str) -> None:
        self.append(line)


@pytest.fixture
def warnings() -> Warnings:
    return Warnings()


def write_index(folder: Path, headers: dict[str, dict[str, Any]], content: str) -> str:
    """Write an index as the official tool does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "_index.json"
    path.write_text(json.dumps(indexing.calculate_index(dict(headers), content)))
    return str(path)


@pytest.mark.parametrize(
    ("content", "headers"),
    [("metadata", HEADERS), ("translated", TRANSLATED)],
    ids=["metadata", "translated"],
)
def test_an_index_tells_what_its_entries_and_what_they_share_say(
    tmp_path: Path, content: str, headers: dict[str, Any]
) -> None:
    path = write_index(tmp_path, headers, content)
    stored = json.loads(Path(path).read_text())
    assert stored["__COMMON__"] and "INSTRUME" not in stored["a.fits"]
    assert read_index(path) == {
        str(tmp_path / name): Told(content, values, path)  # type: ignore[arg-type]
        for name, values in headers.items()
    }


def test_an_index_of_headers_is_read_as_the_official_reader_does(tmp_path: Path) -> None:
    path = write_index(tmp_path, HEADERS, "metadata")
    official = indexing.read_index(path, force_dict=True)
    assert {Path(file).name: told.values for file, told in read_index(path).items()} == official


def test_an_index_of_one_file_and_one_that_does_not_say_what_it_holds(tmp_path: Path) -> None:
    path = write_index(tmp_path, {"a.fits": HEADERS["a.fits"]}, "metadata")
    text = json.loads(Path(path).read_text())
    del text["__CONTENT__"]
    Path(path).write_text(json.dumps(text))
    assert read_index(path) == {str(tmp_path / "a.fits"): Told("metadata", HEADERS["a.fits"], path)}


def test_names_in_an_index_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        "day/a.fits",
        "../b.fits",
        "./c.fits",
        "/elsewhere/d.fits",
        "file:///e%20e.fits",
        "s3://b/f.fits",
    ]
    write_index(tmp_path / "n", {name: {"EXPID": number} for number, name in enumerate(names)}, "metadata")
    monkeypatch.chdir(tmp_path)
    assert list(read_index("n/_index.json")) == [
        str(tmp_path / "n/day/a.fits"),
        str(tmp_path / "b.fits"),
        str(tmp_path / "n/c.fits"),
        "/elsewhere/d.fits",
        "/e e.fits",
        "s3://b/f.fits",
    ]


@pytest.mark.parametrize(("data", "problem"), BROKEN_INDEX.items())
def test_an_index_that_was_given_has_to_be_one(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "_index.json"
    path.write_bytes(data)
    for read in (
        lambda: read_index(str(path), option="sources[2]"),
        lambda: Sidecars(print, [str(path)], option="sources[2]"),
    ):
        with pytest.raises(ButlerError) as caught:
            read()
        assert str(caught.value).startswith(f"sources[2]: {path} {problem}")


def test_an_index_that_was_given_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ButlerError, match=r"^sources: /.*/_index.json is not there"):
        Sidecars(print, [str(tmp_path / "_index.json")])
    with pytest.raises(ButlerError, match=r"^sources: /.* can't be read: Is a directory"):
        read_index(str(tmp_path))


@pytest.mark.parametrize(
    ("values", "content"),
    [
        ({"__CONTENT__": "metadata", "observation_id": "one", "instrument": "X"}, "metadata"),
        ({"__CONTENT__": "translated", "instrument": "X"}, "translated"),
        ({"observation_id": "one", "instrument": "X"}, "translated"),
        ({"INSTRUME": "X"}, "metadata"),
    ],
)
def test_a_sidecar_says_what_it_holds_or_it_shows(
    tmp_path: Path, values: dict[str, Any], content: Any
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(values))
    values.pop("__CONTENT__", None)
    assert read_sidecar(str(path)) == Told(content, values, str(path))


@pytest.mark.parametrize(("data", "problem"), BROKEN_SIDECAR.items())
def test_a_sidecar_that_is_none(tmp_path: Path, warnings: Warnings, data: bytes, problem: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(ButlerError) as caught:
        read_sidecar(str(path))
    assert str(caught.value).startswith(f"{path} {problem}")
    sidecars = Sidecars(warnings)
    assert [sidecars.find(str(tmp_path / "a.fits")) for _unused in range(2)] == [None, None]
    assert warnings == [f"{caught.value}; headers are read instead"]


@pytest.mark.parametrize(
    "name",
    [
        "x.fits",
        "x.fits.gz",
        "x.fits.fz",
        "x.y.fits.fz",
        "x.fits.bz2",
        "x.fits.xz",
        "x.gz",
        "x",
        "x.",
        ".fits",
    ],
)
def test_sidecars_are_called_as_the_official_ingest_calls_them(name: str) -> None:
    assert sidecar_name(name) == ResourcePath(f"/d/{name}").updatedExtension(".json").basename()


def test_the_index_of_the_directory_comes_before_a_sidecar(tmp_path: Path, warnings: Warnings) -> None:
    index = write_index(tmp_path / "day", HEADERS, "metadata")
    for name in ("b", "c"):
        (tmp_path / f"day/{name}.json").write_text(json.dumps({"__CONTENT__": "metadata", "EXPID": 7}))
    sidecars = Sidecars(warnings)
    found = {
        name: sidecars.find(f"{tmp_path}/day/{name}") for name in ("a.fits", "b.fits", "c.fits.fz", "d.fits")
    }
    assert found == {
        "a.fits": Told("metadata", HEADERS["a.fits"], index),
        "b.fits": Told("metadata", HEADERS["b.fits"], index),
        "c.fits.fz": Told("metadata", {"EXPID": 7}, str(tmp_path / "day/c.json")),
        "d.fits": None,
    }
    assert sidecars.find((tmp_path / "day/a.fits").as_uri()) == found["a.fits"]
    assert warnings == []


def test_an_index_tells_nothing_of_the_directories_below_unless_it_was_given(
    tmp_path: Path, warnings: Warnings
) -> None:
    index = write_index(tmp_path, {"day/a.fits": {"EXPID": 1}, "day/b.fits": {"EXPID": 2}}, "metadata")
    own = write_index(tmp_path / "day", {"b.fits": {"EXPID": 3}, "c.fits": {"EXPID": 4}}, "metadata")
    files = [str(tmp_path / f"day/{name}.fits") for name in "abc"]
    alone = Sidecars(warnings)
    assert [told and (told.values["EXPID"], told.source) for told in map(alone.find, files)] == [
        None,
        (3, own),
        (4, own),
    ]
    given = Sidecars(warnings, [index])
    assert [told and (told.values["EXPID"], told.source) for told in map(given.find, files)] == [
        (1, index),
        (2, index),
        (4, own),
    ]


@pytest.mark.parametrize(("data", "problem"), BROKEN_INDEX.items())
def test_a_broken_index_is_warned_about_once_and_sidecars_still_count(
    tmp_path: Path, warnings: Warnings, data: bytes, problem: str
) -> None:
    (tmp_path / "_index.json").write_bytes(data)
    (tmp_path / "a.json").write_text('{"EXPID": 7}')
    sidecars = Sidecars(warnings)
    found = [sidecars.find(str(tmp_path / name)) for name in ("b.fits", "a.fits", "_index.fits", "b.fits")]
    assert [told and told.values for told in found] == [None, {"EXPID": 7}, None, None]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{tmp_path}/_index.json {problem}")
    assert warnings[0].endswith("; headers are read instead")


def test_what_may_not_be_read_is_warned_about(
    tmp_path: Path, warnings: Warnings, request: pytest.FixtureRequest
) -> None:
    index = write_index(tmp_path, HEADERS, "metadata")
    (tmp_path / "c.json").write_text("{}")
    request.getfixturevalue("without_privileges")
    sidecars = Sidecars(warnings)
    assert [sidecars.find(str(tmp_path / name)) for name in ("a.fits", "c.fits")] == [None, None]
    assert warnings == [
        f"{path} can't be read: Permission denied; headers are read instead"
        for path in (index, tmp_path / "c.json")
    ]


def test_few_indexes_are_kept_and_none_is_lost(tmp_path: Path, warnings: Warnings) -> None:
    days = [tmp_path / f"{day:02}" for day in range(30)]
    for number, day in enumerate(days):
        write_index(day, {"a.fits": {"EXPID": number}}, "metadata")
    (days[3] / "_index.json").write_text("[")
    given = write_index(tmp_path, {f"far{day}/a.fits": {"EXPID": day} for day in range(30)}, "metadata")
    (tmp_path / "bare").mkdir()
    sidecars = Sidecars(warnings, [given])
    for _unused in range(2):
        found = [sidecars.find(str(day / "a.fits")) for day in days]
        assert [told and told.values["EXPID"] for told in found] == [*range(3), None, *range(4, 30)]
        assert sidecars.find(f"{tmp_path}/far17/a.fits") == Told("metadata", {"EXPID": 17}, given)
        assert sidecars.find(f"{tmp_path}/bare/a.fits") is None
        assert sidecars.find(f"{tmp_path}/not there/a.fits") is None
    assert len(warnings) == 1
    assert len(sidecars._places) < 10


def test_a_directory_is_looked_at_once(tmp_path: Path, warnings: Warnings) -> None:
    write_index(tmp_path / "indexed", HEADERS, "metadata")
    (tmp_path / "bare").mkdir()
    sidecars = Sidecars(warnings)
    first = [
        sidecars.find(f"{tmp_path}/{name}") for name in ("indexed/a.fits", "indexed/c.fits", "bare/a.fits")
    ]
    # What comes later is not seen: it was looked for before.
    (tmp_path / "indexed/_index.json").unlink()
    for name in ("indexed/c.json", "bare/a.json"):
        (tmp_path / name).write_text("{}")
    again = [
        sidecars.find(f"{tmp_path}/{name}") for name in ("indexed/a.fits", "indexed/c.fits", "bare/a.fits")
    ]
    assert again == first
    assert [told is None for told in first] == [False, True, True]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name upstream
        """Say nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server, which can't list directories as storages can."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=os.fspath(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_remote_indexes_and_sidecars_are_read(tmp_path: Path, site: str, warnings: Warnings) -> None:
    write_index(tmp_path / "my day", {"a 1.fits": {"EXPID": 1}, "sub/b.fits": {"EXPID": 2}}, "metadata")
    (tmp_path / "my day/c.json").write_text('{"EXPID": 3}')
    (tmp_path / "my day/d.json").write_text("[]")
    folder = f"{site}/my%20day"
    assert {file: told.values for file, told in read_index(f"{folder}/_index.json").items()} == {
        f"{folder}/a%201.fits": {"EXPID": 1},
        f"{folder}/sub/b.fits": {"EXPID": 2},
    }
    sidecars = Sidecars(warnings)
    names = ("a%201.fits", "c.fits", "d.fits", "e.fits", "sub/b.fits")
    found = [sidecars.find(f"{folder}/{name}") for name in names]
    assert [told and told.values for told in found] == [{"EXPID": 1}, {"EXPID": 3}, None, None, None]
    assert warnings == [f"{folder}/d.json holds a list, expected an object; headers are read instead"]
    given = Sidecars(warnings, [f"{folder}/_index.json"]).find(f"{folder}/sub/b.fits")
    assert given == Told("metadata", {"EXPID": 2}, f"{folder}/_index.json")
