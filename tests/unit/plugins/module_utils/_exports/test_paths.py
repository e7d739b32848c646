# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where artifacts are."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports.paths import PathMap, locate


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sdf/repo/main/a.fits", "/data/main/a.fits"),
        ("/sdf/repo/dc2/a.fits", "/dc2/a.fits"),
        ("/sdf/repository/a.fits", "/sdf/repository/a.fits"),
        ("/sdf/repo", "/data"),
        ("davs://old:2880/x/y.fits", "davs://new:2880/x/y.fits"),
        ("u/someone/run/a.fits", "users/someone/run/a.fits"),
        ("v1/a.fits", "w1/a.fits"),
        ("other/a.fits", "other/a.fits"),
    ],
)
def test_the_longest_prefix_wins_and_then_the_first_pattern(path: str, expected: str) -> None:
    paths = PathMap.from_option(
        "path_map",
        {
            "^u/([^/]+)/": r"users/\1/",
            "^[uv]([0-9])/": r"w\1/",
            "/sdf/repo": "/data",
            "/sdf/repo/dc2/": "/dc2/",
            "davs://old:2880/": "davs://new:2880/",
            "^v": "never",
        },
    )
    assert paths.apply(path) == expected


def test_an_empty_map_changes_nothing() -> None:
    assert PathMap.from_option("path_map", None).apply("a/b") == "a/b"


@pytest.mark.parametrize("rules", [{"": "x"}, {"a": None}, {"^(": "x"}, {"^a": r"\1"}, {"^a": r"\g<no>"}])
def test_rules_that_can_not_work(rules: dict[str, object]) -> None:
    with pytest.raises(ButlerError) as caught:
        PathMap.from_option("imports[0].path_map", rules)
    assert caught.value.option == "imports[0].path_map"


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [
        ("a/b.fits", "/data", "/data/a/b.fits"),
        ("a/b.fits", "/data/", "/data/a/b.fits"),
        ("../b.fits", "/data/x", "/data/b.fits"),
        ("/else/b.fits", "/data", "/else/b.fits"),
        ("davs://host/b.fits", "/data", "davs://host/b.fits"),
        ("a/b.fits", "davs://host:2880/data", "davs://host:2880/data/a/b.fits"),
        ("a b.fits", "file:///data/with%20space", "file:///data/with%20space/a%20b.fits"),
    ],
)
def test_paths_are_relative_to_the_directory(path: str, directory: str, expected: str) -> None:
    assert locate(path, directory) == expected
