# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database server does not let a login do."""

from __future__ import annotations

from ansible_collections.rubin.butler.plugins.module_utils._butler.connections import (
    latest_login,
    sqlstate,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

_NO_RIGHT = "42501"
_READ_ONLY = "25006"

_HINTS = {
    _NO_RIGHT: "Use the credentials of a login that has the role which owns the registry's tables "
    "(db-auth.yaml), or have the owner grant what is missing. A login that may only read can still check.",
    _READ_ONLY: "The server, or the database, takes no writes: it may be a replica. Name the primary server "
    "in registry.db, or wait until it takes writes again.",
}
_TEMPORARY = (
    "Butler makes temporary tables for long lists of data IDs, also to read: "
    "GRANT TEMPORARY ON DATABASE ... TO the login's role."
)


def is_refused(error: BaseException) -> bool:
    """Tell whether a server has refused something for good.

    Parameters
    ----------
    error : `BaseException`
        What was raised.

    Returns
    -------
    refused : `bool`
        Whether a right is missing, or the server takes no writes (SQLSTATE 42501 and 25006, named so in
        PostgreSQL's manual).
    """
    return sqlstate(error) in _HINTS


def explain_refusal(error: BaseException, database: str) -> ButlerError:
    """Turn a refusal into words for an operator.

    Parameters
    ----------
    error : `BaseException`
        One of which `is_refused` is true.
    database : `str`
        The database's name without credentials.

    Returns
    -------
    explained : `ButlerError`
        Names the login, what was refused, and what to do.
    """
    said = str(getattr(error, "orig", error)).strip().split("\n", 1)[0]
    hint = _TEMPORARY if "temporary tables" in said else _HINTS[sqlstate(error)]
    known = latest_login()
    login = f"the login {known}" if known else "the login"
    return ButlerError(
        f"{login} may not do that in the registry {database}: {said}", option="repo", hint=hint
    )
