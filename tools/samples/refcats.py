# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reference catalogues: shards of the sky at some fields, and the table that ``ingest-files`` reads."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from .camera import Field

LEVEL = 7
"""Level of the HTM pixels that shards are."""


def shards(fields: Iterable[Field]) -> dict[int, Field]:
    """Return the shards that fields lie in.

    Parameters
    ----------
    fields : `~collections.abc.Iterable` [ `~.camera.Field` ]
        Fields on the sky.

    Returns
    -------
    shards : `dict` [ `int`, `~.camera.Field` ]
        The field by the index of the pixel that its centre lies in, in the order of the indices.
    """
    from lsst.sphgeom import HtmPixelization, LonLat, UnitVector3d  # type: ignore[import-untyped]

    pixels = HtmPixelization(LEVEL)
    found = {pixels.index(UnitVector3d(LonLat.fromDegrees(each.ra, each.dec))): each for each in fields}
    return {index: found[index] for index in sorted(found)}


def shard_content(catalogue: str, flux: str, index: int, field: Field) -> bytes:
    """Return the bytes of a shard.

    Parameters
    ----------
    catalogue : `str`
        Name of the catalogue.
    flux : `str`
        Name of its column of fluxes.
    index : `int`
        Index of the pixel.
    field : `~.camera.Field`
        Where its stars are.

    Returns
    -------
    content : `bytes`
        A FITS file with a table of four stars.
    """
    import numpy as np
    from astropy.io import fits

    steps = np.arange(4)
    columns = [
        fits.Column(name="id", format="1K", array=index * 1000 + steps),
        fits.Column(name="coord_ra", format="1D", unit="rad", array=np.radians(field.ra + 0.001 * steps)),
        fits.Column(name="coord_dec", format="1D", unit="rad", array=np.radians(field.dec - 0.001 * steps)),
        fits.Column(name=flux, format="1D", unit="nJy", array=1.0e4 * (1 + steps)),
    ]
    primary = fits.PrimaryHDU()
    primary.header["REFCAT"] = catalogue
    stream = io.BytesIO()
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns)]).writeto(stream)
    return stream.getvalue()


def shard_table(indices: Sequence[int], folder: str = "") -> bytes:
    """Return the bytes of the table of a catalogue's shards.

    Parameters
    ----------
    indices : `~collections.abc.Sequence` [ `int` ]
        Indices of the pixels.
    folder : `str`, optional
        What goes before the names of the files.

    Returns
    -------
    content : `bytes`
        ECSV.
    """
    from astropy.table import Table

    stream = io.StringIO()
    names = [f"{folder}{index}.fits" for index in indices]
    Table({"filename": names, f"htm{LEVEL}": list(indices)}).write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()
