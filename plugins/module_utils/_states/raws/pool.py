# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers read by several processes side by side."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from multiprocessing.process import BaseProcess
from typing import TypeAlias, TypeVar

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import (
    Reading,
    Task,
    identify_file,
    read_group,
)

Given = TypeVar("Given")
Made = TypeVar("Made")

WORTH_IT = 200
"""So many files are read by one process in less time than others need to start."""

GROUPS_AT_ONCE = 8
"""How many groups a process is given at a time."""

MOST_PROCESSES = 16
"""By default no more than this many: storage is the limit then."""

Identified: TypeAlias = "tuple[str, tuple[int, int | None, int] | str]"
"""A path, and what `identify_file` tells of it or why it can't."""

_PR_SET_PDEATHSIG = 1


def usable_processes() -> int:
    """Tell how many processes may be used by default.

    Returns
    -------
    n : `int`
        The processors that this process may run on, at most `MOST_PROCESSES`.
    """
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


class HeaderPool:
    """Reads headers, in other processes where that is worth starting them.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument of the files.
    processes : `int`
        How many processes to use; 1 reads here.

    Raises
    ------
    ButlerError
        Raised if nothing translates the instrument's headers.
    """

    def __init__(self, definition: InstrumentDefinition, processes: int) -> None:
        self.reader = HeaderReader(definition)
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None
        self._others: set[BaseProcess] = set()

    def read(self, groups: Sequence[Sequence[Task]]) -> Iterator[Reading]:
        """Read groups of files.

        Parameters
        ----------
        groups : `~collections.abc.Sequence`
            Files, those of one exposure together.

        Yields
        ------
        reading : `Reading`
            Of one group after the other.

        Raises
        ------
        ButlerError
            Raised if one of the processes died.
        """
        opened = sum(task.told is None or task.md5 is not None for group in groups for task in group)
        # Of a group whose sidecars tell it all, describing the exposure is the work.
        yield from self.map(read_group, groups, files=max(opened, len(groups)))

    def identify(self, paths: Sequence[str]) -> Iterator[Identified]:
        """Tell of which exposures files are.

        Parameters
        ----------
        paths : `~collections.abc.Sequence` [ `str` ]
            The files.

        Yields
        ------
        path : `str`
            One after the other.
        told : `tuple` or `str`
            What `identify_file` gives, or why it can't be told.

        Raises
        ------
        ButlerError
            Raised if one of the processes died.
        """
        yield from self.map(_identify, paths)

    def map(
        self,
        function: Callable[[HeaderReader, Given], Made],
        items: Sequence[Given],
        *,
        files: int | None = None,
    ) -> Iterator[Made]:
        """Have something done for each item.

        Parameters
        ----------
        function : `~collections.abc.Callable`
            Does it with a reader and an item. It is found by its name in other processes, so it stands in a
            module, and what it gives and raises can be pickled.
        items : `~collections.abc.Sequence`
            Anything that can be pickled.
        files : `int`, optional
            How many files have to be read for that; by default one for each item.

        Yields
        ------
        made : `object`
            What the function gave for one item after the other, in their order.

        Raises
        ------
        ButlerError
            Raised if one of the processes died.
        """
        if self._stays_here(len(items) if files is None else files):
            yield from map(partial(function, self.reader), items)
        else:
            yield from self._map_there(partial(_there, function), items)

    def close(self) -> None:
        """End the processes, whatever they are doing: one that waits for storage would not hear of it."""
        if self._executor is not None:
            readers = set(multiprocessing.active_children()) - self._others
            self._executor.shutdown(wait=False, cancel_futures=True)
            for reader in readers:
                reader.kill()
            for reader in readers:
                reader.join()
            self._executor = None

    def _stays_here(self, files: int) -> bool:
        return self._processes == 1 or (self._executor is None and files < WORTH_IT)

    def _map_there(self, function: Callable[[Given], Made], given: Sequence[Given]) -> Iterator[Made]:
        if self._executor is None:
            self._others = set(multiprocessing.active_children())
            # What the module is made of can only be inherited: it is in a file that Ansible made for it.
            self._executor = ProcessPoolExecutor(
                self._processes, multiprocessing.get_context("fork"), _begin, (self.reader, os.getpid())
            )
        try:
            yield from self._executor.map(function, given, chunksize=GROUPS_AT_ONCE)
        except BrokenProcessPool as error:
            raise ButlerError(
                "one of the processes that read headers was killed (for want of memory?)",
                option="processes",
                hint=f"It was {self._processes}; try fewer. Nothing was written.",
            ) from error


_readers: list[HeaderReader] = []
"""The reader of a process that reads headers."""


def _begin(reader: HeaderReader, parent: int) -> None:
    """Prepare a process: the one that started it stops it, also by dying."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    _readers[:] = [reader]


def _there(function: Callable[[HeaderReader, Given], Made], given: Given) -> Made:
    return function(_readers[0], given)


def _identify(reader: HeaderReader, path: str) -> Identified:
    try:
        return path, identify_file(reader, path)
    except (ButlerError, OSError) as error:
        return path, getattr(error, "message", None) or str(error)
