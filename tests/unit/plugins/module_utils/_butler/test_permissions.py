# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's refusal becomes; tests/integration/test_postgres_logins.py has those of a real server."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler import permissions
from ansible_collections.rubin.butler.plugins.module_utils._butler.permissions import (
    explain_refusal,
    is_refused,
)


class ServerError(Exception):
    """What psycopg2 raises, with the code that the server gave."""

    def __init__(self, code: str | None, text: str) -> None:
        super().__init__(text)
        self.pgcode = code


@pytest.mark.parametrize(
    ("code", "refused"), [("42501", True), ("25006", True), ("57014", False), ("40001", False), (None, False)]
)
def test_a_refusal_is_told_from_other_errors(code: str | None, refused: bool) -> None:
    assert is_refused(ServerError(code, "said")) is refused
    assert not is_refused(ValueError("42501"))


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (
            "42501",
            "permission denied for table dataset\nLINE 2: ...",
            "the role which owns the registry's tables",
        ),
        ("42501", 'permission denied to create temporary tables in database "x"', "GRANT TEMPORARY"),
        ("25006", "cannot execute INSERT in a read-only transaction", "it may be a replica"),
    ],
)
def test_the_login_is_named_and_what_to_do(
    code: str, said: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permissions, "latest_login", lambda: "guest")
    explained = explain_refusal(ServerError(code, said), "postgresql://h/d")
    assert explained.message == (
        f"the login guest may not do that in the registry postgresql://h/d: {said.splitlines()[0]}"
    )
    assert explained.option == "repo" and explained.hint is not None and expected in explained.hint


def test_where_nobody_is_known_nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions, "latest_login", lambda: None)
    assert explain_refusal(ServerError("42501", "no"), "x").message.startswith("the login may not")
