# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The raw files: one FITS file for each detector of each exposure.

Keywords, their order and the values that no exposure changes are those of real LSSTComCam headers of 2024-11;
a value that is missing there (a coordinate of a parked telescope) is undefined here too. The pixels are four.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from tools.samples.raws import Value, raw_file

from .campaign import DETECTORS, INSTRUMENT, RAFT, Detector, sample_uuid
from .exposures import Exposure, all_exposures, isot, mjd

_SIMULATE = (
    "MTMOUNT",
    "MTM1M3",
    "MTM2",
    "CAMHEXAPOD",
    "M2HEXAPOD",
    "MTROTATOR",
    "MTDOME",
    "MTDOMETRAJECTORY",
)
_REBS = {"S0": "LCA-13574-061", "S1": "LCA-13574-062", "S2": "LCA-13574-063"}


def raw_path(exposure: Exposure, detector: Detector) -> str:
    """Return where a raw file lies below ``$DATA``: day, exposure, file.

    Parameters
    ----------
    exposure : `Exposure`
        The exposure.
    detector : `Detector`
        The detector.

    Returns
    -------
    path : `str`
        Relative path.
    """
    return f"raw/{INSTRUMENT}/{exposure.day_obs}/{exposure.obs_id}/{_file_name(exposure, detector)}"


def _file_name(exposure: Exposure, detector: Detector) -> str:
    return f"{exposure.obs_id}_{detector.full_name}.fits"


def _times(exposure: Exposure) -> dict[str, Value]:
    """Return the dates, in TAI, and the same as Modified Julian Dates."""
    moments = {
        "": exposure.end - datetime.timedelta(milliseconds=1),
        "-OBS": exposure.begin,
        "-TRG": exposure.end - datetime.timedelta(milliseconds=5),
        "-BEG": exposure.begin,
        "-END": exposure.end,
    }
    header: dict[str, Value] = {}
    for suffix, moment in moments.items():
        header[f"DATE{suffix}"] = isot(moment)
        header[f"MJD{suffix}"] = mjd(moment)
    return header


def _telescope(exposure: Exposure) -> dict[str, Value]:
    """Return where the telescope pointed and what it saw."""
    start, end = exposure.horizontal(exposure.begin), exposure.horizontal(exposure.end)
    field = exposure.field
    vignetting = "NO" if field else "FULLY"
    if field is None:
        ra = dec = None
    else:
        ra, dec = exposure.boresight
    return {
        "RA": field.ra if field else None,
        "DEC": field.dec if field else None,
        "RASTART": ra,
        "DECSTART": dec,
        "RAEND": ra,
        "DECEND": dec,
        "ROTPA": exposure.sequence.rotation if field else None,
        "ROTCOORD": "sky" if field else None,
        "HASTART": start.hour_angle if field else None,
        "ELSTART": start.elevation,
        "AZSTART": start.azimuth,
        "AMSTART": start.airmass if field else None,
        "HAEND": end.hour_angle if field else None,
        "ELEND": end.elevation,
        "AZEND": end.azimuth,
        "AMEND": end.airmass if field else None,
        "TRACKSYS": "RADEC" if field else "LOCAL",
        "RADESYS": "ICRS" if field else None,
        "FOCUSZ": round(2.0585 + 0.0001 * (exposure.id % 97), 4),
        "OBJECT": exposure.target,
        "VIGNETTE": vignetting,
        "VIGN_MIN": vignetting,
    }


def primary_header(exposure: Exposure, detector: Detector) -> dict[str, Value]:
    """Return the primary header of a raw file.

    Parameters
    ----------
    exposure : `Exposure`
        The exposure.
    detector : `Detector`
        The detector.

    Returns
    -------
    header : `dict`
        Values by keyword, in the order of the file, without the structural keywords; `None` is an undefined
        value.
    """
    sequence = exposure.sequence
    times = _times(exposure)
    weather = exposure.id % 13
    return {
        "BINX": 1,
        "BINY": 1,
        "CCDGAIN": 1.0,
        "CCDNOISE": 10.0,
        "DATE": times["DATE"],
        "MJD": times["MJD"],
        "IMGTYPE": sequence.image_type,
        "DATE-OBS": times["DATE-OBS"],
        "MJD-OBS": times["MJD-OBS"],
        "DATE-TRG": times["DATE-TRG"],
        "MJD-TRG": times["MJD-TRG"],
        "OBSID": exposure.obs_id,
        "DATE-BEG": times["DATE-BEG"],
        "MJD-BEG": times["MJD-BEG"],
        "DATE-END": times["DATE-END"],
        "MJD-END": times["MJD-END"],
        "BUNIT": "adu",
        "TIMESYS": "TAI",
        "GROUPID": exposure.group,
        "INSTRUME": "ComCam",
        "TELESCOP": "Simonyi Survey Telescope",
        "OBS-LONG": -70.749417,
        "OBS-LAT": -30.244639,
        "OBS-ELEV": 2663.0,
        "OBSGEO-X": 1818938.94,
        "OBSGEO-Y": -5208470.95,
        "OBSGEO-Z": -3195172.08,
        **_telescope(exposure),
        "TESTTYPE": sequence.image_type,
        "CAMCODE": "CC",
        "CONTRLLR": "O",
        "DAYOBS": str(exposure.day_obs),
        "SEQNUM": exposure.seq_num,
        "PROGRAM": exposure.program,
        "REASON": exposure.reason,
        "CURINDEX": exposure.seq_num - exposure.first_of_group + 1,
        "MAXINDEX": exposure.group_size,
        "TSTAND": "TMACCv1_SUM",
        "IMAGETAG": sample_uuid("image", exposure.obs_id).hex[:16],
        "OBSANNOT": "",
        "CCD_MANU": "ITL",
        "CCD_TYPE": "3800C",
        "CCDSLOT": detector.slot,
        "RAFTBAY": RAFT,
        "FIRMWARE": "31395007",
        "PLATFORM": "comcam",
        "CONTNUM": "18edfc9b",
        "DAQVERS": "R5-V11.3 2024-09-16T15:03:01Z (10c5a519)",
        "DAQPART": "comcam",
        "DAQFOLD": "raw",
        "SEQFILE": "FP_ITL_2s_ir2_v26.seq",
        "SEQNAME": "FP_ITL_2s_ir2_v26.seq",
        "SEQCKSUM": "980618532",
        "LSST_NUM": detector.serial,
        "CCD_SERN": str(23166 + detector.id),
        "REBNAME": _REBS[detector.slot[:2]],
        "RAFTNAME": "LCA-11021_RTM-031",
        "FPVERS": "1.2.8",
        "IHVERS": "1.1.6",
        "FILTBAND": exposure.filter.band,
        "FILTER": exposure.filter.name,
        "FILTPOS": exposure.filter.position,
        "FILTSLOT": exposure.filter.slot,
        "EXPTIME": sequence.exposure_time,
        "DARKTIME": exposure.dark_time,
        "SHUTTIME": sequence.exposure_time if exposure.shutter_opened else 0.0,
        "AIRTEMP": round(13.725 - 0.25 * weather, 3),
        "PRESSURE": 74120.0 + 10.0 * weather,
        "HUMIDITY": round(22.3 + 1.1 * weather, 3),
        "WINDSPD": round(0.75 + 0.5 * weather, 3),
        "WINDDIR": round(209.3 - 3.0 * weather, 3),
        "SEEING": None,
        "HEADVER": 2,
        "FILENAME": _file_name(exposure, detector),
        **{f"SIMULATE {component}": 0 for component in _SIMULATE},
        "SIMULATED MJD-OBS": None,
        "SIMULATED DATE-OBS": None,
        "SIMULATED DATE-END": None,
        "STUTTER ROWS": 0,
        "STUTTER DELAY": 0.0,
        "STUTTER NSHIFTS": 0,
    }


def segment_header() -> dict[str, Value]:
    """Return the header of the one segment that a raw file has here, without the structural keywords."""
    return {
        "EXTNAME": "SEGMENT10",
        "CHANNEL": 1,
        "CCDSUM": "1 1",
        "DATASEC": "[4:512,1:2000]",
        "DETSEC": "[509:1,1:2000]",
        "DETSIZE": "[1:4072,1:4000]",
        "DTV1": 513,
        "DTV2": 0,
        "DTM1_1": -1.0,
        "DTM2_2": 1.0,
        "DTM1_2": 0.0,
        "DTM2_1": 0.0,
    }


def raw_content(exposure: Exposure, detector: Detector) -> bytes:
    """Return the bytes of a raw file.

    Parameters
    ----------
    exposure : `Exposure`
        The exposure.
    detector : `Detector`
        The detector.

    Returns
    -------
    content : `bytes`
        A FITS file: an empty primary array and one segment of 2 x 2 pixels.
    """
    offset = 1000 * detector.id + exposure.seq_num
    return raw_file(primary_header(exposure, detector), segment_header(), offset)


def raw_files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every raw file."""
    for exposure in all_exposures():
        for detector in DETECTORS:
            yield raw_path(exposure, detector), raw_content(exposure, detector)
