# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for what has to happen, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 600
"""How long to wait (seconds): so long that nothing but a deadlock takes it."""


def until(condition: Callable[[], Any]) -> Any:
    """Wait for something.

    Parameters
    ----------
    condition : `~collections.abc.Callable`
        Is asked again and again.

    Returns
    -------
    found : `object`
        The first of its answers that is true.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def is_running(process: int) -> bool:
    """Tell whether a process runs: one that is dead may wait for somebody to take notice.

    Parameters
    ----------
    process : `int`
        Its number.

    Returns
    -------
    running : `bool`
        Whether it is there, and no zombie.
    """
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"
