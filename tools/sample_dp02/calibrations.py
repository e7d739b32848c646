# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two exports: that of the calibrations, and one that stands for ``write-curated-calibrations``.

Collections are those that RTN-029 prints. Source of the dataset types, validity ranges and paths: the export
of the same calibrations in the public repository ap_verify_ci_dc2; the range of ``sky`` follows its rule,
4000 days around the date of the calibration.
"""

from __future__ import annotations

from tools.samples.exports import Certification, Dataset, Export, Kind, calibration, timespan

from .campaign import CAMERA, DETECTORS, FILTERS, INSTRUMENT, identify

_EXPOSURE = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
_GENERIC = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
_BY_DETECTOR = ("instrument", "detector")
_BY_FILTER = ("band", "instrument", "detector", "physical_filter")

_BIAS = Kind("bias", _BY_DETECTOR, "ExposureF", _EXPOSURE, calibration=True)
_DARK = Kind("dark", _BY_DETECTOR, "ExposureF", _EXPOSURE, calibration=True)
_FLAT = Kind("flat", _BY_FILTER, "ExposureF", _EXPOSURE, calibration=True)
_SKY = Kind("sky", _BY_FILTER, "ExposureF", _EXPOSURE, calibration=True)
_KERNEL = Kind("bfk", _BY_DETECTOR, "BrighterFatterKernel", _GENERIC, calibration=True)
_CAMERA = Kind("camera", ("instrument",), "Camera", _GENERIC, calibration=True)

_CALIB = "2.2i/calib"
_MASTERS = f"{_CALIB}/gen2"
_TICKET = f"{_CALIB}/DM-30694"

_RANGES: tuple[tuple[str, tuple[Kind, ...], str, str], ...] = (
    ("20220101T000000Z", (_BIAS, _DARK), "2011-01-19T00:00:00", "2032-12-14T00:00:00"),
    ("20220806T000000Z", (_FLAT,), "2011-08-24T00:00:00", "2033-07-19T00:00:00"),
    ("20231201T000000Z", (_SKY,), "2012-12-18T00:00:00", "2034-11-13T00:00:00"),
)
"""The last part of a run's name, what it holds, and from when to when that is valid, TAI."""


def _datasets(kind: Kind, run: str) -> tuple[Dataset, ...]:
    filters = list(FILTERS.values()) if "physical_filter" in kind.dimensions else [None]
    return tuple(
        calibration(CAMERA, kind, run, identify, detector, physical_filter)
        for detector in DETECTORS
        for physical_filter in filters
    )


def _curated(collection: str) -> tuple[list[Dataset], list[Certification]]:
    """Return what ``write-curated-calibrations`` makes: the camera, and the brighter-fatter kernels."""
    camera = calibration(CAMERA, _CAMERA, f"{collection}/unbounded", identify)
    kernels = _datasets(_KERNEL, f"{collection}/curated/19700101T000000Z")
    return [camera, *kernels], [
        Certification(collection, timespan(None, None), (camera.id,)),
        Certification(
            collection, timespan("1970-01-01T00:00:00", None, "utc"), tuple(each.id for each in kernels)
        ),
    ]


def calibration_export() -> Export:
    """Return the export that ``butler export-calibs`` made at NCSA.

    Returns
    -------
    export : `~tools.samples.exports.Export`
        The chain ``2.2i/calib`` with all that is in it.
    """
    datasets, certifications = _curated(_TICKET)
    for name, kinds, begin, end in _RANGES:
        made = [each for kind in kinds for each in _datasets(kind, f"{_MASTERS}/{name}")]
        datasets += made
        certifications.append(Certification(_MASTERS, timespan(begin, end), tuple(each.id for each in made)))
    return Export(
        CAMERA,
        "calib",
        "calib/export.yaml",
        tuple(datasets),
        calibrations=(_TICKET, _MASTERS),
        chains={_CALIB: (_TICKET, _MASTERS, f"{_TICKET}/unbounded")},
        certifications=tuple(certifications),
    )


def curated_export() -> Export:
    """Return the export that stands for ``write-curated-calibrations``.

    Returns
    -------
    export : `~tools.samples.exports.Export`
        The curated calibrations of the instrument.
    """
    collection = f"{INSTRUMENT}/calib"
    datasets, certifications = _curated(collection)
    return Export(
        CAMERA, "curated", "curated/export.yaml", tuple(datasets), (collection,), {}, tuple(certifications)
    )


def all_exports() -> tuple[Export, ...]:
    """Return both exports, in the order of the technote."""
    return (calibration_export(), curated_export())
