# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: equal to the official ingest, once, and only what is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._storage import fits_headers
from lsst.daf.butler import Butler, Config

from tests.integration.ansible_play import cycle, run
from tests.integration.canonical import difference, dump
from tests.integration.decam_files import PER_FILE, ZERO, write_deep
from tests.integration.documented import run_examples
from tests.integration.postgres import READER, Database
from tests.integration.raw_files import official_datasets, write_raws
from tests.integration.raw_states import (
    RUN,
    assert_datasets_are_official,
    assert_records_are_official,
    ingest,
    refs_in,
    register,
    stored,
    unstore,
)

GOLDEN = official_datasets()
SLOT = {0: "R22_S00", 4: "R22_S11", 8: "R22_S22"}


@pytest.fixture
def comcam(repo: Path) -> Path:
    """Give a repository with LSSTComCam and its raws beside it."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    return repo


def test_raws_are_ingested_once_as_the_official_tool_does(comcam: Path) -> None:
    done = cycle(
        "butler_raws",
        {
            "repo": str(comcam),
            "instrument": "lsst.obs.lsst.LsstComCam",
            "sources": [str(comcam.parent / "raw")],
            "transfer": "copy",
        },
    )
    done.assert_converges()
    assert_records_are_official(comcam)
    assert_datasets_are_official(comcam)
    datasets = len(GOLDEN["datasets"])
    # A dataset type, a run, two days, seven groups and eight exposures besides.
    assert done.run["stats"]["added"] == datasets + 2 + 2 + 7 + 8
    assert done.run_again["stats"]["present"] == datasets and done.run_again["stats"]["added"] == 0
    by_name = {change["name"]: change for change in done.run["changes"] if change["kind"] == "raws"}
    assert {name: change["after"] for name, change in by_name.items()} == {
        f"{RUN} day_obs=20241108": {"exposures": 7, "files": 19, "datasets": 19},
        f"{RUN} day_obs=20241110": {"exposures": 1, "files": 3, "datasets": 3},
    }
    assert by_name[f"{RUN} day_obs=20241110"]["examples"] == [
        f"CC_O_20241110_000005_{slot}.fits" for slot in SLOT.values()
    ]


def test_postgresql_holds_the_same(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    seed = {"registry": {"db": database.url}, "datastore": {"root": str(tmp_path / "datastore")}}
    Butler.makeRepo(repo, Config(seed), forceConfigRoot=False)
    register(repo, "LSSTComCam")
    write_raws(tmp_path / "raw")
    with monkeypatch.context() as patch:
        # A reader's credentials are enough for a plan.
        patch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
        promised = ingest(repo, tmp_path / "raw", check_mode=True)
    outcome = ingest(repo, tmp_path / "raw", batch_size=4)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    assert_records_are_official(repo)
    assert_datasets_are_official(repo)
    assert not ingest(repo, tmp_path / "raw").changed


@pytest.mark.parametrize("transfer", ["auto", "direct", "hardlink", "link", "move", "relsymlink", "symlink"])
def test_every_transfer_mode_ingests_once(transfer: str, comcam: Path) -> None:
    source = comcam.parent / "raw"
    contents = {path.read_bytes() for path in source.rglob("*.fits")}
    promised = ingest(comcam, source, transfer=transfer, check_mode=True)
    outcome = ingest(comcam, source, transfer=transfer)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    with Butler.from_config(comcam) as butler:
        refs = refs_in(butler)
        assert {uris.primaryURI.read() for uris in butler.get_many_uris(refs).values()} == contents
    assert {str(ref.id) for ref in refs} == {ref["id"] for ref in GOLDEN["datasets"]}
    left = len(list(source.rglob("*.fits")))
    assert left == (0 if transfer == "move" else len(refs))
    before = dump(comcam)
    again = ingest(comcam, source, transfer=transfer)
    assert not again.changed and not difference(before, dump(comcam))


def test_files_in_the_datastore_stay_where_they_are_with_auto(comcam: Path) -> None:
    inside = comcam / "raw"
    outside = comcam.parent / "outside"
    shutil.move(comcam.parent / "raw", inside)
    shutil.move(inside / "20241110", outside)
    outcome = ingest(comcam, inside, outside, transfer="auto")
    assert outcome.stats["added"] == len(GOLDEN["datasets"]) + 2 + 2 + 7 + 8
    uris = sorted(stored(comcam).values())
    assert sum(f"{inside}/20241108" in uri for uri in uris) == 19
    assert sum(f"{comcam}/{RUN}/raw/20241110" in uri for uri in uris) == 3
    assert not ingest(comcam, inside, outside, transfer="auto").changed


def test_a_second_run_opens_no_file(comcam: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = comcam.parent / "raw"
    ingest(comcam, source)
    monkeypatch.setattr(fits_headers, "_opened", None)
    assert not ingest(comcam, source).changed
    with pytest.raises(TypeError, match="NoneType"):
        unstore(comcam, 0)
        ingest(comcam, source, check_paths=True)


def test_only_what_is_missing_is_read(comcam: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = comcam.parent / "raw"
    ingest(comcam, source / "20241108")
    opened = []
    really = fits_headers._opened

    def watched(uri: Any) -> Any:
        opened.append(Path(str(uri)).name)
        return really(uri)

    monkeypatch.setattr(fits_headers, "_opened", watched)
    outcome = ingest(comcam, source)
    assert opened == [f"CC_O_20241110_000005_{slot}.fits" for slot in SLOT.values()]
    assert [(change.kind, change.name, change.count) for change in outcome.changes] == [
        ("day_obs records", "LSSTComCam", 1),
        ("exposure records", "LSSTComCam", 1),
        ("group records", "LSSTComCam", 1),
        ("raws", f"{RUN} day_obs=20241110", 3),
    ]
    assert_datasets_are_official(comcam)


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_an_unstored_raw_is_stored_again_and_nothing_else(transfer: str, comcam: Path) -> None:
    source = comcam.parent / "raw"
    ingest(comcam, source, transfer=transfer)
    before = dump(comcam)
    ref = unstore(comcam, 5)
    assert str(ref.id) not in stored(comcam)
    assert not ingest(comcam, source, transfer=transfer).changed, "only check_paths asks the datastore"
    outcome = ingest(comcam, source, transfer=transfer, check_paths=True)
    assert [(change.action, change.kind, change.count) for change in outcome.changes] == [("add", "raws", 1)]
    assert outcome.stats["added"] == 1 and outcome.stats["present"] == len(GOLDEN["datasets"]) - 1
    assert not difference(before, dump(comcam))


def test_files_whose_names_say_nothing_are_read(comcam: Path) -> None:
    source = comcam.parent / "raw"
    for number, path in enumerate(sorted(source.rglob("*.fits"))):
        path.rename(source / f"{number:03}.fits")
    ingest(comcam, source)
    assert_datasets_are_official(comcam)
    again = ingest(comcam, source)
    assert not again.changed and again.stats["present"] == len(GOLDEN["datasets"])


def test_any_batch_size_gives_the_same_repository(tmp_path: Path) -> None:
    write_raws(tmp_path / "raw")
    dumps = []
    for size in (1, 4, 10_000):
        repo = tmp_path / f"repo{size}"
        Butler.makeRepo(repo)
        register(repo, "LSSTComCam")
        ingest(repo, tmp_path / "raw", batch_size=size)
        dumps.append(dump(repo))
    assert not difference(dumps[0], dumps[1]) and not difference(dumps[0], dumps[2])


def test_an_absent_repository_is_planned_in_check_mode(comcam: Path) -> None:
    source = comcam.parent / "raw"
    promised = ingest(None, source, check_mode=True)
    assert promised.assumes == ["instrument: instrument LSSTComCam does not exist"]
    done = ingest(comcam, source)
    assert promised.changes == done.changes and promised.stats == done.stats


def test_files_patterns_and_guiders(comcam: Path) -> None:
    source = comcam.parent / "raw"
    one, *_unused = sorted(source.rglob("*_000266_*.fits"))
    shutil.copy(one, one.with_name("CC_O_20241108_000266_R22_S00_guider.fits"))
    outcome = ingest(comcam, one, source / "*" / "*_000267", source, file_pattern=r"_00001\d_.*\.fits$")
    assert outcome.stats["skipped"] == 0
    assert len(stored(comcam)) == 1 + 3
    everything = ingest(comcam, source)
    assert everything.stats["skipped"] == 1 and len(stored(comcam)) == len(GOLDEN["datasets"])
    (source / "empty").mkdir()
    assert ingest(comcam, source, source / "empty").notices == [
        f"sources: nothing was found in {source / 'empty'}"
    ]


def test_a_run_of_its_own(comcam: Path) -> None:
    ingest(comcam, comcam.parent / "raw/20241110", run="LSSTComCam/raw/trial")
    assert len(stored(comcam, "LSSTComCam/raw/trial")) == 3
    with Butler.from_config(comcam) as butler:
        assert butler.collections.query("*") == ["LSSTComCam/raw/trial"]


def test_the_examples_of_the_manual(comcam: Path) -> None:
    base = comcam.parent
    trial, archive = base / "trial", base / "archive" / "raw" / "LSSTComCam"
    Butler.makeRepo(trial)
    register(trial, "LSSTComCam")
    archive.mkdir(parents=True)
    for path in sorted((base / "raw").rglob("*.fits")):
        os.link(path, archive / path.name)
    # The archive's are other files, so that their places are recorded anew.
    for path in archive.iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    deep = base / "deep-repo"
    Butler.makeRepo(deep)
    register(deep, "DECam")
    (base / "deep").mkdir()
    write_deep(base / "deep")
    results = run_examples(
        "butler_raws",
        {
            "/data/butler/ccms1": str(comcam),
            "/data/butler/trial": str(trial),
            "/data/butler/deep": str(deep),
            "/data/raw/LSSTComCam": str(base / "raw"),
            "/archive/raw/LSSTComCam": str(archive),
            "/data/deep": str(base / "deep"),
        },
    )
    assert [result["stats"]["added"] > 0 for result in results] == [True, True, False, False, True]
    assert len(stored(trial, "LSSTComCam/raw/trial")) == 3
    assert results[2]["stats"]["replaced"] == len(GOLDEN["datasets"])
    assert results[3]["stats"]["present"] == len(GOLDEN["datasets"])
    assert all(f"{archive}/" in uri for uri in stored(comcam).values())
    assert [uri.partition("_c4d_")[2] for uri in stored(deep, "DECam/raw/all").values()] == [
        f"{ZERO}.fits"
    ] * PER_FILE
    assert (base / "deep/20190402-zero.failed.jsonl").read_text() == ""


def test_an_instrument_that_is_not_registered_is_said_through_ansible(repo: Path) -> None:
    write_raws(repo.parent / "raw", wanted=lambda name: "_000010_" in name)
    arguments = {"repo": str(repo), "instrument": "LSSTComCam", "sources": [str(repo.parent / "raw")]}
    result = run("butler_raws", arguments)
    assert result.failed and "instrument: instrument LSSTComCam does not exist" in result.message
    with Butler.from_config(repo) as butler:
        assert butler.collections.query("*") == []
