# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_info: what it tells is what the official tool tells, and nothing is written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import astropy.time
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.info import InfoState
from lsst.daf.butler import Butler, CollectionType, Timespan

from tests.integration.ansible_play import cycle, run
from tests.integration.canonical import dump
from tests.integration.documented import run_examples
from tests.integration.killing import Attempt, kill_after
from tests.integration.postgres import READER, Database
from tests.integration.repository_runs import fill, official, params, present

CHAINS = {
    "refcats": ["refcats/one", "refcats/two"],
    "LSSTComCam/DP1/defaults": ["good", "LSSTComCam/calib", "refcats", "run"],
    "LSSTComCam/calib": ["LSSTComCam/calib/DM-1", "refcats"],
}


def campaign(root: Path, folder: Path) -> None:
    """Make a small repository with every sort of collection."""
    refs = fill(root, folder)
    with Butler.from_config(root, writeable=True) as butler:
        for name in ("refcats/one", "refcats/two"):
            butler.collections.register(name, doc=f"doc of {name}")
        butler.collections.register("good", CollectionType.TAGGED)
        butler.registry.associate("good", refs[1:])
        butler.collections.register("LSSTComCam/calib/DM-1", CollectionType.CALIBRATION)
        for name in CHAINS:
            butler.collections.register(name, CollectionType.CHAINED)
        for name, children in CHAINS.items():
            butler.collections.redefine_chain(name, children)


def info(root: Path | str, *, check: bool = False, **more: Any) -> dict[str, Any]:
    state = InfoState.from_params(
        {"repo": str(root), "collections": ["*"], "orphans": False, "limit": 1000, "records": [], **more}
    )
    outcome = converge(state, None, check_mode=check, report=Report())
    assert not outcome.changed
    return {**state.facts, "assumes": outcome.assumes}


def rows_of_butler(root: Path, *names: str) -> list[str]:
    """Give the rows that the official command prints, without its two header lines."""
    command = [Path(sys.executable).with_name("butler"), "query-collections", "--chains=tree", root, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.rstrip() for line in done.stdout.splitlines()[2:] if line.strip()]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("info")
    official(folder / "repo")
    campaign(folder / "repo", folder / "files")
    return folder / "repo"


@pytest.mark.parametrize("names", [("LSSTComCam/DP1/defaults",), ("refcats*", "good"), ()])
def test_the_tree_is_that_of_butler_query_collections(names: tuple[str, ...], filled: Path) -> None:
    told = info(filled, collections=list(names) or ["*"])
    assert told["tree_lines"] == rows_of_butler(filled, *names)
    assert [f"{'  ' * row['depth']}{row['name']} {row['type']}" for row in told["tree"]] == [
        " " * (len(line) - len(line.lstrip())) + " ".join(line.split()) for line in told["tree_lines"]
    ]


def test_everything_is_told_and_nothing_is_written(filled: Path) -> None:
    before = dump(filled)
    done = cycle("butler_info", {"repo": str(filled)})
    for result in (done.check, done.run):
        assert not result.failed and not result.changed, result.message
    told = done.run
    assert {name: done.check[name] for name in told["totals"]} == {
        name: told[name] for name in told["totals"]
    }
    assert told["exists"] is True
    assert told["repository"]["universe"] == {"namespace": "daf_butler", "version": 8}
    assert list(told["repository"]["datastores"].values()) == [str(filled)]
    assert told["repository"]["managers"]["datastores"]["version"] == "0.2.1"
    assert told["dataset_types"] == [
        {
            "name": "frame",
            "dimensions": ["instrument", "detector"],
            "storage_class": "StructuredDataDict",
            "is_calibration": False,
        }
    ]
    assert told["datasets"] == [
        {"collection": "good", "dataset_type": "frame", "count": 2},
        {"collection": "run", "dataset_type": "frame", "count": 3},
    ]
    assert told["dimension_records"] == {"detector": 3, "instrument": 1}
    assert told["totals"] == {
        "collections": 8,
        "tree": 24,
        "tree_lines": 24,
        "dataset_types": 1,
        "datasets": 2,
    }
    assert told["stats"]["present"] == 8
    assert told["collections"][-3:] == [
        {"name": "refcats/one", "type": "RUN", "doc": "doc of refcats/one", "children": []},
        {"name": "refcats/two", "type": "RUN", "doc": "doc of refcats/two", "children": []},
        {"name": "run", "type": "RUN", "doc": "", "children": []},
    ]
    assert "orphans" not in told.result
    assert dump(filled) == before


def test_a_chain_is_told_with_all_that_it_contains(filled: Path) -> None:
    told = info(filled, collections=["LSSTComCam/DP1/defaults"])
    below = "LSSTComCam/calib LSSTComCam/calib/DM-1 good refcats refcats/one refcats/two run"
    assert [entry["name"] for entry in told["collections"]] == ["LSSTComCam/DP1/defaults", *below.split()]
    assert [(entry["collection"], entry["count"]) for entry in told["datasets"]] == [("good", 2), ("run", 3)]
    assert info(filled, collections=["refcats"])["datasets"] == []
    assert info(filled, collections=["no such*"])["totals"]["collections"] == 0


def test_a_certified_dataset_counts_for_each_of_its_ranges(tmp_path: Path) -> None:
    official(tmp_path / "repo")
    with Butler.from_config(tmp_path / "repo", writeable=True) as butler:
        fill(tmp_path / "repo", tmp_path, direct=False)
        old = butler.get_dataset_type("frame")
        bias = type(old)("bias", old.dimensions, old.storageClass, isCalibration=True)
        butler.registry.registerDatasetType(bias)
        ref = butler.put({"a": 1}, bias, instrument="Cam", detector=0, run="run")
        butler.collections.register("calib", CollectionType.CALIBRATION)
        times = [astropy.time.Time(f"2024-0{month}-01", scale="tai") for month in (1, 2, 3)]
        for begin, end in ((0, 1), (1, 2)):
            butler.registry.certify("calib", [ref], Timespan(times[begin], times[end]))
    assert info(tmp_path / "repo")["datasets"] == [
        {"collection": "calib", "dataset_type": "bias", "count": 2},
        {"collection": "run", "dataset_type": "bias", "count": 1},
        {"collection": "run", "dataset_type": "frame", "count": 2},
    ]


def test_lists_are_bounded_and_counted(filled: Path) -> None:
    told = info(filled, limit=2)
    for name, total in {"collections": 8, "tree": 24, "tree_lines": 24}.items():
        assert len(told[name]) == 2 and told["totals"][name] == total
    with pytest.raises(ButlerError, match="limit: 0 is no length of a list"):
        info(filled, limit=0)


def test_records_are_those_of_butler_query_dimension_records(filled: Path) -> None:
    told = info(filled, records=["instrument", "detector", "visit"])["records"]
    with Butler.from_config(filled) as butler:
        for element, records in told.items():
            wanted = [record.toDict() for record in butler.query_dimension_records(element, explain=False)]
            assert sorted(records, key=str) == sorted(wanted, key=str)
    assert [record["id"] for record in told["detector"]] == sorted(
        record["id"] for record in told["detector"]
    )
    assert {name: len(records) for name, records in told.items()} == {
        "instrument": 1,
        "detector": 3,
        "visit": 0,
    }
    assert [
        record["id"] for record in info(filled, records=["detector"], limit=1)["records"]["detector"]
    ] == [told["detector"][0]["id"]]
    with pytest.raises(
        ButlerError, match=r"records: no dimension element .* is called band or lens\n.* day_obs, detector, "
    ):
        info(filled, records=["band", "detector", "lens"])


def test_files_without_a_record_are_found(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, tmp_path / "files")
    assert info(root, orphans=True)["orphans"] == {
        "total": 0, "files": [], "temporary_total": 0, "temporary_files": [],
    }  # fmt: skip
    for name in ("stray", "run/frame/a b.yaml", "run/frame/b.yaml.transfer-tmp", ".butler.yaml.new"):
        (root / name).write_text("nobody's")
    (root / "link").symlink_to(tmp_path)
    (root / "gen3.sqlite3.lock").touch()
    assert info(root, orphans=True, limit=2)["orphans"] == {
        "total": 3,
        "files": ["link", "stray"],
        "temporary_total": 2,
        "temporary_files": [".butler.yaml.new", "run/frame/b.yaml.transfer-tmp"],
    }


def test_what_a_killed_create_leaves_is_no_repository(tmp_path: Path) -> None:
    attempt = Attempt(
        "_states.repository:RepositoryState",
        params(tmp_path / "repo"),
        tmp_path / "repo",
        {"grace": 0.0},
        opens=False,
    )
    kill_after(attempt, 0.0)
    with pytest.raises(ButlerError, match="does not exist"):
        info(tmp_path / "repo")


def test_an_absent_repository_is_told_in_check_mode_and_an_error_otherwise(tmp_path: Path) -> None:
    check = run("butler_info", {"repo": str(tmp_path / "none")}, check_mode=True)
    assert not check.failed and check["exists"] is False
    assert check["assumes"] == [f"repo: repository {tmp_path}/none does not exist"]
    with pytest.raises(ButlerError, match=r"repository .*/none does not exist"):
        info(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_collection_that_is_not_there_is_an_assumption(filled: Path) -> None:
    assert info(filled, check=True, collections=["run", "later"])["assumes"] == [
        "collections: collection later does not exist"
    ]
    with pytest.raises(ButlerError, match="collections: collection later does not exist"):
        info(filled, collections=["run", "later"])


def test_half_a_repository_is_an_error(tmp_path: Path) -> None:
    official(tmp_path / "repo")
    (tmp_path / "repo" / "gen3.sqlite3").unlink()
    with pytest.raises(ButlerError, match="only half made"):
        info(tmp_path / "repo", check=True)


def test_a_reader_may_ask(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repo"
    seed = {"registry": {"db": database.url, "namespace": "ccms1"}, "datastore": {"name": "ccms1"}}
    present(root, seed)
    campaign(root, tmp_path / "files")
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    told = info(root, orphans=True)
    assert told["repository"]["database"] == database.url
    assert told["repository"]["namespace"] == "ccms1"
    assert told["repository"]["datastores"] == {"ccms1": str(root)}
    assert [entry["count"] for entry in told["datasets"]] == [2, 3]
    assert told["tree_lines"] == rows_of_butler(root)
    assert told["orphans"]["total"] == 0


def test_the_examples(tmp_path: Path) -> None:
    official(tmp_path / "repo")
    campaign(tmp_path / "repo", tmp_path / "files")
    results = run_examples("butler_info", {"/data/butler/ccms1": str(tmp_path / "repo")})
    assert len(results) == 6 and not any(result.changed for result in results)
