# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metadata are taken if a FITS header gives them back as they are, and refused otherwise."""

from __future__ import annotations

import re
from typing import Any

import numpy
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.declared import (
    declared_sources,
    declared_types,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.tables import from_fits, to_fits

SOURCES = declared_sources([{"name": "des", "directory": "/bpm", "pattern": r".*_c(?P<detector>\d+)\.fits"}])
PIXELS = {"source": "des", "values": None, "except_values": None, "bits": None}


def checked(metadata: dict[str, Any]) -> dict[str, Any]:
    item = {"name": "defects", "run": "run", "pixels": [PIXELS], "metadata": metadata}
    [declared] = declared_types([item], SOURCES)
    return dict(declared.metadata)


@pytest.mark.parametrize("value", ["x ", " ", "it's   "])
def test_blanks_at_the_end_of_a_text_are_refused(value: str) -> None:
    message = f"NOTE: {value!r} ends with a blank, which FITS does not keep: a text without is expected"
    with pytest.raises(ButlerError, match=re.escape(message)) as caught:
        checked({"NOTE": value})
    assert caught.value.option == "dataset_types[0].metadata"


def test_what_is_taken_is_what_a_header_gives_back() -> None:
    metadata = {"NOTE": " x y", "EMPTY": "", "QUOTED": "it's", "A_LONG_KEYWORD": "/ x", "LEVEL": 0.5, "N": 3}
    assert checked(metadata) == metadata
    _unused, header = from_fits(to_fits(numpy.zeros((0, 4), dtype=numpy.int64), metadata))
    assert {key: header[key] for key in metadata} == metadata
