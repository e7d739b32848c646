# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_collection through Ansible."""

from __future__ import annotations

from pathlib import Path

from lsst.daf.butler import Butler, CollectionType

from tests.integration.ansible_play import cycle, run
from tests.integration.documented import run_examples

WANTED = [
    {"name": "skymaps", "doc": "Sky maps"},
    {"name": "LSSTComCam/raw/good", "type": "TAGGED"},
    {"name": "LSSTComCam/calib", "type": "CALIBRATION"},
    {"name": "defaults", "type": "CHAINED"},
]


def test_collections_are_registered_once(repo: Path) -> None:
    done = cycle("butler_collection", {"repo": str(repo), "collections": WANTED})
    done.assert_converges()
    assert done.run["stats"] == {
        "present": 0,
        "added": 4,
        "replaced": 0,
        "removed": 0,
        "skipped": 0,
        "failed": 0,
    }
    assert done.run["diff"]["after"].splitlines() == [
        "collection LSSTComCam/calib: {type: CALIBRATION}",
        "collection LSSTComCam/raw/good: {type: TAGGED}",
        "collection defaults: {type: CHAINED}",
        "collection skymaps: {doc: Sky maps, type: RUN}",
    ]
    with Butler.from_config(repo) as butler:
        assert butler.collections.get_info("skymaps").doc == "Sky maps"
        assert butler.collections.get_info("LSSTComCam/calib").type is CollectionType.CALIBRATION


def test_documentation_is_replaced_and_removal_is_repeatable(repo: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("skymaps", doc="old")
        butler.collections.register("gone", CollectionType.TAGGED)
    wanted = [{"name": "skymaps", "doc": "new"}, {"name": "gone", "state": "absent"}]
    done = cycle("butler_collection", {"repo": str(repo), "collections": wanted})
    done.assert_converges()
    assert done.run["stats"]["replaced"] == 1 and done.run["stats"]["removed"] == 1


def test_another_type_is_a_conflict_and_nothing_is_written(repo: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("skymaps")
    wanted = [{"name": "new"}, {"name": "skymaps", "type": "TAGGED"}]
    result = run("butler_collection", {"repo": str(repo), "collections": wanted})
    assert result.failed
    assert "collection skymaps: it is a RUN collection, and TAGGED was declared" in result.message
    with Butler.from_config(repo) as butler:
        assert butler.collections.query("*") == ["skymaps"]


def test_a_child_of_a_chain_is_not_removed(repo: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("skymaps")
        butler.collections.register("defaults", CollectionType.CHAINED)
        butler.collections.redefine_chain("defaults", ["skymaps"])
    result = run(
        "butler_collection", {"repo": str(repo), "collections": [{"name": "skymaps", "state": "absent"}]}
    )
    assert result.failed and "it is a child of defaults" in result.message


def test_an_absent_repository_is_planned_in_check_mode_and_an_error_otherwise(tmp_path: Path) -> None:
    arguments = {"repo": str(tmp_path / "none"), "collections": WANTED}
    check = run("butler_collection", arguments, check_mode=True)
    assert check.changed and check["stats"]["added"] == 4
    real = run("butler_collection", arguments)
    assert real.failed and "there is no Butler repository at" in real.message
    assert not (tmp_path / "none").exists()


def test_a_name_declared_twice_is_refused(repo: Path) -> None:
    wanted = [{"name": "a"}, {"name": "a", "type": "TAGGED"}]
    result = run("butler_collection", {"repo": str(repo), "collections": wanted})
    assert result.failed and result.message.startswith("collections[1].name: a is collections[0] already")


def test_the_examples_run(repo: Path) -> None:
    made, gone = run_examples("butler_collection", {"/data/butler/ccms1": str(repo)})
    assert made["stats"]["added"] == 2 and gone["stats"]["removed"] == 1
