# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the images are calibrated with: curated calibrations, bad-pixel masks, and fakes to inject.

Sources: the dataset types that ``write-curated-calibrations`` writes for DECam, and the names of its
collections; the public code of the survey (stevenstetzler/proc-decam) for the columns of its fakes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from tools.samples.exports import Certification, Dataset, Export, Kind, calibration, timespan

from .campaign import CAMERA, DETECTORS, FIELDS, INSTRUMENT, R, identify

CALIB = f"{INSTRUMENT}/calib"

_GENERIC = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
_CAMERA = Kind("camera", ("instrument",), "Camera", _GENERIC, calibration=True)
_CURATED = (
    Kind("crosstalk", ("instrument", "detector"), "CrosstalkCalib", _GENERIC, calibration=True),
    Kind("linearizer", ("instrument", "detector"), "Linearizer", _GENERIC, calibration=True),
)

DES = "bpm/des"
CP = "bpm/cp"
SUSPECT = 512
"""The bit of the Dark Energy Survey's masks that says suspect."""


def curated_export() -> Export:
    """Return the export that stands for ``write-curated-calibrations``.

    Returns
    -------
    export : `~tools.samples.exports.Export`
        The curated calibrations of the instrument.
    """
    camera = calibration(CAMERA, _CAMERA, f"{CALIB}/unbounded", identify)
    curated: list[Dataset] = [
        calibration(CAMERA, kind, f"{CALIB}/curated/19700101T000000Z", identify, detector)
        for kind in _CURATED
        for detector in DETECTORS
    ]
    return Export(
        CAMERA,
        "curated",
        "curated/export.yaml",
        (camera, *curated),
        calibrations=(CALIB,),
        certifications=(
            Certification(CALIB, timespan(None, None), (camera.id,)),
            Certification(
                CALIB, timespan("1970-01-01T00:00:00", None, "utc"), tuple(each.id for each in curated)
            ),
        ),
    )


def mask_files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the bad-pixel masks.

    Those of the Dark Energy Survey have a bad column and suspect pixels beside it, those of the community
    pipeline have its edges.
    """
    import numpy as np
    from astropy.io import fits

    for detector in DETECTORS:
        des = np.zeros((64, 32), dtype=np.int32)
        des[10:30, detector.id % 20] = 1
        des[40:44, 5:9] = SUSPECT
        cp = np.zeros((64, 32), dtype=np.int32)
        cp[:2, :] = 1
        for path, pixels in (
            (f"{DES}/DES_D_n20141205_c{detector.id:02}_r2134p05_bpm.fits", des),
            (f"{CP}/DECam_Master_20141205v3_cd_{detector.id:02}.fits", cp),
        ):
            hdu = fits.PrimaryHDU(pixels)
            hdu.header["CCDNUM"] = detector.id
            stream = io.BytesIO()
            hdu.writeto(stream)
            yield path, stream.getvalue()


def fakes_file() -> bytes:
    """Return the bytes of the table of fakes: some objects in each field, in two bands."""
    from astropy.table import Table

    rows = [
        (field.ra + 0.01 * step, field.dec - 0.01 * step, 21.5 + step, band)
        for field in FIELDS
        for step, band in enumerate(("VR", "VR", R.band))
    ]
    stream = io.BytesIO()
    Table(rows=rows, names=("RA", "DEC", "MAG", "BAND")).write(stream, format="fits")
    return stream.getvalue()
