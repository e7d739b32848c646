# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images: one file for each exposure, with compressed extensions for a few detectors.

Keywords, their order and the values that no exposure changes are those of real DECam headers. Source: the
test data of astro_metadata_translator.
"""

from __future__ import annotations

import datetime
import io
from functools import cache

from tools.samples.raws import Value, fill

from .campaign import DETECTORS, PROGRAM, Chip, Exposure

_LATITUDE, _LONGITUDE = -30.16606, 70.81489
"""Of the telescope, degrees, the longitude to the west."""

_EPOCH = datetime.datetime(1858, 11, 17)


def primary_header(exposure: Exposure) -> dict[str, Value]:
    """Return the primary header of a file.

    Parameters
    ----------
    exposure : `~.campaign.Exposure`
        The exposure.

    Returns
    -------
    header : `dict`
        Values by keyword, in the order of the file, without the structural keywords.
    """
    name = f"DECam_{exposure.number:08}.fits"
    ended = exposure.begin + datetime.timedelta(seconds=exposure.seconds + 20)
    mjd = (exposure.begin - _EPOCH) / datetime.timedelta(days=1)
    on_sky = exposure.field is not None
    header: dict[str, Value] = {
        "PROCTYPE": "RAW",
        "PRODTYPE": "image",
        "PIXSCAL1": 0.27,
        "PIXSCAL2": 0.27,
        "FILENAME": name,
        "OBS-LONG": _LONGITUDE,
        "TELESCOP": "CTIO 4.0-m telescope",
        "OBSERVAT": "CTIO",
        "OBS-LAT": _LATITUDE,
        "OBS-ELEV": 2215.0,
        "INSTRUME": "DECam",
        "EXPREQ": exposure.seconds,
        "EXPTIME": exposure.seconds,
        "DARKTIME": exposure.seconds + 1.1,
        "OBSID": f"ct4m{exposure.begin:%Y%m%dt%H%M%S}",
        "DATE-OBS": exposure.begin.isoformat(timespec="microseconds"),
        "TIME-OBS": f"{exposure.begin:%H:%M:%S.%f}",
        "MJD-OBS": round(mjd, 8),
        "TIMESYS": "UTC",
        "EXPNUM": exposure.number,
        "OBJECT": exposure.field.name if exposure.field else exposure.kind,
        "OBSTYPE": exposure.kind,
        "CAMSHUT": "Open" if on_sky else "Closed",
        "PROGRAM": "DEEP: A Deep Ecliptic Exploration Project",
        "PROPOSER": "Trilling",
        "PROPID": PROGRAM,
        "SKYSTAT": on_sky,
        "FILTER": exposure.filter.name,
        "INSTANCE": f"DECam_{exposure.night}",
        "TELEQUIN": 2000.0,
    }
    if exposure.field is not None:
        header |= {"TELSTAT": "Track", **_pointing(exposure.field.ra, exposure.field.dec, mjd)}
    else:
        header |= {"TELRA": "08:34:12.345", "TELDEC": "-30:09:59.999"}
    return header | {
        "HUMIDITY": 32.0,
        "PRESSURE": 780.0,
        "OUTTEMP": 14.2,
        "DTSITE": "ct",
        "DTTELESC": "ct4m",
        "DTINSTRU": "decam",
        "DTCALDAT": f"{exposure.night // 10000}-{exposure.night // 100 % 100:02}-{exposure.night % 100:02}",
        "DTUTC": ended.isoformat(timespec="seconds"),
        "DTPROPID": PROGRAM,
        "DTACQNAM": f"/data_local/images/DTS/{PROGRAM}/{name}.fz",
        "RADESYS": "FK5",
    }


def _pointing(ra: float, dec: float, mjd: float) -> dict[str, Value]:
    """Give where the telescope points to, on the sky and above the horizon (mean equinox, no refraction)."""
    import math

    sidereal = (280.46061837 + 360.98564736629 * (mjd - 51544.5) - _LONGITUDE) % 360
    hour = math.radians(sidereal - ra)
    here, there = math.radians(_LATITUDE), math.radians(dec)
    height = math.asin(math.sin(here) * math.sin(there) + math.cos(here) * math.cos(there) * math.cos(hour))
    azimuth = math.atan2(
        -math.cos(there) * math.sin(hour),
        math.sin(there) * math.cos(here) - math.cos(there) * math.cos(hour) * math.sin(here),
    )
    distance = 90 - math.degrees(height)
    return {
        "TELRA": _sexagesimal(ra / 15),
        "TELDEC": _sexagesimal(dec),
        "HA": _sexagesimal(((math.degrees(hour) + 180) % 360 - 180) / 15),
        "ZD": round(distance, 2),
        "AZ": round(math.degrees(azimuth) % 360, 2),
        "AIRMASS": round(1 / math.cos(math.radians(distance)), 2),
    }


def _sexagesimal(value: float) -> str:
    whole = round(abs(value) * 3_600_000)
    minutes, milliseconds = divmod(whole, 60_000)
    units, minutes = divmod(minutes, 60)
    sign = "-" if value < 0 else ""
    return f"{sign}{units:02}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def extension_header(detector: Chip) -> dict[str, Value]:
    """Return the header of a detector's extension.

    Parameters
    ----------
    detector : `~.campaign.Chip`
        The detector.

    Returns
    -------
    header : `dict`
        Values by keyword.
    """
    return {
        "EXTNAME": detector.full_name,
        "BUNIT": "adu",
        "DETSIZE": "[1:29400,1:29050]",
        "CCDNUM": detector.id,
        "DETPOS": detector.full_name,
        "RADESYS": "FK5",
        "EQUINOX": 2000.0,
    }


@cache
def image_file(exposure: Exposure) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    exposure : `~.campaign.Exposure`
        The exposure.

    Returns
    -------
    content : `bytes`
        FITS: an empty primary array, and tile-compressed images of 2 x 2 pixels.
    """
    import numpy as np
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    fill(primary.header, primary_header(exposure))
    hdus = [primary]
    for detector in DETECTORS:
        pixels = np.arange(4, dtype=np.int32).reshape(2, 2) + exposure.number + detector.id
        hdu = fits.CompImageHDU(pixels, compression_type="RICE_1")
        fill(hdu.header, extension_header(detector))
        hdus.append(hdu)
    stream = io.BytesIO()
    fits.HDUList(hdus).writeto(stream)
    return stream.getvalue()
