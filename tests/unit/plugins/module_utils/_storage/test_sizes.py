# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only files that are there have a size."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.rubin.butler.plugins.module_utils._storage.sizes import sizes_of


def test_only_regular_files_have_a_size(tmp_path: Path) -> None:
    file, gone = tmp_path / "a b", tmp_path / "none"
    file.write_text("abc")
    link = tmp_path / "link"
    link.symlink_to(file)
    there = [str(file), file.as_uri(), str(link)]
    assert sizes_of([*there, str(tmp_path), str(gone), gone.as_uri()]) == dict.fromkeys(there, 3)


def test_remote_ones_are_only_looked_for() -> None:
    # The packages' own files are read as those of a server are.
    folder = "resource://lsst.daf.butler/configs"
    assert sizes_of([f"{folder}/dimensions.yaml", f"{folder}/none.yaml"]) == {f"{folder}/dimensions.yaml": 0}
