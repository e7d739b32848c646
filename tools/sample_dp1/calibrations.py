# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exports of calibrations and of the reference catalogue, one for each dataset type.

Source of the dataset types: the list of those of DP1 at the USDF (lsst-uk/lsst-uk-butler,
``dp1_auto_ingest``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tools.sample_ccms1.calibrations import TICKETS, curated_export, ticket_export
from tools.sample_ccms1.campaign import CAMERA, FILTERS, INSTRUMENT, sample_uuid
from tools.sample_ccms1.models import fgcm_export
from tools.sample_ccms1.refcats import shards
from tools.samples.camera import DataId
from tools.samples.exports import Dataset, Export, Kind, artifact_path
from tools.samples.placeholders import parquet_table
from tools.samples.refcats import shard_content

from .campaign import CATALOGUE, CATALOGUE_RUN, CURATED, DATA, EXPORTS, PASSBANDS_RUN, REFCATS_DATA

_PASSBAND = Kind(
    "standard_passband",
    ("band", "instrument"),
    "ArrowAstropy",
    "lsst.daf.butler.formatters.parquet.ParquetFormatter",
    extension=".parq",
)
_CATALOGUE = Kind(
    CATALOGUE, ("htm7",), "SimpleCatalog", "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
)


def _by_type() -> Iterator[Export]:
    """Yield what the tickets of ccms1 have, of one dataset type after the other and without their chains."""
    tickets = [ticket_export(ticket) for ticket in TICKETS]
    names = sorted({each.kind.name for export in tickets for each in export.datasets})
    for name in names:
        datasets = tuple(each for export in tickets for each in export.datasets if each.kind.name == name)
        ids = {each.id for each in datasets}
        certifications = tuple(
            each for export in tickets for each in export.certifications if ids.issuperset(each.ids)
        )
        collections = tuple(dict.fromkeys(each.collection for each in certifications))
        yield Export(
            CAMERA,
            DATA,
            f"{EXPORTS}/{name}.yaml",
            datasets,
            calibrations=collections,
            certifications=certifications,
        )


def _passbands() -> Export:
    datasets = []
    for band in sorted(FILTERS):
        path = artifact_path(_PASSBAND, PASSBANDS_RUN, [band], [INSTRUMENT, band])
        content = parquet_table({"wavelength": [300.0, 1100.0], "throughput": [0.0, 0.0], "band": [band] * 2})
        data_id: DataId = {"instrument": INSTRUMENT, "band": band}
        datasets.append(Dataset(_PASSBAND, PASSBANDS_RUN, data_id, path, sample_uuid(path), content))
    return Export(CAMERA, DATA, f"{EXPORTS}/{_PASSBAND.name}.yaml", tuple(datasets))


def _catalogue() -> Export:
    datasets = []
    for index, field in shards().items():
        path = f"refcat/{CATALOGUE}/{index}.fits"
        content = shard_content(CATALOGUE, "monster_ComCam_r_flux", index, field)
        identifier = sample_uuid(CATALOGUE_RUN, index)
        datasets.append(Dataset(_CATALOGUE, CATALOGUE_RUN, {"htm7": index}, path, identifier, content))
    return Export(CAMERA, REFCATS_DATA, f"{EXPORTS}/{CATALOGUE}.yaml", tuple(datasets))


def input_exports() -> tuple[Export, ...]:
    """Return the exports of the inputs, in the order of the technote.

    Returns
    -------
    exports : `tuple` [ `~tools.samples.exports.Export`, ... ]
        The reference catalogue; what stands for ``write-curated-calibrations --label DM-49734``; the
        calibrations by dataset type; the look-up table and the passbands.
    """
    curated = replace(curated_export(CURATED, DATA), path=f"{EXPORTS}/curated.yaml")
    table = replace(fgcm_export(), directory=DATA, path=f"{EXPORTS}/fgcmLookUpTable.yaml")
    return (_catalogue(), curated, *_by_type(), table, _passbands())
