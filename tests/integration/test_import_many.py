# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_import of exports in many numbered files: one declared set, parsed once, asked for in bulk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._states.imports import datasets
from lsst.daf.butler import Butler

from bench.imports import write_exports
from tests.integration.ansible_play import run
from tests.integration.canonical import difference, dump
from tests.integration.exports import import_here, official_import
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some
from tests.integration.long_plays import start
from tests.integration.numbered_exports import counting
from tools.sample_dc2_replication.sample import sample_files
from tools.samples.writing import write_sample

FILES, DATASETS = 1_000, 2_000


def declared(files: list[Path], **options: Any) -> dict[str, Any]:
    return {"imports": [{"file": str(file)} for file in files], "transfer": "direct", **options}


def test_a_thousand_files_are_one_declared_set(repo: Path, tmp_path: Path) -> None:
    files = write_exports(tmp_path, DATASETS, FILES)
    params = declared(files, on_missing="skip")
    late = [tmp_path / f"shards/{number}.fits" for number in range(0, DATASETS, 100)]
    for path in late:
        path.unlink()
    with counting() as first:
        outcome = import_here(repo, params)
    assert first.parsed == FILES and outcome.stats["skipped"] == len(late)
    with counting() as second:
        assert not import_here(repo, params).changed
    assert second.parsed == FILES
    for path in late:
        path.touch()
    [change] = import_here(repo, params).changes
    assert (change.action, change.kind, change.count) == ("add", "datasets", len(late))
    with counting() as third:
        assert not import_here(repo, params).changed
    # The registry is asked for the whole set: as often for many files as for few.
    few = files[:10]
    with counting() as small:
        assert not import_here(repo, declared(few)).changed
    assert small.parsed == len(few)
    assert abs(len(third.statements) - len(small.statements)) <= 5
    # A larger set is asked for chunk by chunk: its ids, their data IDs, and its artifacts.
    chunks = 4
    with counting() as fourth, pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "CHUNK", DATASETS // chunks)
        assert not import_here(repo, params).changed
    queries = [sum(each.startswith("SELECT") for each in counted.statements) for counted in (third, fourth)]
    assert 0 < queries[1] - queries[0] <= 3 * (chunks - 1)
    with Butler.from_config(repo) as butler:
        assert len(butler.query_datasets("shard", "refcats/*", find_first=False, limit=None)) == DATASETS


def test_many_files_make_what_the_official_import_of_one_after_the_other_makes(
    repo: Path, tmp_path: Path
) -> None:
    files = write_exports(tmp_path, 60, 12)
    other = tmp_path / "other"
    Butler.makeRepo(other)
    for file in files:
        official_import(other, file, "direct")
    # In any order: what needs what follows from what the files hold.
    assert import_here(repo, declared(files[::-1])).changed
    assert difference(dump(other), dump(repo)) == []


def test_a_file_that_several_imports_name_is_parsed_once(repo: Path, tmp_path: Path) -> None:
    [file] = write_exports(tmp_path, 4, 1)
    twice = [{"file": str(file), "directory": str(tmp_path / name)} for name in ("", "elsewhere")]
    with counting() as counted:
        assert import_here(repo, {"imports": twice, "transfer": "direct"}).changed
    assert counted.parsed == 1


def test_all_broken_files_of_many_are_named_and_nothing_is_written(repo: Path, tmp_path: Path) -> None:
    files = write_exports(tmp_path, 20, 10)
    files[3].write_bytes(files[3].read_bytes()[:-30] + b"'")
    files[7].write_text("a backup that was cut short: [")
    refused = run("butler_import", {"repo": str(repo), **declared(files)})
    with Butler.from_config(repo) as butler:
        assert refused.failed and not butler.collections.query("*")
        assert not list(butler.registry.queryDatasetTypes("*"))
    assert f"imports[3].file: {files[3]}" in refused.message and "imports[7].file" in refused.message
    assert "imports[4]" not in refused.message


def test_a_person_sees_how_far_it_is(repo: Path, tmp_path: Path) -> None:
    files = write_exports(tmp_path, 3_000, 300)
    started = start("butler_import", {"repo": str(repo), **declared(files)}, tmp_path)
    _said, lines = started.shown_at("reading exports")
    assert started.process.returncode == 0, lines
    assert any(line.startswith("butler_import [here]: reading exports ") for line in lines)
    assert any(" / 300 files (" in line for line in lines), lines


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("template") / "template"
    write_sample(root / "site", sample_files())
    Butler.makeRepo(root / "repo")
    yield root


def attempt_in(folder: Path) -> Attempt:
    """Import what the DC2 replication imports, but for the tracts' tables, as the instrument comes along."""
    site = folder / "site"
    numbered = sorted(site.glob("*/**/_export_*.yaml"))
    files = [site / "dp02_raws/export_raw.yaml"]
    files += [file for file in numbered if "truth_summary" not in file.parts]
    backup, root = str(site / "dc2_ncsa_backup"), "/projects/HSC/repo/dc2"
    mapped = {root: backup, f"file://{root}": backup}
    params = declared(files, path_map=mapped, on_missing="skip", import_chains=False)
    return Attempt("_states.imports.state:ImportsState", params, folder / "repo", {"batch_size": 20})


def test_killed_at_random_the_next_run_finishes_it(template: Path, kills: int) -> None:
    moments = kills // 3
    killed = prove_killed_runs_are_finished(
        template, attempt_in, steps=some(kills - moments, seed=11), moments=moments, seed=12
    )
    assert killed >= kills - moments
