# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server of the tests' own, from the system's packages."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest

from tests.integration.ports import free_port

PASSWORD = "p4ss-of-the-tests"  # a server on the loopback that ends with the tests
OWNER = "owner"
READER = "reader"


@dataclass(frozen=True)
class Database:
    """A database with an owner and a reader.

    Parameters
    ----------
    name : `str`
        Its name.
    host : `str`
        The server's address.
    port : `int`
        The server's port.
    """

    name: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """What ``registry.db`` takes: no user, no password (`str`)."""
        return f"postgresql://{self.host}:{self.port}/{self.name}"

    def credentials(self, role: str = OWNER, password: str = PASSWORD) -> str:
        """Give the value of ``LSST_DB_AUTH_CREDENTIALS`` for a role."""
        return json.dumps([{"url": self.url, "username": role, "password": password}])

    def connect(self, role: str = OWNER) -> psycopg2.extensions.connection:
        """Open a connection as a role."""
        return psycopg2.connect(
            host=self.host, port=self.port, dbname=self.name, user=role, password=PASSWORD
        )

    def execute(self, *statements: str, role: str = OWNER) -> list[tuple[Any, ...]]:
        """Run statements as a role; the rows of the last are returned, if it has any."""
        connection = self.connect(role)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def tables(self, namespace: str = "public") -> list[str]:
        """Name the tables of a namespace."""
        rows = self.execute(f"SELECT tablename FROM pg_tables WHERE schemaname = '{namespace}' ORDER BY 1")
        return [row[0] for row in rows]


@dataclass(frozen=True)
class Logins:
    """Logins of a database whose roles are not those of persons.

    Parameters
    ----------
    owner : `str`
        The role that owns everything; nobody logs in as it.
    writers : `tuple` [ `str`, `str` ]
        Two logins that act as the owner.
    reader : `str`
        A login that may read.
    """

    owner: str
    writers: tuple[str, str]
    reader: str


@dataclass(frozen=True)
class Server:
    """A running server.

    Parameters
    ----------
    host : `str`
        Its address.
    port : `int`
        Its port.
    control : `tuple`
        The command that starts and stops it, without what it is to do.
    user : `str`
        Who it runs as.
    """

    host: str
    port: int
    control: tuple[str | Path, ...] = ()
    user: str = "postgres"

    def stop(self) -> None:
        """End it as a crash does: connections break off, and what is not committed is lost."""
        self._do("-m", "immediate", "stop")

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self._do("-w", "start")

    def restart(self) -> None:
        """Stop it as a crash does, and start it again."""
        self.stop()
        self.start()

    def _do(self, *what: str) -> None:
        # What the server inherits it keeps open.
        done = subprocess.run(
            [*self.control, *what],
            check=False,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user if os.geteuid() == 0 else None,
        )
        assert done.returncode == 0, f"{what[-1]}: {self.log()[-2000:]}"

    def new_database(self, *, btree_gist: bool = True) -> Database:
        """Create a database that `OWNER` owns and `READER` may read.

        Parameters
        ----------
        btree_gist : `bool`, optional
            Whether it gets the extension that Butler needs.

        Returns
        -------
        database : `Database`
            The new database, with a name of its own.
        """
        database = Database(f"db_{secrets.token_hex(4)}", self.host, self.port)
        Database("postgres", self.host, self.port).execute(
            f"CREATE DATABASE {database.name} OWNER {OWNER}", role="postgres"
        )
        statements = ["CREATE EXTENSION btree_gist"] if btree_gist else []
        statements += [
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO {READER}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SCHEMAS TO {READER}",
            f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}",
        ]
        database.execute(*statements, role="postgres")
        return database

    def new_logins(self, database: Database, namespace: str, connections: int = -1) -> Logins:
        """Hand a database over to a role that several logins share, as a site does.

        Parameters
        ----------
        database : `Database`
            The database; its schemas and tables stay whose they are.
        namespace : `str`
            A schema to make, which that role owns.
        connections : `int`, optional
            How many each login may have at a time.

        Returns
        -------
        logins : `Logins`
            Their names; the password is `PASSWORD`.
        """
        name = database.name
        logins = Logins(f"{name}_owner", (f"{name}_a", f"{name}_b"), f"{name}_reader_a")
        owner, reader = logins.owner, f"{name}_reader"
        made = f"LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT {connections}"
        database.execute(
            f"CREATE ROLE {owner} NOLOGIN",
            f"CREATE ROLE {reader} NOLOGIN",
            *(f"CREATE ROLE {writer} {made} IN ROLE {owner}" for writer in logins.writers),
            # What one of them makes would be its own otherwise, and not everybody's.
            *(f"ALTER ROLE {writer} SET role = {owner}" for writer in logins.writers),
            f"CREATE ROLE {logins.reader} {made} IN ROLE {reader}",
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {owner}, {reader}",
            role="postgres",
        )
        self.new_schema(database, namespace)
        return logins

    @staticmethod
    def new_schema(database: Database, namespace: str) -> None:
        """Make an empty schema for a registry, for the roles that `new_logins` made."""
        owner, reader = f"{database.name}_owner", f"{database.name}_reader"
        database.execute(
            f"CREATE SCHEMA {namespace} AUTHORIZATION {owner}",
            f"GRANT USAGE ON SCHEMA {namespace} TO {reader}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {namespace} "
            f"GRANT SELECT ON TABLES TO {reader}",
            role="postgres",
        )

    def log(self) -> str:
        """Give what the server has logged."""
        return Path(self.control[self.control.index("-l") + 1]).read_text()

    def drop(self, database: Database) -> None:
        """Drop a database, whoever uses it."""
        Database("postgres", self.host, self.port).execute(
            f"DROP DATABASE {database.name} WITH (FORCE)", role="postgres"
        )


def program(name: str) -> Path:
    """Find a program of the PostgreSQL server.

    Parameters
    ----------
    name : `str`
        Such as ``initdb``.

    Returns
    -------
    path : `pathlib.Path`
        The newest one that is installed. Where there is none, tests are skipped with the package to install,
        as `make test` is to pass with Python alone; in CI they fail.
    """
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4])
    ) or [Path(path) for path in [shutil.which(name)] if path]
    if not found:
        said = (
            f"there is no {name} here, and these tests need a PostgreSQL server of their own: "
            "apt-get install -y --no-install-recommends postgresql"
        )
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return found[-1]


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server on the loopback, in a temporary folder, and stop it at the end.

    Yields
    ------
    server : `Server`
        Reached with passwords by TCP. PostgreSQL refuses to run as root: then it runs as ``postgres``.
    """
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="rubin-butler-postgres-"))
    as_user: dict[str, Any] = {"cwd": folder, "capture_output": True, "text": True}
    if os.geteuid() == 0:
        shutil.chown(folder, user)
        as_user["user"] = user
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data = folder / "data"
    port = free_port()
    try:
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "--pwfile", folder / "password", "-A", "scram-sha-256",
             "-E", "UTF8", "--no-locale", "--no-sync"],
            check=True, **as_user,
        )  # fmt: skip
        options = f"-F -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        control = (pg_ctl, "-D", data, "-l", folder / "log", "-o", options)
        server = Server("127.0.0.1", port, control, user)
        server.start()
        try:
            Database("postgres", server.host, port).execute(
                f"CREATE ROLE {OWNER} LOGIN PASSWORD '{PASSWORD}'",
                f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
                role="postgres",
            )
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
