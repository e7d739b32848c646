# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The FITS tables that defects are stored as.

Their layout is that of ``lsst.ip.isr.Defects`` (source: ``lsst/ip_isr``, ``defects.py`` and ``calibType.py``,
April 2026): an empty primary HDU, then one table with the integer columns ``x0``, ``y0``, ``width`` and
``height``, lower left pixels counted from 0, with ``OBSTYPE`` and the detector in its header. ``CALIBCLS``
tells ``IsrCalib.readFits`` which class reads it. The Science Pipelines are not needed to write it.

How that was checked: the files of these two modules, unchanged, were run on what is written here, outside of
this collection, and ``Defects.readFits`` gave the same boxes, instrument, detector and keywords, with
tables of no row too; what it then wrote itself with ``writeFits`` was read here and was the same. What stood
in for compiled packages that PyPI does not have is small: boxes and points of ``lsst.geom``,
``lsst.daf.base.PropertyList`` as a dictionary, and ``Defect``. So ``normalize_on_init``, which divides the
pixels into boxes anew by means of ``lsst.afw``, was off.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

COLUMNS = ("x0", "y0", "width", "height")
OBSTYPE = "defects"
CLASS = "lsst.ip.isr.defects.Defects"
VERSION = 2.0
"""That of the layout, as ``Defects`` has it."""

OWN_KEYWORDS = frozenset(
    {
        "OBSTYPE",
        "INSTRUME",
        "DETECTOR",
        "CALIBCLS",
        "SIMPLE",
        "XTENSION",
        "BITPIX",
        "NAXIS",
        "NAXIS1",
        "NAXIS2",
        "PCOUNT",
        "GCOUNT",
        "TFIELDS",
        "EXTEND",
        "END",
        "COMMENT",
        "HISTORY",
        "HIERARCH",
        "CONTINUE",
        *(f"{prefix}{number}" for prefix in ("TTYPE", "TFORM") for number in range(1, len(COLUMNS) + 1)),
    }
)
"""Keywords that say what the file is, or how to read it."""

# FITS has keywords of eight characters; a convention that astropy writes has longer ones.
_SHORT = 8
_LONG = "HIERARCH "
_CARD = 80


def longest_text(keyword: str) -> int:
    """Tell how long a text may be.

    Parameters
    ----------
    keyword : `str`
        The keyword that it is of.

    Returns
    -------
    length : `int`
        What is left of a card, in characters.
    """
    if len(keyword) <= _SHORT:
        return _CARD - _SHORT - len("= ''")
    return _CARD - len(f"{_LONG}{keyword} = ''")


def keywords_of(instrument: str, detector: int, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Give the keywords that tell defects from others.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.
    detector : `int`
        The detector.
    metadata : `~collections.abc.Mapping`
        What was declared besides.

    Returns
    -------
    keywords : `dict`
        In the order in which they are written.
    """
    return {"OBSTYPE": OBSTYPE, "INSTRUME": instrument, "DETECTOR": detector, **metadata}


def to_fits(rectangles: NDArray[numpy.int64], keywords: Mapping[str, Any]) -> bytes:
    """Write defects.

    Parameters
    ----------
    rectangles : `numpy.ndarray` of `int`, (n, 4)
        ``x0, y0, width, height``.
    keywords : `~collections.abc.Mapping`
        From `keywords_of`.

    Returns
    -------
    content : `bytes`
        The file; equal arguments give equal bytes.
    """
    from astropy.io import fits

    columns = [
        fits.Column(name=name, format="K", array=rectangles[:, index]) for index, name in enumerate(COLUMNS)
    ]
    table = fits.BinTableHDU.from_columns(columns)
    written = {
        **keywords,
        f"{OBSTYPE}_SCHEMA": "",
        f"{OBSTYPE}_VERSION": VERSION,
        "CALIBCLS": CLASS,
    }
    for key, value in written.items():
        table.header[key if len(key) <= _SHORT else f"{_LONG}{key}"] = value
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(stream)
    return stream.getvalue()


def from_fits(content: bytes) -> tuple[NDArray[numpy.int64], dict[str, Any]]:
    """Read defects.

    Parameters
    ----------
    content : `bytes`
        A file in this layout, whoever wrote it.

    Returns
    -------
    rectangles : `numpy.ndarray` of `int`, (n, 4)
        ``x0, y0, width, height``, in the order of the file.
    keywords : `dict`
        Those of the table's header.

    Raises
    ------
    ButlerError
        Raised if it is no such file.
    """
    import numpy
    from astropy.io import fits

    try:
        with fits.open(io.BytesIO(content), memmap=False) as units:
            table = units[1]
            columns = [numpy.asarray(table.data[name]).astype(numpy.int64) for name in COLUMNS]
            return numpy.stack(columns, axis=1), dict(table.header)
    except Exception as error:
        # astropy raises whatever its readers do.
        raise ButlerError(f"it is no table of defects: {type(error).__name__}: {error}") from None
