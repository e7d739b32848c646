# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards mean what astropy says that they mean."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_cards import card_values
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

RAWS = Path(__file__).parents[3] / "data/raws"


def by_astropy(cards: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for card in fits.Header.fromstring(cards).cards:
        if card.keyword not in ("", "COMMENT", "HISTORY"):
            value = None if isinstance(card.value, fits.card.Undefined) else card.value
            values.setdefault(card.keyword, value)
    return values


def assert_same(cards: str) -> None:
    ours, theirs = card_values(cards), by_astropy(cards)
    assert list(ours) == list(theirs)
    for keyword, value in ours.items():
        assert (value, type(value)) == (theirs[keyword], type(theirs[keyword])), keyword


@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam"])
def test_real_headers(name: str) -> None:
    for hdus in json.loads((RAWS / f"{name}.json").read_text())["files_headers_by_hdu"].values():
        for hdu in hdus:
            header = fits.Header()
            for key, value in hdu.items():
                comment = "" if isinstance(value, str) else "it's /"
                header[f"HIERARCH {key}" if len(key) > 8 or " " in key else key] = (value, comment)
            text = header.tostring(endcard=False, padding=False)
            assert_same(text)
            values = card_values(text)
            assert {key: values[key] for key in hdu} == hdu


_KEYWORDS = st.one_of(
    st.from_regex(r"[A-Z][A-Z0-9_-]{0,7}", fullmatch=True),
    st.from_regex(r"HIERARCH [A-Z][A-Z0-9-]{2,8} [A-Z0-9]{1,9}", fullmatch=True),
).filter(lambda keyword: keyword not in ("COMMENT", "HISTORY", "CONTINUE", "HIERARCH", "END", "SIMPLE"))
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90),
)


@given(
    st.lists(
        st.tuples(
            _KEYWORDS, _VALUES, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
        ),
        max_size=6,
    )
)
def test_headers_of_any_kind(cards: list[tuple[str, Any, str]]) -> None:
    header = fits.Header()
    for keyword, value, comment in cards:
        header[keyword] = (value, comment)
    assert_same(header.tostring(endcard=False, padding=False))


@pytest.mark.parametrize(
    "card",
    [
        "A       =                    1",
        "A       = 1",
        "A       = +1",
        "A       = -007",
        "A       = 1.",
        "A       = .5",
        "A       = 1E5",
        "A       = -1.5D-3 / with a D",
        "A       = T",
        "A       =                    F/",
        "A       = 'text'",
        "A       = 'it''s  '   / comment",
        "A       = '  leading'",
        "A       = ''",
        "A       = '/ no comment'",
        "A       =",
        "A       = / only a comment",
        "A       = (1.0, 2.0)",
        "HIERARCH ESO INS MODE = 'x' / comment",
        "HIERARCH SIMULATE MTMOUNT = 0",
        "HIERARCH lower case = 1",
        "COMMENT = nothing",
        "HISTORY   nothing",
        "        no keyword",
    ],
)
def test_cards_of_all_forms(card: str) -> None:
    assert_same(card.ljust(80))


def test_the_first_of_equal_keywords_counts() -> None:
    assert card_values("A       = 1".ljust(80) + "A       = 2".ljust(80)) == {"A": 1}


def test_numbers_are_exact() -> None:
    value = card_values("MJD-BEG =    60623.15557086805 / [d]".ljust(80))["MJD-BEG"]
    assert math.ulp(value) > abs(value - 60623.15557086805) == 0


@pytest.mark.parametrize("card", ["A       = many", "A       = 'open", "A       = 1 2"])
def test_what_is_no_value_is_said(card: str) -> None:
    with pytest.raises(ValueError, match="A"):
        card_values(card.ljust(80))
