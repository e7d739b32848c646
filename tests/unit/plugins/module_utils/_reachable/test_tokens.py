# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of tokens: dates, and nothing else."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._reachable.tokens import explain_token

from tests.integration.webdav_tokens import web_token

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("token", "what"),
    [
        (web_token(exp=NOW - 1), ": it has expired on 2023-11-14 22:13:19 UTC"),
        (web_token(exp=NOW + 1), ""),
        (
            web_token(nbf=NOW + 60, iat=NOW - 60, exp=NOW + 600),
            ": it is valid from 2023-11-14 22:14:20 UTC on, "
            "and the server's clock says 2023-11-14 22:13:20 UTC",
        ),
        (web_token(exp=1e300), ""),
        ("opaque", ""),
        ("a.b.c", ""),
        ("a.W10.c", ""),
    ],
)
def test_dates(token: str, what: str) -> None:
    said, hint = explain_token(token, NOW)
    assert said == what and hint and token not in said + hint
