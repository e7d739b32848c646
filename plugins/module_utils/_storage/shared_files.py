# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small text files that many read and several write: changed whole, by one writer at a time."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEW_MODE = 0o644


@contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Hold the lock of a file that is about to be read and replaced.

    The lock is a file beside it, as the file itself is another one after each write, and it is gone
    afterwards. The system frees it when its holder dies.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file, which need not exist.

    Yields
    ------
    `None`
        No other writer is inside its block.

    Raises
    ------
    OSError
        Raised if the directory can't be written.
    """
    lock = path.with_name(f".{path.name}.lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if lock.stat().st_ino == os.fstat(descriptor).st_ino:
                break
        # Its last holder has removed it meanwhile, and others may hold a new one.
        os.close(descriptor)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Put a text into place, whole or not at all; mode and owner of what was there stay.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file; a new one gets the mode `NEW_MODE`.
    text : `str`
        What it is to hold.

    Raises
    ------
    OSError
        Raised if it can't be written.
    """
    try:
        old: os.stat_result | None = path.stat()
    except FileNotFoundError:
        old = None
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            if old is not None:
                with suppress(PermissionError):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fchmod(descriptor, NEW_MODE if old is None else stat.S_IMODE(old.st_mode))
            os.fsync(descriptor)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
