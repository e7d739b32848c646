# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which raw files there are.

Source: obs_base (``RawIngestTask.run``) and lsst.resources (``ResourcePath.findFileResources``), for what is
found where.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    check_no_secret,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError, SecretError
from ansible_collections.rubin.butler.plugins.module_utils._storage.remote_folders import (
    as_folder,
    below,
    quoted,
    walk_remote,
)

FILE_PATTERN = r"\.fit[s]?\b"
"""What the official ingest searches for in the names of the files in a directory."""

GUIDER_SUFFIXES = ("_guider.fits", "_guider.fits.fz", "_guider.fits.gz")
"""How the names of guider files end. They are no raws: they hold the movies of all guiders of an exposure."""

LIST_SUFFIXES = (".txt", ".list")
"""How the names of text files end that name raw files, one on a line."""

INDEX_SUFFIX = ".json"
ZIP_SUFFIX = ".zip"

_SIDECARS = (INDEX_SUFFIX, ".yaml", ".md5", ".sha256")

Kind: TypeAlias = Literal["raw", "guider", "index", "zip", "empty"]


class Found(NamedTuple):
    """Something that was found.

    Parameters
    ----------
    kind : {"raw", "guider", "index", "zip", "empty"}
        A raw file, a guider file that is none, an index of raw files, a zip of raw files; or a source in
        which there is nothing.
    path : `str`
        Absolute path, or URI of a remote file; for ``empty`` the source as it was given.
    """

    kind: Kind
    path: str


@dataclass(frozen=True, slots=True)
class RawListing:
    """The raw files that were found.

    Parameters
    ----------
    files : `tuple` [ `str` ]
        Absolute paths, and URIs of remote files; sorted, each once.
    guiders : `int`
        How many guider files were left out.
    empty : `tuple` [ `str` ]
        Sources in which nothing was found.
    indexes, zips : `tuple` [ `str` ], optional
        Indexes of raw files, and zips of them; sorted, each once.
    """

    files: tuple[str, ...]
    guiders: int
    empty: tuple[str, ...]
    indexes: tuple[str, ...] = ()
    zips: tuple[str, ...] = ()


def list_raws(
    sources: Iterable[str],
    *,
    file_pattern: str = FILE_PATTERN,
    guiders: bool = False,
    option: str = "sources",
    pattern_option: str = "file_pattern",
) -> RawListing:
    """Find raw files.

    Parameters
    ----------
    sources, file_pattern, guiders, option, pattern_option
        As for `iter_raws`.

    Returns
    -------
    listing : `RawListing`
        What was found.

    Raises
    ------
    ButlerError
        Raised as by `iter_raws`.
    """
    found: dict[Kind, dict[str, None]] = {}
    for kind, path in iter_raws(
        sources, file_pattern=file_pattern, guiders=guiders, option=option, pattern_option=pattern_option
    ):
        found.setdefault(kind, {})[path] = None
    return RawListing(
        tuple(sorted(found.get("raw", ()))),
        len(found.get("guider", ())),
        tuple(found.get("empty", ())),
        tuple(sorted(found.get("index", ()))),
        tuple(sorted(found.get("zip", ()))),
    )


def iter_raws(
    sources: Iterable[str],
    *,
    file_pattern: str = FILE_PATTERN,
    guiders: bool = False,
    option: str = "sources",
    pattern_option: str = "file_pattern",
) -> Iterator[Found]:
    """Find raw files, one after the other.

    Parameters
    ----------
    sources : `~collections.abc.Iterable` [ `str` ]
        Directories (searched to any depth, links followed), files, local glob patterns, URIs of files and,
        with a slash at the end, of directories. A file named with ``.json`` at the end is an index of raw
        files, with ``.zip`` a zip of them. With ``.txt`` or ``.list`` it is a text file of any of these, one
        on a line; relative paths start at its directory, blank lines and those that begin with ``#`` say
        nothing. Remote files that such a list names are taken without asking whether they are there.
    file_pattern : `str`, optional
        Regular expression that is searched for in the names of the files in directories.
    guiders : `bool`, optional
        Whether to take guider files for raws.
    option, pattern_option : `str`, optional
        The module options that these were given in, for messages.

    Yields
    ------
    found : `Found`
        In no order that could be relied upon, and where sources overlap more than once. Memory does not grow
        with their number, only with that of the directories.

    Raises
    ------
    ButlerError
        Raised at once if the pattern is no regular expression; and at the end, with all of them, if sources
        are not there or can't be read.
    """
    return _search(sources, compiled(file_pattern, pattern_option), guiders, option)


def compiled(file_pattern: str, option: str = "file_pattern") -> re.Pattern[str]:
    """Compile the pattern of file names.

    Parameters
    ----------
    file_pattern : `str`
        Regular expression.
    option : `str`, optional
        The module option that it was given in, for messages.

    Returns
    -------
    pattern : `re.Pattern`
        The pattern.

    Raises
    ------
    ButlerError
        Raised if it is no regular expression.
    """
    try:
        return re.compile(file_pattern)
    except re.error as error:
        raise ButlerError(f"{file_pattern!r} is no regular expression: {error}", option=option) from error


def _search(sources: Iterable[str], pattern: re.Pattern[str], guiders: bool, option: str) -> Iterator[Found]:
    problems: list[str] = []
    for index, source in enumerate(sources):
        empty = True
        try:
            for found in _find(source, pattern, f"{option}[{index}]"):
                empty = False
                if found.kind == "raw" and not guiders and found.path.endswith(GUIDER_SUFFIXES):
                    found = Found("guider", found.path)
                yield found
        except _SourceError as error:
            problems.extend(f"{option}[{index}]: {problem}" for problem in error.problems)
            continue
        if empty:
            yield Found("empty", source)
    if problems:
        raise ButlerError(
            f"{len(problems)} of the places to look for raw files can't be used",
            option=option,
            details=problems,
            hint="These are paths on the managed host; they must be there and readable for the task's user.",
        )


class _SourceError(Exception):
    """Everything that keeps a source from being searched."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def _find(source: str, pattern: re.Pattern[str], option: str) -> Iterator[Found]:
    """Give what is in one source."""
    if not source.strip():
        raise _SourceError("got an empty text, expected a directory, a file, a glob pattern or a URI")
    if source.endswith(LIST_SUFFIXES):
        place = _local(source)
        if place is None or os.path.isfile(place):  # noqa: PTH113 - false, too, where nothing may be seen
            yield from _find_in_list(source, place, pattern, option)
            return
        if glob.has_magic(place) and not os.path.lexists(place):
            for match in _matches(source, place):
                yield from _find_in_list(match, match, pattern, option)
            return
    yield from _find_one(source, pattern)


def _local(source: str, base: str = "") -> str | None:
    """Give the absolute path of something local, `None` for a URI of something else."""
    if source.startswith("file://"):
        source = unquote(urlsplit(source).path)
    elif "://" in source:
        return None
    return os.path.abspath(os.path.join(base, os.path.expanduser(source)))  # noqa: PTH100, PTH111, PTH118


def _find_one(source: str, pattern: re.Pattern[str], base: str = "", *, ask: bool = True) -> Iterator[Found]:
    """Give what is at one place, which is no list."""
    path = _local(source, base)
    if path is None:
        yield from _find_remote(source, pattern, ask=ask)
        return
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - lists name many
    except PermissionError as error:
        raise _SourceError(f"{source} can't be looked at: {error.strerror}") from error
    except OSError:
        # A link that leads nowhere is there: that it can't be read is said of the file.
        mode = stat.S_IFREG if os.path.lexists(path) else 0
    if stat.S_ISDIR(mode):
        yield from _find_in_directory(path, pattern)
    elif mode:
        yield _named(path)
    elif glob.has_magic(path):
        for match in _matches(source, path):
            if Path(match).is_dir():
                yield from _find_in_directory(match, pattern)
            elif not match.endswith(_SIDECARS) or source.endswith(Path(match).suffix):
                yield _named(match)
    else:
        raise _SourceError(f"{source} is not there")


def _named(path: str) -> Found:
    """Tell what a file is that is named, not found in a directory."""
    return Found("index", path) if path.endswith(INDEX_SUFFIX) else _met(path)


def _met(path: str) -> Found:
    """Tell what a file is that was found in a directory."""
    return Found("zip" if path.endswith(ZIP_SUFFIX) else "raw", path)


def _find_in_list(source: str, path: str | None, pattern: re.Pattern[str], option: str) -> Iterator[Found]:
    """Give what the lines of a text file name."""
    problems: list[str] = []
    base = str(Path(path).parent) if path is not None else source.rpartition("/")[0] + "/"
    for number, line in _lines(source, path):
        where = f"{source} line {number}"
        try:
            if "@" in line:
                check_no_secret(f"{option}, {where}", line)
            if path is None and "://" not in line and not line.startswith("/"):
                line = base + line
            if line.endswith(LIST_SUFFIXES):
                raise _SourceError(f"{line} is a list itself; lists name raw files")
            yield from _find_one(line, pattern, base if path is not None else "", ask=False)
        except SecretError:
            raise
        except _SourceError as error:
            problems.extend(f"{where}: {problem}" for problem in error.problems)
    if problems:
        raise _SourceError(*problems)


def _lines(source: str, path: str | None) -> Iterator[tuple[int, str]]:
    """Give the lines of a text file that say something, with their numbers."""
    try:
        if path is None:
            from lsst.resources import ResourcePath

            text: Iterable[str] = ResourcePath(source).read().decode("utf-8").splitlines()
            yield from _content(text)
        else:
            with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - as elsewhere here
                yield from _content(lines)
    except UnicodeDecodeError:
        raise _SourceError(f"{source} can't be read: it is not a text file") from None
    except OSError as error:
        raise _SourceError(f"{source} can't be read: {error.strerror or error}") from error
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise _SourceError(f"{source} can't be read: {first_line(error)}") from error


def _content(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        said = line.strip()
        if said and not said.startswith("#"):
            yield number, said


def _find_in_directory(top: str, pattern: re.Pattern[str]) -> Iterator[Found]:
    """Give the files in a directory and in those below it."""
    problems: list[str] = []
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        problems.append(f"{error.filename} can't be listed: {error.strerror}")

    for root, directories, files in os.walk(top, followlinks=True, onerror=note):
        # Links may lead back: each directory is listed once, by the first name that leads to it.
        status = os.stat(root)  # noqa: PTH116 - a path object for each of many directories takes longer
        place = (status.st_dev, status.st_ino)
        if place in seen:
            directories.clear()
            continue
        seen.add(place)
        directories.sort()
        for name in files:
            if pattern.search(name) and not name.endswith(_SIDECARS):
                yield _met(os.path.join(root, name))  # noqa: PTH118 - as above
    if problems:
        raise _SourceError(*problems)


def _matches(source: str, path: str) -> Iterator[str]:
    """Give what a glob pattern matches."""
    none = True
    for match in glob.iglob(path, recursive=True):  # noqa: PTH207 - the pattern is absolute
        none = False
        yield match
    if none:
        raise _SourceError(f"{source} matches nothing")


def _find_remote(source: str, pattern: re.Pattern[str], *, ask: bool) -> Iterator[Found]:
    """Give the files of a URI."""
    from lsst.resources import ResourcePath

    try:
        uri = ResourcePath(quoted(source))
        folder = uri if source.endswith("/") else as_folder(uri) if ask else None
        if folder is not None:
            for root, _unused, files in walk_remote(folder):
                for name in files:
                    if pattern.search(name) and not name.endswith(_SIDECARS):
                        yield _met(str(below(root, name)))
        elif not ask or uri.exists():
            yield _named(str(uri))
        else:
            raise _SourceError(f"{source} is not there")
    except _SourceError:
        raise
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise _SourceError(f"{source} can't be listed: {error}") from error
