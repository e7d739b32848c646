# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has something done to the servers at a chosen moment of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from sqlalchemy import event
from sqlalchemy.engine import Engine


@contextmanager
def before_insert(
    table: str, number: int, call: Callable[[], object], namespace: str = "public"
) -> Iterator[None]:
    """Have something done before the first, second, ... time that a table is written to."""
    with before_statement(f"INSERT INTO {namespace}.{table} ", number, call):
        yield


@contextmanager
def before_statement(start: str, number: int, call: Callable[[], object]) -> Iterator[None]:
    """Have something done before the first, second, ... statement that begins in some way."""
    met = 0

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_unused: Any) -> None:
        nonlocal met
        met += statement.startswith(start)
        if met == number and statement.startswith(start):
            call()

    event.listen(Engine, "before_cursor_execute", on_statement)
    try:
        yield
        assert met >= number, f"{start} was met {met} times only"
    finally:
        event.remove(Engine, "before_cursor_execute", on_statement)


def at_boundary(number: int, call: Callable[[], object]) -> Report:
    """Give a report that has something done at a batch boundary."""
    return at_boundaries({number: call})


def at_boundaries(calls: Mapping[int, Callable[[], object]]) -> Report:
    """Give a report that has things done at batch boundaries, by their numbers since writing began."""
    boundaries = -1

    def begin() -> None:
        nonlocal boundaries
        boundaries = 0

    def checkpoint() -> None:
        nonlocal boundaries
        boundaries += boundaries >= 0
        if boundaries in calls:
            calls[boundaries]()

    return Report(begin=begin, checkpoint=checkpoint)
