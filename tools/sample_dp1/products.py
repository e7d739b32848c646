# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processing made: one export for each dataset type, and those of its tasks' records besides.

Source of dimensions and storage classes: the list of the dataset types of DP1 at the USDF
(lsst-uk/lsst-uk-butler, ``dp1_auto_ingest``).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.sample_ccms1.campaign import CAMERA, DETECTORS, INSTRUMENT, sample_uuid
from tools.sample_ccms1.exposures import good_exposures
from tools.sample_ccms1.visits import visit_records
from tools.samples.camera import DataId
from tools.samples.exports import Dataset, Export, Kind, artifact_path
from tools.samples.placeholders import fits_image, fits_table, parquet_table

from .campaign import DATA, EXPORTS, FINAL, FIRST, SECOND, SKYMAP, THIRD

AUXILIARY = ("TaskMetadata", "ButlerLogRecords", "Config")
"""Storage classes that the technote leaves out."""

_EXPOSURE = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
_GENERIC = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
_PARQUET = "lsst.daf.butler.formatters.parquet.ParquetFormatter"
_VISIT = ("band", "instrument", "day_obs", "physical_filter", "visit")
_DETECTOR = ("band", "instrument", "day_obs", "detector", "physical_filter", "visit")
_PATCH = ("band", "skymap", "tract", "patch")

_Content = Callable[[str, uuid.UUID], bytes]


def _table(name: str, dataset: uuid.UUID) -> bytes:
    return parquet_table({"type": [name], "dataset": [str(dataset)]})


def _text(name: str, dataset: uuid.UUID) -> bytes:
    return json.dumps({name: str(dataset)}).encode()


@dataclass(frozen=True)
class Product:
    """A dataset type of the processing.

    Parameters
    ----------
    kind : `~tools.samples.exports.Kind`
        The dataset type.
    run : `str`
        The run that made it.
    content : `~collections.abc.Callable`
        Makes a file, from the name of the type and the identifier of the dataset.
    """

    kind: Kind
    run: str
    content: _Content

    @property
    def auxiliary(self) -> bool:
        """Whether the technote leaves it out."""
        return self.kind.storage_class in AUXILIARY


PRODUCTS: tuple[Product, ...] = (
    Product(Kind("visit_image", _DETECTOR, "ExposureF", _EXPOSURE), FINAL, fits_image),
    Product(Kind("deep_coadd", _PATCH, "ExposureF", _EXPOSURE), FINAL, fits_image),
    Product(Kind("object", ("skymap", "tract"), "ArrowAstropy", _PARQUET, extension=".parq"), THIRD, _table),
    Product(
        Kind("visit_table", ("instrument",), "ArrowAstropy", _PARQUET, extension=".parq"), SECOND, _table
    ),
    Product(Kind("source", _VISIT, "ArrowAstropy", _PARQUET, extension=".parq"), SECOND, _table),
    Product(Kind("visit_summary", _VISIT, "ExposureCatalog", _GENERIC), FIRST, fits_table),
    Product(
        Kind(
            "calibrateImage_log",
            _DETECTOR,
            "ButlerLogRecords",
            "lsst.daf.butler.formatters.logs.ButlerLogRecordsFormatter",
            extension=".json",
        ),
        FIRST,
        _text,
    ),
    Product(
        Kind(
            "calibrateImage_metadata",
            _DETECTOR,
            "TaskMetadata",
            "lsst.daf.butler.formatters.json.JsonFormatter",
            extension=".json",
        ),
        FIRST,
        _text,
    ),
    Product(
        Kind(
            "calibrateImage_config",
            (),
            "Config",
            "lsst.pipe.base.formatters.pexConfig.PexConfigFormatter",
            extension=".py",
        ),
        FIRST,
        _text,
    ),
)

_PLACES = ((0, 0), (0, 9), (1, 7))
"""Tracts and patches with coadds."""


def _data_ids(kind: Kind) -> Iterator[tuple[DataId, list[object], list[object]]]:
    """Yield the data IDs of a dataset type, with the directories and the parts of names that they make."""
    if "visit" in kind.dimensions:
        detectors = DETECTORS if "detector" in kind.dimensions else (None,)
        for each in good_exposures():
            band, name = each.filter.band, each.filter.name
            for detector in detectors:
                values: DataId = {} if detector is None else {"detector": detector.id}
                names = [] if detector is None else [detector.full_name]
                yield (
                    CAMERA.data_id(**values, visit=each.id),
                    [each.day_obs, band, name, each.id],
                    [INSTRUMENT, band, name, each.id, *names],
                )
    elif "patch" in kind.dimensions:
        for tract, patch in _PLACES:
            yield (
                {"band": "r", "skymap": SKYMAP, "tract": tract, "patch": patch},
                [tract, patch, "r"],
                [tract, patch, "r", SKYMAP],
            )
    elif "tract" in kind.dimensions:
        for tract in sorted({tract for tract, _patch in _PLACES}):
            yield {"skymap": SKYMAP, "tract": tract}, [tract], [tract, SKYMAP]
    elif "instrument" in kind.dimensions:
        yield CAMERA.data_id(), [], [INSTRUMENT]
    else:
        yield {}, [], []


def product_exports() -> tuple[Export, ...]:
    """Return the exports of the products, those that the technote leaves out included.

    Returns
    -------
    exports : `tuple` [ `~tools.samples.exports.Export`, ... ]
        What is kept by visit comes with the records that visits rest on. What is kept by tract comes
        without those of the sky map.
    """
    exports = []
    for product in PRODUCTS:
        kind, datasets = product.kind, []
        for data_id, directories, names in _data_ids(kind):
            path = artifact_path(kind, product.run, directories, names)
            identifier = sample_uuid("dp1", path)
            content = product.content(kind.name, identifier)
            datasets.append(Dataset(kind, product.run, data_id, path, identifier, content))
        records = visit_records() if "visit" in kind.dimensions else {}
        path = f"{EXPORTS}/products/{kind.name}.yaml"
        exports.append(Export(CAMERA, DATA, path, tuple(datasets), records=records))
    return tuple(exports)
