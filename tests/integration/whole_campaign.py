# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One repository through every module: a small campaign as a table of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration import exports, refcat_files
from tests.integration.raw_files import write_raws
from tests.integration.sky_maps import FIELDS

RAWS = "LSSTComCam/raw/all"
TAG = "LSSTComCam/raw/chosen"
CERTIFIED = "Cam/calib/certified"

Task = tuple[str, dict[str, Any]]


def write_sources(folder: Path) -> None:
    """Write what the campaign ingests: raws, the shards of a catalogue, an export of calibrations."""
    write_raws(folder / "raw")
    refcat_files.write_shards(folder / "refcat")
    exports.write_case(exports.CALIBRATIONS, folder / "calibrations")


def campaign(repo: Path, source: Path, seed: Mapping[str, Any]) -> list[Task]:
    """Declare the campaign.

    Parameters
    ----------
    repo : `~pathlib.Path`
        The repository.
    source : `~pathlib.Path`
        From `write_sources`.
    seed : `~collections.abc.Mapping`
        The repository's seed configuration.

    Returns
    -------
    tasks : `list` [ `tuple` [ `str`, `dict` ] ]
        Modules with their arguments; each of them changes the repository.
    """
    catalogue = {"name": refcat_files.TYPE, "dimensions": ["htm7"], "storage_class": "SimpleCatalog"}
    collections = [
        {"name": "u/someone/run", "doc": "to try things"},
        {"name": "u/someone/tag", "type": "TAGGED"},
        {"name": "u/someone/calib", "type": "CALIBRATION"},
    ]
    chosen = {
        "name": TAG,
        "dataset_type": ["raw"],
        "collections": [RAWS],
        "where": "instrument = 'LSSTComCam'",
        "ids": [2024110800300, 2024110800301],
    }
    biases = {"dataset_type": "bias", "collections": [exports.RUNS[0]]}
    certified = {"collection": CERTIFIED, "datasets": [biases], "begin": "2025-01-01", "end": "2026-01-01"}
    camera = {"instrument": "LSSTComCam"}
    tasks: list[Task] = [
        ("butler_repo", {"seed_config": dict(seed)}),
        ("butler_instrument", {"instruments": ["LSSTComCam"]}),
        ("butler_skymap", {"skymaps": [{"name": "fields", "discrete": FIELDS}]}),
        ("butler_raws", {**camera, "sources": [str(source / "raw")], "transfer": "direct"}),
        ("butler_visits", {**camera, "collections": [RAWS]}),
        ("butler_import", exports.declare(source / "calibrations/export.yaml", transfer="copy")),
        ("butler_dataset_type", {"dataset_types": [catalogue]}),
        ("butler_collection", {"collections": collections}),
        (
            "butler_files",
            {
                "dataset_type": refcat_files.TYPE,
                "run": refcat_files.RUN,
                "directory": str(source / "refcat"),
                "pattern": r"(?P<htm7>\d+)\.fits",
                "transfer": "copy",
            },
        ),
        ("butler_tagged", {"collections": [chosen]}),
        ("butler_certify", {"certifications": [certified]}),
        (
            "butler_chain",
            {
                "chains": [
                    {"name": "refcats", "children": [refcat_files.RUN]},
                    {"name": "defaults", "children": [RAWS, "skymaps", "refcats", exports.CHAIN]},
                ]
            },
        ),
    ]
    return [(module, {"repo": str(repo), **arguments}) for module, arguments in tasks]


def undoing(repo: Path) -> list[Task]:
    """Declare that some of the campaign, and then all of it, is absent."""
    absent = {"state": "absent"}
    week = {"collection": CERTIFIED, "datasets": [{"dataset_type": "bias"}], "end": "2025-01-08", **absent}
    tasks: list[Task] = [
        ("butler_chain", {"chains": [{"name": "defaults", **absent}]}),
        (
            "butler_datasets",
            {
                **absent,
                "datasets": [{"dataset_type": refcat_files.TYPE, "collections": "refcats"}],
                "removal": "purge",
            },
        ),
        ("butler_certify", {"certifications": [week]}),
        ("butler_collection", {"collections": [{"name": "u/someone/calib", **absent}]}),
        ("butler_repo", {"confirm": str(repo), **absent}),
    ]
    return [(module, {"repo": str(repo), **arguments}) for module, arguments in tasks]
