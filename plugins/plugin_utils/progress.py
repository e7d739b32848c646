# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of a module's progress lines, and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

LINES = 60
"""How many of the last lines are read: half a minute of the module's, over which the rate is taken."""
_LONGEST_STAGE = 60


@dataclass(frozen=True)
class Step:
    """How far a run was at a time.

    Parameters
    ----------
    stage : `str`
        What is done.
    done : `int`
        How many items are.
    total : `int` or `None`
        Of how many.
    time : `float`
        When, in seconds; by the clock of the managed host.
    """

    stage: str
    done: int
    total: int | None
    time: float


def read_steps(text: str) -> list[Step]:
    """Read the last lines of a module's progress file.

    Parameters
    ----------
    text : `str`
        The lines. One that is cut, or anything else a shell may say, is left out: what comes from a managed
        host is shown on a terminal.

    Returns
    -------
    steps : `list` [ `Step` ]
        In their order.
    """
    return [step for step in map(_read, text.splitlines()) if step is not None]


def _read(line: str) -> Step | None:
    try:
        found: Any = json.loads(line)
        stage, done, total, when = (found[key] for key in ("stage", "done", "total", "time"))
    except (ValueError, TypeError, KeyError):
        return None
    numbers = (done, when) if total is None else (done, when, total)
    if not isinstance(stage, str) or not all(type(number) in (int, float) for number in numbers):
        return None
    if not stage.isprintable() or not 0 < len(stage) <= _LONGEST_STAGE:
        return None
    return Step(stage, int(done), None if total is None else int(total), float(when))


def sentence(steps: list[Step], items: str) -> str:
    """Say how far a run is, how fast, and how long it will take.

    Parameters
    ----------
    steps : `list` [ `Step` ]
        The last ones; at least one.
    items : `str`
        What is counted, such as ``files``.

    Returns
    -------
    sentence : `str`
        Such as ``ingesting 60,000 / 148,849 files (40 %), 3,512/s, 25 s left``.
    """
    last = steps[-1]
    first = next(step for step in steps if step.stage == last.stage)
    said = f"{last.stage} {last.done:,}"
    if last.total is not None:
        said += f" / {last.total:,}"
    said += f" {items}"
    if last.total:
        said += f" ({100 * last.done // last.total} %)"
    if last.done <= first.done or last.time <= first.time:
        return said
    rate = (last.done - first.done) / (last.time - first.time)
    said += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
    if last.total is not None and last.total >= last.done:
        said += f", {duration((last.total - last.done) / rate)} left"
    return said


def duration(seconds: float) -> str:
    """Say how long something takes, as exactly as one wants to know.

    Parameters
    ----------
    seconds : `float`
        How long.

    Returns
    -------
    words : `str`
        Such as ``25 s``, ``3 min 20 s`` or ``2 h 5 min``.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"
