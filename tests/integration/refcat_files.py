# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small reference catalogue to declare with butler_files, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.files import FilesState
from lsst.daf.butler import Butler, DatasetType

from tests.integration.converging import converge_here

TYPE = "the_monster_20250219"
RUN = "refcats/DM-49042/the_monster_20250219"
PIXELS = range(147000, 147006)
FORMATTER = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
DEFAULTS: dict[str, Any] = {
    "dataset_type": TYPE,
    "run": RUN,
    "table": None,
    "prefix": None,
    "directory": None,
    "pattern": None,
    "data_id": None,
    "transfer": "copy",
    "formatter": None,
    "on_conflict": "fail",
    "on_missing": "fail",
}


def register_type(repo: Path | str) -> None:
    """Register the dataset type of the catalogue."""
    with Butler.from_config(repo, writeable=True) as butler:
        butler.registry.registerDatasetType(
            DatasetType(TYPE, ["htm7"], "SimpleCatalog", universe=butler.dimensions)
        )


def write_shards(folder: Path) -> None:
    """Write the files, and two that are no shards."""
    folder.mkdir(parents=True)
    for pixel in PIXELS:
        (folder / f"{pixel}.fits").write_text(f"shard {pixel}")
    (folder / "config.py").write_text("config")
    (folder / "master_schema.fits").write_text("schema")


def in_directory(folder: Path | str, **more: Any) -> dict[str, Any]:
    """Declare a directory."""
    return {**DEFAULTS, "directory": str(folder), "pattern": r"(?P<htm7>\d+)\.fits", **more}


def in_table(table: Path | str, **more: Any) -> dict[str, Any]:
    """Declare a table."""
    return {**DEFAULTS, "table": str(table), **more}


def converged(repo: Path, params: Mapping[str, Any], *, check_mode: bool = False) -> Outcome:
    """Declare files without the time that Ansible takes."""
    state = FilesState.from_params(params)
    return converge_here(state, repo, check_mode=check_mode)


def stored(repo: Path, dataset_type: str = TYPE, run: str = RUN, key: str = "htm7") -> dict[Any, str]:
    """Give the contents of all artifacts by data ID value, read through the recorded places."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets(dataset_type, collections=run, explain=False)
        uris = butler.get_many_uris(refs, allow_missing=True)
        return {ref.dataId[key]: uris[ref].primaryURI.read().decode() for ref in refs if ref in uris}


def places(repo: Path) -> dict[int, str]:
    """Give the recorded places of all artifacts by pixel."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets(TYPE, collections=RUN, explain=False)
        uris = butler.get_many_uris(refs, allow_missing=True)
        return {int(ref.dataId["htm7"]): uris[ref].primaryURI.ospath for ref in refs if ref in uris}


def formatters(repo: Path) -> set[str]:
    """Give the formatters that the datastore recorded."""
    import sqlite3

    with sqlite3.connect(f"file:{repo / 'gen3.sqlite3'}?mode=ro", uri=True) as connection:
        return {row[0] for row in connection.execute("SELECT formatter FROM file_datastore_records")}


WHOLE = {pixel: f"shard {pixel}" for pixel in PIXELS}
