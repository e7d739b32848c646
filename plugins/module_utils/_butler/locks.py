# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time for each repository and run.

When two writers ingest the same file, the database turns the later one down, and its rollback deletes the
artifact that both of them had written to the same place. So whoever looks for what is missing and then
ingests it holds a lock meanwhile.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy
    from lsst.daf.butler import ButlerConfig
    from lsst.resources import ResourcePath

PATIENCE = 10.0
"""How long to wait before saying so (seconds)."""

_POLL = 0.2

_TIMEOUTS = ("idle_in_transaction_session_timeout", "transaction_timeout")
"""What would end the transaction that holds a lock; the second is new in PostgreSQL 17 (its manual)."""


def sqlite_file(config: ButlerConfig, root: ResourcePath | None) -> Path | None:
    """Find the file of an SQLite registry.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    root : `lsst.resources.ResourcePath` or `None`
        Where ``butler.yaml`` is.

    Returns
    -------
    path : `pathlib.Path` or `None`
        The database file; `None` for a server or a database in memory.
    """
    from sqlalchemy.engine import make_url

    db = str(config["registry", "db"])
    if root is not None:
        db = db.replace("<butlerRoot>", root.ospath if root.isLocal else root.geturl())
    url = make_url(db)
    if not url.drivername.startswith("sqlite") or url.database in (None, "", ":memory:"):
        return None
    return Path(url.database)


@contextmanager
def writer_lock(
    config: ButlerConfig,
    root: ResourcePath | None,
    name: str,
    on_wait: Callable[[str], None],
    share: tuple[int, int] | None = None,
) -> Iterator[None]:
    """Hold the lock of one name in one repository.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    root : `lsst.resources.ResourcePath` or `None`
        Where ``butler.yaml`` is.
    name : `str`
        What is locked: a RUN collection's name.
    on_wait : `~collections.abc.Callable`
        Told once, after `PATIENCE` seconds, that another writer holds the lock.
    share : `tuple` [ `int`, `int` ], optional
        Which share of the run's datasets will be written, and of how many. Writers of different shares go on
        side by side on a server, those of one share or of the whole run one after the other. SQLite has but
        one writer at a time anyway.

    Yields
    ------
    `None`
        The lock is held inside the block and freed by the system if the process dies.
    """
    database = sqlite_file(config, root)
    if database is not None:
        with _file_lock(database.with_name(f"{database.name}.lock"), name, on_wait):
            yield
    elif str(config["registry", "db"]).startswith("postgresql"):
        with _advisory_lock(config, name, on_wait, share):
            yield
    else:
        # A database in memory has no other writer.
        yield


def _key(name: str) -> int:
    """Map a name to 62 bits, the same in every process."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2


def _wait(attempt: Callable[[], bool], name: str, on_wait: Callable[[str], None]) -> None:
    start = time.monotonic()
    told = False
    while not attempt():
        if not told and time.monotonic() - start >= PATIENCE:
            on_wait(f"waiting for another writer of {name}")
            told = True
        time.sleep(_POLL)


@contextmanager
def _file_lock(path: Path, name: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    # One file serves all runs: each locks the one byte that its name stands for.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
    try:

        def attempt() -> bool:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _key(name))
            except (BlockingIOError, PermissionError):
                return False
            return True

        _wait(attempt, name, on_wait)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _advisory_lock(
    config: ButlerConfig, name: str, on_wait: Callable[[str], None], share: tuple[int, int] | None
) -> Iterator[None]:
    import sqlalchemy
    from lsst.daf.butler.registry import RegistryConfig
    from lsst.daf.butler.registry.connectionString import ConnectionStringFactory

    url = ConnectionStringFactory.fromConfig(RegistryConfig(config))
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    scope = f"{config.get(('registry', 'namespace'), '')}\0{name}"
    take = sqlalchemy.func.pg_try_advisory_xact_lock
    locks = [take(_key(scope))]
    if share is not None:
        # All shares hold the run's lock together, against those who write the whole of it.
        together = sqlalchemy.func.pg_try_advisory_xact_lock_shared
        locks = [together(_key(scope)), take(_key(f"{scope}\0{share[0]} of {share[1]}"))]
    connection = engine.connect()
    try:
        _wait(partial(_take, connection, locks), name, on_wait)
        yield
    finally:
        # Where the server is gone so is the lock, and what happened inside the block is what counts.
        with suppress(sqlalchemy.exc.SQLAlchemyError):
            connection.close()


def _take(connection: sqlalchemy.Connection, locks: Sequence[sqlalchemy.ColumnElement[bool]]) -> bool:
    """Try to begin a transaction that holds all of the locks.

    The locks are a transaction's, not a session's, so that they work behind a connection pooler that gives a
    server's connection to another client after each transaction. Nothing else happens in it, which is what
    the timeouts of a site look for: they are lifted for this one transaction.
    """
    import sqlalchemy

    connection.begin()
    if not all(connection.execute(sqlalchemy.select(lock)).scalar() for lock in locks):
        # Who waits keeps no connection of a pooler from those who work.
        connection.rollback()
        return False
    settings = sqlalchemy.table("pg_settings", sqlalchemy.column("name"))
    lift = sqlalchemy.func.set_config(settings.c.name, "0", True)
    connection.execute(sqlalchemy.select(lift).where(settings.c.name.in_(_TIMEOUTS)))
    return True
