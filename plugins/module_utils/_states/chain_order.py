# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the children of a chain stand: pure functions over names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

SORTS = ("name", "newest")

# The start time that pipelines append to the name of an output run.
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z$")


def is_pattern(text: str) -> bool:
    """Tell a pattern from a collection's name.

    Parameters
    ----------
    text : `str`
        What was declared as a child.

    Returns
    -------
    pattern : `bool`
        Whether it has one of ``*``, ``?`` and ``[``, none of which is in the name of a collection.
    """
    return any(character in text for character in "*?[")


def matching(pattern: str, names: Iterable[str], sort: str) -> list[str]:
    """Find the collections that a pattern stands for.

    Parameters
    ----------
    pattern : `str`
        As in a shell; ``*`` matches slashes too.
    names : `~collections.abc.Iterable` [ `str` ]
        What there is.
    sort : `str`
        ``name``, or ``newest``: by the timestamp such as ``20250417T034317Z`` at the end of the name, latest
        first; names without one follow, sorted.

    Returns
    -------
    matches : `list` [ `str` ]
        The matching names in that order, each once.
    """
    matches = sorted({name for name in names if fnmatchcase(name, pattern)})
    if sort == "newest":
        # Two stable sorts: names that share a timestamp stay sorted by name.
        matches.sort(key=_timestamp, reverse=True)
    return matches


def _timestamp(name: str) -> str:
    found = _TIMESTAMP.search(name)
    return found.group() if found else ""


def arrange(existing: Sequence[str], declared: Sequence[str], *, order: str, prune: bool) -> list[str]:
    """Put the declared children into a chain.

    The declared children take, in the declared order, the places that declared children have in the chain
    already, and as many more places as there are new ones: at the end with ``append``, at the front with
    ``prepend``. Every other child keeps its place between them, so a chain that has the declared children in
    the declared order is left alone.

    Parameters
    ----------
    existing : `~collections.abc.Sequence` [ `str` ]
        The chain as it is.
    declared : `~collections.abc.Sequence` [ `str` ]
        The declared children, each once.
    order : `str`
        ``append`` or ``prepend``.
    prune : `bool`
        Whether the chain is exactly the declared children.

    Returns
    -------
    children : `list` [ `str` ]
        The chain as it will be.
    """
    if prune:
        return list(declared)
    wanted = set(declared)
    new: list[str | None] = [None] * len(wanted.difference(existing))
    places = [None if child in wanted else child for child in existing]
    places = new + places if order == "prepend" else places + new
    following = iter(declared)
    return [next(following) if place is None else place for place in places]


def find_cycles(children: Mapping[str, Sequence[str]], start: Collection[str]) -> list[tuple[str, ...]]:
    """Find the chains that would contain themselves.

    Parameters
    ----------
    children : `~collections.abc.Mapping`
        The children of every chain that can be reached, as they will be.
    start : `~collections.abc.Collection` [ `str` ]
        The chains to start from.

    Returns
    -------
    cycles : `list` [ `tuple` [ `str`, ... ] ]
        One path for each way back into a chain that is being walked, first name repeated at the end.
    """
    cycles: list[tuple[str, ...]] = []
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycles.append((*path[path.index(name) :], name))
        elif name not in done:
            for child in children.get(name, ()):
                walk(child, (*path, name))
            done.add(name)

    for name in sorted(start):
        walk(name, ())
    return cycles
