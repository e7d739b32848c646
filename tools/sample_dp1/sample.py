# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sample: all files by path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tools.sample_ccms1.campaign import DETECTORS, RAW_RUN
from tools.sample_ccms1.exposures import all_exposures, good_exposures
from tools.sample_ccms1.raws import raw_content, raw_path
from tools.sample_ccms1.skymaps import skymap_files
from tools.samples.exports import Export, export_files
from tools.samples.manifest import PATH as MANIFEST
from tools.samples.manifest import count_exported, manifest_content

from .calibrations import input_exports
from .campaign import CHILDREN, RAWS_DATA, RAWS_LIST
from .products import AUXILIARY, product_exports


def _files(exports: tuple[Export, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield raws of all science exposures, the list of those to ingest, and the exports."""
    folders = []
    for exposure in all_exposures():
        if exposure.field is None:
            continue
        paths = [f"{RAWS_DATA}/{raw_path(exposure, detector)}" for detector in DETECTORS]
        for path, detector in zip(paths, DETECTORS, strict=True):
            yield path, raw_content(exposure, detector)
        if exposure.sequence.good:
            folders.append(f"{paths[0].rpartition('/')[0]}/\n")
    # A site's list has URIs; these are relative to the list.
    yield RAWS_LIST, "".join(folders).encode()
    yield from skymap_files()
    yield from export_files(exports)


def _manifest(inputs: tuple[Export, ...], products: tuple[Export, ...], files: dict[str, bytes]) -> bytes:
    wanted = [each for each in products if each.datasets[0].kind.storage_class not in AUXILIARY]
    counts = count_exported([*inputs, *wanted])
    visits = [each.id for each in good_exposures()]
    counts[RAW_RUN] = Counter(raw=len(visits) * len(DETECTORS))
    counts["skymaps"] = Counter(skyMap=1)
    runs = {run for export in (*inputs, *wanted) for run in export.runs} | {RAW_RUN, "skymaps"}
    chained = {name: kinds for name, kinds in counts.items() if name in runs and name in CHILDREN}
    in_runs = {
        f"{kind} in {name}": count for name, kinds in sorted(chained.items()) for kind, count in kinds.items()
    }
    return manifest_content({"visits": visits, "in_runs": in_runs}, counts, [*inputs, *wanted], files)


def sample_files() -> dict[str, bytes]:
    """Return all files of the sample.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path; the manifest is the last.
    """
    inputs, products = input_exports(), product_exports()
    files = dict(_files((*inputs, *products)))
    files[MANIFEST] = _manifest(inputs, products, files)
    return files
