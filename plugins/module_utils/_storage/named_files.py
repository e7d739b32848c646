# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and the data IDs that a table or their names give them, before anything is known of a repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    check_no_secret,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.remote_folders import (
    below,
    quoted,
    walk_remote,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.tables import cells, read_table

_TAKEN_FOR_URI = re.compile(r"#|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it is listed.

    Parameters
    ----------
    where : `str`
        What tells an operator which one it is: the row of the table, or the name in the directory.
    path : `str`
        Absolute path or URI.
    values : `tuple` [ `object`, ... ]
        What is given for each of `Listing.keys`; `None` for an empty cell.
    """

    where: str
    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Listing:
    """Files and what is given for each.

    Parameters
    ----------
    keys : `tuple` [ `str`, ... ]
        Names of columns, or of groups in the pattern.
    option : `str`
        The option that gave them.
    files : `list` [ `Listed` ]
        In the order of the table, or by name.
    """

    keys: tuple[str, ...]
    option: str
    files: list[Listed]


def from_table(table: str, prefix: str | None) -> Listing:
    """Read a table of files.

    Parameters
    ----------
    table : `str`
        Path of a table that astropy can read: ECSV, CSV, or what it recognizes by name or content. The first
        column, whatever its name, has the files, the others data ID values. All cells of a CSV file are
        text, so that ``007`` stays what it is.
    prefix : `str` or `None`
        Directory or URI that relative names of files start at; by default the table's directory.

    Returns
    -------
    listing : `Listing`
        One entry for each row.

    Raises
    ------
    ButlerError
        Raised if the table can't be read or has no row, or a row has no file or one that can't be used.
    """
    content = read_table(table, "table")
    names, *columns = (cells(column) for column in content.columns.values())
    base = prefix or str(Path(os.path.abspath(table)).parent)  # noqa: PTH100 (symbolic links stay)
    files, empty = [], []
    for number, (name, *values) in enumerate(zip(names, *columns, strict=True), start=1):
        where = f"row {number}"
        if name is None or not str(name).strip():
            empty.append(where)
            continue
        files.append(Listed(where, absolute(str(name), base), tuple(values)))
    if empty:
        raise ButlerError(
            f"{table} has rows without a file in its first column {content.colnames[0]!r}",
            option="table",
            details=empty,
        )
    for file in files:
        if "@" in file.path:
            check_no_secret(f"table, {file.where}", file.path)
    _check_names("table", files)
    return Listing(tuple(map(str, content.colnames[1:])), "table", files)


def absolute(path: str, base: str) -> str:
    """Make a path absolute.

    Parameters
    ----------
    path : `str`
        Path or URI.
    base : `str`
        Directory or URI that a relative one starts at.

    Returns
    -------
    path : `str`
        Absolute path, or URI.
    """
    path, base = _without_file_scheme(path), _without_file_scheme(base)
    if "://" in path:
        return path
    if "://" in base and not path.startswith("/"):
        return quoted(f"{base.rstrip('/')}/{path}")
    return os.path.abspath(os.path.join(base, path))  # noqa: PTH100, PTH118 (once for each of many files)


def _without_file_scheme(path: str) -> str:
    return unquote(urlsplit(path).path) if path.startswith("file://") else path


def _check_names(option: str, files: Iterable[Listed]) -> None:
    """Refuse paths that lsst.resources would take for something else."""
    bad = [
        f"{file.where}: {file.path}"
        for file in files
        if "://" not in file.path and _TAKEN_FOR_URI.search(file.path)
    ]
    if bad:
        raise ButlerError(
            "a Butler takes # and escapes such as %20 in the path of a file for parts of a URI",
            option=option,
            details=bad,
            hint="Rename these files, or link to them. Nothing was written.",
        )


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Check a pattern for names of files.

    Parameters
    ----------
    pattern : `str`
        Regular expression with named groups.

    Returns
    -------
    compiled : `re.Pattern`
        The same, compiled.

    Raises
    ------
    ButlerError
        Raised if it is none.
    """
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ButlerError(
            f"{pattern!r} is not a regular expression: {error}",
            option="pattern",
            hint=r"An example is (?P<htm7>\d+)\.fits",
        ) from None


def from_directory(directory: str, pattern: re.Pattern[str]) -> Listing:
    """List the files in a directory whose names match.

    Parameters
    ----------
    directory : `str`
        Absolute path or URI.
    pattern : `re.Pattern`
        Has to match the whole path of a file relative to the directory; its named groups are the data ID.
        Links to directories are not followed.

    Returns
    -------
    listing : `Listing`
        One entry for each file that matches, sorted; none if no file does.

    Raises
    ------
    ButlerError
        Raised if the directory can't be listed, or has matching files that can't be used.
    """
    directory = _without_file_scheme(directory)
    keys = tuple(sorted(pattern.groupindex, key=pattern.groupindex.__getitem__))
    names = sorted(_remote(directory) if "://" in directory else _local(directory))
    files = []
    for name in names:
        match = pattern.fullmatch(name)
        if match is not None:
            path = absolute(quote(name) if "://" in directory else name, directory)
            files.append(Listed(name, path, tuple(match.group(key) for key in keys)))
    _check_names("directory", files)
    return Listing(keys, "directory", files)


def _local(directory: str) -> Iterator[str]:
    problems: list[str] = []

    def note(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for folder, _folders, names in os.walk(directory, onerror=note):
        inner = os.path.relpath(folder, directory)
        yield from names if inner == "." else (f"{inner}/{name}" for name in names)
    if problems:
        raise ButlerError(
            f"{directory} can't be listed",
            option="directory",
            details=problems,
            hint="It has to be a readable directory on the managed host, in check mode too.",
        )


def _remote(directory: str) -> Iterator[str]:
    from lsst.resources import ResourcePath

    top = ResourcePath(quoted(directory), forceDirectory=True)
    try:
        for folder, _folders, names in walk_remote(top):
            for name in names:
                yield unquote(below(folder, name).geturl().removeprefix(top.geturl()))
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise ButlerError(f"{directory} can't be listed: {first_line(error)}", option="directory") from None
