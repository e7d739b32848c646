# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was really done, counted while it is done."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

MAX_FAILURES = 100


def _never() -> None:
    """Let the run go on."""


def _unheard(line: str) -> None:
    """Drop a line that nobody logs."""


def _unwatched(stage: str, done: int, total: int | None) -> None:
    """Drop what nobody watches."""


def _unlisted(name: str, reason: str) -> None:
    """Drop a failure that nobody lists."""


@dataclass
class Report:
    """Counts of a run and the place where it may be stopped.

    Parameters
    ----------
    checkpoint : `~collections.abc.Callable`
        Called at each batch boundary; raises to stop the run.
    begin : `~collections.abc.Callable`
        Called once before the first write.
    log : `~collections.abc.Callable`
        Takes a line for the log file.
    step : `~collections.abc.Callable`
        Told how far the run is: the stage as a person calls it (``reading headers``), how many of its items
        are done, and of how many, or `None` where that is not known. Cheap enough to be called for each item.
    failed_to : `~collections.abc.Callable`
        Takes everything that failed, its name and the reason, for a file that lists them all.
    added, replaced, removed, skipped, failed : `int`
        How many objects were.
    failures : `list` [ `dict` ]
        The first of those that failed, each with its ``name`` and ``reason``.
    notices : `list` [ `str` ]
        What the operator should read.
    """

    checkpoint: Callable[[], None] = _never
    begin: Callable[[], None] = _never
    log: Callable[[str], None] = _unheard
    step: Callable[[str, int, int | None], None] = _unwatched
    failed_to: Callable[[str, str], None] = _unlisted
    added: int = 0
    replaced: int = 0
    removed: int = 0
    skipped: int = 0
    failed: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def fail(self, name: str, reason: str) -> None:
        """Count something that could not be done; the first `MAX_FAILURES` are listed.

        Parameters
        ----------
        name, reason : `str`
            What, and why.
        """
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            self.failures.append({"name": name, "reason": reason})
        self.failed_to(name, reason)
        self.log(f"failed: {name}: {reason}")

    def bear(self, name: str, reason: str, most: int | None) -> None:
        """Count something that could not be done, unless that is one too many.

        Parameters
        ----------
        name, reason : `str`
            What, and why.
        most : `int` or `None`
            How many failures are borne, the option ``max_errors``; `None` bears any number.

        Raises
        ------
        ButlerError
            Raised for the one that is too many, which is counted.
        """
        self.fail(name, reason)
        if most is not None and self.failed > most:
            raise ButlerError(
                f"more than {most} files failed; the last: {name}: {reason}", option="max_errors"
            )

    def counter(self, stage: str, total: int) -> Callable[[Sized], None]:
        """Begin a stage whose items are done in batches.

        Parameters
        ----------
        stage : `str`
            As a person calls it.
        total : `int`
            How many items there are.

        Returns
        -------
        done : `~collections.abc.Callable`
            Takes each batch that is done.
        """
        count = 0

        def done(batch: Sized) -> None:
            nonlocal count
            count += len(batch)
            self.step(stage, count, total)

        self.step(stage, count, total)
        return done

    def notice(self, line: str) -> None:
        """Say something that the operator should read.

        Parameters
        ----------
        line : `str`
            One sentence.
        """
        if line not in self.notices:
            self.notices.append(line)
        self.log(line)

    def stats(self, present: int) -> dict[str, Any]:
        """Give the counts as they are returned.

        Parameters
        ----------
        present : `int`
            How many declared objects were there already.

        Returns
        -------
        stats : `dict` [ `str`, `int` ]
            ``present``, ``added``, ``replaced``, ``removed``, ``skipped``, ``failed``.
        """
        return {
            "present": present,
            "added": self.added,
            "replaced": self.replaced,
            "removed": self.removed,
            "skipped": self.skipped,
            "failed": self.failed,
        }
