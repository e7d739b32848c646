# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contents of artifacts: the smallest honest files of their format, no two alike."""

from __future__ import annotations

import io
import uuid
import zipfile


def _fits(hdu_type: str, dataset_type: str, dataset_id: uuid.UUID) -> bytes:
    import numpy as np
    from astropy.io import fits

    pixels = np.frombuffer(dataset_id.bytes[:4], dtype=np.uint8)
    if hdu_type == "image":
        extension = fits.ImageHDU(pixels.reshape(2, 2).astype(np.float32), name="IMAGE")
    else:
        columns = [fits.Column(name="value", format="1E", array=pixels.astype(np.float32))]
        extension = fits.BinTableHDU.from_columns(columns, name="DATA")
    primary = fits.PrimaryHDU()
    primary.header["DSTYPE"] = (dataset_type, "dataset type")
    primary.header["DSID"] = (str(dataset_id), "dataset identifier")
    stream = io.BytesIO()
    fits.HDUList([primary, extension]).writeto(stream)
    return stream.getvalue()


def fits_image(dataset_type: str, dataset_id: uuid.UUID) -> bytes:
    """Return a FITS file with an image of 2 x 2 pixels.

    Parameters
    ----------
    dataset_type : `str`
        Name of the dataset type, for the header.
    dataset_id : `uuid.UUID`
        Identifier of the dataset, for the header and the pixels.

    Returns
    -------
    content : `bytes`
        The file.
    """
    return _fits("image", dataset_type, dataset_id)


def fits_table(dataset_type: str, dataset_id: uuid.UUID) -> bytes:
    """Return a FITS file with a table of four rows.

    Parameters
    ----------
    dataset_type : `str`
        Name of the dataset type, for the header.
    dataset_id : `uuid.UUID`
        Identifier of the dataset, for the header and the rows.

    Returns
    -------
    content : `bytes`
        The file.
    """
    return _fits("table", dataset_type, dataset_id)


def zip_archive(members: dict[str, bytes]) -> bytes:
    """Return a ZIP archive with a fixed date.

    Parameters
    ----------
    members : `dict`
        Content by name.

    Returns
    -------
    content : `bytes`
        The file.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(2025, 2, 18, 0, 0, 0)), content)
    return stream.getvalue()


def parquet_table(columns: dict[str, list[object]]) -> bytes:
    """Return a Parquet file.

    Parameters
    ----------
    columns : `dict`
        Values by column name.

    Returns
    -------
    content : `bytes`
        The file.
    """
    import pyarrow  # type: ignore[import-untyped]
    import pyarrow.parquet  # type: ignore[import-untyped]

    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream, compression="NONE")
    return stream.getvalue()
