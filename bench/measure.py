# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one piece of work in a process of its own and measures it from outside."""

from __future__ import annotations

import json
import multiprocessing
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What one piece of work took.

    Parameters
    ----------
    name : `str`
        What was measured.
    seconds : `float`
        Wall time of the work itself, imports left out (s).
    megabytes : `float`
        Peak resident memory of its process, imports included (MB).
    datasets : `int`
        How many datasets it was about.
    """

    name: str
    seconds: float
    megabytes: float
    datasets: int

    def line(self, baseline: Figure) -> str:
        """Give the figure as a line with its ratio to a baseline."""
        ratio = baseline.seconds / self.seconds
        return (
            f"{self.name:44} {self.seconds:8.2f} s {self.datasets / self.seconds:10.0f}/s "
            f"{self.megabytes:7.0f} MB   {ratio:6.1f} x {baseline.name!r}"
        )


def measure(name: str, datasets: int, work: Callable[..., None], *arguments: Any) -> Figure:
    """Measure a function in a fresh process.

    Parameters
    ----------
    name : `str`
        What it is.
    datasets : `int`
        How many datasets it is about.
    work : `~collections.abc.Callable`
        A function of a module, that imports what it needs before it calls the function it is given first.
    *arguments : `object`
        What it takes besides.

    Returns
    -------
    figure : `Figure`
        Time and memory.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        seconds, megabytes = pool.apply(_timed, (work, *arguments))
    figure = Figure(name, seconds, megabytes, datasets)
    print(f"  {name}: {seconds:.2f} s", flush=True)
    return figure


def _timed(work: Callable[..., Callable[[], None]], *arguments: Any) -> tuple[float, float]:
    prepared = work(*arguments)
    start = time.perf_counter()
    prepared()
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(figures: list[Figure], baseline: Figure, path: Path | None) -> None:
    """Print figures with their ratios, and write them as JSON.

    Parameters
    ----------
    figures : `list` [ `Figure` ]
        What was measured.
    baseline : `Figure`
        What the ratios are to.
    path : `pathlib.Path` or `None`
        Where to write the JSON, if anywhere.
    """
    for figure in figures:
        print(figure.line(baseline))
    if path is not None:
        host = {"python": platform.python_version(), "machine": platform.machine()}
        content = {"host": host, "baseline": baseline.name, "figures": [asdict(figure) for figure in figures]}
        path.write_text(json.dumps(content, indent=1) + "\n")
