# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The solar system objects that are expected in each detector of the selected visits.

The technote names the dataset type and the collections. Source of dimensions and storage class: pipe_tasks of
2025-05 (the weekly of the campaign), ``mpSkyEphemerisQueryDRP.py``, which makes such a table for each visit
and detector, and ``drpAssociationPipe.py``, which reads it.
"""

from __future__ import annotations

from tools.samples.exports import Dataset, Export, Kind, artifact_path
from tools.samples.placeholders import parquet_table

from .campaign import ANCILLARY, CAMERA, DETECTORS, INSTRUMENT, Detector, sample_uuid
from .exposures import Exposure, good_exposures
from .visits import visit_records

EPHEMERIDES = Kind(
    "preloaded_DRP_SsObjects",
    ("band", "instrument", "day_obs", "detector", "physical_filter", "visit"),
    "DataFrame",
    "lsst.daf.butler.formatters.parquet.ParquetFormatter",
    extension=".parq",
)

RUNS = ("u/jkurla/dp1_ephem_2/20250409T181500Z", "u/jkurla/dp1_ephem_2/20250409T203000Z")
"""One run for the first two thirds of the visits, one for the rest. When they started is made up."""

TAGGED = f"{INSTRUMENT}/calib/DM-49977/DP1.0/preloaded_SsObjects.20250409"


def _dataset(run: str, exposure: Exposure, detector: Detector) -> Dataset:
    day, band, name, visit = exposure.day_obs, exposure.filter.band, exposure.filter.name, exposure.id
    path = artifact_path(
        EPHEMERIDES,
        run,
        directories=(day, band, name, visit),
        names=(INSTRUMENT, band, name, visit, detector.full_name),
    )
    ra, dec = exposure.boresight
    content = parquet_table(
        {
            "ObjID": [f"2024 S{visit % 10000}", f"2024 T{detector.id}"],
            "ra": [round(ra + 0.01 * detector.id, 6), round(ra - 0.02 * detector.id, 6)],
            "dec": [round(dec + 0.03, 6), round(dec - 0.01 * detector.id, 6)],
        }
    )
    return Dataset(
        EPHEMERIDES, run, CAMERA.data_id(detector=detector.id, visit=visit), path, sample_uuid(path), content
    )


def solar_system_export() -> Export:
    """Return the export of the solar system objects.

    Returns
    -------
    export : `Export`
        A table for each detector of each selected visit, with the records that the visits rest on.
    """
    exposures = good_exposures()
    first_run = len(exposures) * 2 // 3
    return Export(
        CAMERA,
        ANCILLARY,
        path=f"{ANCILLARY}/DM-49977/export.yaml",
        datasets=tuple(
            _dataset(RUNS[0] if place < first_run else RUNS[1], exposure, detector)
            for place, exposure in enumerate(exposures)
            for detector in DETECTORS
        ),
        records=visit_records(),
    )
