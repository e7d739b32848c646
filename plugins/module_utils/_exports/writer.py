# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports written section by section, without having a whole one in memory.

The text depends on what is written and on nothing else, so that the same selection gives the same bytes.
Source of the format: daf_butler, ``transfers/_yaml.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._exports.yaml_text import scalar, text

VERSION = "1.0.2"
"""The version of the format."""

DESCRIPTION = "description: Butler Data Repository Export"
"""What the second line says, and the first of an export that the official tool has written."""

_MARK = "# Written by rubin.butler.butler_export"
_FIRST_LINE = re.compile(rf"{re.escape(_MARK)}(?:: part (\d+)|: (\{{.*\}}))\n")


@dataclass(frozen=True)
class Mark:
    """The first line of a file that `butler_export` has written: a comment.

    Parameters
    ----------
    part : `int`
        Which of the numbered files of an export this is; 0 for the first or only one.
    contents : `~collections.abc.Mapping`, optional
        What the whole export holds, in its first file: by section (``datasets`` ...) and name a number of
        entries and their digest.
    """

    part: int = 0
    contents: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)

    def line(self) -> str:
        """Give the line with its end (`str`)."""
        if self.part:
            return f"{_MARK}: part {self.part}\n"
        return f"{_MARK}: {json.dumps(self.contents, sort_keys=True)}\n"

    @classmethod
    def read(cls, line: str) -> Mark | None:
        """Understand a line.

        Parameters
        ----------
        line : `str`
            The first line of a file, with its end.

        Returns
        -------
        mark : `Mark` or `None`
            `None` if it is another line.
        """
        found = _FIRST_LINE.fullmatch(line)
        if found is None:
            return None
        if found[1] is not None:
            return cls(int(found[1]))
        try:
            contents = json.loads(found[2])
            fits = all(
                len(entry) == 2 and isinstance(entry[0], int)
                for section in contents.values()
                for entry in section.values()
            )
        except (ValueError, AttributeError, TypeError):
            return None
        return cls(0, contents) if fits else None


def head(universe_version: int, namespace: str) -> str:
    """Write what comes before the sections.

    Parameters
    ----------
    universe_version : `int`
        Version of the repository's dimensions.
    namespace : `str`
        Their namespace.

    Returns
    -------
    text : `str`
        Lines.
    """
    return (
        f"{DESCRIPTION}\nversion: {VERSION}\n"
        f"universe_version: {universe_version}\nuniverse_namespace: {text(namespace)}\n"
    )


def collection(name: str, kind: str, doc: str = "", children: Sequence[str] = ()) -> str:
    """Write a collection.

    Parameters
    ----------
    name, kind : `str`
        Its name, and its type such as ``RUN``.
    doc : `str`, optional
        Its documentation; nothing is written if it is empty.
    children : `~collections.abc.Sequence` [ `str` ], optional
        Those of a CHAINED collection.

    Returns
    -------
    section : `str`
        Lines.
    """
    lines = ["- type: collection\n", f"  collection_type: {kind}\n", f"  name: {text(name)}\n"]
    if doc:
        lines.append(f"  doc: {text(doc)}\n")
    if kind == "RUN":
        # The reader wants them; the registry has never known another value.
        lines += ["  host: null\n", "  timespan_begin: null\n", "  timespan_end: null\n"]
    elif kind == "CHAINED":
        lines.append("  children:\n" if children else "  children: []\n")
        lines += [f"  - {text(child)}\n" for child in children]
    return "".join(lines)


def dataset_type(name: str, dimensions: Iterable[str], storage_class: str, is_calibration: bool) -> str:
    """Write a dataset type.

    Parameters
    ----------
    name : `str`
        Its name.
    dimensions : `~collections.abc.Iterable` [ `str` ]
        Its dimensions, the implied ones too.
    storage_class : `str`
        Name of its storage class.
    is_calibration : `bool`
        Whether its datasets may be certified.

    Returns
    -------
    section : `str`
        Lines.
    """
    names = list(dimensions)
    lines = ["- type: dataset_type\n", f"  name: {text(name)}\n"]
    lines.append("  dimensions:\n" if names else "  dimensions: []\n")
    lines += [f"  - {text(dimension)}\n" for dimension in names]
    lines.append(f"  storage_class: {text(storage_class)}\n  is_calibration: {scalar(is_calibration)}\n")
    return "".join(lines)


def records(element: str, items: Iterable[str]) -> Iterator[str]:
    """Write dimension records.

    Parameters
    ----------
    element : `str`
        Name of the dimension element.
    items : `~collections.abc.Iterable` [ `str` ]
        From `yaml_text.mapping_item`, two spaces before the dash.

    Yields
    ------
    text : `str`
        Lines.
    """
    yield f"- type: dimension\n  element: {text(element)}\n  records:\n"
    yield from items


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """An artifact and its datasets.

    Parameters
    ----------
    path : `str`
        As it is to stand in the export.
    formatter : `str`
        Dotted name.
    ids : `list` [ `str` ]
        UUIDs of the datasets.
    data_ids : `list` [ `str` ]
        Their data IDs, from `yaml_text.mapping_item`, four spaces before the dash.
    """

    path: str
    formatter: str
    ids: list[str]
    data_ids: list[str]

    def item(self) -> str:
        """Give it as an item of the list of files (`str`)."""
        ids = "".join(f"    - !uuid '{dataset}'\n" for dataset in self.ids)
        return (
            f"  - dataset_id:\n{ids}    data_id:\n{''.join(self.data_ids)}"
            f"    path: {text(self.path)}\n    formatter: {text(self.formatter)}\n"
        )


def datasets(name: str, run: str, files: Iterable[WrittenFile]) -> Iterator[str]:
    """Write the datasets of a type and a run.

    Parameters
    ----------
    name, run : `str`
        Dataset type and RUN collection.
    files : `~collections.abc.Iterable` [ `WrittenFile` ]
        Their artifacts.

    Yields
    ------
    text : `str`
        Lines.
    """
    yield f"- type: dataset\n  dataset_type: {text(name)}\n  run: {text(run)}\n  records:\n"
    for file in files:
        yield file.item()


def tagged(name: str, ids: Iterable[str]) -> Iterator[str]:
    """Write which datasets a TAGGED collection holds.

    Parameters
    ----------
    name : `str`
        The collection.
    ids : `~collections.abc.Iterable` [ `str` ]
        UUIDs.

    Yields
    ------
    text : `str`
        Lines.
    """
    yield _associations(name, "TAGGED") + "  dataset_ids:\n"
    for dataset in ids:
        yield f"  - !uuid '{dataset}'\n"


def certified(name: str, ranges: Iterable[tuple[str | None, str | None, Iterable[str]]]) -> Iterator[str]:
    """Write the validity ranges of a CALIBRATION collection.

    Parameters
    ----------
    name : `str`
        The collection.
    ranges : `~collections.abc.Iterable` [ `tuple` ]
        Begin and end as `yaml_text.iso` gives them, each once, and UUIDs of datasets.

    Yields
    ------
    text : `str`
        Lines.
    """
    yield _associations(name, "CALIBRATION") + "  validity_ranges:\n"
    for begin, end, ids in ranges:
        yield (
            "  - timespan: !lsst.daf.butler.Timespan\n"
            f"      begin: {_bound(begin)}\n      end: {_bound(end)}\n    dataset_ids:\n"
        )
        for dataset in ids:
            yield f"    - !uuid '{dataset}'\n"


def _associations(name: str, kind: str) -> str:
    return f"- type: associations\n  collection: {text(name)}\n  collection_type: {kind}\n"


def _bound(iso: str | None) -> str:
    return "null" if iso is None else f"!butler_time/tai/iso '{iso}'"
