# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long streams in parts, so that no query, transaction or list grows with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut a stream into parts.

    Parameters
    ----------
    items : `~collections.abc.Iterable`
        Anything, read only as far as it is asked for.
    size : `int`
        Most items in a part.

    Yields
    ------
    chunk : `list`
        The next ``size`` items, or the last ones; never none.
    """
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
