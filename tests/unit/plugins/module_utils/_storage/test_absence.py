# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are gone, and those of which it can't be told, on a local file system."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import (
    UnclearError,
    check_roots,
    gone_among,
)
from lsst.resources import ResourcePath


def folder(path: Path) -> ResourcePath:
    return ResourcePath(str(path), forceDirectory=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a root with the file ``run/a/1``, and nothing else."""
    (tmp_path / "top/datastore/run/a").mkdir(parents=True)
    (tmp_path / "top/datastore/run/a/1").touch()
    return tmp_path / "top/datastore"


def gone(root: Path | None, *paths: Path) -> set[str]:
    roots = [] if root is None else [folder(root)]
    return {uri.ospath for uri in gone_among([ResourcePath(str(path)) for path in paths], roots)}


def test_of_many_the_missing_ones_are_gone(root: Path) -> None:
    there, missing, deep = root / "run/a/1", root / "run/a/2", root / "other/a/1"
    assert gone(root, there) == set()
    assert gone(root, there, missing, deep) == {str(missing), str(deep)}


def test_the_directory_of_a_file_may_be_empty_within_the_root_only(root: Path) -> None:
    file = root / "run/a/1"
    file.unlink()
    assert gone(root, file) == {str(file)}
    with pytest.raises(UnclearError, match=f"{root}/run/a/ is the last that is there, and it is empty"):
        gone(None, file)
    with pytest.raises(UnclearError, match=f"{root}/run/a/ is the last that is there, and it is empty"):
        gone(root, root / "run/a/b/1")


def test_a_root_is_there_and_holds_something(root: Path) -> None:
    check_roots([folder(root)])
    for path in (root / "none", root / "run/a"):
        (root / "run/a/1").unlink(missing_ok=True)
        with pytest.raises(
            UnclearError, match=f"{path}/, where the datastore keeps its artifacts, is missing"
        ):
            check_roots([folder(path)])
        with pytest.raises(UnclearError, match="its file system may not be mounted"):
            gone(path, path / "x/1")


def test_nothing_is_told_of_what_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(
        UnclearError, match="above it / is the last that is there, and anything may be mounted"
    ):
        gone(None, Path("/none-of-these-tests/a/b/1"))


def test_links_count_where_they_lead_to(root: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (root / "linked").symlink_to(tmp_path / "disk")
    with pytest.raises(UnclearError, match=f"{tmp_path}/disk/ is the last that is there, and it is empty"):
        gone(root, root / "linked/1")
    (tmp_path / "disk/2").touch()
    assert gone(root, root / "linked/1", root / "linked/2") == {str(root / "linked/1")}
    # A root that is a link is the root all the same.
    (tmp_path / "alias").symlink_to(root)
    (root / "run/a/1").unlink()
    assert gone(tmp_path / "alias", tmp_path / "alias/run/a/1") == {str(tmp_path / "alias/run/a/1")}


def test_a_file_in_the_place_of_a_directory(root: Path) -> None:
    with pytest.raises(
        UnclearError, match=f"whether {root}/run/a/1/x is there can't be told: Not a directory"
    ):
        gone(root, root / "run/a/1/x")
