# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bearer token says of itself, if it is a JSON Web Token (source: RFC 7519, 4.1)."""

from __future__ import annotations

import base64
import datetime
import json
from typing import Any


def explain_token(token: str, now: float) -> tuple[str, str]:
    """Say why a server may have refused a token.

    Parameters
    ----------
    token : `str`
        The token; nothing of it is repeated but its dates.
    now : `float`
        What the server's clock says (seconds since 1970).

    Returns
    -------
    what : `str`
        Something to add to a message; empty if nothing can be told.
    hint : `str`
        What to do.
    """
    claims = _claims(token)
    ends, begins = _number(claims, "exp"), _number(claims, "nbf", "iat")
    if ends is not None and ends <= now:
        return f": it has expired on {_date(ends)}", "Renew it; a task reads the file again when it changes."
    if begins is not None and begins > now:
        return (
            f": it is valid from {_date(begins)} on, and the server's clock says {_date(now)}",
            "Set the clock that is wrong, of the server or of the issuer of tokens.",
        )
    return "", "Check that it is a token for this server, of an issuer and with a scope that it takes."


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        content = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _number(claims: dict[str, Any], *names: str) -> float | None:
    numbers = [claims[name] for name in names if isinstance(claims.get(name), (int, float))]
    return float(max(numbers)) if numbers else None


def _date(seconds: float) -> str:
    try:
        return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s after 1970"
