# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection pooler before the tests' PostgreSQL server, from the system's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from tests.integration.ports import free_port
from tests.integration.postgres import OWNER, PASSWORD, Database, Server
from tests.waiting import PATIENCE, until


def program() -> Path:
    """Find pgbouncer; where it is not installed tests are skipped, and in CI they fail."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        said = "there is no pgbouncer here: apt-get install -y --no-install-recommends pgbouncer"
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return Path(found)


@contextmanager
def pooled(
    server: Server, database: Database, size: int, *, users: Sequence[str] = (OWNER,), **settings: str
) -> Iterator[Database]:
    """Put pgbouncer, in transaction mode, before a database.

    Parameters
    ----------
    server : `Server`
        The server.
    database : `Database`
        The database.
    size : `int`
        How many connections to the server there are at most, for each user.
    users : `~collections.abc.Sequence` [ `str` ], optional
        Who may log in.
    **settings : `str`
        More settings of pgbouncer.

    Yields
    ------
    database : `Database`
        The same database, reached through the pooler.
    """
    found = program()
    folder = Path(tempfile.mkdtemp(prefix="rubin-butler-pgbouncer-"))
    port = free_port()
    options = {
        "listen_addr": server.host,
        "listen_port": str(port),
        "unix_socket_dir": str(folder),
        "auth_type": "scram-sha-256",
        "auth_file": str(folder / "users"),
        "pool_mode": "transaction",
        "default_pool_size": str(size),
        "logfile": str(folder / "log"),
        **settings,
    }
    lines = [
        "[databases]",
        f"* = host={database.host} port={database.port}",
        "[pgbouncer]",
        *(f"{name} = {value}" for name, value in options.items()),
    ]
    (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
    (folder / "users").write_text("".join(f'"{user}" "{PASSWORD}"\n' for user in users))
    as_user = server.user if os.geteuid() == 0 else None
    if as_user is not None:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, as_user)
    process = subprocess.Popen(
        [found, folder / "pgbouncer.ini"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        user=as_user,
    )
    try:
        through = replace(database, port=port)
        _wait_for(through, users[0], process, folder / "log")
        yield through
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder)


def _wait_for(database: Database, user: str, process: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        try:
            database.execute("SELECT 1", role=user)
        except psycopg2.OperationalError:
            assert process.poll() is None, log.read_text() if log.exists() else ""
            return False
        return True

    until(answers)
