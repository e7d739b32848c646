# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw files: one FITS file for each of a few detectors of each exposure, in a folder for each year.

Keywords and their order are those of a real LSSTCam-imSim header, without the distortion of the simulated
optics; so are the values that no exposure changes. Source: the test data of obs_lsst.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator

from tools.samples.camera import Detector
from tools.samples.raws import Value, raw_file

from .campaign import EXPOSURES, RAW_DETECTORS, Exposure

_PIXEL = 5.555555555555556e-05
"""Degrees."""

_EPOCH = datetime.datetime(1858, 11, 17)

_PACKAGES = (("lsst_sims", "v0.6.1"), ("throughputs", "1.4"), ("sims_skybrightness_data", "2017.05.05"))

SEGMENT: dict[str, Value] = {
    "EXTNAME": "SEGMENT10",
    "DATASEC": "[4:512,1:2000]",
    "DETSEC": "[509:1,1:2000]",
    "BIASSEC": "[513:532,1:2000]",
    "GAIN": 1.7,
}
"""The header of the one segment that a raw file has here."""


def _file_name(exposure: Exposure, detector: Detector) -> str:
    return f"lsst_a_{exposure.id}_{detector.full_name}_{exposure.band}.fits"


def primary_header(exposure: Exposure, detector: Detector) -> dict[str, Value]:
    """Return the primary header of a raw file.

    Parameters
    ----------
    exposure : `~.campaign.Exposure`
        The exposure.
    detector : `~tools.samples.camera.Detector`
        The detector.

    Returns
    -------
    header : `dict`
        Values by keyword, in the order of the file, without the structural keywords.
    """
    angle = math.radians(exposure.rotation)
    along, across = _PIXEL * math.cos(angle), _PIXEL * math.sin(angle)
    milliseconds = round(exposure.mjd * 86_400_000)
    date = _EPOCH + datetime.timedelta(milliseconds=milliseconds)
    header: dict[str, Value] = {
        "GS_XMIN": 1,
        "GS_YMIN": 1,
        "WCSAXES": 2,
        "CRPIX1": 2036.5,
        "CRPIX2": 2000.5,
        "CRVAL1": exposure.ra,
        "CRVAL2": exposure.dec,
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CD1_1": along,
        "CD1_2": across,
        "CD2_1": -across,
        "CD2_2": along,
        "MJD-OBS": exposure.mjd,
        "DATE-OBS": date.isoformat(timespec="milliseconds"),
        "RADESYS": "ICRS",
        "EXTTYPE": "IMAGE",
        "FILTER": exposure.band,
        "EXPTIME": 30.0,
        "CHIPID": detector.full_name,
        "OBSID": exposure.id,
        "OUTFILE": _file_name(exposure, detector),
        "RUNNUM": str(exposure.id),
        "DARKTIME": 30.0,
        "LSST_NUM": "LCA-11021_RTM-000",
        "TESTTYPE": "IMSIM",
        "IMGTYPE": "SKYEXP",
        "MONOWL": -1,
        "RAFTNAME": detector.raft,
        "SENSNAME": detector.slot,
        "RATEL": exposure.ra,
        "DECTEL": exposure.dec,
        "ROTANGLE": exposure.rotation,
    }
    for number, (package, version) in enumerate(_PACKAGES):
        header |= {f"PKG{number:05}": package, f"VER{number:05}": version}
    return header


def raw_files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every raw file."""
    for exposure in EXPOSURES:
        for detector in RAW_DETECTORS:
            path = f"raw/y{exposure.year}-wfd/{exposure.id:08}/{_file_name(exposure, detector)}"
            yield path, raw_file(primary_header(exposure, detector), SEGMENT, detector.id + exposure.id)
