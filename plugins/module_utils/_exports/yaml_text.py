# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as YAML text, as exports have them.

PyYAML makes a node and several events of every value, which takes most of the time of an export. The values
of an export are of few kinds, so they are written directly; what is written is ASCII, because the official
tool opens exports in the encoding of whoever runs it.
Source of the tags: daf_butler, ``transfers/_yaml.py``, ``_timespan.py``, ``time_utils.py``; sphgeom,
``_yaml.py``.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from astropy.time import Time

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./+@=-]*(?::/{1,3}[A-Za-z0-9_./+@=-]+)?")
"""Text that needs no quotes, unless it is one of `_WORDS`."""

_WORDS = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|none|\.?(?:inf|nan)")
_SURROGATES = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})")

_EPOCH_JD = 2_440_587.5
_HALF_DAY = 43_200 * 10**9
_DAY = 2 * _HALF_DAY


def text(value: str) -> str:
    """Write a string.

    Parameters
    ----------
    value : `str`
        Any text.

    Returns
    -------
    text : `str`
        The same if nothing can take it for something else, otherwise quoted; one line of ASCII.
    """
    if _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value):
        return value
    # JSON's quotes are YAML's too, but for characters that take two of its escapes.
    return _SURROGATES.sub(_one_escape, json.dumps(value).replace("\x7f", "\\x7f"))


def _one_escape(match: re.Match[str]) -> str:
    high, low = (int(part, 16) for part in match.groups())
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def iso(time: Time) -> str:
    """Write a time to the nanosecond, as the Butler keeps it.

    Parameters
    ----------
    time : `astropy.time.Time`
        A single time.

    Returns
    -------
    iso : `str`
        In TAI, such as ``2025-01-02 12:00:00.000000000``. A tenth of the time that astropy takes.
    """
    if time.scale != "tai":
        time = time.tai
    nanoseconds = round((time.jd1 - _EPOCH_JD) * 2) * _HALF_DAY + round(time.jd2 * _DAY)
    days, rest = divmod(nanoseconds, _DAY)
    seconds, fraction = divmod(rest, 10**9)
    day = date(1970, 1, 1) + timedelta(days)
    return (
        f"{day.isoformat()} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:09d}"
    )


def scalar(value: Any) -> str:
    """Write a value that takes one line.

    Parameters
    ----------
    value : `object`
        `None`, a truth value, a number, text, a UUID, bytes or an `astropy.time.Time`.

    Returns
    -------
    text : `str`
        As PyYAML and the readers of exports understand it.

    Raises
    ------
    TypeError
        Raised for a value of another kind.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, UUID):
        return f"!uuid '{value}'"
    if isinstance(value, bytes):
        return f'!!binary "{b64encode(value).decode()}"'
    if hasattr(value, "tai"):
        return f"!butler_time/tai/iso '{iso(value)}'"
    raise TypeError(f"there is no way to write a {type(value).__name__} into an export")


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits = repr(value)
    # YAML 1.1 takes a number without a point for text.
    return digits if "." in digits else digits.replace("e", ".0e")


def mapping_item(values: Mapping[str, Any], indent: str) -> str:
    """Write a mapping as an item of a list.

    Parameters
    ----------
    values : `~collections.abc.Mapping`
        Values that `scalar` takes, and regions of `lsst.sphgeom`.
    indent : `str`
        Spaces before the dash.

    Returns
    -------
    text : `str`
        A line for each entry, in their order, and two more for a region.
    """
    lines = []
    start = f"{indent}- "
    for key, value in values.items():
        if hasattr(value, "encode") and not isinstance(value, str):
            lines.append(f"{start}{key}: !<lsst.sphgeom.{type(value).__name__}>\n")
            lines.append(f"{indent}    encoded: {text(value.encode().hex())}\n")
        else:
            lines.append(f"{start}{key}: {scalar(value)}\n")
        start = f"{indent}  "
    return "".join(lines) or f"{indent}- {{}}\n"
