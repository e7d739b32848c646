# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export files on disk: what is there, and how a new one takes its place."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports.writer import DESCRIPTION, Mark
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import (
    DIGITS,
    SUFFIX,
    Item,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.shared_files import NEW_MODE

BLOCK = 1 << 20
LONGEST_MARK = 1 << 24
"""No first line that is longer is one of ours (bytes)."""


@dataclass(frozen=True)
class Held:
    """A file that is there.

    Parameters
    ----------
    is_export : `bool`
        Whether it is a regular file and looks like an export.
    mark : `Mark` or `None`
        What its first line tells, if it is one of ours.
    digest : `bytes`
        Of the rest.
    mode : `int`
        Its permissions.
    """

    is_export: bool
    mark: Mark | None = None
    digest: bytes = b""
    mode: int = NEW_MODE


def look_at(path: str) -> Held | None:
    """Look at the place of an export file.

    Parameters
    ----------
    path : `str`
        Its path.

    Returns
    -------
    held : `Held` or `None`
        What is there; `None` for nothing.

    Raises
    ------
    ButlerError
        Raised if it can't be read.
    """
    try:
        found = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(found.st_mode):
            return Held(is_export=False)
        with Path(path).open("rb") as stream:
            line = stream.readline(LONGEST_MARK)
            mark = Mark.read(line.decode("ascii", "replace"))
            digest = hashlib.sha256(b"" if mark else line)
            first = line
            while block := stream.read(BLOCK):
                digest.update(block)
                first = first if len(first) > BLOCK else first + block
    except (FileNotFoundError, NotADirectoryError):
        return Held(is_export=False) if os.path.islink(path) else None  # noqa: PTH114
    except OSError as error:
        raise ButlerError(f"{path} can't be read: {error.strerror}") from None
    is_export = mark is not None or f"{DESCRIPTION}\n".encode() in first[:4096] or first == b""
    return Held(is_export, mark, digest.digest(), stat.S_IMODE(found.st_mode))


def stale_files(item: Item, parts: Iterable[str], others: Iterable[str]) -> list[str]:
    """Find files that an earlier, larger run of an export has left.

    Parameters
    ----------
    item : `Item`
        The export.
    parts : `~collections.abc.Iterable` [ `str` ]
        The files that it consists of now.
    others : `~collections.abc.Iterable` [ `str` ]
        Files of other exports of the task.

    Returns
    -------
    paths : `list` [ `str` ]
        Files with its name and a number that their first line says too, sorted by number.
    """
    folder, _unused, name = item.file.removesuffix(SUFFIX).rpartition("/")
    numbered = re.compile(rf"{re.escape(name)}_(\d{{{DIGITS},}}){re.escape(SUFFIX)}")
    taken = {*parts, *others}
    found = []
    try:
        names = os.listdir(folder or "/")  # noqa: PTH208
    except OSError:
        return []
    for match in filter(None, map(numbered.fullmatch, names)):
        path, number = item.numbered(int(match[1])), int(match[1])
        if path not in taken and path == f"{folder}/{match[0]}" and _number_of(path) == number:
            found.append((number, path))
    return [path for _unused, path in sorted(found)]


def _number_of(path: str) -> int | None:
    """Tell which part of an export a file says that it is."""
    try:
        with Path(path).open("rb") as stream:
            mark = Mark.read(stream.readline(LONGEST_MARK).decode("ascii", "replace"))
    except OSError:
        return None
    return None if mark is None else mark.part


def why_unwritable(folder: str) -> str | None:
    """Tell why nothing can be made in a directory.

    Parameters
    ----------
    folder : `str`
        A path.

    Returns
    -------
    reason : `str` or `None`
        `None` if it can.
    """
    if not Path(folder).is_dir():
        return "it is not a directory"
    return None if os.access(folder, os.W_OK | os.X_OK) else "this user may not write there"


def nearest_folder(folder: str) -> str | None:
    """Give the directory, or the one above it that is there, as directories for artifacts are made.

    Parameters
    ----------
    folder : `str`
        Absolute path.

    Returns
    -------
    folder : `str` or `None`
        `None` if what is there is no directory.
    """
    path = Path(folder)
    while not os.path.lexists(path):
        path = path.parent
    return str(path) if path.is_dir() else None


def room(folder: str) -> tuple[int, int]:
    """Tell how much room there is.

    Parameters
    ----------
    folder : `str`
        A directory that is there.

    Returns
    -------
    device, free : `int`
        Its file system, and how much may still be written there (bytes).
    """
    return os.stat(folder).st_dev, shutil.disk_usage(folder).free  # noqa: PTH116


def write_file(path: str, pieces: Iterable[bytes], mode: int | None) -> None:
    """Put an export file into place, whole or not at all.

    Parameters
    ----------
    path : `str`
        Its path; what a symbolic link leads to is replaced, and the link stays.
    pieces : `~collections.abc.Iterable` [ `bytes` ]
        Its content.
    mode : `int` or `None`
        Permissions; `None` leaves those that are there.

    Raises
    ------
    ButlerError
        Raised if it can't be written; what was there stays.
    """
    target = Path(path).resolve()
    start, end = f".{target.name}.", ".unfinished"
    try:
        left = [
            each for each in target.parent.iterdir() if each.name.startswith(start) and each.suffix == end
        ]
        descriptor, name = tempfile.mkstemp(prefix=start, suffix=end, dir=target.parent)
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                if mode is None:
                    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else NEW_MODE
                for piece in pieces:
                    stream.write(piece)
                stream.flush()
                os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        # A run that was killed has left them; what it was to write is there now.
        for each in left:
            each.unlink(missing_ok=True)
    except OSError as error:
        raise ButlerError(
            f"{path} can't be written: {error.strerror}",
            hint="What was there is unchanged. Run the task again when it can.",
        ) from error


def permit(path: str, mode: int | None) -> None:
    """Give a file its permissions.

    Parameters
    ----------
    path : `str`
        Its path.
    mode : `int` or `None`
        Permissions; `None` leaves those that are there.

    Raises
    ------
    ButlerError
        Raised if this user may not.
    """
    try:
        if mode is not None:
            Path(path).chmod(mode)
    except OSError as error:
        raise ButlerError(f"the permissions of {path} can't be changed: {error.strerror}") from error


def remove(path: str) -> None:
    """Remove a file.

    Parameters
    ----------
    path : `str`
        Its path.

    Raises
    ------
    ButlerError
        Raised if that is not possible.
    """
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise ButlerError(f"{path} can't be removed: {error.strerror}") from error
