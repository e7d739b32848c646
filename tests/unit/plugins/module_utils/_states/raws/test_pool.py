# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several processes do is given in order, and none of them outlives the one that started it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import WORTH_IT, HeaderPool

from tests.waiting import is_running, until

COMCAM = find_built_in("LSSTComCam")
assert COMCAM is not None


def tell(reader: HeaderReader, item: int) -> tuple[str, int, int]:
    """Tell which reader and process an item has got to."""
    return reader.definition.name, os.getpid(), item


def wait(_reader: HeaderReader, folder: str) -> None:
    """Leave a file that tells of this process, and wait."""
    Path(folder, str(os.getpid())).touch()
    signal.pause()


def die(_reader: HeaderReader, item: int) -> int:
    """Die at one of the items."""
    if item == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize(("processes", "items"), [(1, WORTH_IT), (2, WORTH_IT - 1), (2, WORTH_IT), (3, 1000)])
def test_all_is_done_in_order(processes: int, items: int) -> None:
    assert COMCAM is not None
    pool = HeaderPool(COMCAM, processes)
    try:
        done = list(pool.map(tell, range(items)))
        assert [item for _name, _process, item in done] == list(range(items))
        assert {name for name, _process, _item in done} == {"LSSTComCam"}
        here = {os.getpid()} == {process for _name, process, _item in done}
        assert here == (processes == 1 or items < WORTH_IT)
        assert [item for *_unused, item in pool.map(tell, [3], files=WORTH_IT)] == [3]
    finally:
        pool.close()


def test_a_process_that_dies_is_said() -> None:
    assert COMCAM is not None
    pool = HeaderPool(COMCAM, 2)
    try:
        with pytest.raises(ButlerError, match="one of the processes that read headers was killed") as caught:
            list(pool.map(die, range(WORTH_IT)))
        assert caught.value.option == "processes"
    finally:
        pool.close()


def _read_until_killed(folder: str) -> None:
    assert COMCAM is not None
    list(HeaderPool(COMCAM, 2).map(wait, [folder] * WORTH_IT))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nobody_reads_for_one_that_is_dead(number: signal.Signals, tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_read_until_killed, args=(str(tmp_path),))
    process.start()
    until(lambda: len(list(tmp_path.iterdir())) == 2)
    readers = [int(path.name) for path in tmp_path.iterdir()]
    assert all(map(is_running, readers)) and process.pid not in readers
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join()
    until(lambda: not any(map(is_running, readers)))
