# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a repository with an SQLite registry holds, in a form that can be compared.

Two repositories that were filled in another order, or by a killed run and the next, hold the same things
under other numbers. What is left out, and nothing else:

* ``dataset.ingest_date``: when a dataset was written;
* the numbers that the database gives: ``collection.collection_id``, ``dataset_type.id``,
  ``dimension_graph_key.id`` and the ``id`` of calibration associations. Where another table refers to one of
  them, the name that it stands for is shown;
* the positions of a chain's children, of which only the order counts;
* the names of the tables of associations, which contain such a number: the dimensions are shown;
* the database file itself and its lock and journal.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LEFT_OUT = {
    "collection": {"collection_id"},
    "dataset": {"ingest_date"},
    "dataset_type": {"id"},
    "dataset_calibs": {"id"},
}
COLLECTIONS = {"collection_id", "run_id", "parent", "child"}
DATABASE = re.compile(r".*\.sqlite3(-journal|-wal|-shm|\.lock)?")

Dump = dict[str, list[str]]


def dump(root: Path, rename: Mapping[str, str] | None = None) -> Dump:
    """Write down a repository.

    Parameters
    ----------
    root : `pathlib.Path`
        Where ``butler.yaml`` and ``gen3.sqlite3`` are.
    rename : `~collections.abc.Mapping` [ `str`, `str` ], optional
        Folders that differ between the repositories to compare, and what to show instead; the root itself is
        always ``<root>``.

    Returns
    -------
    dump : `dict` [ `str`, `list` [ `str` ] ]
        Sorted lines for each table that has rows, and under ``files`` one line for each file with its
        content's checksum or its link's target.
    """
    renames = {str(root): "<root>", **(rename or {})}
    result = _tables(root / "gen3.sqlite3")
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


def _tables(database: Path) -> Dump:
    result: dict[str, list[str]] = defaultdict(list)
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        collections = dict(map(tuple, connection.execute("SELECT collection_id, name FROM collection")))
        types = dict(map(tuple, connection.execute("SELECT id, name FROM dataset_type")))
        graphs = _graphs(connection)
        tables = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if row[0] not in ("dimension_graph_key", "dimension_graph_definition", "collection_chain")
            and not row[0].startswith("sqlite_")
        ]
        by_table = _association_tables(connection, graphs)
        for table in tables:
            stem = re.sub(r"_\d{8}$", "", table)
            name = f"{stem} {by_table[table]}" if table in by_table else table
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                shown = {}
                for column in sorted(set(row.keys()) - LEFT_OUT.get(stem, set())):
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
        for parent, children in _chains(connection).items():
            names = [collections[child] for child in children]
            result["collection_chain"].append(_line({"parent": collections[parent], "children": names}))
        result["dimension_graph_definition"] = sorted(graphs.values())
    return dict(result)


def _graphs(connection: sqlite3.Connection) -> dict[int, str]:
    # No dimensions at all have the number 0, and no row.
    graphs: dict[int, list[str]] = {0: []}
    graphs.update((row[0], []) for row in connection.execute("SELECT id FROM dimension_graph_key"))
    for row in connection.execute("SELECT * FROM dimension_graph_definition"):
        graphs[row["dimension_graph_id"]].append(row["dimension_name"])
    return {number: "{" + ", ".join(sorted(names)) + "}" for number, names in graphs.items()}


def _association_tables(connection: sqlite3.Connection, graphs: Mapping[int, str]) -> dict[str, str]:
    tables = {}
    for row in connection.execute("SELECT * FROM dataset_type"):
        for column in ("tag_association_table", "calibration_association_table"):
            if row[column] is not None:
                tables[row[column]] = graphs[row["dimensions_key"]]
    return tables


def _chains(connection: sqlite3.Connection) -> dict[int, list[int]]:
    chains: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute("SELECT * FROM collection_chain ORDER BY parent, position"):
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
