# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two versions of the reference catalogue "The Monster": shards at the observed fields, and tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from .campaign import Field
from .exposures import all_exposures

LEVEL = 7


@dataclass(frozen=True)
class Catalogue:
    """A reference catalogue.

    Parameters
    ----------
    name : `str`
        Its name, which is also its dataset type and its directory.
    ticket : `str`
        The ticket that made it.
    """

    name: str
    ticket: str

    @property
    def run(self) -> str:
        """Its RUN collection."""
        return f"refcats/{self.ticket}/{self.name}"


CATALOGUES = (Catalogue("the_monster_20240904", "DM-46370"), Catalogue("the_monster_20250219", "DM-49042"))


def shards() -> dict[int, Field]:
    """Return the shards that the catalogues have: one for each observed field.

    Returns
    -------
    shards : `dict` [ `int`, `Field` ]
        The field by the index of the pixel (HTM, level 7) that its centre lies in, in the order of the
        indices.
    """
    from lsst.sphgeom import HtmPixelization, LonLat, UnitVector3d  # type: ignore[import-untyped]

    pixels = HtmPixelization(LEVEL)
    fields = {each.field for each in all_exposures() if each.field is not None}
    found = {pixels.index(UnitVector3d(LonLat.fromDegrees(each.ra, each.dec))): each for each in fields}
    return {index: found[index] for index in sorted(found)}


def _shard(catalogue: Catalogue, index: int, field: Field) -> bytes:
    import numpy as np
    from astropy.io import fits

    count = 4
    steps = np.arange(count)
    columns = [
        fits.Column(name="id", format="1K", array=index * 1000 + steps),
        fits.Column(name="coord_ra", format="1D", unit="rad", array=np.radians(field.ra + 0.001 * steps)),
        fits.Column(name="coord_dec", format="1D", unit="rad", array=np.radians(field.dec - 0.001 * steps)),
        fits.Column(name="monster_ComCam_r_flux", format="1D", unit="nJy", array=1.0e4 * (1 + steps)),
    ]
    primary = fits.PrimaryHDU()
    primary.header["REFCAT"] = catalogue.name
    stream = io.BytesIO()
    fits.HDUList([primary, fits.BinTableHDU.from_columns(columns)]).writeto(stream)
    return stream.getvalue()


def _table(indices: list[int]) -> bytes:
    from astropy.table import Table

    stream = io.StringIO()
    table = Table({"filename": [f"{index}.fits" for index in indices], f"htm{LEVEL}": indices})
    table.write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()


def refcat_files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the shards of both catalogues, and of their tables for ``ingest-files``."""
    found = shards()
    for catalogue in CATALOGUES:
        for index, field in found.items():
            yield f"raw/refcats/{catalogue.name}/{index}.fits", _shard(catalogue, index, field)
        yield f"raw/refcats/{catalogue.name}.ecsv", _table(list(found))
