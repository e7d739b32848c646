# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a login from making a registry in a PostgreSQL database, found out without trying.

Source: PostgreSQL's manual (access privilege inquiry functions; trusted extensions; system catalogs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy

EXTENSION = "btree_gist"


def missing_extension(connection: sqlalchemy.engine.Connection) -> str | None:
    """Say that the extension which Butler needs is missing, and who may add it.

    Parameters
    ----------
    connection : `sqlalchemy.engine.Connection`
        To a PostgreSQL database.

    Returns
    -------
    reason : `str` or `None`
        `None` if it is there.
    """
    from sqlalchemy import column, select, table

    extensions = table("pg_extension", column("extname"))
    if connection.execute(select(extensions).where(extensions.c.extname == EXTENSION)).first() is not None:
        return None
    lacks = f"it lacks the extension {EXTENSION}"
    known = table("pg_available_extension_versions", column("name"), column("trusted"))
    trusted = [row[0] for row in connection.execute(select(known.c.trusted).where(known.c.name == EXTENSION))]
    if not trusted:
        return f"{lacks}, and its server does not know it: install PostgreSQL's contrib package there"
    login, may_create, owner = _database(connection)
    if may_create and any(trusted):
        return f"{lacks}; the login {login} may add it: CREATE EXTENSION {EXTENSION}"
    return (
        f"{lacks}, and the login {login} may not add it. "
        f"Have the database's owner, {owner}, run CREATE EXTENSION {EXTENSION} in it"
    )


def missing_right(connection: sqlalchemy.engine.Connection, namespace: str | None) -> str | None:
    """Say why a login can't make tables in a namespace.

    Parameters
    ----------
    connection : `sqlalchemy.engine.Connection`
        To a PostgreSQL database.
    namespace : `str` or `None`
        The registry's namespace; `None` for the one that tables are made in by default.

    Returns
    -------
    reason : `str` or `None`
        `None` if it can.
    """
    from sqlalchemy import column, func, select, table

    login, may_create, owner = _database(connection)
    wanted = namespace or connection.execute(select(func.current_schema())).scalar() or "public"
    names = table("pg_namespace", column("nspname"), column("nspowner"), column("oid"))
    found = connection.execute(
        select(
            func.pg_get_userbyid(names.c.nspowner), func.has_schema_privilege(names.c.oid, "CREATE")
        ).where(names.c.nspname == wanted)
    ).first()
    if found is None:
        if may_create:
            return None
        return (
            f"the namespace {wanted} does not exist, and the login {login} may not make it: the database's "
            f"owner is {owner}"
        )
    if found[1]:
        return None
    return f"the namespace {wanted} belongs to {found[0]}, and the login {login} may not make tables in it"


def _database(connection: sqlalchemy.engine.Connection) -> tuple[Any, ...]:
    """Give the login, whether it may make namespaces in the database, and who owns that."""
    from sqlalchemy import column, func, select, table

    databases = table("pg_database", column("datname"), column("datdba"))
    here = func.current_database()
    query = select(
        func.current_user(),
        func.has_database_privilege(here, "CREATE"),
        func.pg_get_userbyid(databases.c.datdba),
    ).where(databases.c.datname == here)
    return tuple(connection.execute(query).one())
