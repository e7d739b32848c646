# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a PostgreSQL server is said at once: which step failed, and what to check."""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.postgresql import reach_postgresql
from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import UnreachableError

from tests.integration.certificates import Authority
from tests.integration.postgres import OWNER, PASSWORD, Database, Server
from tests.integration.repository_runs import present

CREDENTIALS = "LSST_DB_AUTH_CREDENTIALS"


def said(
    host: str, port: int, database: str, user: str | None = OWNER, password: str | None = PASSWORD
) -> str:
    """Ask, and give what is said; the password never is."""
    url = sqlalchemy.URL.create("postgresql", user, password, host, port, database)
    with pytest.raises(UnreachableError) as caught:
        reach_postgresql(url)
    text = f"{caught.value.what}\n{caught.value.hint}"
    assert password is None or password not in text
    return text


@contextmanager
def verifying(authorities: Path) -> Iterator[None]:
    """Trust authorities meanwhile, and nobody else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGSSLMODE", "verify-full")
        patch.setenv("PGSSLROOTCERT", str(authorities))
        yield


def test_the_steps_before_the_database(database: Database) -> None:
    assert "nowhere.invalid can't be resolved" in said("nowhere.invalid", 5432, "lsst")
    assert "Connection refused" in said(database.host, 1, "lsst")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = said("127.0.0.1", silent.getsockname()[1], "lsst")
    assert "timeout expired" in text and "does not answer" in text


def test_the_server_is_the_one_that_libpq_finds(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port, user = database.host, database.port, f"{OWNER}:{PASSWORD}"
    reach_postgresql(sqlalchemy.make_url(f"postgresql://{user}@/{database.name}?host={host}&port={port}"))
    reach_postgresql(sqlalchemy.make_url(f"postgresql://{user}@/{database.name}?host={host}:{port}"))
    named = sqlalchemy.make_url(f"postgresql://{user}@nowhere.invalid:{port}/{database.name}")
    with monkeypatch.context() as patch:
        patch.setenv("PGHOSTADDR", host)
        reach_postgresql(named)
    reach_postgresql(named.update_query_dict({"hostaddr": host}))
    services = tmp_path / "services"
    services.write_text(f"[registry]\nhost={host}\nport={port}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGSERVICE", "registry")
    reach_postgresql(sqlalchemy.make_url(f"postgresql://{user}@/{database.name}"))


def test_the_time_limit_of_the_operator_is_taken(database: Database) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGCONNECT_TIMEOUT", "never")
        text = said(database.host, database.port, database.name)
    drivers = (
        'invalid integer value "never" for connection option "connect_timeout"',  # psycopg2
        "bad value for connect_timeout: 'never'",  # psycopg 3
    )
    assert any(words in text for words in drivers), text


def test_the_database_and_who_asks_for_it(database: Database) -> None:
    where = database.host, database.port
    reach_postgresql(sqlalchemy.URL.create("postgresql", OWNER, PASSWORD, *where, database.name))
    entry = f"the entry for {database.url} in db-auth.yaml"
    text = said(*where, database.name, password="wr0ng")
    assert "password authentication failed" in text and f"Check username and password in {entry}" in text
    assert "postgresql_registry" in said(*where, "nothing")
    assert "No user is known" in said(*where, database.name, None, None)
    database.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC", role="postgres")
    text = said(*where, database.name, "reader")
    assert "permission denied for database" in text and "Have CONNECT" in text


def test_a_server_that_wants_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "prefer")
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "nothing.crt"))
    monkeypatch.setenv("PGGSSENCMODE", "disable")
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=demand_certificate, args=[server], daemon=True).start()
        text = said("127.0.0.1", server.getsockname()[1], "lsst")
        server.shutdown(socket.SHUT_RDWR)
    assert "connection requires a valid client certificate" in text
    assert "PGSSLCERT and PGSSLKEY" in text and "PGSSLROOTCERT" not in text


def demand_certificate(server: socket.socket) -> None:
    """Answer as PostgreSQL does: no TLS here, and an error that is not fatal to what is asked of it next."""
    with suppress(OSError):
        while True:
            connection = server.accept()[0]
            with connection:
                if len(connection.recv(1000)) == 8:
                    connection.sendall(b"N")
                    connection.recv(1000)
                message = b"SERROR\0C28000\0Mconnection requires a valid client certificate\0\0"
                connection.sendall(b"E" + struct.pack("!i", len(message) + 4) + message)


@pytest.fixture
def folder(postgres: Server) -> Iterator[Path]:
    """Give a folder that the server reads certificates from; afterwards it does without TLS again."""
    maintenance = Database("postgres", postgres.host, postgres.port)
    folder = Path(maintenance.execute("SHOW data_directory", role="postgres")[0][0]) / "tls"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
    maintenance.execute("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()", role="postgres")


def show(postgres: Server, folder: Path, pem: bytes) -> None:
    """Have the server show a certificate from now on."""
    file = folder / f"{len(list(folder.iterdir()))}.pem"
    file.touch(0o600)
    file.write_bytes(pem)
    for path in (folder, file):
        if os.geteuid() == 0:
            shutil.chown(path, "postgres")
    Database("postgres", postgres.host, postgres.port).execute(
        f"ALTER SYSTEM SET ssl_cert_file = '{file}'",
        f"ALTER SYSTEM SET ssl_key_file = '{file}'",
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
        role="postgres",
    )


def test_tls(postgres: Server, database: Database, folder: Path, tmp_path: Path) -> None:
    authority, unknown = Authority("CA of the registry"), Authority("unknown CA of the registry")
    trusted, other = tmp_path / "ca.crt", tmp_path / "unknown.crt"
    trusted.write_bytes(authority.certificate)
    other.write_bytes(unknown.certificate)
    where = "localhost", database.port, database.name
    with verifying(trusted):
        assert "does not support SSL" in said(*where)
    expired = authority.sign(["localhost"], begins=-9, ends=-1)
    wrong = {
        r"has expired on 20\d\d-.*the clock of this host says 20": expired,
        r"the certificate is not for localhost, but for db\.example\.org": authority.sign(["db.example.org"]),
        r"is not trusted here, unknown CA of the registry,": unknown.sign(["localhost"]),
    }
    for message, pem in wrong.items():
        show(postgres, folder, pem)
        assert re.search(message, text := eventually(where, message, trusted)), text
    show(postgres, folder, authority.sign(["localhost"]))
    message = "is not trusted here, CA of the registry,"
    assert message in eventually(where, message, other)
    with verifying(tmp_path / "nothing.crt"):
        assert "nothing.crt" in said(*where)
    with verifying(trusted):
        reach_postgresql(sqlalchemy.URL.create("postgresql", OWNER, PASSWORD, *where))


def eventually(where: tuple[str, int, str], message: str, authorities: Path) -> str:
    """Ask until something is said: the server takes up its settings a moment after it was told to."""
    with verifying(authorities):
        for _unused in range(200):
            text = said(*where)
            if re.search(message, text):
                break
    return text


def test_a_repository_says_it(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, seed = tmp_path / "repo", {"registry": {"db": database.url, "namespace": "ccms1"}}
    present(root, seed)
    monkeypatch.setenv(CREDENTIALS, database.credentials(password="wr0ng"))
    with pytest.raises(ButlerError, match="password authentication failed") as caught:
        open_repository(str(root), writeable=False)
    assert caught.value.option == "repo" and "db-auth.yaml" in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    [assumed] = present(tmp_path / "another", seed, check=True).assumes
    assert assumed.startswith(
        f"seed_config.registry.db: the registry {database.url} (namespace ccms1) can't be"
    )
    assert "Check username and password" in assumed


def test_a_seed_with_a_datastore_that_is_not_there(database: Database, tmp_path: Path) -> None:
    seed = {
        "registry": {"db": database.url},
        "datastore": {"root": "davs://localhost:1/butler", "name": "ccms1"},
    }
    [assumed] = present(tmp_path / "repo", seed, check=True, override=True).assumes
    assert assumed.startswith(
        "seed_config.datastore.root: davs://localhost:1/butler can't be reached: localhost:1 ref"
    )
    with pytest.raises(ButlerError, match=r"datastore\.root: davs://localhost:1/butler can't be reached"):
        present(tmp_path / "repo", seed, override=True)
    assert list(tmp_path.iterdir()) == [] and database.tables() == []
