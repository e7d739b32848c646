# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of imports of many files: how often they are parsed, and what the registry is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._exports import reader
from ansible_collections.rubin.butler.plugins.module_utils._exports.values import Document, parse
from sqlalchemy import event
from sqlalchemy.engine import Engine


@dataclass
class Counted:
    """What was counted.

    Parameters
    ----------
    parsed : `int`
        How many documents were parsed.
    statements : `list` [ `str` ]
        The SQL statements.
    """

    parsed: int = 0
    statements: list[str] = field(default_factory=list)


@contextmanager
def counting() -> Iterator[Counted]:
    """Count while something is imported in this process."""
    counted = Counted()

    def counting_parse(content: bytes) -> Document:
        counted.parsed += 1
        return parse(content)

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_unused: Any) -> None:
        counted.statements.append(statement)

    event.listen(Engine, "before_cursor_execute", on_statement)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "parse", counting_parse)
            yield counted
    finally:
        event.remove(Engine, "before_cursor_execute", on_statement)
