# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading single keywords of a header."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.astro import FitsTranslator


class CardTranslator(FitsTranslator):
    """A translator that tells a keyword that must be there from one that may be missing."""

    def required_card(self, keyword: str) -> Any:
        """Return the value of a keyword that must be there.

        Parameters
        ----------
        keyword : `str`
            The keyword.

        Returns
        -------
        value : `object`
            Its value.

        Raises
        ------
        KeyError
            Raised if it is missing or has no value.
        """
        if not self.is_key_ok(keyword):
            raise KeyError(keyword)
        self._used_these_cards(keyword)
        return self._header[keyword]

    def optional_card(self, keyword: str) -> Any:
        """Return the value of a keyword, or `None`.

        Parameters
        ----------
        keyword : `str`
            The keyword.

        Returns
        -------
        value : `object` or `None`
            Its value; `None` if it is missing or has no value.
        """
        return self.required_card(keyword) if self.is_key_ok(keyword) else None

    def optional_number(self, keyword: str) -> Any:
        """Return the value of a keyword that holds a fraction, or `None`.

        Parameters
        ----------
        keyword : `str`
            The keyword.

        Returns
        -------
        number : `float` or `None`
            Its value, also where it was written without a fraction; `None` if it is missing or has no value.
        """
        value = self.optional_card(keyword)
        # Text is left as it is: it is no number, and refused as a property of the wrong type.
        return float(value) if isinstance(value, int) else value

    def text_of(self, keywords: Sequence[str], default: str | None = None) -> str:
        """Return the first of some keywords as text.

        Parameters
        ----------
        keywords : `~collections.abc.Sequence` [ `str` ]
            Keywords, the preferred one first.
        default : `str`, optional
            What to return if there is none of them.

        Returns
        -------
        text : `str`
            The value.

        Raises
        ------
        KeyError
            Raised if there is none of them and no default.
        """
        for keyword in keywords:
            value = self.optional_card(keyword)
            # A number that is none is as good as nothing.
            if value is not None and not (isinstance(value, float) and math.isnan(value)):
                return str(value)
        if default is None:
            raise KeyError(keywords[0])
        return default
