# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a repository holds, in a form that can be compared.

Two repositories that were filled in another order, or by a killed run and the next, hold the same things
under other numbers. What is left out, and nothing else:

* ``dataset.ingest_date``: when a dataset was written;
* the numbers that the database gives: ``collection.collection_id``, ``dataset_type.id``,
  ``dimension_graph_key.id`` and the ``id`` of calibration associations. Where another table refers to one of
  them, the name that it stands for is shown;
* the positions of a chain's children, of which only the order counts;
* the names of the tables of associations, which contain such a number: the dimensions are shown;
* the database file itself and its lock and journal.

A registry in PostgreSQL is written down as one in SQLite, which has UUIDs as hexadecimal digits, truth
values as numbers and timespans in two columns.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import psycopg2.extensions
import psycopg2.extras

from tests.integration.postgres import Database

LEFT_OUT = {
    "collection": {"collection_id"},
    "dataset": {"ingest_date"},
    "dataset_type": {"id"},
    "dataset_calibs": {"id"},
}
COLLECTIONS = {"collection_id", "run_id", "parent", "child"}
DATABASE = re.compile(r".*\.sqlite3(-journal|-wal|-shm|\.lock)?")
UNBOUNDED = (0, 4_102_444_800 * 10**9)
"""What stands for no begin and no end where they are numbers: 1970 and 2100, in nanoseconds (source:
daf_butler, time_utils.py)."""

Dump = dict[str, list[str]]
Row = Mapping[str, Any]


class Registry(Protocol):
    """What the tables are read from."""

    def tables(self) -> list[str]:
        """Name the tables."""

    def rows(self, table: str) -> Iterator[Row]:
        """Give the rows of a table."""


@dataclass(frozen=True)
class _Sqlite:
    connection: sqlite3.Connection

    def tables(self) -> list[str]:
        """Name the tables."""
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [name for (name,) in names if not name.startswith("sqlite_")]

    def rows(self, table: str) -> Iterator[Row]:
        """Give the rows of a table."""
        cursor = self.connection.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)


@dataclass(frozen=True)
class _Postgres:
    connection: psycopg2.extensions.connection
    namespace: str

    def tables(self) -> list[str]:
        """Name the tables."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [self.namespace])
            return [name for (name,) in cursor]

    def rows(self, table: str) -> Iterator[Row]:
        """Give the rows of a table."""
        with self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(f'SELECT * FROM "{self.namespace}"."{table}"')
            yield from (dict(pair for item in row.items() for pair in _as_sqlite(*item)) for row in cursor)


def _as_sqlite(column: str, value: Any) -> Iterator[tuple[str, Any]]:
    if column == "timespan":
        bounds = (None, None) if value is None else (value.lower, value.upper)
        for end, bound, unbounded in zip(("begin", "end"), bounds, UNBOUNDED, strict=True):
            yield f"{column}_{end}", unbounded if bound is None and value is not None else bound
    elif isinstance(value, bool):
        yield column, int(value)
    else:
        yield column, value.hex if isinstance(value, UUID) else value


def dump(
    root: Path,
    rename: Mapping[str, str] | None = None,
    database: Database | None = None,
    namespace: str = "public",
) -> Dump:
    """Write down a repository.

    Parameters
    ----------
    root : `pathlib.Path`
        Where ``butler.yaml`` is, and ``gen3.sqlite3``.
    rename : `~collections.abc.Mapping` [ `str`, `str` ], optional
        Folders that differ between the repositories to compare, and what to show instead; the root itself is
        always ``<root>``.
    database : `Database`, optional
        Where the registry is, if that is not ``gen3.sqlite3``.
    namespace : `str`, optional
        The schema of a registry in a database.

    Returns
    -------
    dump : `dict` [ `str`, `list` [ `str` ] ]
        Sorted lines for each table that has rows, and under ``files`` one line for each file with its
        content's checksum or its link's target.
    """
    renames = {str(root): "<root>", **(rename or {})}
    with _registry(root, database, namespace) as registry:
        result = _tables(registry)
    result["files"] = _files(root)
    return {name: sorted(_renamed(line, renames) for line in lines) for name, lines in result.items()}


def difference(first: Dump, second: Dump) -> list[str]:
    """Tell in which lines two dumps differ.

    Parameters
    ----------
    first, second : `dict`
        Two dumps.

    Returns
    -------
    lines : `list` [ `str` ]
        ``table: - line`` for what only the first has, ``table: + line`` for what only the second has.
    """
    lines = []
    for table in sorted({*first, *second}):
        old, new = first.get(table, []), second.get(table, [])
        # Made once: a sky map has tables of a hundred thousand lines.
        in_old, in_new = set(old), set(new)
        lines += [f"{table}: - {line}" for line in old if line not in in_new]
        lines += [f"{table}: + {line}" for line in new if line not in in_old]
        if len(old) != len(new) and in_old == in_new:
            lines.append(f"{table}: {len(old)} and {len(new)} lines")
    return lines


def _renamed(line: str, renames: Mapping[str, str]) -> str:
    for folder, name in renames.items():
        line = line.replace(folder, name)
    return line


@contextmanager
def _registry(root: Path, database: Database | None, namespace: str) -> Iterator[Registry]:
    if database is None:
        with closing(sqlite3.connect(f"file:{root / 'gen3.sqlite3'}?mode=ro", uri=True)) as connection:
            yield _Sqlite(connection)
        return
    with closing(database.connect("postgres")) as connection:
        psycopg2.extras.register_uuid(conn_or_curs=connection)
        yield _Postgres(connection, namespace)


def _tables(registry: Registry) -> Dump:
    result: dict[str, list[str]] = defaultdict(list)
    collections = {row["collection_id"]: row["name"] for row in registry.rows("collection")}
    types = {row["id"]: row["name"] for row in registry.rows("dataset_type")}
    graphs = _graphs(registry)
    by_table = _association_tables(registry, graphs)
    for table in registry.tables():
        if table in ("dimension_graph_key", "dimension_graph_definition", "collection_chain"):
            continue
        stem = re.sub(r"_\d{8}$", "", table)
        name = f"{stem} {by_table[table]}" if table in by_table else table
        for row in registry.rows(table):
            shown = {}
            for column in sorted(row.keys() - LEFT_OUT.get(stem, set())):
                value = row[column]
                if column in COLLECTIONS and value is not None:
                    value = collections[value]
                elif column == "dataset_type_id":
                    value = types[value]
                elif column == "dimensions_key":
                    value = graphs[value]
                elif column.endswith("_association_table") and value is not None:
                    value = by_table[value]
                shown[column] = value
            result[name].append(_line(shown))
    for parent, children in _chains(registry).items():
        names = [collections[child] for child in children]
        result["collection_chain"].append(_line({"parent": collections[parent], "children": names}))
    result["dimension_graph_definition"] = sorted(graphs.values())
    return dict(result)


def _graphs(registry: Registry) -> dict[int, str]:
    # No dimensions at all have the number 0, and no row.
    graphs: dict[int, list[str]] = {0: []}
    graphs.update((row["id"], []) for row in registry.rows("dimension_graph_key"))
    for row in registry.rows("dimension_graph_definition"):
        graphs[row["dimension_graph_id"]].append(row["dimension_name"])
    return {number: "{" + ", ".join(sorted(names)) + "}" for number, names in graphs.items()}


def _association_tables(registry: Registry, graphs: Mapping[int, str]) -> dict[str, str]:
    tables = {}
    for row in registry.rows("dataset_type"):
        for column in ("tag_association_table", "calibration_association_table"):
            if row[column] is not None:
                tables[row[column]] = graphs[row["dimensions_key"]]
    return tables


def _chains(registry: Registry) -> dict[int, list[int]]:
    chains: dict[int, list[int]] = defaultdict(list)
    for row in sorted(registry.rows("collection_chain"), key=lambda row: (row["parent"], row["position"])):
        chains[row["parent"]].append(row["child"])
    return chains


def _line(shown: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{column}={value.hex() if isinstance(value, bytes) else value!r}" for column, value in shown.items()
    )


def _files(root: Path) -> list[str]:
    lines = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            lines.append(f"{name} -> {path.readlink()}")
        elif path.is_file() and not DATABASE.fullmatch(path.name):
            lines.append(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}")
    return lines
