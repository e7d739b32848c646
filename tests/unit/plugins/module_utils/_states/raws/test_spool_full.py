# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The temporary file of raws leaves nothing behind, and says where there is no room for it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import spool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import Spool, temporary_folder

from tests.integration.full_disk import fill, in_a_process

ROWS = 3_000


def rows(number: int = ROWS) -> list[tuple[str, int, int, None]]:
    return [(f"/raws/{index:09d}.fits", index, 1, None) for index in range(number)]


def spill() -> Spool:
    """Give a spool that keeps hardly anything in memory."""
    spool.CACHE_KIB = 16
    return Spool()


def _add() -> None:
    spill().add(rows())


def _put() -> None:
    spilled = spill()
    spilled.put("found", rows())
    spilled.put("found", rows())


def _drop() -> None:
    spilled = spill()
    spilled.add(rows())
    fill("pwrite64")
    spilled.drop(path for path, *_unused in rows())


def _without_room(work: str) -> None:
    if work != "_drop":
        fill("pwrite64")
    globals()[work]()


@pytest.mark.parametrize("work", ["_add", "_put", "_drop"])
def test_a_full_disk_is_named_with_what_to_do(work: str) -> None:
    said = in_a_process(_without_room, work)
    assert said.startswith(f"ButlerError: the temporary file in {temporary_folder()}, ")
    assert "disk is full" in said and "set TMPDIR" in said
    assert said.endswith("Nothing was written to the repository.")


def _within(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    spill().add(rows())


def test_so_is_a_limit_on_the_size_of_files() -> None:
    said = in_a_process(_within, 100_000)
    assert said.startswith(f"ButlerError: the temporary file in {temporary_folder()}, ")
    assert "disk I/O error" in said


def test_what_the_rows_come_from_may_fail_and_is_told_as_it_is() -> None:
    made = Spool()

    def listing() -> object:
        yield from rows(10)
        raise ButlerError("a directory can't be listed")

    with pytest.raises(ButlerError, match=r"^a directory can't be listed$"):
        made.add(listing())  # type: ignore[arg-type]
    assert len(made) == 10
    made.add(rows(20))
    assert len(made) == 20


PROGRAM = f"""
import os
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import spool
spool.CACHE_KIB = 16
made = spool.Spool()
made.add((f"/raws/{{index:09d}}.fits", index, 1, None) for index in range({ROWS}))
links = [os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if os.path.islink(entry.path)]
print(spool.temporary_folder(), *(link for link in links if "etilqs" in link), sep="\\n", flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("variable", ["SQLITE_TMPDIR", "TMPDIR"])
def test_the_file_is_where_it_is_said_to_be_and_goes_with_its_process(variable: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.endswith("TMPDIR")}
    environment |= {variable: str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    said, *files = ended.stdout.splitlines()
    assert ended.returncode == -9, ended.stderr
    assert said == str(tmp_path) and files and all(file.startswith(f"{tmp_path}/") for file in files)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path / "none"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert temporary_folder() == str(tmp_path)
