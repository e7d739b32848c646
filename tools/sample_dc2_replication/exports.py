# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exports, in numbered files with the paths of the exporting site, and which artifacts the backups have.

Source of directories, collections and the exporting site's root: the script and the README of
lsst-dm/dc2-replication-workshop. These tell neither where the truth summary was exported to nor the run of
the sources of difference images. Which artifacts are missing is made up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tools.sample_dp02.calibrations import calibration_export
from tools.sample_dp02.campaign import (
    CAMERA,
    EXPOSURES,
    FILTERS,
    INSTRUMENT,
    RAW_DETECTORS,
    SKYMAP,
    Exposure,
    identify,
)
from tools.sample_dp02.raws import SEGMENT, primary_header
from tools.samples.camera import DataId, Detector
from tools.samples.exports import Dataset, Export, Kind, artifact_path
from tools.samples.placeholders import fits_image, parquet_table
from tools.samples.raws import raw_file
from tools.samples.refcats import shard_content, shards

from .records import day_obs, exposure_records, visit_records

SITE = "/projects/HSC/repo/dc2"
"""The root of the repository that was exported, in the paths of the exports."""

BACKUP, RAWS = "dc2_ncsa_backup", "dp02_raws"
"""The directories with artifacts."""

_EXPOSURE = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
_GENERIC = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
_PARQUET = "lsst.daf.butler.formatters.parquet.ParquetFormatter"
_VISIT = ("band", "instrument", "day_obs", "detector", "physical_filter", "visit")

_RAW = Kind(
    "raw",
    ("band", "instrument", "day_obs", "detector", "group", "physical_filter", "exposure"),
    "Exposure",
    "lsst.obs.lsst.rawFormatter.LsstCamImSimRawFormatter",
)
_PRODUCTS = {
    Kind("calexp", _VISIT, "ExposureF", _EXPOSURE): "u/nsedaghat/Dataset0.1.1-sciCalexps/20220521T042355Z",
    Kind("goodSeeingDiff_templateExp", _VISIT, "ExposureF", _EXPOSURE): (
        "u/nsedaghat/DLDataset0.1.1-templates/20220522T031531Z"
    ),
    Kind("goodSeeingDiff_differenceExp", _VISIT, "ExposureF", _EXPOSURE): (
        "u/nsedaghat/DLDataset0.1.1-diffs/20220522T064105Z"
    ),
    Kind("goodSeeingDiff_diaSrcTable", _VISIT, "DataFrame", _PARQUET, extension=".parq"): (
        "u/nsedaghat/DLDataset0.1.1-diffs/20220522T064105Z"
    ),
}
_REFCAT = Kind("cal_ref_cat_2_2", ("htm7",), "SimpleCatalog", _GENERIC)
_TRUTH = Kind("truth_summary", ("skymap", "tract"), "DataFrame", _PARQUET, extension=".parq")

TRACTS = (0, 1)
"""The tracts of the small sky map."""

_TOGETHER = 2
"""How many exposures there are in an export file."""
_PROCESSED = EXPOSURES[:6]


@dataclass(frozen=True)
class Exported:
    """An export with where its artifacts would be here.

    Parameters
    ----------
    export : `~tools.samples.exports.Export`
        The file; paths of its artifacts as the exporting site has them.
    artifacts : `tuple` [ `tuple` [ `str`, `~tools.samples.exports.Dataset` ], ... ]
        Place in the sample of every artifact, there or not.
    """

    export: Export
    artifacts: tuple[tuple[str, Dataset], ...]


def _numbered(
    folder: str, number: int, datasets: Iterable[Dataset], scheme: str = "", **more: object
) -> Exported:
    """Return ``_export_<number>.yaml`` of a folder, its artifacts in the backup of the datastore."""
    here = tuple(datasets)
    there = tuple(replace(each, path=f"{scheme}{SITE}/{each.path}") for each in here)
    path = f"{folder}/_export_{number:03}.yaml"
    export = replace(Export(CAMERA, BACKUP, path, there), **more)  # type: ignore[arg-type]
    return Exported(export, tuple((f"{BACKUP}/{each.path}", each) for each in here))


def _raw(exposure: Exposure, detector: Detector) -> Dataset:
    run, name = "2.2i/raw/all", FILTERS[exposure.band].name
    path = artifact_path(
        _RAW,
        run,
        (day_obs(exposure), exposure.id),
        (INSTRUMENT, exposure.band, name, exposure.id, detector.full_name),
    )
    data_id = CAMERA.data_id(detector=detector.id, exposure=exposure.id)
    content = raw_file(primary_header(exposure, detector), SEGMENT, detector.id + exposure.id)
    return Dataset(_RAW, run, data_id, path, identify(f"dc2 {path}"), content)


def _product(kind: Kind, run: str, exposure: Exposure, detector: Detector) -> Dataset:
    name = FILTERS[exposure.band].name
    path = artifact_path(
        kind,
        run,
        (day_obs(exposure), exposure.band, name, exposure.id),
        (INSTRUMENT, exposure.band, name, exposure.id, detector.full_name),
    )
    dataset_id = identify(path)
    data_id = CAMERA.data_id(detector=detector.id, visit=exposure.id)
    content = (
        parquet_table({"diaSourceId": [f"{exposure.id}{detector.id:03}"]})
        if kind.extension == ".parq"
        else fits_image(kind.name, dataset_id)
    )
    return Dataset(kind, run, data_id, path, dataset_id, content)


def _groups(exposures: Sequence[Exposure]) -> Iterator[tuple[int, Sequence[Exposure]]]:
    for number, first in enumerate(range(0, len(exposures), _TOGETHER)):
        yield number, exposures[first : first + _TOGETHER]


def _raw_exports() -> Iterator[Exported]:
    """Yield the export that has its artifacts beside it, then those of all raws."""
    selected = EXPOSURES[:_TOGETHER]
    datasets = tuple(_raw(exposure, detector) for exposure in selected for detector in RAW_DETECTORS)
    export = Export(CAMERA, RAWS, f"{RAWS}/export_raw.yaml", datasets, records=exposure_records(selected))
    yield Exported(export, tuple((f"{RAWS}/{each.path}", each) for each in datasets))
    for number, group in _groups(EXPOSURES):
        raws = (_raw(exposure, detector) for exposure in group for detector in RAW_DETECTORS)
        yield _numbered("raw", number, raws, records=exposure_records(group))


def _calibration_exports() -> Iterator[Exported]:
    """Yield the calibrations of DP0.2 again that the workshop imports, an export for each dataset type."""
    whole = calibration_export()
    for name in ("bfk", "camera", "flat", "dark", "bias"):
        datasets = [each for each in whole.datasets if each.kind.name == name]
        ids = {each.id for each in datasets}
        parts = (replace(each, ids=tuple(i for i in each.ids if i in ids)) for each in whole.certifications)
        certifications = tuple(each for each in parts if each.ids)
        folder = "usdf_export_calib" if name in ("bfk", "camera") else "usdf_export"
        yield _numbered(
            f"{folder}/{name}",
            0,
            datasets,
            calibrations=tuple(dict.fromkeys(each.collection for each in certifications)),
            certifications=certifications,
            # The official export brings a chain with each of its collections.
            chains=whole.chains if folder == "usdf_export_calib" else {},
        )


def _other_exports() -> Iterator[Exported]:
    catalogue = []
    for index, field in shards(each.field for each in EXPOSURES).items():
        path = artifact_path(_REFCAT, "refcats/PREOPS-301", (), (index,))
        content = shard_content("cal_ref_cat", "lsst_r_smeared_flux", index, field)
        catalogue.append(
            Dataset(_REFCAT, "refcats/PREOPS-301", {"htm7": index}, path, identify(path), content)
        )
    yield _numbered("usdf_export_full_latest/cal_ref_cat_2_2", 0, catalogue)
    truth = []
    for tract in TRACTS:
        path = artifact_path(_TRUTH, "2.2i/truth_summary", (tract,), (SKYMAP, tract))
        content = parquet_table({"id": [f"{tract}{number:03}" for number in range(4)]})
        data_id: DataId = {"skymap": SKYMAP, "tract": tract}
        truth.append(Dataset(_TRUTH, "2.2i/truth_summary", data_id, path, identify(path), content))
    yield _numbered("usdf_export_full_latest/truth_summary", 0, truth)
    for kind, run in _PRODUCTS.items():
        for number, group in _groups(_PROCESSED):
            products = (_product(kind, run, each, detector) for each in group for detector in RAW_DETECTORS)
            # Some of the official exports have URIs.
            yield _numbered(
                f"usdf_export/{kind.name}", number, products, "file://", records=visit_records(group)
            )


def all_exports() -> tuple[Exported, ...]:
    """Return all exports, in the order in which the workshop imports them.

    Returns
    -------
    exports : `tuple` [ `Exported`, ... ]
        Those with the selected raws first.
    """
    return (*_raw_exports(), *_calibration_exports(), *_other_exports())


def backed_up(exports: Iterable[Exported]) -> tuple[dict[str, Dataset], dict[str, Dataset]]:
    """Tell what the backups have, and what they have lost.

    Parameters
    ----------
    exports : `~collections.abc.Iterable` [ `Exported` ]
        All exports.

    Returns
    -------
    there, lost : `tuple` [ `dict` [ `str`, `~tools.samples.exports.Dataset` ], ... ]
        By the place of the artifact in the sample, sorted. The backup of the datastore has none of the
        selected raws, which are beside their export, and has lost every third of the other raws and every
        fifth of the calibrations and products.
    """
    artifacts = {place: each for exported in exports for place, each in exported.artifacts}
    selected = {each.id for place, each in artifacts.items() if place.startswith(f"{RAWS}/")}
    there: dict[str, Dataset] = {}
    gone: dict[str, Dataset] = {}
    met: Counter[bool] = Counter()
    for place, each in sorted(artifacts.items()):
        if place.startswith(f"{RAWS}/") or each.kind in (_REFCAT, _TRUTH):
            there[place] = each
        elif each.id not in selected:
            is_raw = each.kind == _RAW
            met[is_raw] += 1
            (there if met[is_raw] % (3 if is_raw else 5) else gone)[place] = each
    return there, gone
