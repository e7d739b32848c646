# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DECam, the Dark Energy Camera.

Source: obs_decam (``_instrument.py``, ``decamFilters.py``) and astro_metadata_translator (CCD numbers),
compared with the records of the official ``register-instrument``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    VISIT_SYSTEMS,
    DetectorDefinition,
    FilterDefinition,
    InstrumentDefinition,
)

ID_MAX = 2**25

# CCD numbers run through the southern rows from the edge to the centre, names from the centre to the edge.
# (first CCD number, first name's number, how many)
_SOUTHERN_ROWS = ((1, 29, 3), (4, 25, 4), (8, 20, 5), (13, 14, 6), (19, 8, 6), (25, 1, 7))
_FIRST_NORTHERN = 32
_NORTHERN_COUNT = 31


def _detectors() -> Iterator[DetectorDefinition]:
    """All 62 science CCDs."""
    for first_id, first_name, count in _SOUTHERN_ROWS:
        for offset in range(count):
            number = first_name + offset
            yield DetectorDefinition(first_id + offset, f"S{number}", str(number), "S")
    for offset in range(_NORTHERN_COUNT):
        number = offset + 1
        yield DetectorDefinition(_FIRST_NORTHERN + offset, f"N{number}", str(number), "N")


DECAM = InstrumentDefinition(
    name="DECam",
    class_name="lsst.obs.decam.DarkEnergyCamera",
    visit_max=ID_MAX,
    exposure_max=ID_MAX,
    detector_max=100,
    visit_system=VISIT_SYSTEMS["one-to-one"],
    detectors=tuple(_detectors()),
    filters=(
        FilterDefinition("u DECam c0006 3500.0 1000.0", "u"),
        FilterDefinition("g DECam SDSS c0001 4720.0 1520.0", "g"),
        FilterDefinition("r DECam SDSS c0002 6415.0 1480.0", "r"),
        FilterDefinition("i DECam SDSS c0003 7835.0 1470.0", "i"),
        FilterDefinition("z DECam SDSS c0004 9260.0 1520.0", "z"),
        FilterDefinition("Y DECam c0005 10095.0 1130.0", "y"),
        FilterDefinition("VR DECam c0007 6300.0 2600.0", "VR"),
        FilterDefinition("N964 DECam c0008 9645.0 94.0", "N964"),
        FilterDefinition("N708 DECam c0012 7080.0 400.0", "N708"),
        FilterDefinition("N419 DECam c0013 4194.0 75.0", "N419"),
        FilterDefinition("N540 DECam c0014 5403.2 210.0", "N540"),
        FilterDefinition("solid plate 0.0 0.0", "opaque"),
    ),
    raw_formatter="lsst.obs.decam.rawFormatter.DarkEnergyCameraRawFormatter",
)
"""The Dark Energy Camera of the Blanco telescope: 62 CCDs in one file for each exposure."""
