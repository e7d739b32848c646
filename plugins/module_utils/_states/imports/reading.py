# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exports of an import, each of them parsed once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._exports.content import Export
from ansible_collections.rubin.butler.plugins.module_utils._exports.paths import is_uri
from ansible_collections.rubin.butler.plugins.module_utils._exports.reader import read_export
from ansible_collections.rubin.butler.plugins.module_utils._exports.selection import without_classes
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.options import Item

READING = "reading exports"


def read_exports(
    items: Sequence[Item], repository: Repository | None, report: Report
) -> tuple[list[tuple[Item, Export]], list[Item]]:
    """Read the exports.

    Parameters
    ----------
    items : `~collections.abc.Sequence` [ `Item` ]
        The imports.
    repository : `Repository` or `None`
        The repository whose dimensions they are brought up to; `None` if it is absent.
    report : `Report`
        Told how many are read; the run may be stopped between two of them.

    Returns
    -------
    exports : `list` [ `tuple` [ `Item`, `Export` ] ]
        What they hold. A file that several imports name is parsed once.
    absent : `list` [ `Item` ]
        The imports whose export is not there.

    Raises
    ------
    ButlerError
        Raised with all faults of all exports.
    """
    universe, instruments = universe_of(repository), {}
    if repository is not None:
        found = repository.butler.query_dimension_records("instrument", explain=False)
        instruments = {record.name: record.class_name for record in found if record.class_name}
    exports: list[tuple[Item, Export]] = []
    absent: list[Item] = []
    problems: list[str] = []
    parsed: dict[str, Export] = {}
    for number, item in enumerate(items, 1):
        report.checkpoint()
        try:
            if item.file not in parsed:
                content = _content(item)
                if content is None:
                    absent.append(item)
                    continue
                parsed[item.file] = read_export(item.file, content, universe, instruments)
            exports.append((item, without_classes(parsed[item.file], item.exclude_storage_classes)))
        except ButlerError as error:
            problems += [f"{item.option}.file: {line}" for line in (error.details or (error.message,))]
        finally:
            report.step(READING, number, len(items))
    if problems:
        raise ButlerError(
            "these exports can't be imported" if len(items) > 1 else "this export can't be imported",
            details=problems,
            hint="Nothing was written.",
        )
    return exports, absent


def _content(item: Item) -> bytes | None:
    """Read an export; `None` if it is not there."""
    try:
        if not is_uri(item.file):
            return Path(item.file).read_bytes()
        from lsst.resources import ResourcePath

        uri = ResourcePath(item.file, forceDirectory=False)
        return uri.read() if uri.exists() else None
    except FileNotFoundError:
        return None
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise ButlerError(f"{item.file} can't be read: {first_line(error)}") from None
