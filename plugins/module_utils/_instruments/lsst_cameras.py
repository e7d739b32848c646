# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LSST cameras: rafts, sensors and filters, by rule.

Source: obs_lsst (``_instrument.py``, ``filters.py`` and the camera policies), compared with the records of
the official ``register-instrument``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    VISIT_SYSTEMS,
    DetectorDefinition,
    FilterDefinition,
    InstrumentDefinition,
)

FILTER_DELIMITER = "~"
"""What stands between the filters in the beam at once in the name of their combination."""

OBSERVATORY_ID_MAX = 7050123199999
"""Largest exposure id: the last day of 2050, sequence number 99,999, of the last of six controllers."""

SIMULATION_ID_MAX = 9999999
"""Largest exposure id of imSim, whose ids are plain seven digit numbers."""

DETECTOR_MAX = 1000
"""Bound of the detector number in packed ids, of all LSST cameras."""

CORNER_RAFTS = ("R00", "R04", "R40", "R44")
CORNER_SENSORS = (("SG0", "GUIDER"), ("SG1", "GUIDER"), ("SW0", "WAVEFRONT"), ("SW1", "WAVEFRONT"))
SENSORS = tuple(f"S{row}{column}" for row in range(3) for column in range(3))
SCIENCE_RAFTS = tuple(
    raft
    for raft in (f"R{row}{column}" for row in range(5) for column in range(5))
    if raft not in CORNER_RAFTS
)


def _slots(
    rafts: Iterable[str], sensors: Iterable[tuple[str, str]], first: int
) -> Iterator[DetectorDefinition]:
    """Give the sensors of each raft in turn their numbers."""
    places = itertools.product(rafts, sensors)
    for number, (raft, (sensor, purpose)) in enumerate(places, first):
        yield DetectorDefinition(number, f"{raft}_{sensor}", sensor, raft, purpose)


_SCIENCE = tuple((sensor, "SCIENCE") for sensor in SENSORS)
_SCIENCE_DETECTORS = tuple(_slots(SCIENCE_RAFTS, _SCIENCE, 0))
_CORNER_DETECTORS = tuple(_slots(CORNER_RAFTS, CORNER_SENSORS, len(_SCIENCE_DETECTORS)))

_NO_FILTER = (FilterDefinition("empty", "white"), FilterDefinition("none", "white"))
_UNKNOWN_FILTER = FilterDefinition("unknown", "unknown")
_BROAD_BANDS = ("u", "g", "r", "i", "z", "y")

# Each name is the band and the serial number of the glass.
_COMCAM_GLASS = ("u_05", "u_02", "u_06", "g_07", "g_01", "r_03", "i_06", "z_03", "z_02", "y_04")

_LSSTCAM_GLASS = (
    FilterDefinition("ph_5", "white"),
    FilterDefinition("ef_43", "white"),
    *(FilterDefinition(name, name[0]) for name in ("u_24", "g_6", "r_57", "i_39", "z_20", "y_10")),
)

# The wheels of the optical test bench in front of LSSTCam: one of these, with or without a neutral density.
_BENCH_GLASS = (
    *((f"SDSS{band}", band) for band in "ugriz"),
    ("SDSSY", "y"),
    ("480nm", "g"),
    ("650nm", "r"),
    ("750nm", "i"),
    ("870nm", "z"),
    ("950nm", "y"),
    ("970nm", "y"),
    *((pattern, pattern) for pattern in ("grid", "spot", "sparsegrid", "streak", "ellipses")),
)
_BENCH_DENSITIES = tuple(
    f"ND_OD{density}"
    for density in ("0.01", "0.05", "0.1", "0.3", "0.4", "0.5", "0.7", "1.0", "2.0", "3.0", "4.0")
)

# The light of the calibration beam projector, which takes the filter's place or shines through it.
_PROJECTOR_LIGHT = (
    ("HIGH", "white"),
    ("LOW", "white"),
    ("uv", "u"),
    ("blue", "g"),
    ("red", "r"),
    ("nm750", "i"),
    ("nm850", "z"),
    ("nm960", "y"),
)


def _bench_filters() -> Iterator[FilterDefinition]:
    """Each slide of the test bench alone and behind each density, and each density alone."""
    for density in _BENCH_DENSITIES:
        yield FilterDefinition(density, f"white{FILTER_DELIMITER}nd")
    for name, band in _BENCH_GLASS:
        yield FilterDefinition(name, band)
        for density in _BENCH_DENSITIES:
            yield FilterDefinition(f"{name}{FILTER_DELIMITER}{density}", f"{band}{FILTER_DELIMITER}nd")


def _projector_filters() -> Iterator[FilterDefinition]:
    """Each light of the projector through each filter that lets it pass."""
    for glass in (*_NO_FILTER, *_LSSTCAM_GLASS):
        for light, light_band in _PROJECTOR_LIGHT:
            if "white" not in (glass.band, light_band) and glass.band != light_band:
                continue
            through = "" if glass.physical_filter == "empty" else glass.physical_filter + FILTER_DELIMITER
            yield FilterDefinition(through + light, light_band if glass.band == "white" else glass.band)


def _lsst_camera(
    name: str,
    class_name: str,
    *,
    id_max: int,
    visit_system: str,
    detectors: Iterable[DetectorDefinition],
    filters: Iterable[FilterDefinition],
) -> InstrumentDefinition:
    """Make the definition of one camera of the obs_lsst package."""
    return InstrumentDefinition(
        name=name,
        class_name=f"lsst.obs.lsst.{class_name}",
        visit_max=id_max,
        exposure_max=id_max,
        detector_max=DETECTOR_MAX,
        visit_system=VISIT_SYSTEMS[visit_system],
        detectors=tuple(detectors),
        filters=tuple(filters),
        raw_formatter=f"lsst.obs.lsst.rawFormatter.{class_name}RawFormatter",
    )


LSSTCOMCAM = _lsst_camera(
    "LSSTComCam",
    "LsstComCam",
    id_max=OBSERVATORY_ID_MAX,
    visit_system="by-seq-start-end",
    detectors=_slots(("R22",), _SCIENCE, 0),
    filters=(
        *_NO_FILTER,
        _UNKNOWN_FILTER,
        FilterDefinition("pinhole", "white"),
        FilterDefinition("OG590_2_5mm", "OG590"),
        *(FilterDefinition(glass, glass[0]) for glass in _COMCAM_GLASS),
    ),
)
"""The commissioning camera: one raft of nine sensors (2019 in the laboratory, on sky from October 2024)."""

LSSTCAM = _lsst_camera(
    "LSSTCam",
    "LsstCam",
    id_max=OBSERVATORY_ID_MAX,
    visit_system="by-seq-start-end",
    detectors=(*_SCIENCE_DETECTORS, *_CORNER_DETECTORS),
    filters=(*_NO_FILTER, *_LSSTCAM_GLASS, _UNKNOWN_FILTER, *_bench_filters(), *_projector_filters()),
)
"""The survey camera: 21 science rafts of nine sensors, four corner rafts of guiders and wavefront sensors."""

LSSTCAM_IMSIM = _lsst_camera(
    "LSSTCam-imSim",
    "LsstCamImSim",
    id_max=SIMULATION_ID_MAX,
    visit_system="one-to-one",
    detectors=_SCIENCE_DETECTORS,
    filters=(
        *(FilterDefinition(f"{band}_sim_1.4", band) for band in _BROAD_BANDS),
        *(FilterDefinition(band, band) for band in _BROAD_BANDS),
    ),
)
"""The survey camera as imSim simulates it for DC2, without its corner rafts."""
