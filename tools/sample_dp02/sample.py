# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sample: all files by path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tools.samples.exports import Export, export_files
from tools.samples.manifest import PATH as MANIFEST
from tools.samples.manifest import count_exported, manifest_content
from tools.samples.placeholders import parquet_table
from tools.samples.refcats import shard_content, shard_table, shards

from .calibrations import all_exports
from .campaign import EXPOSURES, RAW_DETECTORS, RAW_RUN, SKYMAP, TRACTS
from .raws import raw_files

_CATALOGUE = "cal_ref_cat"

SKYMAP_CONFIG = f"""\
# The sky map of the DESC DC2 simulations, as gen3_shared_repo_admin has it in config/skymaps/DC2.py.
config.name = "{SKYMAP}"
config.skyMap.name = "rings"
config.skyMap["rings"].numRings = 120
config.skyMap["rings"].projection = "TAN"
config.skyMap["rings"].tractOverlap = 1.0/60
config.skyMap["rings"].pixelScale = 0.2
"""


def _refcat_files() -> Iterator[tuple[str, bytes]]:
    """Yield the shards of the reference catalogue, and its table, whose names are relative to it."""
    found = shards(each.field for each in EXPOSURES)
    for index, field in found.items():
        content = shard_content(_CATALOGUE, "lsst_r_smeared_flux", index, field)
        yield f"refcats/{_CATALOGUE}/{index}.fits", content
    yield "refcats/refcat.ecsv", shard_table(list(found), f"{_CATALOGUE}/")


def _truth_files() -> Iterator[tuple[str, bytes]]:
    """Yield the truth tables of some tracts, and the table of these, whose names are relative to it."""
    rows = ["file URI,skymap,tract"]
    for tract in TRACTS:
        path = f"truth_parquet/truth_patchint_tract{tract}.parq"
        rows.append(f"{path},{SKYMAP},{tract}")
        content = parquet_table(
            {
                "id": [f"{tract}{number:03}" for number in range(4)],
                "ra": [55.0 + 0.01 * number for number in range(4)],
                "dec": [-31.0 - 0.01 * number for number in range(4)],
                "tract": [tract] * 4,
                "patch": list(range(4)),
            }
        )
        yield f"truth_summary/{path}", content
    yield "truth_summary/truth_tables.csv", "".join(f"{row}\n" for row in rows).encode()


def _files(exports: tuple[Export, ...]) -> Iterator[tuple[str, bytes]]:
    yield from raw_files()
    yield from export_files(exports)
    yield from _refcat_files()
    yield f"skymaps/{SKYMAP}.py", SKYMAP_CONFIG.encode()
    yield from _truth_files()


def _manifest(exports: tuple[Export, ...], files: dict[str, bytes]) -> bytes:
    counts = count_exported(exports)
    counts[RAW_RUN] = Counter(raw=len(EXPOSURES) * len(RAW_DETECTORS))
    counts["refcats"] = Counter(cal_ref_cat_2_2=len(shards(each.field for each in EXPOSURES)))
    counts["skymaps"] = Counter(skyMap=1)
    counts["2.2i/truth_summary"] = Counter(truth_summary=len(TRACTS))
    facts = {"visits": [each.id for each in EXPOSURES], "tracts": TRACTS}
    return manifest_content(facts, counts, exports, files)


def sample_files() -> dict[str, bytes]:
    """Return all files of the sample.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path below ``$DP02_TOP_DIR``; the manifest is the last.
    """
    exports = all_exports()
    files = dict(_files(exports))
    files[MANIFEST] = _manifest(exports, files)
    return files
