# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections with a PostgreSQL server, whoever in this process makes them, and what their errors say."""

from __future__ import annotations

from typing import Any

_known: dict[str, str] = {}


def tend_connections() -> None:
    """Have connections work through poolers, and remember as whom they log in.

    Notes
    -----
    psycopg 3 has the server prepare a statement that it sends for the sixth time (its manual, "Prepared
    statements"). A pooler in transaction mode may give the next transaction another session of the server,
    which knows nothing of it, or another statement by the same name. psycopg 2 prepares none.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    if not event.contains(Engine, "connect", _tend):
        event.listen(Engine, "connect", _tend)


def latest_login() -> str | None:
    """Say as whom the latest connection with a PostgreSQL server was made.

    Returns
    -------
    login : `str` or `None`
        `None` if there was none since `tend_connections`.
    """
    return _known.get("login")


def sqlstate(error: BaseException) -> str:
    """Give the code by which a server says what went wrong.

    Parameters
    ----------
    error : `BaseException`
        What a driver raised, or SQLAlchemy in its place.

    Returns
    -------
    code : `str`
        Five characters (PostgreSQL's manual, "PostgreSQL Error Codes"); empty if the server said none.
    """
    orig = getattr(error, "orig", error)
    return getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None) or ""


def _tend(connection: Any, _record: object) -> None:
    if hasattr(connection, "prepare_threshold"):
        connection.prepare_threshold = None
    # SQLite's connections have no such thing.
    user = getattr(getattr(connection, "info", None), "user", None)
    if user:
        _known["login"] = user
