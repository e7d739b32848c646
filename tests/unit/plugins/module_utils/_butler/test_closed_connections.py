# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that the server has closed ends a run, by whatever class the driver tells it."""

from __future__ import annotations

import pytest
import sqlalchemy
from ansible_collections.rubin.butler.plugins.module_utils._butler.connections import (
    latest_login,
    tend_connections,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import (
    is_hopeless,
    is_transient,
    why_ended,
)

CLOSED = "idle_in_transaction_session_timeout is to be longer"


class SaidError(Exception):
    """An error of a driver, with the code that the server gave."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("said")
        self.sqlstate = sqlstate


def wrapped(kind: type[sqlalchemy.exc.DBAPIError], sqlstate: str | None, *, lost: bool = False) -> Exception:
    return kind("INSERT", {}, SaidError(sqlstate), connection_invalidated=lost)


@pytest.mark.parametrize(
    ("error", "hopeless", "told"),
    [
        (wrapped(sqlalchemy.exc.InternalError, "25P03"), True, True),  # psycopg 3
        (wrapped(sqlalchemy.exc.OperationalError, None, lost=True), True, True),  # psycopg2
        (wrapped(sqlalchemy.exc.OperationalError, "57P01"), True, True),
        (wrapped(sqlalchemy.exc.InternalError, "25P02"), False, False),
        (wrapped(sqlalchemy.exc.IntegrityError, "23505"), False, False),
    ],
)
def test_it_ends_the_run(error: Exception, hopeless: bool, told: bool) -> None:
    assert is_hopeless(error) is hopeless
    assert (CLOSED in why_ended(error)) is told
    assert not is_transient(error)


def test_connections_of_sqlite_are_left_as_they_are() -> None:
    tend_connections()
    tend_connections()
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
    assert latest_login() is None
