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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

FILE_PATTERN = r"\.fit[s]?\b"
"""What the official ingest searches for in the names of the files in a directory."""

GUIDER_SUFFIXES = ("_guider.fits", "_guider.fits.fz", "_guider.fits.gz")
"""How the names of guider files end. They are no raws: they hold the movies of all guiders of an exposure."""

_SIDECARS = (".json", ".yaml", ".md5", ".sha256")


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
        Directories among the sources in which nothing was found.
    """

    files: tuple[str, ...]
    guiders: int
    empty: tuple[str, ...]


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
    sources : `~collections.abc.Iterable` [ `str` ]
        Directories (searched to any depth, links followed), files, local glob patterns, URIs of files and,
        with a slash at the end, of directories.
    file_pattern : `str`, optional
        Regular expression that is searched for in the names of the files in directories.
    guiders : `bool`, optional
        Whether to take guider files for raws.
    option, pattern_option : `str`, optional
        The module options that these were given in, for messages.

    Returns
    -------
    listing : `RawListing`
        What was found.

    Raises
    ------
    ButlerError
        Raised, with all of them, if sources are not there or can't be read, or if the pattern is no regular
        expression.
    """
    try:
        pattern = re.compile(file_pattern)
    except re.error as error:
        raise ButlerError(
            f"{file_pattern!r} is no regular expression: {error}", option=pattern_option
        ) from error
    found: set[str] = set()
    empty: list[str] = []
    problems: list[str] = []
    for index, source in enumerate(sources):
        try:
            in_source = set(_find(source, pattern))
        except _SourceError as error:
            problems.extend(f"{option}[{index}]: {problem}" for problem in error.problems)
            continue
        if not in_source:
            empty.append(source)
        found |= in_source
    if problems:
        raise ButlerError(
            f"{len(problems)} of the places to look for raw files can't be used",
            option=option,
            details=problems,
            hint="These are paths on the managed host; they must be there and readable for the task's user.",
        )
    kept = found if guiders else {file for file in found if not file.endswith(GUIDER_SUFFIXES)}
    return RawListing(tuple(sorted(kept)), len(found) - len(kept), tuple(empty))


class _SourceError(Exception):
    """Everything that keeps a source from being searched."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def _find(source: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Give the files of one source."""
    if not source.strip():
        raise _SourceError("got an empty text, expected a directory, a file, a glob pattern or a URI")
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme and scheme != "file":
        yield from _find_remote(source, pattern)
        return
    path = os.path.abspath(os.path.expanduser(unquote(urlsplit(source).path) if scheme else source))  # noqa: PTH100, PTH111
    if Path(path).is_dir():
        yield from _find_in_directory(path, pattern)
    elif os.path.lexists(path):
        yield path
    elif glob.has_magic(path):
        yield from _find_by_glob(source, path, pattern)
    else:
        raise _SourceError(f"{source} is not there")


def _find_in_directory(top: str, pattern: re.Pattern[str]) -> Iterator[str]:
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
                yield os.path.join(root, name)  # noqa: PTH118 - as above
    if problems:
        raise _SourceError(*problems)


def _find_by_glob(source: str, path: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Give the files, and those in the directories, that a glob pattern matches."""
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - the pattern is absolute
    if not matches:
        raise _SourceError(f"{source} matches nothing")
    for match in matches:
        if Path(match).is_dir():
            yield from _find_in_directory(match, pattern)
        else:
            yield match


def _find_remote(source: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Give the files of a URI."""
    from lsst.resources import ResourcePath

    try:
        uri = ResourcePath(source)
        if uri.isdir():
            for root, _unused, files in uri.walk(pattern):
                for name in files:
                    if not name.endswith(_SIDECARS):
                        yield str(root.join(name, forceDirectory=False))
        elif uri.exists():
            yield str(uri)
        else:
            raise _SourceError(f"{source} is not there")
    except _SourceError:
        raise
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise _SourceError(f"{source} can't be listed: {error}") from error
