# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a PostgreSQL server lets us in, with a limit on the time that it may take.

A registry is opened without such a limit by daf_butler, so that a server that does not answer would keep a
task for minutes or for ever.

Source: PostgreSQL's manual (libpq: connection parameters, environment variables; message flow of SSLRequest).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import (
    TIMEOUT,
    UnreachableError,
    open_socket,
    secure,
    trust,
)

if TYPE_CHECKING:
    import sqlalchemy

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_DEFAULT_PORT = 5432

_DB_AUTH = "the entry for {url} in db-auth.yaml ({file})"

_ABOUT_TLS = ("certificate verify failed", "SSL error", "does not match host name")
"""What libpq says when it does not trust the server, or the two do not get along."""

_SHOW = "Put a certificate that the server takes, and its key, where PGSSLCERT and PGSSLKEY say."

_HINTS = (
    ("password authentication failed", "Check username and password in {entry}."),
    ("no password supplied", "Put username and password into {entry}, with mode 0600."),
    ("is not permitted to log in", "Use a role that may log in, in {entry}: owners usually may not."),
    ("no pg_hba.conf entry", "The server's pg_hba.conf does not let this host and user into this database "
     "like this; where it says no encryption, set PGSSLMODE (verify-full) and PGSSLROOTCERT."),
    ("does not support SSL", "Have TLS turned on on the server, or correct PGSSLMODE."),
    ("root certificate file", "Put the authority's certificate where PGSSLROOTCERT says."),
    ("client certificate", _SHOW),
    ("certificate required", _SHOW),
    ("certificate", "Check PGSSLROOTCERT (the authority's), and the names and dates of the server's."),
    ("starting up", "Wait until the server has started."),
    ("shutting down", "Wait until the server is back."),
    ("too many clients", "Wait until others have finished, or raise max_connections of the server."),
    ("connection slots", "Wait until others have finished, or raise max_connections of the server."),
    ("permission denied for database", "Have CONNECT on the database granted to the role in {entry}."),
    ("timeout expired", "The server takes connections, and does not answer: check its load and its log."),
)  # fmt: skip


def reach_postgresql(url: sqlalchemy.URL) -> None:
    """Find out whether a database can be connected to.

    Parameters
    ----------
    url : `sqlalchemy.URL`
        The database, with the user and password that daf_butler found.

    Raises
    ------
    UnreachableError
        Raised for the first of these that fails, with what to check: the name, TCP, TLS, authentication, the
        database. It names no password.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.pool.NullPool)
    arguments, settings = engine.dialect.create_connect_args(engine.url)
    if not os.environ.get("PGCONNECT_TIMEOUT"):
        settings = {"connect_timeout": int(TIMEOUT), **settings}
    try:
        engine.dialect.connect(*arguments, **settings).close()
    except engine.dialect.loaded_dbapi.Error as error:
        text = " ".join(str(error).split())
        server = _server(settings)
        if server is not None and "FATAL" not in text:
            open_socket(*server).close()
            if any(phrase in text for phrase in _ABOUT_TLS):
                _explain_tls(*server, settings)
        raise UnreachableError(f"{type(error).__name__}: {text}", _hint(text, url)) from None


def _server(settings: Mapping[str, Any]) -> tuple[str, int] | None:
    """Name the server that libpq tries, if it is one and by TCP, and no file or address says another."""
    if any(settings.get(name) or os.environ.get(f"PG{name.upper()}") for name in ("service", "hostaddr")):
        return None
    host = str(settings.get("host") or os.environ.get("PGHOST") or "")
    port = str(settings.get("port") or os.environ.get("PGPORT") or _DEFAULT_PORT)
    # What begins with a slash or an @ is a socket of this host.
    if not host or host.startswith(("/", "@")) or "," in host or not port.isdigit():
        return None
    return host, int(port)


def _hint(text: str, url: sqlalchemy.URL) -> str:
    file = os.environ.get("LSST_DB_AUTH") or "~/.lsst/db-auth.yaml"
    if os.environ.get("LSST_DB_AUTH_CREDENTIALS"):
        file = "here: LSST_DB_AUTH_CREDENTIALS"
    plain = f"postgresql://{url.host}" + (f":{url.port}" if url.port else "") + f"/{url.database}"
    entry = _DB_AUTH.format(url=plain, file=file)
    if url.username is None:
        return f"No user is known for {plain}. Put username and password into {entry}, with mode 0600."
    if f'database "{url.database}" does not exist' in text:
        return "Have it made (role rubin.butler.postgresql_registry), or correct its name in registry.db."
    if "role " in text and "does not exist" in text:
        return f"Correct the username in {entry}, or have the role made."
    for phrase, hint in _HINTS:
        if phrase in text:
            return hint.format(entry=entry)
    return f"Check that the server runs, its host and port, and the credentials: {entry}."


def _explain_tls(host: str, port: int, settings: Mapping[str, Any]) -> None:
    """Shake hands as libpq does, which names no date and no authority; returns if that says no more."""
    setting = "PGSSLROOTCERT" if "sslrootcert" not in settings else "sslrootcert in registry.db"
    default = Path("~/.postgresql/root.crt").expanduser()
    authorities = settings.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or str(default)
    mode = settings.get("sslmode") or os.environ.get("PGSSLMODE") or ""
    if authorities != "system" and not mode.startswith("verify-") and not Path(authorities).exists():
        # Then it trusts everybody.
        return
    context = trust(None if authorities == "system" else str(authorities), setting)
    # With a weaker mode it asks who signed, and not for whom.
    context.check_hostname = mode == "verify-full" or authorities == "system"
    secure(partial(_begin_tls, host, port), host, context, setting).close()


def _begin_tls(host: str, port: int) -> socket.socket:
    connection = open_socket(host, port)
    connection.sendall(_SSL_REQUEST)
    if connection.recv(1) != b"S":
        connection.close()
        raise UnreachableError(
            f"{host}:{port} does not offer TLS", "Have TLS turned on on the server, or correct PGSSLMODE."
        )
    return connection
