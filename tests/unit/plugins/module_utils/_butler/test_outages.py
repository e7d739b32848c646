# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of servers are told from those of files."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import is_outage
from urllib3.exceptions import MaxRetryError, ProtocolError

ANSWER = (
    "Unexpected response to HTTP request {} https://localhost:1/a%20b/c.fits: {} Reason [response body: <]"
)


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (MaxRetryError(None, "/a"), True),  # type: ignore[arg-type]
        (ProtocolError("Connection broken"), True),
        (ValueError(ANSWER.format("PUT", 507)), True),
        (ValueError(ANSWER.format("PUT", 403)), True),
        (ValueError(ANSWER.format("GET", 401)), True),
        (ValueError(ANSWER.format("PROPFIND", 503)), True),
        (ValueError(ANSWER.format("GET", 403)), False),
        (ValueError(ANSWER.format("GET", 404)), False),
        (ValueError("Could not copy /a b to https://localhost:1/c: status 507 Insufficient Storage"), True),
        (ValueError("Could not move file /a to https://localhost:1/c: status 409 Conflict"), False),
        (ExceptionGroup("transfers", [OSError("no"), ValueError(ANSWER.format("PUT", 507))]), True),
        (ValueError("507"), False),
        (FileNotFoundError("No file found at /a"), False),
    ],
)
def test_outages(error: Exception, outage: bool) -> None:
    assert is_outage(error) == outage
    wrapped = RuntimeError("while it was ingested")
    wrapped.__cause__ = error
    assert is_outage(wrapped) == outage
