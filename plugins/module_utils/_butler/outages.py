# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of artifacts that fail while a task uses them: told from files that are bad, and explained."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
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


def is_outage(error: BaseException) -> bool:
    """Tell whether what goes to or comes from a server of artifacts would fail for every file.

    Parameters
    ----------
    error : `BaseException`
        Why something failed.

    Returns
    -------
    outage : `bool`
        Whether a server is gone or not well, has no more room, or takes the credentials no more.
    """
    # Where nothing has used it yet it may not even be installed, and no server can have failed.
    urllib3 = sys.modules.get("urllib3")
    for cause in _causes(error):
        if urllib3 is not None and isinstance(cause, urllib3.exceptions.HTTPError):
            return True
        answer = _ANSWER.search(str(cause)) if isinstance(cause, ValueError) else None
        if answer is not None:
            status = answer["status"]
            return (
                status in _NOT_AUTHORIZED
                or status >= "500"
                or (status == "403" and answer["method"] in _WRITES)
            )
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen = set()
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ())]


def explain_outage(error: BaseException, config: ButlerConfig, source: str) -> str:
    """Say what to do about an outage.

    Parameters
    ----------
    error : `BaseException`
        One of which `is_outage` is true, or another, of which nothing is said.
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    source : `str`
        Path or URI of a file that was to be ingested.

    Returns
    -------
    explained : `str`
        What is wrong with the server now and what to check, with a space at the end; or empty.
    """
    if not is_outage(error):
        return ""
    answers = [_ANSWER.search(str(cause)) for cause in _causes(error)]
    if any(answer is not None and answer["status"] == _NO_ROOM for answer in answers):
        return "The server of the datastore has no more room (507): check its disk, and the quota. "
    try:
        reach_datastores(config)
        reach_uris([("source", source)])
    except ButlerError as found:
        return f"{found.message}. {found.hint or ''} "
    return ""
