# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes zips of raws the way the observatory does: from a repository that has them."""

from __future__ import annotations

import contextlib
import json
import zipfile
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground, look_at_ground
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips import apply_zips, plan_zips
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_found import observe_zips
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import read_header
from astro_metadata_translator.indexing import calculate_index
from lsst.daf.butler import Butler, DatasetRef, DatasetType, FileDataset

from tests.integration.raw_files import write_fits, write_raws
from tests.integration.raw_states import register

CAMERA = "LSSTCam"
RUN = f"{CAMERA}/raw/all"
GUIDER_RUN = f"{CAMERA}/raw/guider"
GUIDER = 189
SKY, CALIBRATION = 2025041500060, 2025042500031
DAYS = {SKY: 20250415, CALIBRATION: 20250425}

_GUIDER_FORMATTER = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"


def fill_summit(root: Path, folder: Path, *, run: str = RUN, guiders: bool = True) -> None:
    """Put raws and a guider file of LSSTCam into a repository, in place.

    Parameters
    ----------
    root : `pathlib.Path`
        An empty repository.
    folder : `pathlib.Path`
        Where to write the files.
    run : `str`, optional
        Where the raws go.
    guiders : `bool`, optional
        Whether to have the guider file.
    """
    if not Butler.from_config(root).query_dimension_records("instrument", explain=False):
        register(root, CAMERA)
    definition = find_built_in(CAMERA)
    assert definition is not None
    reader = HeaderReader(definition)
    with Butler.from_config(root, writeable=True) as butler:
        refs = RawRefs(definition, butler.dimensions, run)
        butler.registry.registerDatasetType(refs.dataset_type)
        butler.collections.register(run)
        formatter = formatter_class(definition.raw_formatter)
        for path in write_raws(folder, name=CAMERA):
            header = read_header(str(path))
            raw = reader.identify(header, str(path))
            for element, record in refs.records(reader.describe(header, str(path))).items():
                butler.registry.insertDimensionData(element, record, skip_existing=True)
            ref = refs.ref((raw.exposure, raw.detector))
            butler.ingest(FileDataset(str(path), [ref], formatter=formatter), transfer="direct")
        if guiders:
            _add_guider(butler, folder)


def _add_guider(butler: Butler, folder: Path) -> None:
    """Ingest a guider file."""
    path = folder / "20250415/MC_O_20250415_000060/MC_O_20250415_000060_R00_SG0_guider.fits"
    write_fits(path, [{"INSTRUME": "LSSTCam", "DAYOBS": "20250415"}, {"EXTNAME": "ROI"}])
    dataset_type = DatasetType(
        "guider_raw", ("instrument", "detector", "exposure"), "Stamps", universe=butler.dimensions
    )
    butler.registry.registerDatasetType(dataset_type)
    butler.collections.register(GUIDER_RUN)
    data_id = butler.registry.expandDataId(instrument=CAMERA, exposure=SKY, detector=GUIDER)
    ref = DatasetRef(dataset_type, data_id, GUIDER_RUN)
    butler.ingest(
        FileDataset(str(path), [ref], formatter=formatter_class(_GUIDER_FORMATTER)), transfer="direct"
    )


def make_zip(
    root: Path, folder: Path, exposure: int, *, headers: bool = True, detectors: tuple[int, ...] = ()
) -> Path:
    """Make the zip of an exposure.

    Parameters
    ----------
    root : `pathlib.Path`
        A repository that `fill_summit` has filled.
    folder : `pathlib.Path`
        Where to.
    exposure : `int`
        The exposure.
    headers : `bool`, optional
        Whether to have the index of headers in it.
    detectors : `tuple` [ `int`, ... ], optional
        Only these, instead of all.

    Returns
    -------
    path : `pathlib.Path`
        The zip, named as the exposure.
    """
    work = folder / "inputs"
    work.mkdir(parents=True)
    with Butler.from_config(root) as butler, contextlib.chdir(work):
        refs = []
        for name in ("raw", "guider_raw"):
            if butler.registry.queryDatasetTypes(name):
                where = {"instrument": CAMERA, "exposure": exposure}
                refs += butler.query_datasets(name, collections="*", find_first=False, explain=False, **where)  # type: ignore[arg-type]
        refs = [ref for ref in refs if not detectors or ref.dataId["detector"] in detectors]
        found = butler.retrieveArtifacts(refs, str(work), preserve_path=False)
        [record] = butler.query_dimension_records("exposure", instrument=CAMERA, exposure=exposure)
        if headers:
            # As the official ingest expects it, guider files are not in the index of headers.
            names = [uri.basename() for uri in found if "_guider" not in uri.basename()]
            index = calculate_index({name: dict(read_header(name)) for name in names}, "metadata")
            Path("_metadata_index.json").write_text(json.dumps(index))
        Path(f"{record.obs_id}_expectedSensors.json").write_text('{"expectedSensors": {}}')
        path = folder / f"{record.obs_id}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for member in sorted(work.iterdir()):
                packed = zipfile.ZIP_STORED if member.suffix == ".fits" else zipfile.ZIP_DEFLATED
                archive.write(member, member.name, compress_type=packed)
    for member in work.iterdir():
        member.unlink()
    work.rmdir()
    return path


def edit_zip(source: Path, target: Path, *, drop: tuple[str, ...] = (), **members: str) -> Path:
    """Copy a zip without some members, or with others in their place.

    Parameters
    ----------
    source, target : `pathlib.Path`
        The zip, and the new one.
    drop : `tuple` [ `str`, ... ], optional
        Members to leave out.
    **members : `str`
        Contents of members by the stem of their names.

    Returns
    -------
    target : `pathlib.Path`
        The new one.
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name not in drop:
                new.writestr(name, members.get(Path(name).stem, old.read(name)))
    return target


def run_zips(
    repo: Path | None,
    *paths: Path | str,
    check_mode: bool = False,
    on_conflict: str = "fail",
    run: str = RUN,
    limits: Limits | None = None,
    report: Report | None = None,
    transfer: str = "direct",
    counted: bool = True,
    check_paths: bool = False,
    **how: Any,
) -> Plan[Any]:
    """Do what the state of raws does with zips; nothing is written if there are conflicts or assumptions."""
    definition = find_built_in(CAMERA)
    assert definition is not None
    repository = None if repo is None else open_repository(str(repo), writeable=not check_mode)
    try:
        ground = Ground() if repository is None else look_at_ground(repository, definition, run)
        refs = RawRefs(definition, universe_of(repository), run, ground.registered)
        runs = () if check_paths else ground.runs
        found = observe_zips(repository, refs, sorted(map(str, paths)), limits=limits, runs=runs)
        plan: Plan[Any] = Plan(None)
        work = plan_zips(plan, found, refs, ground, on_conflict, {})
        if repository is not None and not check_mode and not plan.conflicts and not plan.assumes:
            report = report or Report()
            apply_zips(repository, work, report, transfer, **how)
            assert not counted or report.added == plan.total("add")
            assert report.replaced == plan.total("replace")
        return plan
    finally:
        if repository is not None:
            repository.butler.close()
