# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two export files that RTN-103 prints: the pretrained models and the FGCM look-up table."""

from __future__ import annotations

import uuid

from tools.samples.exports import Dataset, Export, Kind, artifact_path
from tools.samples.placeholders import fits_table, zip_archive

from .campaign import ANCILLARY, CAMERA, INSTRUMENT

_MODEL = Kind(
    "pretrainedModelPackage",
    (),
    "NNModelPackagePayload",
    "lsst.meas.transiNet.modelPackages.formatters.NNModelPackageFormatter",
    extension=".zip",
)
_LOOK_UP_TABLE = Kind(
    "fgcmLookUpTable",
    ("instrument",),
    "Catalog",
    "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter",
)


def model_export() -> Export:
    """Return the export of the pretrained models.

    Returns
    -------
    export : `Export`
        The file that the technote prints.
    """
    run = "pretrained_models/tac_cnn_comcam_2025-02-18"
    content = zip_archive({"metadata.yaml": b"name: tac_cnn_comcam\nstand_in: true\n"})
    dataset = Dataset(
        _MODEL,
        run,
        {},
        artifact_path(_MODEL, run),
        uuid.UUID("a83d850a-0094-417c-ac9c-64d0f7b98048"),
        content,
    )
    return Export(CAMERA, ANCILLARY, f"{ANCILLARY}/pretrained-models-export.yaml", (dataset,))


def fgcm_export() -> Export:
    """Return the export of the FGCM look-up table.

    Returns
    -------
    export : `Export`
        The file that the technote prints.
    """
    run = f"{INSTRUMENT}/calib/fgcmcal/DM-48089"
    dataset_id = uuid.UUID("bb573ca3-6159-45d9-88e3-866e01da4882")
    path = artifact_path(_LOOK_UP_TABLE, run, names=[INSTRUMENT])
    dataset = Dataset(
        _LOOK_UP_TABLE, run, CAMERA.data_id(), path, dataset_id, fits_table("fgcmLookUpTable", dataset_id)
    )
    return Export(CAMERA, ANCILLARY, f"{ANCILLARY}/DM-48089-fgcmLookupTable-export.yaml", (dataset,))
