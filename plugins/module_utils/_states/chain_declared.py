# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains as they are declared, checked without looking at a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.declared_once import declared_once


@dataclass(frozen=True)
class Chain:
    """One declared chain.

    Parameters
    ----------
    name : `str`
        Its name.
    children : `tuple` [ `str`, ... ]
        Names and patterns, in search order.
    required : `tuple` [ `str`, ... ]
        Those of them that have to be there whatever is done about missing ones.
    order : {"append", "prepend"}
        Where new children go.
    prune : `bool`
        Whether children that are not declared leave the chain.
    sort : {"name", "newest"}
        The order of the collections that a pattern stands for.
    doc : `str`, optional
        Documentation; `None` leaves what is there.
    state : {"present", "absent"}
        Whether it is to exist.
    """

    name: str
    children: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    order: str = "append"
    prune: bool = False
    sort: str = "name"
    doc: str | None = None
    state: str = "present"


def declared_chains(items: Sequence[Mapping[str, Any]]) -> tuple[Chain, ...]:
    """Make chains from a module's checked arguments.

    Parameters
    ----------
    items : `~collections.abc.Sequence`
        The value of ``chains``.

    Returns
    -------
    chains : `tuple` [ `Chain`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised if a name is declared twice, children are missing or given where they say nothing, one is
        required that is no child, or a chain is both wanted as a child and declared absent.
    """
    options = declared_once("chains", (item["name"] for item in items))
    for item in items:
        _check_children(options[item["name"]], item)
    gone = {item["name"] for item in items if item["state"] == "absent"}
    for item in items:
        for position, child in enumerate(item["children"] or ()):
            if child in gone:
                raise ButlerError(
                    f"{child} is declared absent by {options[child]} and can't be a child",
                    option=f"{options[item['name']]}.children[{position}]",
                )
    return tuple(
        Chain(
            name=item["name"],
            children=tuple(item["children"] or ()),
            required=tuple(item["required"]),
            order=item["order"],
            prune=item["prune"],
            sort=item["sort"],
            doc=item["doc"],
            state=item["state"],
        )
        for item in items
    )


def _check_children(option: str, item: Mapping[str, Any]) -> None:
    children = item["children"]
    if item["state"] == "absent":
        if children or item["required"]:
            raise ButlerError("a chain that is declared absent has no children", option=f"{option}.children")
        return
    if children is None:
        raise ButlerError("the chain's children are needed; [] for none", option=f"{option}.children")
    for position, child in enumerate(children):
        if child in children[:position]:
            raise ButlerError(
                f"{child} is declared twice in one chain", option=f"{option}.children[{position}]"
            )
    for position, child in enumerate(item["required"]):
        if child not in children:
            raise ButlerError(
                f"{child} is not among the chain's children, expected one of {', '.join(children)}",
                option=f"{option}.required[{position}]",
            )
