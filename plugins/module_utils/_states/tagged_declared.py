# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAGGED collections as they are declared, checked without looking at a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.declared_once import declared_once

_MAX_BAD_LINES = 20


@dataclass(frozen=True)
class Tag:
    """One declared TAGGED collection.

    Parameters
    ----------
    name, option : `str`
        Its name, and the option that declares it.
    dataset_types : `tuple` [ `str`, ... ]
        Names and patterns.
    collections : `tuple` [ `str`, ... ]
        Names and patterns of the collections to take datasets from.
    where : `str`
        Expression that restricts them; empty for none.
    bind : `~collections.abc.Mapping`
        Values of the identifiers in ``where``.
    ids : `tuple` [ `int`, ... ], optional
        The exposures or visits to restrict them to, sorted, each once.
    ids_option : `str`
        The option that gave the ids.
    ids_dimension : {"exposure", "visit"}
        What the ids are.
    prune : `bool`
        Whether members that are not selected leave the collection.
    doc : `str`, optional
        Documentation; `None` leaves what is there.
    """

    name: str
    option: str
    dataset_types: tuple[str, ...]
    collections: tuple[str, ...]
    where: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict)
    ids: tuple[int, ...] | None = None
    ids_option: str = ""
    ids_dimension: str = "exposure"
    prune: bool = False
    doc: str | None = None


def declared_tags(items: Sequence[Mapping[str, Any]]) -> tuple[Tag, ...]:
    """Make TAGGED collections from a module's checked arguments.

    Parameters
    ----------
    items : `~collections.abc.Sequence`
        The value of ``collections``.

    Returns
    -------
    tags : `tuple` [ `Tag`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised if a name is declared twice, a selection is empty or names its own collection, or a file of ids
        can't be read.
    """
    options = declared_once(
        "collections",
        (item["name"] for item in items),
        hint="One entry takes all dataset types of a collection.",
    )
    tags = []
    for item in items:
        name, option = item["name"], options[item["name"]]
        for key in ("dataset_type", "collections"):
            if not item[key]:
                raise ButlerError("at least one is needed", option=f"{option}.{key}")
        if name in item["collections"]:
            raise ButlerError(f"{name} can't be selected from itself", option=f"{option}.collections")
        ids, ids_option = _ids(item, option)
        tags.append(
            Tag(
                name=name,
                option=option,
                dataset_types=tuple(dict.fromkeys(item["dataset_type"])),
                collections=tuple(dict.fromkeys(item["collections"])),
                where=item["where"] or "",
                bind=item["bind"] or {},
                ids=ids,
                ids_option=ids_option,
                ids_dimension=item["ids_dimension"],
                prune=item["prune"],
                doc=item["doc"],
            )
        )
    return tuple(tags)


def _ids(item: Mapping[str, Any], option: str) -> tuple[tuple[int, ...] | None, str]:
    if item["ids"] is not None and item["ids_file"] is not None:
        raise ButlerError("give ids or ids_file, not both", option=option)
    if item["ids_file"] is not None:
        option = f"{option}.ids_file"
        ids = read_ids(item["ids_file"], option)
    elif item["ids"] is not None:
        option = f"{option}.ids"
        ids = sorted(set(item["ids"]))
    else:
        return None, ""
    if not ids:
        raise ButlerError("there is no id", option=option, hint="Leave the option out to select all.")
    return tuple(ids), option


def read_ids(path: str, option: str) -> list[int]:
    """Read the ids of exposures or visits.

    Parameters
    ----------
    path, option : `str`
        A text file with one id on a line. Blank lines and what follows ``#`` say nothing; an id may be given
        more than once.

    Returns
    -------
    ids : `list` [ `int` ]
        Sorted, each once.

    Raises
    ------
    ButlerError
        Raised if the file can't be read, and with the number of each line that is not an id.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise ButlerError(
            f"{path} can't be read: {reason}",
            option=option,
            hint="It has to be on the managed host, in check mode too.",
        ) from None
    ids = set()
    bad = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        if content.isascii() and content.isdigit():
            ids.add(int(content))
        else:
            bad.append(f"line {number}: {content[:60]!r}")
    if bad:
        raise ButlerError(
            f"{path} has {len(bad)} lines that are not one exposure or visit id each",
            option=option,
            details=[*bad[:_MAX_BAD_LINES], *(["..."] if len(bad) > _MAX_BAD_LINES else [])],
        )
    return sorted(ids)
