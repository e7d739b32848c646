# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transactions that are tried again when the database asks for it."""

from __future__ import annotations

import errno
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.connections import sqlstate
from ansible_collections.rubin.butler.plugins.module_utils._butler.permissions import is_refused
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

ATTEMPTS = 3

_RETRY_CODES = {"40001", "40P01"}
# Idle transactions and long ones, shutdowns, idle sessions (PostgreSQL's manual, "PostgreSQL Error Codes").
_CLOSED_CODES = {"25P03", "25P04", "57P01", "57P02", "57P03", "57P05"}


def transact(butler: Butler, write: Callable[[], None], log: Callable[[str], None]) -> None:
    """Write in one transaction, again if another writer was in the way.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    write : `~collections.abc.Callable`
        Writes; called up to `ATTEMPTS` times, each time from the beginning.
    log : `~collections.abc.Callable`
        Takes a line for the log.

    Notes
    -----
    What is written is not looked through for cycles of references meanwhile, see `uncollected`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with uncollected(), butler.transaction():
                write()
            return
        except Exception as error:
            if attempt == ATTEMPTS or not is_transient(error):
                raise
            log(f"trying a transaction again: {first_line(error)}")
            time.sleep(attempt)


@contextmanager
def uncollected() -> Iterator[None]:
    """Let Python not look for cycles of references for the length of a batch.

    A batch makes hundreds of thousands of objects that all live until its end. To look through them again
    and again finds nothing and takes a fifth of the time (`bench/README.md`).

    Yields
    ------
    `None`
        Objects without cycles are freed as ever.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def is_hopeless(error: BaseException) -> bool:
    """Tell whether everything else would fail the same way.

    Parameters
    ----------
    error : `BaseException`
        Why something failed.

    Returns
    -------
    hopeless : `bool`
        Whether the database is gone or refuses to be written to, or there is no more room, no right to write
        or no more files to open.
    """
    from sqlalchemy.exc import InterfaceError, OperationalError

    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE)
    return isinstance(error, (OperationalError, InterfaceError)) or _is_closed(error) or is_refused(error)


def after_break(error: BaseException, what: str = "batches") -> str:
    """Tell what to do when a run broke off.

    Parameters
    ----------
    error : `BaseException`
        One of which `is_hopeless` is true.
    what : `str`
        What is complete or not there at all.

    Returns
    -------
    hint : `str`
        What stays, and what to look at.
    """
    return f"Completed {what} stay. Run the task again when the cause is mended.{why_ended(error)}"


def why_ended(error: BaseException) -> str:
    """Tell which settings of a server end what takes long, of which it says little itself.

    Parameters
    ----------
    error : `BaseException`
        What was raised.

    Returns
    -------
    hint : `str`
        Sentences with a space before them; nothing for errors that say what they are (source: PostgreSQL's
        manual, SQLSTATE 57014 and the settings named; pgbouncer's, ``query_wait_timeout``).
    """
    if sqlstate(error) == "57014":
        return (
            " The statement_timeout of the server, or of this login, is to be longer than it takes to write "
            "a batch."
        )
    if _is_closed(error):
        return (
            " The server's log says why it closed the connection. If it ended a transaction that was idle, "
            "idle_in_transaction_session_timeout is to be longer than it takes to copy the files of a batch. "
            "If there is a pooler before it, that needs two connections for each task that runs."
        )
    return ""


def is_transient(error: BaseException) -> bool:
    """Tell whether the same transaction may succeed when it is tried again.

    Parameters
    ----------
    error : `BaseException`
        Why it failed.

    Returns
    -------
    transient : `bool`
        Whether it was a deadlock, a failed serialization (SQLSTATE 40P01 and 40001, named so in PostgreSQL's
        manual) or a lock of SQLite that another process held.
    """
    from sqlalchemy.exc import OperationalError

    if not isinstance(error, OperationalError):
        return False
    return sqlstate(error) in _RETRY_CODES or "database is locked" in str(error.orig)


def _is_closed(error: BaseException) -> bool:
    # psycopg 3 has a class for each of the codes, and not all of these are operational errors.
    return bool(getattr(error, "connection_invalidated", False)) or sqlstate(error) in _CLOSED_CODES
