# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the header of a FITS file.

Source: the FITS standard, section 4. The plain cards, nearly all of them, are understood here: astropy takes
ten times as long for each. It is asked for the rest: long texts, complex numbers, cards that break the rules.
"""

from __future__ import annotations

import re
from typing import Any

Header = dict[str, Any]
"""Values by keyword. A keyword without a value has `None`; of commentary there is none."""

CARD = 80
"""Characters in a card."""

_COMMENTARY = frozenset({"", "COMMENT", "HISTORY", "CONTINUE"})

_PLAIN = re.compile(
    r"(?:HIERARCH +(?P<long>[^=']+?) *=|(?P<keyword>[A-Z0-9_-]{1,8}) *=(?: |$)) *"
    r"(?:'(?P<text>(?:[^']|'')*)'"
    r"|(?P<logical>[TF])"
    r"|(?P<whole>[+-]?\d+)"
    r"|(?P<decimal>[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[ED]))(?:[ED][+-]?\d+)?)"
    r")? *(?:/.*)?"
)


def card_values(cards: str) -> Header:
    """Return the values of a header.

    Parameters
    ----------
    cards : `str`
        The cards, without separators and without END.

    Returns
    -------
    header : `dict` [ `str`, `object` ]
        Values by keyword; the first one of a keyword that is there more often.

    Raises
    ------
    ValueError
        Raised if a card can't be understood.
    """
    if "CONTINUE" in cards:
        return _values_by_astropy(cards)
    values: Header = {}
    for at in range(0, len(cards), CARD):
        card = cards[at : at + CARD]
        plain = _PLAIN.fullmatch(card)
        if plain is not None:
            long, keyword, text, logical, whole, decimal = plain.groups()
            value: Any = None
            if text is not None:
                value = text.rstrip().replace("''", "'")
            elif logical is not None:
                value = logical == "T"
            elif whole is not None:
                value = int(whole)
            elif decimal is not None:
                value = float(decimal.replace("D", "E"))
            values.setdefault(long if keyword is None else keyword, value)
        elif card[:8].rstrip() not in _COMMENTARY:
            for keyword, value in _values_by_astropy(card).items():
                values.setdefault(keyword, value)
    return values


def _values_by_astropy(cards: str) -> Header:
    """Return the values of any cards."""
    from astropy.io import fits

    values: Header = {}
    try:
        for card in fits.Header.fromstring(cards).cards:
            if card.keyword not in _COMMENTARY:
                value = card.value
                values.setdefault(card.keyword, None if isinstance(value, fits.card.Undefined) else value)
    except fits.VerifyError as error:
        raise ValueError(str(error)) from error
    return values
