# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_repo: repositories are created as the official tool does, proven to agree, and adopted."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler, DimensionConfig
from lsst.resources import ResourcePath

from tests.integration.ansible_play import cycle, play, run
from tests.integration.canonical import difference, dump
from tests.integration.repository_runs import OBSCORE, fill, official, present

DATASETS = "lsst.daf.butler.registry.datasets.byDimensions.ByDimensionsDatasetRecordStorageManagerUUID"


def test_a_repository_is_created_once(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "repo"
    done = cycle("butler_repo", {"repo": str(root), "seed_config": {"datastore": {"name": "ccms1"}}})
    done.assert_converges()
    assert done.run["stats"]["added"] == 1
    assert done.run["diff"]["after"] == (
        f'repository {root}: {{database: "sqlite:///<butlerRoot>/gen3.sqlite3", '
        "seed: {datastore: {name: ccms1}}}\n"
    )
    described = done.run["repository"]
    assert described == done.check_again["repository"] == done.run_again["repository"]
    assert described["root"] == str(root) and described["exists"]
    assert described["universe"] == {"namespace": "daf_butler", "version": 8}
    assert described["managers"]["datasets"] == {
        "class": DATASETS.replace("byDimensions.", "byDimensions._manager."), "version": "2.0.0",
    }  # fmt: skip
    assert done.check["repository"]["exists"] is False


def seeds(folder: Path) -> dict[str, tuple[dict[str, Any], bool, bool]]:
    root, database = folder / "artifacts", folder / "registry.sqlite3"
    elsewhere = {"datastore": {"root": str(root)}, "registry": {"db": f"sqlite:///{database}"}}
    return {
        "nothing": ({}, False, False),
        "a name": ({"datastore": {"name": "ccms1"}}, False, False),
        "embedded": (
            {
                "datastore": {"name": "ccms1", "root": "<butlerRoot>"},
                "registry": {"db": "sqlite:///<butlerRoot>/gen3.sqlite3"},
            },
            True,
            False,
        ),
        "elsewhere": (elsewhere, True, False),
        "elsewhere, forced back": (elsewhere, False, False),
        "standalone": ({"datastore": {"name": "ccms1"}}, False, True),
        "a manager": ({"registry": {"managers": {"datasets": DATASETS}}}, False, False),
        "obscore": ({"registry": {"managers": {"obscore": OBSCORE}}}, False, False),
        "checksums": (
            {"datastore": {"checksum": True, "templates": {"frame": "{run}/{detector}"}}},
            False,
            False,
        ),
    }


@pytest.mark.parametrize("name", list(seeds(Path())))
def test_what_is_created_equals_what_butler_create_makes(name: str, tmp_path: Path) -> None:
    dumps = []
    for who in ("official", "ours"):
        (tmp_path / who).mkdir()
        seed, override, standalone = seeds(tmp_path / who)[name]
        root = tmp_path / who / "repo"
        if who == "official":
            official(root, seed, override=override, standalone=standalone)
        else:
            present(root, seed, override=override, standalone=standalone)
        (config,) = root.glob("butler.yaml")
        text = config.read_text().replace(str(tmp_path / who), "<folder>")
        config.write_text(text)  # so that the checksum of the file is comparable too
        database = next((tmp_path / who).rglob("*.sqlite3"))
        if database.parent != root:
            database.rename(root / "gen3.sqlite3")
        dumps.append((text, dump(root)))
    assert dumps[0][0] == dumps[1][0]
    assert difference(dumps[0][1], dumps[1][1]) == []


@pytest.mark.parametrize("name", list(seeds(Path())))
def test_what_butler_create_makes_agrees_with_its_seed(name: str, tmp_path: Path) -> None:
    seed, override, standalone = seeds(tmp_path)[name]
    official(tmp_path / "repo", seed, override=override, standalone=standalone)
    before = (tmp_path / "repo" / "butler.yaml").read_bytes()
    outcome = present(tmp_path / "repo", seed, override=override, standalone=standalone)
    assert not outcome.changed and outcome.stats["present"] == 1
    assert (tmp_path / "repo" / "butler.yaml").read_bytes() == before


def test_what_the_seed_sets_and_daf_butler_forces_is_said(tmp_path: Path) -> None:
    seed = seeds(tmp_path)["elsewhere"][0]
    outcome = present(tmp_path / "repo", seed)
    assert outcome.notices == [
        f"datastore.root: {tmp_path}/artifacts is forced to <butlerRoot> unless override is true",
        f"registry.db: sqlite:///{tmp_path}/registry.sqlite3 is forced to "
        "sqlite:///<butlerRoot>/gen3.sqlite3 unless override is true",
    ]
    assert (tmp_path / "repo" / "gen3.sqlite3").exists() and not (tmp_path / "registry.sqlite3").exists()


def test_drift_is_shown_key_by_key_and_never_forced(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root, {"datastore": {"name": "ccms1"}, "registry": {"managers": {"obscore": OBSCORE}}})
    before = dump(root)
    changed = json.loads(json.dumps(OBSCORE))
    changed["config"]["facility_name"] = "Elsewhere"
    seed = {
        "datastore": {"name": "dp1", "checksum": True},
        "registry": {
            "db": "sqlite:///<butlerRoot>/gen3.sqlite3",
            "managers": {"datasets": DATASETS, "obscore": changed},
        },
    }
    expected = [
        "datastore.checksum is not set, and true was declared",
        "datastore.name is ccms1, and dp1 was declared",
        "registry.managers.obscore.config.facility_name is Rubin, and Elsewhere was declared",
    ]
    with pytest.raises(ButlerError) as caught:
        present(root, seed)
    assert caught.value.details == tuple(f"repository {root}: {line}" for line in expected)
    assert "on_conflict: keep" in str(caught.value)
    outcome = present(root, seed, on_conflict="keep")
    assert not outcome.changed
    assert outcome.notices == [f"{root} is kept as it is: {line}" for line in expected]
    assert dump(root) == before


def test_the_password_of_an_adopted_repository_is_not_shown(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    config = yaml.safe_load((root / "butler.yaml").read_text())
    config["datastore"]["cached"] = {"note": "https://me:sEcret@example.org/x"}
    (root / "butler.yaml").write_text(yaml.safe_dump(config))
    result = run("butler_repo", {"repo": str(root), "seed_config": {"datastore": {"cached": {"note": "x"}}}})
    assert result.failed and "datastore.cached.note is https://me:***@example.org/x" in result.message
    assert "sEcret" not in json.dumps(result.result)


def test_a_repository_of_others_is_adopted(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    fill(root, tmp_path)
    before = dump(root)
    result = run(
        "butler_repo", {"repo": str(root / "butler.yaml"), "seed_config": {"registry": {"managers": {}}}}
    )
    assert not result.failed and not result.changed, result.message
    assert result["repository"]["root"] == str(root)
    assert dump(root) == before


def test_an_alias_of_the_repository_index_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.yaml").write_text(f"ccms1: {tmp_path}/repo\n")
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(tmp_path / "index.yaml"))
    assert present("ccms1").changed
    assert not present(tmp_path / "repo").changed


@pytest.mark.parametrize("version", [3, 5])
def test_an_old_universe_is_refused_and_never_migrated(version: int, tmp_path: Path) -> None:
    root = tmp_path / "repo"
    old = f"resource://lsst.daf.butler/configs/old_dimensions/daf_butler_universe{version}.yaml"
    Butler.makeRepo(root, dimensionConfig=DimensionConfig(ResourcePath(old)))
    before = dump(root)
    with pytest.raises(ButlerError, match=f"dimension universe daf_butler {version}.*\n.*daf_butler_migrate"):
        present(root)
    assert dump(root) == before


def test_an_unsupported_manager_version_is_refused_and_never_migrated(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    official(root)
    with sqlite3.connect(root / "gen3.sqlite3") as connection:
        connection.execute("UPDATE butler_attributes SET value = '9.0.0' WHERE name LIKE 'version:%UUID'")
    before = dump(root)
    with pytest.raises(ButlerError, match=r"(?s)needs another daf_butler.*daf_butler_migrate"):
        present(root)
    assert dump(root) == before


def test_an_obscore_manager_in_the_seed_works(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    present(root, {"registry": {"managers": {"obscore": OBSCORE}}})
    assert "facility_name" not in (root / "butler.yaml").read_text()
    fill(root, tmp_path, direct=False)
    with Butler.from_config(root) as butler:
        assert butler.registry.obsCoreTableManager is not None
    with sqlite3.connect(root / "gen3.sqlite3") as connection:
        rows = connection.execute("SELECT facility_name, dataproduct_type FROM obscore").fetchall()
    assert rows == [("Rubin", "image")] * 2


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    outcome = present(tmp_path / "repo", check=True)
    assert outcome.changed and outcome.stats["added"] == 1
    assert list(tmp_path.iterdir()) == []


BAD: dict[str, tuple[Mapping[str, Any], str]] = {
    "a password in the database's URL": (
        {"seed_config": {"registry": {"db": "postgresql://owner:sEcret@db:5432/lsst"}}},
        "seed_config.registry.db: the database's URL carries a password",
    ),
    "one in its query": (
        {"seed_config": {"registry": {"db": "postgresql://db/lsst?user=owner&password=sEcret"}}},
        "seed_config.registry.db: the database's URL carries a password",
    ),
    "one that breaks the URL": (
        {"seed_config": {"registry": {"db": "postgresql://owner:sE/cret@db/lsst"}}},
        "seed_config.registry.db: the database's URL carries a password",
    ),
    "user information in a WebDAV root": (
        {"seed_config": {"datastore": {"root": "davs://me:sEcret@dav.example.org/x"}}},
        "seed_config.datastore.root: davs://dav.example.org/x comes with user information",
    ),
    "user information deep in the seed": (
        {"seed_config": {"datastore": {"cached": {"roots": {"a": "https://sEcret@example.org/x"}}}}},
        "seed_config.datastore.cached.roots.a: https://example.org/x comes with user information",
    ),
    "user information in the repository's URI": (
        {"repo": "davs://me:sEcret@dav.example.org/x"},
        "repo: davs://dav.example.org/x comes with user information",
    ),
    "a registry that is no mapping": (
        {"seed_config": {"registry": "sqlite"}},
        "seed_config.registry: expected a mapping",
    ),
    "an unknown manager": (
        {"seed_config": {"registry": {"managers": {"datasets": "no.such.Manager"}}}},
        "seed_config: daf_butler can't use a repository made of this seed: ",
    ),
    "a database of another kind": (
        {"seed_config": {"registry": {"db": "mysql://db/lsst"}}},
        "seed_config: daf_butler can't use a repository made of this seed: ",
    ),
    "a template without dimensions": (
        {"seed_config": {"datastore": {"templates": {"frame": "{run}/x"}}}},
        "seed_config: daf_butler can't use a repository made of this seed: FileTemplateValidationError",
    ),
    "obscore without configuration": (
        {"seed_config": {"registry": {"managers": {"obscore": {"cls": OBSCORE["cls"]}}}}},
        "seed_config.registry.managers.obscore: the obscore manager needs its cls and its config",
    ),
    "obscore with a wrong configuration": (
        {"seed_config": {"registry": {"managers": {"obscore": {**OBSCORE, "config": {"version": 0}}}}}},
        "seed_config: daf_butler can't use a repository made of this seed: ",
    ),
    "a registry in memory": (
        {"seed_config": {"registry": {"db": "sqlite://"}}, "override": True},
        "seed_config.registry.db: a registry in memory ends with the task",
    ),
    "a database in a directory that is not there": (
        {"seed_config": {"registry": {"db": "sqlite:////nowhere/at/all.sqlite3"}}, "override": True},
        "seed_config.registry.db: the directory /nowhere/at for the database does not exist",
    ),
    "two seeds": ({"seed_config": {}, "seed_config_file": "/seed.yaml"}, "mutually exclusive"),
    "a seed file that is not there": (
        {"seed_config_file": "/nowhere/seed.yaml"},
        "seed_config_file: /nowhere/seed.yaml can't be read: No such file or directory",
    ),
}  # fmt: skip


def test_bad_input_is_answered_before_anything_is_written(tmp_path: Path) -> None:
    root = str(tmp_path / "repo")
    results = play(
        [{"rubin.butler.butler_repo": {"repo": root, **arguments}} for arguments, _unused in BAD.values()]
    )
    for (name, (_unused, message)), result in zip(BAD.items(), results, strict=True):
        assert result.failed, name
        assert result.message.removeprefix("parameters are ").startswith(message), (name, result.message)
        assert "sEcret" not in json.dumps(result.result), name
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[registry, datastore]", "holds no mapping"),
        ("", "holds no mapping"),
        ("registry: {db: [}", "is not YAML"),
        ("registry: {db: 'postgresql://u:sEcret@h/d'}", "carries a password"),
    ],
)
def test_a_seed_file_that_is_no_seed_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "seed.yaml").write_text(content)
    with pytest.raises(ButlerError, match=f"seed_config_file.*{message}") as caught:
        present(tmp_path / "repo", seed_config_file=str(tmp_path / "seed.yaml"))
    assert "sEcret" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["seed.yaml"]


def test_a_seed_file_may_include_others(tmp_path: Path) -> None:
    (tmp_path / "datastore.yaml").write_text("name: ccms1\n")
    (tmp_path / "seed.yaml").write_text("datastore: !include datastore.yaml\n")
    present(tmp_path / "repo", seed_config_file=str(tmp_path / "seed.yaml"))
    assert "name: ccms1" in (tmp_path / "repo" / "butler.yaml").read_text()


def test_a_remote_root_needs_a_database_of_its_own() -> None:
    with pytest.raises(ButlerError, match=r"seed_config\.registry\.db.*not on a local file system"):
        present("davs://dav.example.org/repo")


def test_a_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "repo").write_text("mine")
    with pytest.raises(ButlerError, match=r"repo: .*/repo is a file, and a repository is a directory"):
        present(tmp_path / "repo")
    with pytest.raises(ButlerError, match="can't be read: Not a directory"):
        present(tmp_path / "repo" / "deeper")
    assert (tmp_path / "repo").read_text() == "mine"


def test_a_configuration_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "butler.yaml").write_text("- not\n- ours\n")
    with pytest.raises(ButlerError, match="is not the configuration of a Butler repository"):
        present(tmp_path)
    assert (tmp_path / "butler.yaml").read_text() == "- not\n- ours\n"


def _as_nobody(root: Path, answer: Any) -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        present(root)
        answer.send("it was made")
    except Exception as error:
        answer.send(f"{type(error).__name__}: {error}")


def said_to_nobody(root: Path) -> str:
    """Declare a repository as a user without rights; tell the error."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_as_nobody, args=(root, send))
    process.start()
    send.close()
    try:
        message: str = receive.recv()
    finally:
        process.join()
    return message


def test_a_directory_that_may_not_be_used_is_refused(tmp_path: Path) -> None:
    present(tmp_path / "first")  # imports all that nobody might not be allowed to
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "read-only").mkdir(mode=0o555)
        (place / "closed").mkdir(mode=0o000)
        assert said_to_nobody(place / "read-only" / "repo").startswith(
            f"ButlerError: repo: the directory {place}/read-only can't be written to"
        )
        assert said_to_nobody(place / "closed" / "repo").startswith(
            f"ButlerError: repo: {place}/closed/repo can't be looked at: Permission denied"
        )
        assert list((place / "read-only").iterdir()) == []
        (place / "closed").chmod(0o755)
