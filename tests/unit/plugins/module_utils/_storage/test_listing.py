# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are found where they are, in the same order every time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN, list_raws
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
        "a/notes.txt",
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
        (["a/notes.txt"], ["a/notes.txt"]),
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
            [str(tree), f"{tree}/gone", f"{tree}/*.none", "", "s3bad://bucket/x", f"{tree}/a/notes.txt/x"]
        )
    assert caught.value.option == "sources"
    assert caught.value.details[:3] == (
        f"sources[1]: {tree}/gone is not there",
        f"sources[2]: {tree}/*.none matches nothing",
        "sources[3]: got an empty text, expected a directory, a file, a glob pattern or a URI",
    )
    assert caught.value.details[3].startswith("sources[4]: s3bad://bucket/x can't be listed: ")
    assert caught.value.details[4] == f"sources[5]: {tree}/a/notes.txt/x is not there"


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
