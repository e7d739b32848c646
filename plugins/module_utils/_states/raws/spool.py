# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A temporary file for what is too much for memory: listed files, what was found of them, what to write.

It is SQLite's own private temporary database, in the folder that ``SQLITE_TMPDIR`` or ``TMPDIR`` names: no
other process sees it, and it is gone when this one is. It holds nothing that a later run would need.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

CACHE_KIB = 32 * 1024
PAGE = 10_000

_TABLES = """
CREATE TABLE listed (path TEXT PRIMARY KEY, exposure INTEGER, detector INTEGER, md5 TEXT, held INTEGER)
    WITHOUT ROWID;
CREATE INDEX by_exposure ON listed (exposure, detector, path);
CREATE TABLE pages (number INTEGER PRIMARY KEY, kind TEXT, content BLOB);
CREATE TABLE seen (kind TEXT, name TEXT, PRIMARY KEY (kind, name)) WITHOUT ROWID;
"""
_COLUMNS = "exposure, detector, path, md5, held"
_BEFORE = "Nothing was written to the repository."
_AFTER = "Then run the task again."


class Listed(NamedTuple):
    """A listed file.

    Parameters
    ----------
    exposure : `int`
        Its exposure.
    detector : `int` or `None`
        Its detector; `None` for a file that holds several raws.
    path : `str`
        Absolute path or URI.
    md5 : `str` or `None`
        What its content's digest has to be.
    held : `int` or `None`
        How many raws the run has of it, if all of them are known to be there without opening it.
    """

    exposure: int
    detector: int | None
    path: str
    md5: str | None = None
    held: int | None = None


def temporary_folder() -> str:
    """Tell where SQLite makes its temporary files.

    Returns
    -------
    folder : `str`
        The first that is there and may be written to, of those that SQLite's manual lists ("Temporary File
        Storage Locations").
    """
    named = (os.environ.get(name) for name in ("SQLITE_TMPDIR", "TMPDIR"))
    for folder in (*named, "/var/tmp", "/usr/tmp", "/tmp"):
        if folder and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK):  # noqa: PTH112
            return folder
    return os.getcwd()  # noqa: PTH109


class Spool:
    """Rows and pickled pages in a temporary file.

    Raises
    ------
    ButlerError
        Raised by all methods if there is no room for the file. What is read may need some too.
    """

    def __init__(self) -> None:
        with _explained(_BEFORE):
            self._db = sqlite3.connect("", isolation_level=None)
            # Nothing here outlives the process, so nothing has to survive a crash.
            self._db.executescript(
                f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
            )
            self._db.executescript(_TABLES)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def add(self, files: Iterable[tuple[str, int | None, int | None, str | None]]) -> None:
        """Take listed files, each path once.

        Parameters
        ----------
        files : `~collections.abc.Iterable`
            Path, exposure and detector (`None` where they are not known yet), and digest. Streamed.
        """
        self._many("INSERT OR IGNORE INTO listed (path, exposure, detector, md5) VALUES (?, ?, ?, ?)", files)

    def __len__(self) -> int:
        """Count the listed files."""
        return int(self._read("SELECT count(*) FROM listed")[0][0])

    def first_remote(self) -> str | None:
        """Give the first listed URI (`str` or `None`)."""
        found = self._read("SELECT path FROM listed WHERE path LIKE '%://%' LIMIT 1")
        return str(found[0][0]) if found else None

    def unidentified(self) -> Iterator[list[tuple[str, str | None]]]:
        """Give the files of which the exposure is not known yet.

        Yields
        ------
        files : `list` [ `tuple` [ `str`, `str` or `None` ] ]
            Paths and digests, `PAGE` at a time, sorted. They may be identified or dropped meanwhile.
        """
        last = ""
        query = "SELECT path, md5 FROM listed WHERE exposure IS NULL AND path > ? ORDER BY path LIMIT ?"
        while rows := self._read(query, (last, PAGE)):
            last = rows[-1][0]
            yield rows

    def identify(self, files: Iterable[tuple[int, int | None, str]]) -> None:
        """Note which raws files are.

        Parameters
        ----------
        files : `~collections.abc.Iterable` [ `tuple` ]
            Exposure, detector or `None`, and path.
        """
        self._many("UPDATE listed SET exposure = ?, detector = ? WHERE path = ?", files)

    def hold(self, files: Iterable[tuple[int, int, str]]) -> None:
        """Note that files are known to be in the run, if they are listed.

        Parameters
        ----------
        files : `~collections.abc.Iterable` [ `tuple` [ `int`, `int`, `str` ] ]
            How many raws of the file the run has, its exposure, its path.
        """
        self._many("UPDATE listed SET held = ?, exposure = ? WHERE path = ?", files)

    def drop(self, paths: Iterable[str]) -> None:
        """Take files off the list.

        Parameters
        ----------
        paths : `~collections.abc.Iterable` [ `str` ]
            The files.
        """
        self._many("DELETE FROM listed WHERE path = ?", ((path,) for path in paths))

    def exposures(self) -> Iterator[list[tuple[int, str]]]:
        """Give all exposures of identified files.

        Yields
        ------
        exposures : `list` [ `tuple` [ `int`, `str` ] ]
            Ids with the path of the first file of each, `PAGE` at a time, sorted. They may be dropped
            meanwhile.
        """
        last = -1
        query = (
            "SELECT exposure, min(path) FROM listed WHERE exposure > ? "
            "GROUP BY exposure ORDER BY exposure LIMIT ?"
        )
        while rows := self._read(query, (last, PAGE)):
            last = rows[-1][0]
            yield rows

    def files_of(self, exposure: int) -> list[str]:
        """Give the files of an exposure.

        Parameters
        ----------
        exposure : `int`
            The exposure.

        Returns
        -------
        paths : `list` [ `str` ]
            Its files, sorted.
        """
        query = "SELECT path FROM listed WHERE exposure = ? ORDER BY path"
        return [path for (path,) in self._db.execute(query, (exposure,))]

    def drop_exposures(self, exposures: Iterable[int]) -> None:
        """Take all files of exposures off the list.

        Parameters
        ----------
        exposures : `~collections.abc.Iterable` [ `int` ]
            The exposures.
        """
        self._many("DELETE FROM listed WHERE exposure = ?", ((number,) for number in exposures))

    def keep_first(self, exposures: int) -> None:
        """Keep only the files of the first exposures.

        Parameters
        ----------
        exposures : `int`
            How many exposures to keep, those with the smallest ids.
        """
        self._write(
            "DELETE FROM listed WHERE exposure NOT IN "
            "(SELECT DISTINCT exposure FROM listed ORDER BY exposure LIMIT ?)",
            (exposures,),
        )

    def by_exposure(self, size: int) -> Iterator[list[Listed]]:
        """Give the identified files.

        Parameters
        ----------
        size : `int`
            How many at a time, more only where one exposure has more.

        Yields
        ------
        files : `list` [ `Listed` ]
            All files of some exposures, sorted by exposure, detector and path.
        """
        last = -1
        query = f"SELECT {_COLUMNS} FROM listed WHERE exposure > ? ORDER BY exposure, detector, path LIMIT ?"
        while rows := self._read(query, (last, size + 1)):
            if len(rows) > size:
                # The rest of the last exposure belongs to the next part, or all of it to this one.
                whole = [row for row in rows if row[0] != rows[-1][0]]
                rows = whole or self._read(
                    f"SELECT {_COLUMNS} FROM listed WHERE exposure = ? ORDER BY detector, path",
                    (rows[0][0],),
                )
            last = rows[-1][0]
            yield [Listed(*row) for row in rows]

    def put(self, kind: str, page: Any) -> None:
        """Write an object down.

        Parameters
        ----------
        kind : `str`
            What it is.
        page : `object`
            Anything that can be pickled.
        """
        content = pickle.dumps(page, protocol=5)
        self._write("INSERT INTO pages (kind, content) VALUES (?, ?)", (kind, content))

    def pages(self, kind: str) -> Iterator[Any]:
        """Give what was written down, in that order.

        Parameters
        ----------
        kind : `str`
            As given to `put`.

        Yields
        ------
        page : `object`
            One object at a time.
        """
        query = "SELECT number FROM pages WHERE kind = ? ORDER BY number"
        for (number,) in self._read(query, (kind,)):
            # The file is this process's own: nobody else can have written what is unpickled here.
            [(content,)] = self._read("SELECT content FROM pages WHERE number = ?", (number,))
            yield pickle.loads(content)

    def is_new(self, kind: str, name: str) -> bool:
        """Tell whether something is met for the first time, and remember it.

        Parameters
        ----------
        kind, name : `str`
            What it is.

        Returns
        -------
        new : `bool`
            `True` once for each kind and name.
        """
        return self._write("INSERT OR IGNORE INTO seen VALUES (?, ?)", (kind, name)).rowcount == 1

    def forget(self, kind: str) -> None:
        """Take everything of a kind for new again.

        Parameters
        ----------
        kind : `str`
            As given to `is_new` or `put`.
        """
        self._write("DELETE FROM seen WHERE kind = ?", (kind,))
        self._write("DELETE FROM pages WHERE kind = ?", (kind,))

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        # What is in memory only may have to make room for what is read.
        with _explained(_AFTER):
            return self._db.execute(query, values).fetchall()

    def _write(self, query: str, values: Sequence[Any]) -> sqlite3.Cursor:
        with _explained(_BEFORE):
            return self._db.execute(query, values)

    def _many(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        with _explained(_BEFORE):
            self._db.execute("BEGIN")
            try:
                self._db.executemany(query, rows)
            except BaseException:
                # Without a journal there is no way back; what was done stays.
                with suppress(sqlite3.Error):
                    self._db.execute("COMMIT")
                raise
            self._db.execute("COMMIT")


@contextmanager
def _explained(rest: str) -> Iterator[None]:
    """Say which file it is that can't be written, and what that means for the repository."""
    try:
        yield
    except sqlite3.Error as error:
        folder = temporary_folder()
        raise ButlerError(
            f"the temporary file in {folder}, which keeps what was found, can't be written: {error}",
            hint="Make room there, half a gigabyte for a million files, or set TMPDIR to a folder that has "
            f"it (environment: in the task). {rest}",
        ) from error
