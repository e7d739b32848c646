# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files: headers, and four pixels."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.io import fits

Value = str | int | float | None
"""What a header has for a keyword; `None` is an undefined value."""


def fill(header: fits.Header, values: Mapping[str, Value]) -> None:
    """Put values into a header.

    Parameters
    ----------
    header : `astropy.io.fits.Header`
        The header.
    values : `~collections.abc.Mapping`
        Values by keyword, in the order of the file.
    """
    for keyword, value in values.items():
        header[f"HIERARCH {keyword}" if len(keyword) > 8 else keyword] = value


def raw_file(primary: Mapping[str, Value], segment: Mapping[str, Value], first: int) -> bytes:
    """Return the bytes of a raw file.

    Parameters
    ----------
    primary : `~collections.abc.Mapping`
        Values of the primary header by keyword, in the order of the file, without the structural keywords.
    segment : `~collections.abc.Mapping`
        Those of the header of its one segment.
    first : `int`
        The first of the pixels, which count up from it.

    Returns
    -------
    content : `bytes`
        A FITS file: an empty primary array and one segment of 2 x 2 pixels.
    """
    import numpy as np
    from astropy.io import fits

    whole = fits.PrimaryHDU()
    fill(whole.header, primary)
    part = fits.ImageHDU(np.arange(first, first + 4, dtype=np.int32).reshape(2, 2))
    fill(part.header, segment)
    stream = io.BytesIO()
    fits.HDUList([whole, part]).writeto(stream)
    return stream.getvalue()
