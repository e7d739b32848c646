# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database beneath a registry, looked at where `lsst.daf.butler.Butler` can't be opened yet or any more.

daf_butler has no public API that tells a half-made registry from a good one, or that removes one: it creates
the tables and opens them. So this file, and no other, looks at the tables through SQLAlchemy.
"""

from __future__ import annotations

import os
import re
import sqlite3
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.locks import sqlite_file
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_rights import (
    missing_extension,
    missing_right,
)

if TYPE_CHECKING:
    import sqlalchemy
    from lsst.daf.butler import ButlerConfig
    from lsst.resources import ResourcePath

ATTRIBUTES = "butler_attributes"
OPAQUE = "opaque_meta"
DIMENSIONS_ATTRIBUTE = "config:dimensions.json"
"""Written after the attributes of all managers (source: daf_butler, registry/managers.py)."""
OBSCORE_ATTRIBUTE = "config:obscore.json"
"""Written last, where there is an obscore manager (source: as above)."""
MANAGER = "config:registry.managers."
VERSION = "version:"

_ASSOCIATIONS = re.compile(r"dataset_(tags|calibs)_\d{8}")
_OVERLAP = re.compile(r"\w+_overlap(_summary)?")


@dataclass(frozen=True)
class Content:
    """What a registry's database holds.

    Parameters
    ----------
    tables : `frozenset` [ `str` ]
        The tables of its namespace.
    attributes : `dict` [ `str`, `str` ]
        What the registry says of itself.
    opaque : `frozenset` [ `str` ]
        The tables of its datastores.
    filled : `frozenset` [ `str` ]
        The tables that hold rows, those above left out; only where asked for.
    lacks : `str` or `None`
        Why Butler can't use this database at all.
    """

    tables: frozenset[str] = frozenset()
    attributes: dict[str, str] = field(default_factory=dict)
    opaque: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    lacks: str | None = None

    def complete(self, *, obscore: bool) -> bool:
        """Tell whether all that makes a registry is there.

        Parameters
        ----------
        obscore : `bool`
            Whether it is to have an obscore table.

        Returns
        -------
        complete : `bool`
            False for one whose creation was cut short.
        """
        return DIMENSIONS_ATTRIBUTE in self.attributes and (
            not obscore or OBSCORE_ATTRIBUTE in self.attributes
        )

    def managers(self) -> dict[str, dict[str, str]]:
        """Give the registry's managers.

        Returns
        -------
        managers : `dict` [ `str`, `dict` ]
            For each kind of manager its ``class`` and ``version``.
        """
        return {
            name.removeprefix(MANAGER): {"class": cls, "version": self.attributes.get(VERSION + cls, "")}
            for name, cls in sorted(self.attributes.items())
            if name.startswith(MANAGER)
        }

    def foreign(self, known: Iterable[str]) -> list[str]:
        """Name the tables that are no registry's.

        Parameters
        ----------
        known : `~collections.abc.Iterable` [ `str` ]
            The tables of an empty registry, and of its dimensions.

        Returns
        -------
        tables : `list` [ `str` ]
            Sorted.
        """
        ours = {*known, *self.opaque}
        return sorted(
            name
            for name in self.tables - ours
            if not _ASSOCIATIONS.fullmatch(name)
            and not (_OVERLAP.fullmatch(name) and any(name.startswith(f"{table}_") for table in ours))
        )


def look(config: ButlerConfig, root: ResourcePath, *, rows: bool = False) -> Content | None:
    """Look at the database of a registry.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    root : `lsst.resources.ResourcePath`
        The repository's root.
    rows : `bool`
        Whether to ask every table if it holds rows.

    Returns
    -------
    content : `Content` or `None`
        What it holds; `None` for an SQLite registry without a file.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError
        Raised if it can't be reached.
    """
    import sqlalchemy

    file = sqlite_file(config, root)
    if file is not None and not file.exists():
        return None
    namespace = config.get(("registry", "namespace"))
    with _engine(config, file) as engine, engine.connect() as connection:
        lacks = missing_extension(connection) if file is None else None
        if lacks is not None:
            return Content(lacks=lacks)
        tables = frozenset(sqlalchemy.inspect(connection).get_table_names(schema=namespace))

        def column(table: str, *names: str) -> list[Any]:
            columns = [sqlalchemy.column(name, sqlalchemy.String) for name in names]
            selected = sqlalchemy.select(*columns).select_from(sqlalchemy.table(table, schema=namespace))
            return list(connection.execute(selected))

        def has_rows(table: str) -> bool:
            one = sqlalchemy.select(sqlalchemy.literal(1)).select_from(
                sqlalchemy.table(table, schema=namespace)
            )
            return connection.execute(one.limit(1)).first() is not None

        wanted = tables - {ATTRIBUTES, OPAQUE} if rows else frozenset()
        return Content(
            tables,
            {row[0]: row[1] for row in column(ATTRIBUTES, "name", "value")} if ATTRIBUTES in tables else {},
            frozenset(row[0] for row in column(OPAQUE, "table_name")) if OPAQUE in tables else frozenset(),
            frozenset(table for table in wanted if has_rows(table)),
        )


def lacking_right(config: ButlerConfig, root: ResourcePath) -> str | None:
    """Say why the tables of a registry can't be made.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    root : `lsst.resources.ResourcePath`
        The repository's root.

    Returns
    -------
    reason : `str` or `None`
        `None` if they can be, and for SQLite, where files alone matter.
    """
    if sqlite_file(config, root) is not None:
        return None
    with _engine(config, None) as engine, engine.connect() as connection:
        return missing_right(connection, config.get(("registry", "namespace")))


def drop(config: ButlerConfig, root: ResourcePath, tables: Iterable[str]) -> None:
    """Remove tables, and the sequences that number their rows; in one transaction on PostgreSQL.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    root : `lsst.resources.ResourcePath`
        The repository's root.
    tables : `~collections.abc.Iterable` [ `str` ]
        Which.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError
        Raised if something else refers to one of them; then all of them are still there.
    """
    import sqlalchemy

    namespace = config.get(("registry", "namespace"))
    with _engine(config, sqlite_file(config, root), write=True) as engine, engine.begin() as connection:
        inspector = sqlalchemy.inspect(connection)
        names = sorted(set(tables) & set(inspector.get_table_names(schema=namespace)))
        metadata = sqlalchemy.MetaData(schema=namespace)
        with warnings.catch_warnings():
            # Columns of an extension's types, which are dropped all the same.
            warnings.simplefilter("ignore", category=sqlalchemy.exc.SAWarning)
            if names:
                metadata.reflect(connection, only=names, resolve_fks=False)
        sequences = []
        if connection.dialect.supports_sequences:
            sequences = [
                name
                for name in inspector.get_sequence_names(schema=namespace)
                if any(name.startswith(f"{table}_seq_") for table in names)
            ]
        metadata.drop_all(connection)
        for name in sequences:
            sequence = sqlalchemy.Sequence(name, schema=namespace)
            connection.execute(sqlalchemy.schema.DropSequence(sequence))


@contextmanager
def _engine(
    config: ButlerConfig, file: Path | None, *, write: bool = False
) -> Iterator[sqlalchemy.engine.Engine]:
    import sqlalchemy

    if file is not None:
        # Even a look may have to roll an interrupted transaction back, which SQLite does where it may write.
        mode = "rw" if write or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)) else "ro"
        engine = sqlalchemy.create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True),
            poolclass=sqlalchemy.pool.NullPool,
        )
    else:
        from lsst.daf.butler.registry import RegistryConfig
        from lsst.daf.butler.registry.connectionString import ConnectionStringFactory

        url = ConnectionStringFactory.fromConfig(RegistryConfig(config))
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    try:
        yield engine
    finally:
        engine.dispose()
