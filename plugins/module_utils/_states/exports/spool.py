# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A temporary file in which what is selected for an export is sorted: it may be too much for memory.

It is SQLite's own private temporary database; no other process sees it, and it is gone when this one is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import temporary_folder

CACHE_KIB = 16 * 1024
_TABLES = """
CREATE TABLE datasets (id BLOB PRIMARY KEY, type TEXT, run TEXT, path TEXT, key BLOB, formatter TEXT,
    data_id TEXT, full TEXT) WITHOUT ROWID;
CREATE TABLE ordered (number INTEGER PRIMARY KEY, id BLOB UNIQUE);
CREATE TABLE records (rank INTEGER, key BLOB, shown TEXT, content TEXT, PRIMARY KEY (rank, key))
    WITHOUT ROWID;
CREATE TABLE links (rank INTEGER, key BLOB, to_rank INTEGER, to_key BLOB,
    PRIMARY KEY (rank, key, to_rank, to_key)) WITHOUT ROWID;
CREATE TABLE wanted (rank INTEGER, key BLOB, PRIMARY KEY (rank, key)) WITHOUT ROWID;
CREATE TABLE members (collection TEXT, kind TEXT, since TEXT, until TEXT, id BLOB);
CREATE TABLE artifacts (target TEXT PRIMARY KEY, export INTEGER, type TEXT, source TEXT, size INTEGER,
    there INTEGER, stored INTEGER) WITHOUT ROWID;
"""
_EACH_EXPORT = ("datasets", "ordered", "records", "links", "wanted", "members")


class Row(NamedTuple):
    """A dataset.

    Parameters
    ----------
    id : `bytes`
        Its UUID.
    type, run : `str`
        Dataset type and RUN collection.
    path : `str`
        As it is to stand in the export.
    key : `bytes`
        From `sort_key`, of its data ID.
    formatter : `str`
        Dotted name.
    data_id : `str`
        As it is to stand in the export.
    full : `str`
        JSON list of the values of all its dimensions that are in the data ID.
    """

    id: bytes
    type: str
    run: str
    path: str
    key: bytes
    formatter: str
    data_id: str
    full: str


class Member(NamedTuple):
    """An association of a dataset.

    Parameters
    ----------
    collection, kind : `str`
        The collection, and its type.
    since, until : `str`
        Begin and end of the validity range, empty for none.
    id : `bytes`
        The dataset's UUID.
    """

    collection: str
    kind: str
    since: str
    until: str
    id: bytes


class Copy(NamedTuple):
    """An artifact that is to be beside an export.

    Parameters
    ----------
    target : `str`
        Absolute path.
    type : `str`
        Dataset type.
    source : `str`
        Path or URI of the artifact in the datastore.
    size : `int`
        Its size (bytes).
    there : `int`
        What is at that place: nothing (0), another file (1), the artifact (2).
    stored : `int` or `None`
        When its server says that it was stored (nanoseconds since 1970); `None` if it does not, and for a
        local one.
    """

    target: str
    type: str
    source: str
    size: int
    there: int
    stored: int | None


def sort_key(values: Iterable[Any]) -> bytes:
    """Encode data ID values so that their bytes sort as they do.

    Parameters
    ----------
    values : `~collections.abc.Iterable`
        Whole numbers and text.

    Returns
    -------
    key : `bytes`
        The same for the same values only.
    """
    return b"".join(
        b"1" + (value + (1 << 63)).to_bytes(8, "big")
        if isinstance(value, int)
        else b"2" + str(value).encode() + b"\0"
        for value in values
    )


class Spool:
    """What is selected for one export after the other, and the artifacts of all of them.

    Raises
    ------
    ButlerError
        Raised by all methods if there is no room for the file.
    """

    def __init__(self) -> None:
        with _explained():
            self._db = sqlite3.connect("", isolation_level=None)
            # Nothing here outlives the process, so nothing has to survive a crash.
            self._db.executescript(
                f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
            )
            self._db.executescript(_TABLES)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def begin(self) -> None:
        """Forget what was selected for the export before."""
        for table in _EACH_EXPORT:
            self.write(f"DELETE FROM {table}")

    def add_datasets(self, rows: Iterable[Row]) -> None:
        """Take datasets; one that is there is left alone."""
        self._many("INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def order(self) -> int:
        """Give the datasets numbers in the order of the export, from 1.

        Returns
        -------
        count : `int`
            How many there are.
        """
        self.write("DELETE FROM ordered")
        self.write("INSERT INTO ordered (id) SELECT id FROM datasets ORDER BY type, run, path, key, id")
        return int(self.read("SELECT count(*) FROM ordered")[0][0])

    def known(self, ids: Iterable[UUID]) -> set[UUID]:
        """Tell which of some datasets are selected."""
        query = "SELECT 1 FROM datasets WHERE id = ?"
        return {dataset for dataset in ids if self.read(query, (dataset.bytes,))}

    def datasets(self, first: int, last: int) -> Iterator[Row]:
        """Give datasets in the order of the export.

        Parameters
        ----------
        first, last : `int`
            Their numbers.

        Yields
        ------
        row : `Row`
            One after the other.
        """
        query = "SELECT d.* FROM ordered o CROSS JOIN datasets d ON d.id = o.id WHERE number BETWEEN ? AND ?"
        yield from map(Row._make, self.stream(f"{query} ORDER BY number", (first, last)))

    def add_records(self, records: Iterable[tuple[int, Sequence[Any], str]]) -> None:
        """Take dimension records: the rank of the element, the values of the record's key, and its text."""
        self._many(
            "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?)",
            ((rank, sort_key(values), json.dumps(values), content) for rank, values, content in records),
        )

    def keys(self, rank: int) -> list[tuple[Any, ...]]:
        """Give the values of the keys of an element's records, sorted."""
        query = "SELECT shown FROM records WHERE rank = ? ORDER BY key"
        return [tuple(json.loads(shown)) for (shown,) in self.stream(query, (rank,))]

    def add_links(self, links: Iterable[tuple[int, bytes, int, bytes]]) -> None:
        """Take which records come along with others."""
        self._many("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?)", links)

    def want(self, records: Iterable[tuple[int, bytes]]) -> None:
        """Note records that the next file needs."""
        self._many("INSERT OR IGNORE INTO wanted VALUES (?, ?)", records)

    def want_linked(self) -> None:
        """Note the records too that come along with those noted."""
        self.write(
            "INSERT OR IGNORE INTO wanted SELECT to_rank, to_key FROM wanted w CROSS JOIN links l "
            "ON l.rank = w.rank AND l.key = w.key"
        )

    def want_nothing(self) -> None:
        """Forget which records were noted."""
        self.write("DELETE FROM wanted")

    def records(self, rank: int, wanted_only: bool) -> Iterator[str]:
        """Give the texts of an element's records, sorted by key."""
        join = "JOIN wanted USING (rank, key) " if wanted_only else ""
        query = f"SELECT content FROM records {join}WHERE rank = ? ORDER BY key"
        return (content for (content,) in self.stream(query, (rank,)))

    def ranks(self, wanted_only: bool) -> list[int]:
        """Tell of which elements there are records."""
        table = "wanted JOIN records USING (rank, key)" if wanted_only else "records"
        return sorted(rank for (rank,) in self.read(f"SELECT DISTINCT rank FROM {table}"))

    def add_members(self, members: Iterable[Member]) -> None:
        """Take associations, each once."""
        self._many("INSERT INTO members VALUES (?, ?, ?, ?, ?)", members)

    def members(self, first: int, last: int) -> Iterator[Member]:
        """Give the associations of datasets.

        Parameters
        ----------
        first, last : `int`
            Their numbers.

        Yields
        ------
        member : `Member`
            Sorted by collection, validity range (an open begin first, an open end last) and the order of the
            datasets.
        """
        query = (
            "SELECT m.* FROM members m JOIN ordered o USING (id) WHERE number BETWEEN ? AND ? "
            "ORDER BY collection, since, until = '', until, number"
        )
        yield from map(Member._make, self.stream(query, (first, last)))

    def add_copies(self, export: int, copies: Iterable[Copy]) -> None:
        """Take artifacts that are to be copied or linked."""
        query = f"INSERT OR IGNORE INTO artifacts VALUES (?, {export}, ?, ?, ?, ?, ?)"
        self._many(query, copies)

    def copies(self, export: int) -> Iterator[Copy]:
        """Give the artifacts of an export that are not there, sorted by target."""
        query = (
            "SELECT target, type, source, size, there, stored FROM artifacts WHERE export = ? AND there < 2 "
            "ORDER BY target"
        )
        yield from map(Copy._make, self.stream(query, (export,)))

    def copied_from(self, target: str) -> str | None:
        """Tell what is to be copied to a place, if anything is."""
        found = self.read("SELECT source FROM artifacts WHERE target = ?", (target,))
        return str(found[0][0]) if found else None

    def read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Query at once."""
        with _explained():
            return self._db.execute(query, values).fetchall()

    def stream(self, query: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Query row by row."""
        with _explained():
            yield from self._db.execute(query, values)

    def write(self, query: str) -> None:
        """Change something."""
        with _explained():
            self._db.execute(query)

    def _many(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        with _explained():
            self._db.execute("BEGIN")
            try:
                self._db.executemany(query, rows)
            finally:
                self._db.execute("COMMIT")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ButlerError(
            f"the temporary file in {temporary_folder()}, in which the export is sorted, can't be written: "
            f"{error}",
            hint="Make room there, a gigabyte for a million datasets, or set TMPDIR to a folder that has it "
            "(environment: in the task). Nothing was written.",
        ) from error
