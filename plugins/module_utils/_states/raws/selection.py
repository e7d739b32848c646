# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files selected from a table of exposures, as the DEEP survey keeps them.

There are two tables. ``exposures.ecsv`` tells what there is in the archive. ``downloaded_exposures.ecsv``
beside it is written by the download, and tells of each file by its ``md5sum`` where it was put (``path``) and
whether its content has that digest (``valid_on_disk``). One table with all of that will do too.

Source: stevenstetzler/proc-decam (``download.py``, ``ingest.py``) for the names and what they mean.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    check_no_secret,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import first_few
from ansible_collections.rubin.butler.plugins.module_utils._storage.named_files import absolute
from ansible_collections.rubin.butler.plugins.module_utils._storage.tables import cells, read_table

SELECT_OPTIONS: dict[str, dict[str, Any]] = {
    "table": {"type": "path", "required": True},
    "where": {"type": "dict", "default": {}},
    "root": {"type": "path"},
}
"""Argument spec of ``select``."""

PATH = "path"
MD5 = "md5sum"
VALID = "valid_on_disk"
KIND = "proc_type"
RAW = "raw"

_TRUE = ("true", "t", "1", "1.0", "yes", "y")
_DIGEST = 32
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Selected:
    """A selected file.

    Parameters
    ----------
    path : `str`
        Absolute path or URI.
    md5 : `str` or `None`
        What the MD5 digest of its content has to be, in lower case; `None` where the table has none.
    """

    path: str
    md5: str | None


@dataclass(frozen=True)
class SelectedFiles:
    """The selected files, and what became of the rows of the table.

    Parameters
    ----------
    files : `tuple` [ `Selected`, ... ]
        Sorted by path, each once.
    matched : `int`
        How many rows of the table of exposures are selected.
    invalid : `int`
        How many of their files are not valid on disk; they are left out.
    absent : `int`
        How many of the rows the table of what was downloaded does not have; they are left out.
    duplicates : `int`
        How many rows name a file that a row before them names.
    notices : `tuple` [ `str`, ... ]
        What an operator should read.
    """

    files: tuple[Selected, ...]
    matched: int = 0
    invalid: int = 0
    absent: int = 0
    duplicates: int = 0
    notices: tuple[str, ...] = ()

    @property
    def skipped(self) -> int:
        """How many selected rows are left out (`int`)."""
        return self.invalid + self.absent


@dataclass
class _Table:
    """A table whose columns are turned into plain values when they are asked for."""

    path: str
    option: str
    rows: int = 0
    names: tuple[str, ...] = ()
    _content: Any = None
    _columns: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: str, option: str) -> _Table:
        content = read_table(path, option)
        return cls(path, option, len(content), tuple(map(str, content.colnames)), content)

    def column(self, name: str) -> list[Any]:
        if name not in self.names:
            raise ButlerError(
                f"{self.path} has no column {name!r}, expected one of {', '.join(self.names)}",
                option=self.option,
            )
        if name not in self._columns:
            self._columns[name] = cells(self._content[name])
        return self._columns[name]

    def text(self, name: str, row: int) -> str | None:
        """Give a cell as text; `None` if it is empty or there is no such column."""
        value = self.column(name)[row] if name in self.names else None
        return None if value is None else str(value).strip() or None


def select_files(select: Mapping[str, Any], *, option: str = "select") -> SelectedFiles:
    """Select raw files from a table.

    Parameters
    ----------
    select : `~collections.abc.Mapping`
        ``table``: path of the table of exposures. If ``downloaded_<its name>`` lies beside it, what that has
        for the same ``md5sum`` is told of each row, and rows that it does not have are left out.
        ``where``: by column of either table, the value to select, or a list of which any will do; `None`
        stands for an empty cell. Without a condition on ``proc_type``, where there is that column, only rows
        in which it is ``raw`` are selected: the others are no raws.
        ``root``: directory or URI in which the files are now. Of an absolute ``path`` it takes the last part,
        a relative one starts there. Without it an absolute path is taken as it is, and a relative one starts
        at the directory of the table.
    option : `str`, optional
        The module option, for messages.

    Returns
    -------
    selected : `SelectedFiles`
        The files; nothing that is selected is a notice and no error, as some nights have no such frames.

    Raises
    ------
    ButlerError
        Raised for a table that can't be read, a column that is not there, and with all of them, rows without
        a path or with another digest for a file than an earlier row.
    """
    table = str(select["table"])
    exposures = _Table.read(table, f"{option}.table")
    beside = Path(table).with_name(f"downloaded_{Path(table).name}")
    downloaded = _Table.read(str(beside), f"{option}.table") if beside.is_file() else None
    pairs, absent = _joined(exposures, downloaded)
    where = dict(select.get("where") or {})
    if KIND not in where and KIND in exposures.names:
        where[KIND] = RAW
    pairs, absent = (_matching(exposures, downloaded, rows, where, option) for rows in (pairs, absent))
    source = exposures if downloaded is None else downloaded
    files, invalid, duplicates = _files(source, [pair[-1] for pair in pairs], select.get("root"), option)
    notices = []
    if not pairs and not absent:
        notices.append(f"{option}: {_nothing(exposures, downloaded, where)}")
    for count, said in (
        (invalid, f"{invalid} of the selected files are not valid on disk and are left out"),
        (len(absent), f"{len(absent)} of the selected exposures are not in {beside} and are left out"),
    ):
        if count:
            notices.append(f"{option}: {said}")
    return SelectedFiles(
        files, len({pair[0] for pair in (*pairs, *absent)}), invalid, len(absent), duplicates, tuple(notices)
    )


_Pair = tuple[int, int]


def _joined(exposures: _Table, downloaded: _Table | None) -> tuple[list[_Pair], list[_Pair]]:
    """Give the rows that belong together, and those that have nothing to go with (with -1)."""
    if downloaded is None:
        return [(row, row) for row in range(exposures.rows)], []
    by_md5: dict[str, list[int]] = {}
    for row, value in enumerate(downloaded.column(MD5)):
        by_md5.setdefault(_digest(value), []).append(row)
    pairs, absent = [], []
    for row, value in enumerate(exposures.column(MD5)):
        found = by_md5.get(_digest(value), []) if value is not None else []
        pairs += [(row, other) for other in found]
        if not found:
            absent.append((row, -1))
    return pairs, absent


def _digest(value: object) -> str:
    return str(value).strip().lower()


def _matching(
    exposures: _Table,
    downloaded: _Table | None,
    pairs: Sequence[_Pair],
    where: Mapping[str, Any],
    option: str,
) -> list[_Pair]:
    """Give the rows that meet all conditions."""
    kept = list(pairs)
    for name, wanted in where.items():
        values = wanted if isinstance(wanted, list | tuple) else [wanted]
        if name in exposures.names:
            column, side = exposures.column(name), 0
        elif downloaded is not None and name in downloaded.names:
            column, side = downloaded.column(name), 1
        else:
            known = dict.fromkeys((*exposures.names, *(downloaded.names if downloaded else ())))
            raise ButlerError(
                f"{exposures.path} has no column {name!r}, expected one of {', '.join(known)}",
                option=f"{option}.where",
            )
        if any(isinstance(value, Mapping | list | tuple) for value in values):
            raise ButlerError(
                f"got {wanted!r} for {name}, expected a value or a list of values", option=f"{option}.where"
            )
        # A row that was not downloaded has no cell there.
        kept = [
            pair
            for pair in kept
            if any(equals(None if pair[side] < 0 else column[pair[side]], value) for value in values)
        ]
    return kept


def equals(cell: object, wanted: object) -> bool:
    """Tell whether a cell is what was asked for.

    Numbers are compared as numbers, even where one of them is written as text; all else as text.

    Parameters
    ----------
    cell : `object`
        What the table has; `None` if it is empty.
    wanted : `object`
        A number, a text, true or false, or `None` for an empty cell.

    Returns
    -------
    equal : `bool`
        Whether it is.
    """
    if wanted is None or cell is None:
        return wanted is None and (cell is None or cell == "")
    if isinstance(cell, bool) or isinstance(wanted, bool):
        return _truth(cell) == _truth(wanted)
    if isinstance(cell, str) and isinstance(wanted, str):
        return cell.strip() == wanted.strip()
    numbers = _number(cell), _number(wanted)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return str(cell).strip() == str(wanted).strip()


def _truth(value: object) -> bool | str:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in ("false", "f", "0", "0.0", "no", "n") else text


def _number(value: object) -> int | float | None:
    if isinstance(value, int | float):
        return value
    try:
        return int(str(value))
    except ValueError:
        pass
    try:
        return float(str(value))
    except ValueError:
        return None


def _files(
    source: _Table, rows: Sequence[int], root: str | None, option: str
) -> tuple[tuple[Selected, ...], int, int]:
    """Give the files of rows, how many are not valid, and how many are named again."""
    if root:
        check_no_secret(f"{option}.root", root)
    source.column(PATH)
    base = os.path.abspath(Path(source.path).parent)  # noqa: PTH100 - links are not followed
    files: dict[str, str | None] = {}
    problems: list[str] = []
    invalid = duplicates = 0
    for row in rows:
        if VALID in source.names and _truth(source.column(VALID)[row]) is not True:
            invalid += 1
            continue
        name, md5 = source.text(PATH, row), source.text(MD5, row)
        md5 = md5 and md5.lower()
        if name is None:
            problems.append(f"{source.path} row {row + 1}: {PATH} is empty")
            continue
        path = _placed(name, root, base)
        if "@" in path:
            check_no_secret(f"{option}.table, row {row + 1}", path)
        if path in files:
            duplicates += 1
            if md5 and files[path] and files[path] != md5:
                problems.append(
                    f"{source.path} row {row + 1}: {path} has {MD5} {md5}, an earlier row has {files[path]}"
                )
            md5 = files[path] or md5
        files[path] = md5
    if problems:
        raise ButlerError(
            f"{len(problems)} of the selected rows name no file that can be ingested",
            option=option,
            details=problems,
            hint="Nothing was written.",
        )
    return tuple(Selected(path, files[path]) for path in sorted(files)), invalid, duplicates


def _placed(name: str, root: str | None, base: str) -> str:
    """Give the path of a file where it is now."""
    if root and ("://" in name or name.startswith("/")):
        name = name.rstrip("/").rpartition("/")[-1]
    return absolute(name, root or base)


def _nothing(exposures: _Table, downloaded: _Table | None, where: Mapping[str, Any]) -> str:
    """Say that nothing is selected, and what there would be."""
    had = []
    for name in where:
        table = exposures if name in exposures.names else cast(_Table, downloaded)
        values = sorted({str(value) for value in table.column(name) if value is not None})
        had.append(f"{name} is {first_few(values) or 'empty'}")
    wanted = ", ".join(f"{name}={value!r}" for name, value in where.items())
    return f"no row of {exposures.path} has {wanted}; there, {'; '.join(had)}"


def verify_md5(path: str, expected: str) -> None:
    """Check that the content of a file is what it is said to be.

    Parameters
    ----------
    path : `str`
        Absolute path or URI; it is read to the end, block by block.
    expected : `str`
        The MD5 digest as 32 hexadecimal digits, in either case.

    Raises
    ------
    ButlerError
        Raised, naming the file, if it can't be read or has another digest.
    """
    wanted = expected.strip().lower()
    if len(wanted) != _DIGEST:
        raise ButlerError(f"{path}: got {expected!r} as its MD5 digest, expected 32 hexadecimal digits")
    try:
        if "://" in path:
            from lsst.resources import ResourcePath

            with ResourcePath(path, forceDirectory=False).open("rb") as remote:
                found = _md5(cast(BinaryIO, remote))
        else:
            with open(path, "rb") as local:  # noqa: PTH123 - one for each of many files
                found = _md5(local)
    except Exception as error:
        # Each kind of storage fails in its own ways.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise ButlerError(f"{path} can't be read: {reason}") from error
    if found != wanted:
        raise ButlerError(
            f"{path} has the MD5 digest {found}, expected {wanted}",
            hint="The file was changed, or not copied to its end; fetch it again.",
        )


def _md5(stream: BinaryIO) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
