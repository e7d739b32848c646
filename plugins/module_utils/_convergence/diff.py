# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans as bounded text that reads well in ``--diff``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Change

MAX_LINES = 1000
MAX_LINE = 500

_PLAIN = re.compile(r"[A-Za-z0-9_./<][\w ./+<>@(),=-]*")
_AMBIGUOUS = re.compile(r"(?i)(?:null|true|false|yes|no|on|off|[-+.\d][\d._+eE:-]*)")


def scalar(value: Any) -> str:
    """Write a value as one line of YAML.

    Parameters
    ----------
    value : JSON-like
        What to write; sequences and mappings in flow style, mappings sorted.

    Returns
    -------
    text : `str`
        One line, cut at `MAX_LINE` characters.
    """
    text = _flow(value)
    return text if len(text) <= MAX_LINE else f"{text[: MAX_LINE - 4]} ..."


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(value[key])}" for key in sorted(value, key=str)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_plain(text: str) -> bool:
    # A comma, or a word such as "yes", would be read as something else.
    if text.endswith(" ") or "," in text or _AMBIGUOUS.fullmatch(text):
        return False
    return _PLAIN.fullmatch(text) is not None


def render(changes: Sequence[Change]) -> dict[str, str]:
    """Write before and after of a plan.

    Parameters
    ----------
    changes : `~collections.abc.Sequence` [ `Change` ]
        Sorted changes.

    Returns
    -------
    diff : `dict` [ `str`, `str` ]
        ``before`` and ``after``: YAML, one line for each object, both empty when nothing changes. At most
        `MAX_LINES` objects; the rest is a comment with their number.
    """
    before: list[str] = []
    after: list[str] = []
    for change in changes[:MAX_LINES]:
        key = _flow(f"{change.kind} {change.name}")
        if change.before is not None:
            before.append(f"{key}: {scalar(change.before)}")
        if change.unresolved:
            after.append(f"{key}: {scalar(change.after)}  # known when earlier tasks have run")
        elif change.after is not None:
            after.append(f"{key}: {scalar(change.after)}")
    more = len(changes) - MAX_LINES
    if more > 0:
        after.append(f"# truncated: {more} more changes")
    return {
        "before": "".join(f"{line}\n" for line in before),
        "after": "".join(f"{line}\n" for line in after),
    }
