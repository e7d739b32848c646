# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects are written as lsst.ip.isr.Defects reads them."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.tables import (
    from_fits,
    keywords_of,
    longest_text,
    to_fits,
)
from astropy.io import fits
from astropy.table import Table

BOXES = numpy.array([[7, 0, 1, 4096], [12, 10, 8, 10]])
NOTHING = BOXES[:0]
MORE = {
    "CALIBDATE": "2014-12-05T00:00:00",
    "DEFECTTYPE": "SUSPECTPIXEL",
    "N_HOT": 3,
    "LEVEL": 0.5,
    "OK": True,
}
KEYWORDS = keywords_of("DECam", 7, MORE)


@pytest.mark.parametrize("boxes", [BOXES, NOTHING])
@pytest.mark.filterwarnings("error")
def test_the_table_is_what_the_class_looks_for(boxes: numpy.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "defects.fits"
    path.write_bytes(to_fits(boxes, KEYWORDS))
    # In the way of IsrCalib.readFits: the first table, and that there is no second one.
    table = Table.read(path, hdu=1, mask_invalid=False)
    assert [(name, table[name].dtype.kind) for name in table.colnames] == [
        ("x0", "i"),
        ("y0", "i"),
        ("width", "i"),
        ("height", "i"),
    ]
    assert [tuple(row) for row in table] == [tuple(row) for row in boxes.tolist()]
    assert {**table.meta} == {
        "OBSTYPE": "defects",
        "INSTRUME": "DECam",
        "DETECTOR": 7,
        **MORE,
        "defects_SCHEMA": "",
        "defects_VERSION": 2.0,
        "CALIBCLS": "lsst.ip.isr.defects.Defects",
    }
    with fits.open(path) as units:
        assert len(units) == 2 and units[0].header["NAXIS"] == 0


@pytest.mark.parametrize("boxes", [BOXES, NOTHING])
def test_what_is_written_is_read_and_always_the_same(boxes: numpy.ndarray) -> None:
    content = to_fits(boxes, KEYWORDS)
    assert content == to_fits(boxes.copy(), dict(KEYWORDS))
    back, header = from_fits(content)
    assert numpy.array_equal(back, boxes) and {key: header[key] for key in KEYWORDS} == KEYWORDS


@pytest.mark.parametrize("keyword", ["FILTER", "CALIBDATE", "K" * 32])
def test_the_longest_text_fits(keyword: str) -> None:
    text = "'" + "x" * (longest_text(keyword) - 2)
    _unused, header = from_fits(to_fits(BOXES, keywords_of("DECam", 7, {keyword: text})))
    assert header[keyword] == text


def test_something_else_is_named() -> None:
    with pytest.raises(ButlerError, match="it is no table of defects"):
        from_fits(b"SIMPLE  =")
