# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sample: all files by path."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator

from tools.samples.exports import Export, export_files
from tools.samples.manifest import PATH as MANIFEST
from tools.samples.manifest import count_exported, manifest_content
from tools.samples.refcats import shard_content, shards

from .calibrations import curated_export, fakes_file, mask_files
from .campaign import DETECTORS, EXPOSURES, FIELDS, GOOD, INSTRUMENT, NIGHTS, Exposure
from .raws import image_file

CATALOGUES = {"ps1_pv3_3pi_20170110": "refcats/ps1", "gaia_dr3_20230707": "refcats/gaia_dr3"}
"""The run of each reference catalogue."""

PROCESSING = {"bias": "zero", "flat": "dome flat", "science": "object", "drp": "object"}
"""What the archive calls the exposures of each type of processing."""

_COLUMNS = ("did_download", "valid_in_archive", "valid_on_disk", "did_check_archive", "did_check_disk")


def _digest(exposure: Exposure) -> str:
    return hashlib.md5(image_file(exposure), usedforsecurity=False).hexdigest()


def _table(columns: dict[str, list[object]]) -> bytes:
    from astropy.table import Table

    stream = io.StringIO()
    Table(columns).write(stream, format="ascii.ecsv")
    return stream.getvalue().encode()


def _images() -> Iterator[tuple[str, bytes]]:
    """Yield the images that were downloaded, the broken ones cut off, and the two tables."""
    for exposure in EXPOSURES:
        content = image_file(exposure)
        if exposure.state != "absent":
            name = f"images/{_digest(exposure)}_{exposure.stem}"
            yield name, content if exposure.state == "valid" else content[:2880]
    listed: dict[str, list[object]] = {
        "obs_type": [each.kind for each in EXPOSURES],
        "proc_type": ["raw" for _unused in EXPOSURES],
        "archive_filename": [f"/net/archive/pipe/{each.night}/ct4m/{each.stem}" for each in EXPOSURES],
        "md5sum": [_digest(each) for each in EXPOSURES],
        "EXPNUM": [each.number for each in EXPOSURES],
        "ifilter": [each.filter.name for each in EXPOSURES],
        "night": [each.night for each in EXPOSURES],
    }
    yield "exposures.ecsv", _table(listed)
    got = [each for each in EXPOSURES if each.state != "absent"]
    downloaded: dict[str, list[object]] = {
        "path": [f"/survey/data/images/{_digest(each)}_{each.stem}" for each in got],
        "md5sum": [_digest(each) for each in got],
    }
    for column in _COLUMNS:
        downloaded[column] = [column != "valid_on_disk" or each.state == "valid" for each in got]
    yield "downloaded_exposures.ecsv", _table(downloaded)


def _refcats() -> Iterator[tuple[str, bytes]]:
    for catalogue in CATALOGUES:
        for index, field in shards(FIELDS).items():
            yield f"refcats/{catalogue}/{index}.fits", shard_content(catalogue, "r_flux", index, field)


def _files(export: Export) -> Iterator[tuple[str, bytes]]:
    yield from _images()
    yield from export_files([export])
    yield from mask_files()
    yield from _refcats()
    yield "fakes/ingest.fits", fakes_file()


def _manifest(export: Export, files: dict[str, bytes]) -> bytes:
    counts = count_exported([export])
    for catalogue, run in CATALOGUES.items():
        counts[run] = Counter({catalogue: len(shards(FIELDS))})
    for night in NIGHTS:
        for processing, kind in PROCESSING.items():
            found = sum(each.night == night and each.kind == kind for each in GOOD)
            counts[f"DEEP/{night}/{processing}/raw"] = Counter(raw=found * len(DETECTORS))
    facts = {
        "nights": NIGHTS,
        "detectors": [each.id for each in DETECTORS],
        "exposures": {str(night): [each.number for each in GOOD if each.night == night] for night in NIGHTS},
        "visits": {
            str(night): [each.number for each in GOOD if each.night == night and each.field]
            for night in NIGHTS
        },
        "instrument": INSTRUMENT,
    }
    return manifest_content(facts, counts, [export], files)


def sample_files() -> dict[str, bytes]:
    """Return all files of the sample.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path below the survey's ``data`` folder; the manifest is the last.
    """
    export = curated_export()
    files = dict(_files(export))
    files[MANIFEST] = _manifest(export, files)
    return files
