# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removals of datasets as they are declared, checked without looking at a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

FORGET = "forget"
"""What `forget_unstored` does, beside the choices of `removal`."""


@dataclass(frozen=True)
class Selection:
    """Some datasets.

    Parameters
    ----------
    option : `str`
        The option that declares them, such as ``datasets[0]``.
    dataset_types, collections : `tuple` [ `str`, ... ]
        Names and patterns.
    where : `str`
        Expression that restricts them; empty for none.
    bind : `~collections.abc.Mapping`
        Values of the identifiers in ``where``.
    """

    option: str
    dataset_types: tuple[str, ...]
    collections: tuple[str, ...]
    where: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Declared:
    """What is to be removed.

    Parameters
    ----------
    selections : `tuple` [ `Selection`, ... ]
        In the order of the task.
    removal : {"disassociate", "unstore", "purge", "forget"}
        How.
    tags : `tuple` [ `str`, ... ]
        Names and patterns of the TAGGED collections to take them out of.
    protect : `tuple` [ `str`, ... ]
        Names and patterns of collections that are to keep their datasets.
    max_removals : `int`
        How many datasets may go.
    on_missing : {"fail", "skip"}
        What to do about dataset types and collections that are named and not there.
    """

    selections: tuple[Selection, ...]
    removal: str
    tags: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    max_removals: int = 0
    on_missing: str = "fail"


def declared_removals(params: Mapping[str, Any]) -> Declared:
    """Make removals from a module's checked arguments.

    Parameters
    ----------
    params : `~collections.abc.Mapping`
        The options of the module.

    Returns
    -------
    declared : `Declared`
        What is to be removed.

    Raises
    ------
    ButlerError
        Raised if it is not said how, or twice; and for empty lists and a negative number.
    """
    return Declared(
        selections=_selections(params["datasets"]),
        removal=_removal(params),
        tags=tuple(dict.fromkeys(params["tags"] or ())),
        protect=tuple(dict.fromkeys(params["protect"] or ())),
        max_removals=_most(params["max_removals"]),
        on_missing=params["on_missing"],
    )


def _selections(items: Sequence[Mapping[str, Any]]) -> tuple[Selection, ...]:
    if not items:
        raise ButlerError("at least one selection is needed", option="datasets")
    selections = []
    for index, item in enumerate(items):
        option = f"datasets[{index}]"
        for key in ("dataset_type", "collections"):
            if not item[key]:
                raise ButlerError(
                    "at least one is needed", option=f"{option}.{key}", hint="To mean all of them, write '*'."
                )
        selections.append(
            Selection(
                option,
                tuple(dict.fromkeys(item["dataset_type"])),
                tuple(dict.fromkeys(item["collections"])),
                item["where"] or "",
                item["bind"] or {},
            )
        )
    return tuple(selections)


def _removal(params: Mapping[str, Any]) -> str:
    removal: str | None = params["removal"]
    if params["forget_unstored"]:
        if removal is not None:
            raise ButlerError(
                f"forget_unstored=true and removal={removal} are two tasks",
                option="forget_unstored",
                hint="The first takes only datasets whose artifacts are gone, the second all selected ones.",
            )
        removal = FORGET
    if removal is None:
        raise ButlerError(
            "say how the datasets are to be removed: disassociate, unstore or purge; or forget_unstored=true",
            option="removal",
        )
    if removal == "disassociate" and not params["tags"]:
        raise ButlerError(
            "removal=disassociate needs the TAGGED collections that the datasets are to leave", option="tags"
        )
    if removal != "disassociate" and params["tags"] is not None:
        raise ButlerError("it is for removal=disassociate only", option="tags")
    return removal


def _most(value: int) -> int:
    if value < 0:
        raise ButlerError(f"{value} is no number of datasets, expected 0 or more", option="max_removals")
    return value
