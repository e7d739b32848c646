# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only files that are there have a size."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import UnclearError
from ansible_collections.rubin.butler.plugins.module_utils._storage.sizes import sizes_of


@pytest.fixture
def hidden(tmp_path: Path) -> None:
    """Write a file to a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()


def test_only_regular_files_have_a_size(tmp_path: Path) -> None:
    file, gone = tmp_path / "a b", tmp_path / "none"
    file.write_text("abc")
    link = tmp_path / "link"
    link.symlink_to(file)
    there = [str(file), file.as_uri(), str(link)]
    others = [str(tmp_path), str(gone), gone.as_uri(), str(file / "in a file")]
    assert sizes_of([*there, *others], "table") == dict.fromkeys(there, 3)


@pytest.mark.parametrize("scheme", ["", "file://"])
@pytest.mark.usefixtures("hidden", "without_privileges")
def test_what_may_not_be_looked_at_is_not_taken_for_absent(scheme: str, tmp_path: Path) -> None:
    hidden = tmp_path / "folder" / "file"
    with pytest.raises(UnclearError, match=f"table: whether {hidden} is there can't be told: Permission"):
        sizes_of([f"{scheme}{hidden}"], "table")


def test_remote_ones_are_only_looked_for() -> None:
    # The packages' own files are read as those of a server are.
    folder = "resource://lsst.daf.butler/configs"
    files = [f"{folder}/dimensions.yaml", f"{folder}/none.yaml"]
    assert sizes_of(files, "table") == {files[0]: 0}
