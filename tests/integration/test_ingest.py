# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ingest engine: batches, locks, bisection, moves; two writers at once."""

from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import Ingester, NewFile, batches
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import (
    TRANSFERS,
    check_transfer,
    target_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    StoppedError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, DimensionUniverse
from lsst.resources import ResourcePath

from tests.integration.shards import (
    RUN,
    WHOLE,
    dataset_type,
    prove_a_second_writer_waits,
    shards,
    stored,
    write_shards,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_shards(tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture
def repository(repo: Path) -> Iterator[Repository]:
    opened = open_repository(str(repo), writeable=True)
    with opened.butler as butler:
        butler.registry.registerDatasetType(dataset_type(butler.dimensions))
        butler.collections.register(RUN)
        yield opened


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_every_transfer_mode_ingests_once(
    transfer: str, repository: Repository, source: Path, repo: Path
) -> None:
    report = Report()
    ingester = Ingester(repository, transfer, report, batch_size=5)
    ingester.ingest(shards(source, repository.butler.dimensions))
    assert report.added == len(WHOLE) and stored(repo) == WHOLE
    assert (len(list(source.iterdir())) == 0) == (transfer == "move")
    with Butler.from_config(repo) as butler:
        (record,) = butler.registry.queryDatasets("monster", collections=RUN, where="htm7 = 147000")
        assert butler.get_many_uris([record])[record].primaryURI is not None


@pytest.mark.parametrize("transfer", ["copy", "direct", "hardlink", "move", "symlink"])
def test_a_second_writer_waits_and_loses_nothing_of_the_first(
    transfer: str, repository: Repository, source: Path, repo: Path
) -> None:
    prove_a_second_writer_waits(repository, repo, source, transfer)


def test_without_the_lock_the_loser_would_delete_the_winners_files(
    repository: Repository, source: Path, repo: Path
) -> None:
    """Why there is a lock: the second one is turned down and its rollback takes the files along."""
    first, second = (shards(source, repository.butler.dimensions) for _unused in range(2))
    Ingester(repository, "copy", Report())._transaction(first, None)
    with pytest.raises(Exception, match=r"(?i)exist|unique|conflict"), repository.butler.transaction():
        datastore = repository.butler._datastore
        with datastore.transaction():
            from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import _file_dataset

            datastore.ingest(*map(_file_dataset, second), transfer="copy")
    root = repository.datastore_root
    assert root is not None and not list(Path(root.ospath).glob("refcats/**/*.fits"))


def test_a_waiting_writer_says_so_after_a_while(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.rubin.butler.plugins.module_utils._butler import locks

    monkeypatch.setattr(locks, "PATIENCE", 0.3)
    said: list[str] = []
    attempts = iter([False, False, False, True])
    locks._wait(lambda: next(attempts), RUN, said.append)
    assert said == [f"waiting for another writer of {RUN}"]


def test_two_runs_have_locks_of_their_own(repository: Repository, repo: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool, repository.writer_lock(RUN, lambda line: None):
        assert pool.apply(_lock_elsewhere, (str(repo), "another/run")) is True


def _lock_elsewhere(repo: str, name: str) -> bool:
    with open_repository(repo, writeable=True).writer_lock(name, lambda line: None):
        return True


def test_a_missing_file_fails_by_name_and_the_rest_of_its_batch_can_be_skipped(
    repository: Repository, source: Path, repo: Path
) -> None:
    (source / "147005.fits").unlink()
    files = shards(source, repository.butler.dimensions)
    with pytest.raises(ButlerError, match=r"147005\.fits can't be ingested"):
        Ingester(repository, "copy", Report()).ingest(files)
    report = Report()
    Ingester(repository, "copy", report, on_error="skip").ingest(files)
    rest = {htm7: text for htm7, text in WHOLE.items() if htm7 != 147005}
    assert stored(repo) == rest
    assert report.failed == 1 and report.failures[0]["name"].endswith("147005.fits")


def test_too_many_failures_end_the_run(repository: Repository, tmp_path: Path) -> None:
    files = shards(tmp_path / "nowhere", repository.butler.dimensions)
    with pytest.raises(ButlerError, match="max_errors: more than 3 files failed"):
        Ingester(repository, "copy", Report(), on_error="skip", max_errors=3).ingest(files)


def test_a_run_that_is_asked_to_stop_keeps_its_complete_batches(
    repository: Repository, source: Path, repo: Path
) -> None:
    left = iter([None, None])

    def checkpoint() -> None:
        if next(left, "stop") == "stop":
            raise StoppedError("asked to")

    with pytest.raises(StoppedError):
        Ingester(repository, "copy", Report(checkpoint=checkpoint), batch_size=4).ingest(
            shards(source, repository.butler.dimensions)
        )
    assert len(stored(repo)) == 8
    Ingester(repository, "copy", Report(), batch_size=4).ingest(shards(source, repository.butler.dimensions))
    assert stored(repo) == WHOLE


def test_a_full_disk_ends_the_run_at_once_and_leaves_no_half_batch(
    repository: Repository, source: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file system of a known size needs a mount, which a container may not do: the one failing system call
    # is enough.
    real = os.rename
    calls: list[str] = []

    def rename(old: Any, new: Any, **more: Any) -> None:
        calls.append(str(new))
        if len(calls) == 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(old, new, **more)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(ButlerError, match=r"broke off: OSError.*No space left"):
        Ingester(repository, "copy", Report()).ingest(shards(source, repository.butler.dimensions))
    assert len(calls) == 6
    monkeypatch.undo()
    assert stored(repo) == {}
    Ingester(repository, "copy", Report()).ingest(shards(source, repository.butler.dimensions))
    assert stored(repo) == WHOLE


def test_records_and_datasets_of_a_batch_are_one_transaction(
    repository: Repository, source: Path, repo: Path
) -> None:
    universe = repository.butler.dimensions
    instrument = universe["instrument"].RecordClass(name="Cam", class_name="a.Cam")

    def records(batch: Any) -> dict[str, list[Any]]:
        return {"instrument": [instrument]}

    (source / "147011.fits").unlink()
    with pytest.raises(ButlerError):
        Ingester(repository, "copy", Report(), batch_size=12)._bisect(shards(source, universe)[-1:], records)
    assert list(repository.butler.query_dimension_records("instrument", explain=False)) == []
    Ingester(repository, "copy", Report()).ingest(shards(source, universe)[:3], records)
    assert [r.name for r in repository.butler.query_dimension_records("instrument")] == ["Cam"]


def test_batches_are_bounded_by_datasets_files_bytes_and_run() -> None:
    universe = DimensionUniverse()
    files = [
        NewFile(file.path, file.refs, file.formatter, 4 * 1000**3) for file in shards(Path("/x"), universe)
    ]
    assert [len(batch) for batch in batches(files, moves_bytes=True)] == [2] * 6
    assert [len(batch) for batch in batches(files, moves_bytes=False)] == [12]
    assert [len(batch) for batch in batches(files, moves_bytes=False, size=5)] == [5, 5, 2]
    assert list(batches([], moves_bytes=True)) == []
    other_run = [replace(file, refs=(ref.replace(run="another"),)) for file in files for ref in file.refs]
    both = batches([*files, *other_run], moves_bytes=False, stays=lambda file: file.path.endswith("0.fits"))
    assert [(batch[0].refs[0].run, len(batch)) for batch in both] == [
        (run, count) for run in (RUN, "another") for count in (2, 10)
    ]


@pytest.mark.parametrize("size", [5, 100])
def test_auto_leaves_files_of_the_datastore_and_brings_the_others_in(
    size: int, repository: Repository, source: Path, repo: Path
) -> None:
    inside = repo / "already"
    inside.mkdir()
    files = [
        replace(file, path=str(Path(file.path).rename(inside / Path(file.path).name))) if even else file
        for even, file in zip(
            cycle([True, False]), shards(source, repository.butler.dimensions), strict=False
        )
    ]
    report = Report()
    Ingester(repository, "auto", report, batch_size=size).ingest(files)
    assert report.added == len(WHOLE) and stored(repo) == WHOLE
    refs = [ref for file in files for ref in file.refs]
    root = repository.datastore_root
    places = [uris.primaryURI.relative_to(root) for uris in repository.butler.get_many_uris(refs).values()]
    assert sorted(place.startswith("already/") for place in places) == [False] * 6 + [True] * 6


def test_a_new_place_and_a_file_of_nobody_count_as_replaced(repository: Repository, source: Path) -> None:
    first, second, *_unused = files = shards(source, repository.butler.dimensions)
    report = Report()
    Ingester(repository, "direct", report, relocated={first.refs[0].id}, orphans={second.path}).ingest(files)
    assert (report.added, report.replaced) == (len(WHOLE) - 1, 2)


def test_an_artifacts_place_is_predicted(repository: Repository, source: Path, repo: Path) -> None:
    (file, *_unused) = shards(source, repository.butler.dimensions)
    (ref,) = file.refs
    Ingester(repository, "copy", Report()).ingest([file])
    (recorded,) = repository.butler.get_many_uris([ref]).values()
    assert target_of(repository, ref, file.path) == recorded.primaryURI


@pytest.mark.parametrize(
    ("transfer", "source", "expected"),
    [
        ("hardlink", "https://example.org/a.fits", "needs local files"),
        ("symlink", "davs://example.org/a.fits", "needs local files"),
    ],
)
def test_a_transfer_that_cannot_work_is_refused(
    transfer: str, source: str, expected: str, repo: Path
) -> None:
    with pytest.raises(ButlerError, match=expected):
        check_transfer("transfer", transfer, ResourcePath(repo), source)


def test_a_remote_datastore_has_no_links() -> None:
    with pytest.raises(ButlerError, match="can do auto, copy, direct, move, split"):
        check_transfer("transfer", "symlink", ResourcePath("https://example.org/repo/"))
