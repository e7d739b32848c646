# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of collections, asked for in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionType

TYPES = ("RUN", "TAGGED", "CALIBRATION", "CHAINED")


@dataclass(frozen=True)
class Known:
    """A collection that exists.

    Parameters
    ----------
    type : `str`
        One of `TYPES`.
    doc : `str`
        Its documentation.
    children : `tuple` [ `str`, ... ]
        In search order; empty unless it is CHAINED.
    parents : `frozenset` [ `str` ]
        The chains that it is a child of, where asked for.
    """

    type: str
    doc: str = ""
    children: tuple[str, ...] = ()
    parents: frozenset[str] = frozenset()


def look_up(butler: Butler, names: Iterable[str], *, parents: bool = False) -> dict[str, Known]:
    """Find collections by name.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    names : `~collections.abc.Iterable` [ `str` ]
        Exact names.
    parents : `bool`
        Whether to ask for the chains that they are in.

    Returns
    -------
    known : `dict` [ `str`, `Known` ]
        Those that exist.
    """
    from lsst.daf.butler.registry import MissingCollectionError

    known = {}
    with butler.registry.caching_context():
        for name in sorted(set(names)):
            try:
                info = butler.collections.get_info(name, include_parents=parents)
            except MissingCollectionError:
                continue
            known[name] = Known(info.type.name, info.doc, info.children, info.parents or frozenset())
    return known


def register(butler: Butler, name: str, type_name: str, doc: str | None = None) -> None:
    """Register a collection so that a killed run leaves all of it or nothing.

    By itself daf_butler commits a RUN's two rows one after the other; a RUN that has only the first looks
    whole,
    is never completed, and takes no dataset. Source: daf_butler 30, registry/collections/synthIntKey.py.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    name, type_name : `str`
        Its name, and one of `TYPES`.
    doc : `str`, optional
        Its documentation.
    """
    with butler.transaction():
        butler.collections.register(name, collection_type(type_name), doc=doc)


def collection_type(name: str) -> CollectionType:
    """Give daf_butler's collection type of a name in `TYPES`."""
    from lsst.daf.butler import CollectionType

    return CollectionType.from_name(name)
