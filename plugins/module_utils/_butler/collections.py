# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of collections, asked for in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Conflict

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


def other_type(name: str, known: Known, declared: str) -> Conflict:
    """Tell that a collection is not of the type that is needed.

    Parameters
    ----------
    name : `str`
        Its name.
    known : `Known`
        What there is of that name.
    declared : `str`
        The type that a task declares it to be.

    Returns
    -------
    conflict : `Conflict`
        What no task can mend, because the type of a collection never changes.
    """
    return Conflict("collection", name, f"it is a {known.type} collection, and {declared} was declared")


def shown_collection(type_name: str, doc: str | None = None) -> dict[str, str]:
    """Give a collection as a plan shows it.

    Parameters
    ----------
    type_name : `str`
        One of `TYPES`.
    doc : `str`, optional
        Its documentation, which is left out where there is none.

    Returns
    -------
    shown : `dict` [ `str`, `str` ]
        Type and documentation.
    """
    return {"type": type_name, "doc": doc} if doc else {"type": type_name}


def register(butler: Butler, name: str, type_name: str, doc: str | None = None) -> None:
    """Register a collection so that a killed run leaves all of it or nothing.

    By itself daf_butler commits a RUN's two rows one after the other; a RUN that has only the first looks
    whole, is never completed, and takes no dataset. Source: daf_butler 30,
    registry/collections/synthIntKey.py.

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
    """Give daf_butler's collection type of a name.

    Parameters
    ----------
    name : `str`
        One of `TYPES`.

    Returns
    -------
    type : `lsst.daf.butler.CollectionType`
        The type.
    """
    from lsst.daf.butler import CollectionType

    return CollectionType.from_name(name)
