# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one piece of work in a process of its own and measures it from outside."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
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
    largest_child : `float`, optional
        Peak resident memory of the largest of the processes that it started (MB), 0 if there were none. It
        counts what they share with it.
    cpu : `float`, optional
        Processor time of the work and of processes that it waited for, without a database server's (s). Where
        others use the machine too, it is what can be compared.
    """

    name: str
    seconds: float
    megabytes: float
    datasets: int
    largest_child: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Datasets a second (`float`)."""
        return self.datasets / self.seconds

    def line(self, baseline: Figure) -> str:
        """Give the figure as a line with its ratio to a baseline."""
        ratio = baseline.seconds / self.seconds
        return (
            f"{self.name:44} {self.seconds:8.2f} s {self.rate:10.0f}/s "
            f"{self.megabytes:7.0f} MB   {ratio:6.1f} x {baseline.name!r}"
        )


Work = Callable[[], "tuple[float, float] | None"]
"""Does it; returns its own wall and processor time (s) if not all of what it did is to count."""


def measure(name: str, datasets: int, work: Callable[..., Work], *arguments: Any) -> Figure:
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
    # A process of an executor may start others, and if it is killed that is an error and not a wait for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        seconds, cpu, megabytes, largest_child = pool.submit(_timed, work, *arguments).result()
    figure = Figure(name, seconds, megabytes, datasets, largest_child, cpu)
    print(f"  {name}: {seconds:.2f} s, {cpu:.2f} s of processor time", flush=True)
    return figure


class Clock:
    """Adds up what parts of a piece of work take.

    Attributes
    ----------
    seconds, cpu : `float`
        Wall and processor time of all that was done inside ``with`` blocks of it (s).
    """

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0
        self._begun = (0.0, 0.0)

    def __enter__(self) -> None:
        self._begun = (time.perf_counter(), _processor_time())

    def __exit__(self, *unused: object) -> None:
        self.seconds += time.perf_counter() - self._begun[0]
        self.cpu += _processor_time() - self._begun[1]


def _timed(work: Callable[..., Work], *arguments: Any) -> tuple[float, float, float, float]:
    prepared = work(*arguments)
    clock = Clock()
    with clock:
        own = prepared()
    seconds, cpu = own or (clock.seconds, clock.cpu)
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return seconds, cpu, own.ru_maxrss / 1024, children.ru_maxrss / 1024


def _processor_time() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def host() -> dict[str, Any]:
    """Tell on what it was measured.

    Returns
    -------
    host : `dict`
        Python, the kind of machine and its cores, and how busy they are (load average of the last minute).
    """
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


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
        content = {
            "host": host(),
            "baseline": baseline.name,
            "figures": [asdict(figure) for figure in figures],
        }
        path.write_text(json.dumps(content, indent=1) + "\n")
