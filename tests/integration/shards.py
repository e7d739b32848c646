# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twelve small reference catalogue shards to ingest."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from threading import Event

from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import Ingester, NewFile
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import (
    Butler,
    DataCoordinate,
    DatasetIdGenEnum,
    DatasetRef,
    DatasetType,
    DimensionUniverse,
)

from tests.integration.held_up import assert_waits, report_that_tells, waiting_for
from tests.waiting import PATIENCE

RUN = "refcats/monster"
FORMATTER = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
SHARDS = range(147000, 147012)
WHOLE = {htm7: f"shard {htm7}" for htm7 in SHARDS}


def dataset_type(universe: DimensionUniverse) -> DatasetType:
    """Give the dataset type of the shards."""
    return DatasetType("monster", universe.conform(["htm7"]), "SimpleCatalog")


def write_shards(folder: Path) -> None:
    """Write the files."""
    folder.mkdir()
    for htm7, text in WHOLE.items():
        (folder / f"{htm7}.fits").write_text(text)


def shards(folder: Path, universe: DimensionUniverse) -> list[NewFile]:
    """Give the shards of a folder as files to ingest."""
    files = []
    for htm7 in SHARDS:
        ref = DatasetRef(
            dataset_type(universe),
            DataCoordinate.standardize({"htm7": htm7}, universe=universe).expanded({}),
            run=RUN,
            id_generation_mode=DatasetIdGenEnum.DATAID_TYPE_RUN,
        )
        files.append(NewFile(str(folder / f"{htm7}.fits"), (ref,), FORMATTER, 10))
    return files


def stored(repo: Path) -> dict[int, str]:
    """Give the contents of all artifacts, read through the recorded URIs."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets("monster", collections=RUN, explain=False)
        uris = butler.get_many_uris(refs, allow_missing=True)
        found = {}
        for ref in refs:
            if ref in uris:
                uri = uris[ref].primaryURI
                assert uri is not None
                found[int(ref.dataId["htm7"])] = uri.read().decode()
        return found


def ingest_elsewhere(repo: str, source: str, transfer: str, waits: Event) -> list[str]:
    """Ingest all shards in another process, as another host would, and give what the operator is told."""
    repository = open_repository(repo, writeable=True)
    report = report_that_tells(waits, RUN)
    files = shards(Path(source), repository.butler.dimensions)
    Ingester(repository, transfer, report).ingest(files)
    return report.notices


def prove_a_second_writer_waits(repository: Repository, repo: Path, source: Path, transfer: str) -> None:
    """Let two writers ingest the same shards at the same time.

    Both plan while nothing is there. The first holds the lock between its look and its commit; the second
    waits for it.
    """
    files = shards(source, repository.butler.dimensions)
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(1) as pool:
        waits = manager.Event()
        with repository.writer_lock(RUN, lambda line: None):
            second = pool.apply_async(ingest_elsewhere, (str(repo), str(source), transfer, waits))
            assert_waits(waits, second)
            Ingester(repository, transfer, Report())._bisect(files, None)
            assert not second.ready()
        notices = second.get(PATIENCE)
    assert stored(repo) == WHOLE
    assert notices == [
        waiting_for(RUN),
        f"another writer ingested {len(WHOLE)} of the planned datasets meanwhile",
    ]
