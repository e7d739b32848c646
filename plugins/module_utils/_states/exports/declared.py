# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports as they are declared, checked without looking at a repository."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

TRANSFERS = ("none", "copy", "direct", "hardlink", "link", "relsymlink", "symlink")
"""What may be done with the artifacts."""

IN_PLACE = ("none", "direct")
"""The modes that leave artifacts where they are."""

SUFFIX = ".yaml"
DIGITS = 3
"""How many digits the number of a file has at least."""


@dataclass(frozen=True)
class Item:
    """One declared export.

    Parameters
    ----------
    option : `str`
        Its name in messages, such as ``exports[0]``.
    file : `str`
        Absolute path of the export file.
    dataset_types, collections : `tuple` [ `str`, ... ]
        Names and patterns: what to export, and where to look for it.
    where : `str`
        Expression that restricts the datasets; empty for none.
    bind : `~collections.abc.Mapping`
        Values of the identifiers in ``where``.
    with_collections : `tuple` [ `str`, ... ]
        Names and patterns of collections that come along.
    chains : `bool`
        Whether CHAINED collections come along.
    skip_dimensions : `frozenset` [ `str` ]
        Elements whose records are left out.
    transfer : `str`
        One of `TRANSFERS`.
    directory : `str`
        Absolute path of the folder for artifacts.
    max_datasets : `int` or `None`
        How many datasets a file may hold; `None` for one file without a number.
    mode : `int` or `None`
        Permissions of the files; `None` leaves those that are there.
    """

    option: str
    file: str
    dataset_types: tuple[str, ...]
    collections: tuple[str, ...]
    where: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict)
    with_collections: tuple[str, ...] = ()
    chains: bool = True
    skip_dimensions: frozenset[str] = frozenset()
    transfer: str = "none"
    directory: str = ""
    max_datasets: int | None = None
    mode: int | None = None

    def numbered(self, number: int) -> str:
        """Name a file of the export.

        Parameters
        ----------
        number : `int`
            Which one, from 0.

        Returns
        -------
        path : `str`
            With the number in it.
        """
        return f"{self.file.removesuffix(SUFFIX)}_{number:0{DIGITS}d}{SUFFIX}"

    def path(self, number: int) -> str:
        """Name a file of the export, which may be the only one.

        Parameters
        ----------
        number : `int`
            Which one, from 0.

        Returns
        -------
        path : `str`
            Its path.
        """
        return self.file if self.max_datasets is None else self.numbered(number)


def declared_items(params: Mapping[str, Any]) -> tuple[Item, ...]:
    """Make the exports from a module's checked arguments.

    Parameters
    ----------
    params : `~collections.abc.Mapping`
        With ``exports``.

    Returns
    -------
    items : `tuple` [ `Item`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised for an empty selection, a file that is declared twice or is no ``.yaml``, and numbers and
        modes that are none.
    """
    if not params["exports"]:
        raise ButlerError("at least one is needed", option="exports")
    items: list[Item] = []
    seen: dict[str, str] = {}
    for index, given in enumerate(params["exports"]):
        option = f"exports[{index}]"
        item = _item(option, given)
        if item.file in seen:
            raise ButlerError(
                f"{item.file} is {seen[item.file]} already; declare it once", option=f"{option}.file"
            )
        seen[item.file] = option
        items.append(item)
    return tuple(items)


def _item(option: str, given: Mapping[str, Any]) -> Item:
    for key in ("dataset_type", "collections"):
        if not given[key]:
            raise ButlerError(
                "at least one is needed", option=f"{option}.{key}", hint="To mean all of them, write '*'."
            )
    file = os.path.abspath(given["file"])  # noqa: PTH100 (symbolic links stay)
    if not file.endswith(SUFFIX):
        raise ButlerError(
            f"{file} does not end with {SUFFIX}, by which the official tool knows an export",
            option=f"{option}.file",
        )
    most = given["max_datasets"]
    if most is not None and most < 1:
        raise ButlerError(f"{most} is too few, expected 1 or more", option=f"{option}.max_datasets")
    if given["directory"] and given["transfer"] in IN_PLACE:
        raise ButlerError(
            f"transfer={given['transfer']} puts no artifacts there",
            option=f"{option}.directory",
            hint="Leave it out, or choose another transfer.",
        )
    directory = os.path.abspath(given["directory"]) if given["directory"] else str(Path(file).parent)  # noqa: PTH100
    return Item(
        option,
        file,
        tuple(dict.fromkeys(given["dataset_type"])),
        tuple(dict.fromkeys(given["collections"])),
        given["where"] or "",
        given["bind"] or {},
        tuple(dict.fromkeys(given["with_collections"] or ())),
        given["export_chains"],
        frozenset(given["skip_dimensions"] or ()),
        given["transfer"],
        directory,
        most,
        _mode(f"{option}.mode", given["mode"]),
    )


def _mode(option: str, given: Any) -> int | None:
    """Understand permissions: a number as YAML has read it, or octal digits."""
    if given is None:
        return None
    text = str(given)
    try:
        mode = given if isinstance(given, int) else int(text, 8)
    except ValueError:
        mode = -1
    if isinstance(given, bool) or not 0 <= mode <= 0o777 or not mode & 0o400:
        raise ButlerError(
            f"{text!r} is no mode of a file that its owner may read; write it in octal and quoted, "
            "such as '0640'",
            option=option,
        )
    return int(mode)
