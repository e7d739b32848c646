# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures of servers are told from those of files."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from lsst.daf.butler import ButlerConfig, Config
from urllib3.exceptions import MaxRetryError, ProtocolError

from tests.integration.ports import free_port

ANSWER = (
    "Unexpected response to HTTP request {} https://localhost:1/a%20b/c.fits: {} Reason [response body: <]"
)
LOCAL = ButlerConfig(Config({"datastore": {"root": "/nowhere"}}))


def explained(error: Exception, source: str) -> str | None:
    """Explain an error that is the cause of another."""
    wrapped = RuntimeError("while it was ingested")
    wrapped.__cause__ = error
    said = explain_outage(error, LOCAL, [source])
    assert explain_outage(wrapped, LOCAL, [source]) == said
    return said


@pytest.mark.parametrize(
    "error",
    [
        ValueError(ANSWER.format("PUT", 507)),
        ValueError(ANSWER.format("PUT", 403)),
        ValueError(ANSWER.format("GET", 401)),
        ValueError("Could not copy /a b to https://localhost:1/c: status 507 Insufficient Storage"),
        ExceptionGroup("transfers", [OSError("no"), ValueError(ANSWER.format("PUT", 507))]),
    ],
)
def test_what_a_server_says_of_all_files(error: Exception) -> None:
    assert explained(error, "/a") is not None


@pytest.mark.parametrize(
    "error",
    [
        MaxRetryError(None, "/a"),  # type: ignore[arg-type]
        ProtocolError("Connection broken"),
        ValueError(ANSWER.format("PROPFIND", 503)),
        ValueError(ANSWER.format("GET", 500)),
    ],
)
def test_what_may_be_of_one_file_is_an_outage_if_the_server_is_gone(error: Exception) -> None:
    assert explained(error, "/a") is None
    gone = explained(error, f"http://127.0.0.1:{free_port()}/a")
    assert gone is not None and "refuses connections" in gone


@pytest.mark.parametrize(
    "error",
    [
        ValueError(ANSWER.format("GET", 403)),
        ValueError(ANSWER.format("GET", 404)),
        ValueError("Could not move file /a to https://localhost:1/c: status 409 Conflict"),
        ValueError("507"),
        FileNotFoundError("No file found at /a"),
    ],
)
def test_what_is_of_one_file(error: Exception) -> None:
    assert explained(error, f"http://127.0.0.1:{free_port()}/a") is None


def test_an_answer_that_was_put_aside_is_no_cause() -> None:
    with pytest.raises(KeyError) as caught:
        try:
            raise ValueError(ANSWER.format("PUT", 507))
        except ValueError:
            raise KeyError("c") from None
    assert explained(caught.value, "/a") is None
