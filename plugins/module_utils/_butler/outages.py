# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of artifacts that fail while a task uses them: told from files that are bad, and explained."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import (
    reach_datastores,
    reach_uris,
)

if TYPE_CHECKING:
    from lsst.daf.butler import ButlerConfig

_ANSWER = re.compile(
    r"(?:Unexpected response to HTTP request (?P<method>[A-Z]+) .*?: |Could not .*?: status )"
    r"(?P<status>\d{3}) "
)
"""How `lsst.resources` says what a server answered (source: its davutils.py)."""

_NO_ROOM = "507"
_NOT_AUTHORIZED = ("401", "407")
_WRITES = ("PUT", "MKCOL", "DELETE", None)


def explain_outage(error: BaseException, config: ButlerConfig, sources: Iterable[str]) -> str | None:
    """Tell the failure of a server of artifacts from that of a file, and say what to do about it.

    Parameters
    ----------
    error : `BaseException`
        Why something failed.
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    sources : `~collections.abc.Iterable` [ `str` ]
        Paths or URIs of the files that were to be ingested. Of each server the first is asked for.

    Returns
    -------
    explained : `str` or `None`
        What is wrong with the server and what to check, with a space at the end, or empty; `None` if it is no
        outage, and other files may be well.

    Notes
    -----
    A server that has no more room, or takes the credentials no more, says so by its answer. A connection
    that breaks off, and other answers from 500 on, may be of one file: dCache gives them for one that is on a
    pool that is down. Of them the servers are asked again.
    """
    answers = [answer for cause in _causes(error) if (answer := _answer(cause)) is not None]
    if any(answer["status"] == _NO_ROOM for answer in answers):
        return "The server of the datastore has no more room (507): check its disk, and the quota. "
    is_certain = any(
        answer["status"] in _NOT_AUTHORIZED or (answer["status"] == "403" and answer["method"] in _WRITES)
        for answer in answers
    )
    if not is_certain and not any(map(_is_of_server, _causes(error))):
        return None
    try:
        reach_datastores(config)
        reach_uris(("source", source) for source in sources)
    except ButlerError as found:
        return f"{found.message}. {found.hint or ''} "
    return "" if is_certain else None


def _answer(cause: BaseException) -> re.Match[str] | None:
    return _ANSWER.search(str(cause)) if isinstance(cause, ValueError) else None


def _is_of_server(cause: BaseException) -> bool:
    # Where nothing has used it yet it may not even be installed, and no server can have failed.
    urllib3 = sys.modules.get("urllib3")
    answer = _answer(cause)
    return (urllib3 is not None and isinstance(cause, urllib3.exceptions.HTTPError)) or (
        answer is not None and answer["status"] >= "500"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen = set()
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        # What was handled on the way to another cause, or put aside, has nothing to do with it.
        before = cause.__cause__ if cause.__suppress_context__ else cause.__context__
        waiting += [before, *getattr(cause, "exceptions", ())]
