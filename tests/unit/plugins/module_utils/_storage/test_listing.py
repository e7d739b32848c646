# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are found where they are, in the same order every time."""

from __future__ import annotations

import functools
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError, SecretError
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import (
    FILE_PATTERN,
    Found,
    iter_raws,
    list_raws,
)
from lsst.resources import ResourcePath


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "b/2/x_R22_S01.fits",
        "b/2/x_R22_S00.fits",
        "b/2/x_guider.fits",
        "b/2/x_R22_S00.json",
        "b/2/_index.json",
        "b/2/x_R22_S00.fits.md5",
        "b/1/y.fit",
        "b/1/y.fits.fz",
        "b/1/y.fits.gz",
        "b/1/yfits",
        "b/1/y.fitsx",
        "a/with space.fits",
        "a/notes.dat",
        "c/empty.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(tree: Path, files: tuple[str, ...]) -> list[str]:
    return [str(Path(file).relative_to(tree)) for file in files]


def test_a_directory_is_searched_to_the_bottom(tree: Path) -> None:
    listing = list_raws([str(tree)])
    assert names(tree, listing.files) == [
        "a/with space.fits",
        "b/1/y.fit",
        "b/1/y.fits.fz",
        "b/1/y.fits.gz",
        "b/2/x_R22_S00.fits",
        "b/2/x_R22_S01.fits",
    ]
    assert (listing.guiders, listing.empty) == (1, ())


def test_a_directory_gives_what_the_official_search_finds(tree: Path) -> None:
    official = {
        str(Path(uri.ospath).relative_to(tree))
        for uri in ResourcePath.findFileResources([str(tree)], FILE_PATTERN, grouped=False)
    }
    ours = set(names(tree, list_raws([str(tree)], guiders=True).files))
    assert official - ours == {"b/2/x_R22_S00.fits.md5"}
    assert ours <= official


def test_guiders_are_taken_only_when_they_are_wanted(tree: Path) -> None:
    listing = list_raws([str(tree / "b/2")], guiders=True)
    assert names(tree, listing.files)[-1] == "b/2/x_guider.fits"
    assert listing.guiders == 0
    named = list_raws([str(tree / "b/2/x_guider.fits")])
    assert (named.files, named.guiders) == ((), 1)


def test_another_pattern_finds_other_files(tree: Path) -> None:
    assert names(tree, list_raws([str(tree / "b")], file_pattern=r"_S01\.fits$").files) == [
        "b/2/x_R22_S01.fits"
    ]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["b/2/x_R22_S01.fits"], ["b/2/x_R22_S01.fits"]),
        (["a/notes.dat"], ["a/notes.dat"]),
        (["b/*/x_*.fits"], ["b/2/x_R22_S00.fits", "b/2/x_R22_S01.fits"]),
        (["?"], ["a/with space.fits", "b/1/y.fit", "b/1/y.fits.fz", "b/1/y.fits.gz"]),
        (["**/*S0[01].fits"], ["b/2/x_R22_S00.fits", "b/2/x_R22_S01.fits"]),
        (["b/1/y.fit", "b/1/../1/y.fit", "b/1"], ["b/1/y.fit", "b/1/y.fits.fz", "b/1/y.fits.gz"]),
        (["b/2/", "a"], ["a/with space.fits", "b/2/x_R22_S00.fits", "b/2/x_R22_S01.fits"]),
    ],
)
def test_files_directories_and_patterns_may_be_mixed(
    tree: Path, sources: list[str], expected: list[str]
) -> None:
    found = names(tree, list_raws([f"{tree}/{source}" for source in sources]).files)
    assert found[: len(expected)] == expected
    if sources != ["?"]:
        assert found == expected


def test_a_file_uri_is_a_path(tree: Path) -> None:
    uri = (tree / "a/with space.fits").as_uri()
    assert "%20" in uri
    assert names(tree, list_raws([uri, (tree / "b/1").as_uri()]).files)[0] == "a/with space.fits"


def test_a_relative_path_and_a_home_are_followed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    monkeypatch.setenv("HOME", str(tree))
    assert list_raws(["b/1/y.fit"]).files == list_raws(["~/b/1/y.fit"]).files == (f"{tree}/b/1/y.fit",)


def test_an_empty_directory_is_told(tree: Path) -> None:
    listing = list_raws([str(tree / "c"), str(tree / "a")])
    assert listing.empty == (str(tree / "c"),)
    assert len(listing.files) == 1


def test_links_are_followed_and_never_in_circles(tree: Path) -> None:
    (tree / "c/back").symlink_to(tree)
    (tree / "c/elsewhere").symlink_to(tree / "b/1")
    (tree / "c/dangling.fits").symlink_to("gone.fits")
    found = names(tree, list_raws([str(tree / "c")]).files)
    assert "c/dangling.fits" in found
    assert sum(name.endswith("y.fit") for name in found) == 1
    assert sum(name.endswith("x_R22_S00.fits") for name in found) == 1


def test_what_is_not_there_is_named_all_at_once(tree: Path) -> None:
    with pytest.raises(ButlerError) as caught:
        list_raws(
            [str(tree), f"{tree}/gone", f"{tree}/*.none", "", "s3bad://bucket/x", f"{tree}/a/notes.dat/x"]
        )
    assert caught.value.option == "sources"
    assert caught.value.details[:3] == (
        f"sources[1]: {tree}/gone is not there",
        f"sources[2]: {tree}/*.none matches nothing",
        "sources[3]: got an empty text, expected a directory, a file, a glob pattern or a URI",
    )
    assert caught.value.details[3].startswith("sources[4]: s3bad://bucket/x can't be listed: ")
    assert caught.value.details[4] == f"sources[5]: {tree}/a/notes.dat/x is not there"


def test_a_directory_that_may_not_be_read_is_named(tree: Path, without_privileges: None) -> None:
    assert without_privileges is None
    with pytest.raises(ButlerError) as caught:
        list_raws([str(tree)])
    assert caught.value.details == tuple(
        f"sources[0]: {tree}/{name} can't be listed: Permission denied" for name in "abc"
    )


def test_a_pattern_that_is_none_is_named(tree: Path) -> None:
    with pytest.raises(ButlerError, match=re.escape("'(' is no regular expression")) as caught:
        list_raws([str(tree)], file_pattern="(")
    assert caught.value.option == "file_pattern"


def test_indexes_and_zips_are_told_apart(tree: Path) -> None:
    (tree / "a/x.zip").touch()
    index = f"{tree}/b/2/_index.json"
    listing = list_raws([index, f"{tree}/a/x.zip", f"{tree}/b/2"])
    assert (listing.indexes, listing.zips) == ((index,), (f"{tree}/a/x.zip",))
    assert names(tree, listing.files) == ["b/2/x_R22_S00.fits", "b/2/x_R22_S01.fits"]
    assert list_raws([f"{tree}/a"]).zips == ()
    assert list_raws([f"{tree}/a"], file_pattern=r"\.zip$").zips == (f"{tree}/a/x.zip",)
    assert list_raws([f"{tree}/**/_index.json"]).indexes == (index,)
    assert list_raws([f"{tree}/b/2/*"]).indexes == ()


def test_every_finding_is_given_as_it_is_found(tree: Path) -> None:
    found = iter_raws([f"{tree}/b/2/", f"{tree}/b/2/x_R22_S00.fits", f"{tree}/c"])
    assert next(found).path.startswith(f"{tree}/b/2/x_")
    assert sorted(found)[0] == Found("empty", f"{tree}/c")
    everything = sorted(iter_raws([f"{tree}/b/2/", f"{tree}/b/2/x_R22_S00.fits"]))
    assert [(kind, Path(path).name) for kind, path in everything] == [
        ("guider", "x_guider.fits"),
        ("raw", "x_R22_S00.fits"),
        ("raw", "x_R22_S00.fits"),
        ("raw", "x_R22_S01.fits"),
    ]


def test_a_text_file_names_raw_files(tree: Path) -> None:
    text = tree / "b/raws.txt"
    text.write_text(
        f"# from the archive\n\n  1/y.fit  \n{tree}/a/with space.fits\n{(tree / 'b/1/y.fits.fz').as_uri()}\n"
        "s3://bucket/raw.fits\n2/_index.json\n2/*_S0?.fits\n../c\n2/x_guider.fits\n"
    )
    listing = list_raws([str(text)])
    assert listing.files[-1] == "s3://bucket/raw.fits"
    assert names(tree, listing.files[:-1]) == [
        "a/with space.fits",
        "b/1/y.fit",
        "b/1/y.fits.fz",
        "b/2/x_R22_S00.fits",
        "b/2/x_R22_S01.fits",
    ]
    assert (listing.guiders, listing.indexes) == (1, (f"{tree}/b/2/_index.json",))
    assert list_raws([text.as_uri()]) == listing
    assert list_raws([f"{tree}/b/*.txt"]) == listing
    text.rename(tree / "b/raws.list")
    assert list_raws([f"{tree}/b/raws.list"]).files == listing.files


def test_a_text_file_that_names_nothing_is_told(tree: Path) -> None:
    assert list_raws([f"{tree}/c/empty.txt"]).empty == (f"{tree}/c/empty.txt",)


def test_lines_that_can_not_be_used_are_numbered(tree: Path) -> None:
    text = tree / "raws.txt"
    text.write_text("b/1/y.fit\n\ngone.fits\n*.none\nc/empty.txt\n")
    (tree / "bytes.txt").write_bytes(b"\xff\xfe\n")
    with pytest.raises(ButlerError) as caught:
        list_raws([f"{tree}/a", str(text), f"{tree}/bytes.txt", f"{tree}/gone.txt"])
    assert caught.value.details == (
        f"sources[1]: {text} line 3: gone.fits is not there",
        f"sources[1]: {text} line 4: *.none matches nothing",
        f"sources[1]: {text} line 5: c/empty.txt is a list itself; lists name raw files",
        f"sources[2]: {tree}/bytes.txt can't be read: it is not a text file",
        f"sources[3]: {tree}/gone.txt is not there",
    )


def test_a_password_in_a_text_file_is_refused(tree: Path) -> None:
    (tree / "raws.txt").write_text("b/1/y.fit\ndavs://user:opensesame@host/raw.fits\n")
    with pytest.raises(SecretError) as caught:
        list_raws([f"{tree}/raws.txt"])
    assert caught.value.option == f"sources[0], {tree}/raws.txt line 2"
    assert "opensesame" not in str(caught.value)


def test_a_link_that_leads_nowhere_is_for_its_reader(tree: Path) -> None:
    (tree / "gone.fits").symlink_to("nowhere.fits")
    (tree / "raws.txt").write_text("gone.fits\n")
    for source in ("gone.fits", "raws.txt", "gone*", "."):
        assert f"{tree}/gone.fits" in list_raws([f"{tree}/{source}"]).files


def test_files_that_may_not_be_looked_at_are_named(tree: Path, without_privileges: None) -> None:
    assert without_privileges is None
    with pytest.raises(ButlerError) as caught:
        list_raws([f"{tree}/b/1/y.fit", f"{tree}/b/raws.txt"])
    assert caught.value.details == tuple(
        f"sources[{index}]: {tree}/b/{name} can't be looked at: Permission denied"
        for index, name in enumerate(("1/y.fit", "raws.txt"))
    )


def test_a_remote_list_that_can_not_be_read_is_named() -> None:
    with pytest.raises(ButlerError) as caught:
        list_raws(["s3bad://bucket/raws.txt"])
    assert caught.value.details[0].startswith("sources[0]: s3bad://bucket/raws.txt can't be read: ")


def test_a_remote_list_is_read_and_what_it_names_is_not_asked_for(tree: Path) -> None:
    (tree / "raws.txt").write_text("b/gone.fits\ns3bad://bucket/raw.fits\n")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tree)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        try:
            with pytest.raises(ButlerError) as caught:
                list_raws([f"{place}/raws.txt"])
            (tree / "raws.txt").write_text("b/gone.fits\n")
            assert list_raws([f"{place}/raws.txt"]).files == (f"{place}/b/gone.fits",)
        finally:
            server.shutdown()
    [problem] = caught.value.details
    assert problem.startswith(f"sources[0]: {place}/raws.txt line 2: s3bad://bucket/raw.fits can't be listed")
