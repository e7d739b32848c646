# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_index: aliases that the real Butler finds, in a file that others edit too."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_index import (
    VARIABLE,
    RepositoryIndexState,
)

from tests.integration.ansible_play import cycle, run
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples

THEIRS = "# ours, by hand\nmain: /repo/main  # the big one\n"
SECRET = "s3cr3t-of-the-index"


def converge(
    where: Path | None, aliases: dict[str, Any], *, check_mode: bool = False, **more: Any
) -> Outcome:
    """Do what the module does, without the time that Ansible takes."""
    defaults = {"state": "present", "prune": False, "on_conflict": "fail"}
    given = {"index": None if where is None else str(where), "aliases": aliases}
    return converge_here(
        RepositoryIndexState.from_params({**defaults, **given, **more}), None, check_mode=check_mode
    )


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "data-repos.yaml"
    path.write_text(THEIRS)
    return path


def known(index: Path) -> dict[str, str]:
    """Ask the Butler for all labels and their URIs, in a process of its own: it keeps what it has read."""
    code = (
        "from lsst.daf.butler import Butler as B\nfor n in B.get_known_repos(): print(n, B.get_repo_uri(n))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, VARIABLE: str(index)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_aliases_are_declared_and_open_a_repository(index: Path, repo: Path) -> None:
    done = cycle(
        "butler_index", {"index": str(index), "aliases": {"here": str(repo), "far": "davs://far:2880/b"}}
    )
    done.assert_converges()
    assert done.run["stats"]["added"] == 2
    assert done.run["diff"]["after"] == f'alias far: "davs://far:2880/b"\nalias here: {repo}\n'
    assert index.read_text() == f"{THEIRS}far: davs://far:2880/b\nhere: {repo}\n"
    assert known(index) == {"main": "file:///repo/main", "here": f"file://{repo}", "far": "davs://far:2880/b"}
    opened = run("butler_info", {"repo": "here"}, environment={VARIABLE: str(index)})
    assert not opened.failed, opened.message


def test_a_new_index_is_readable_by_all_and_the_mode_of_an_old_one_stays(tmp_path: Path, index: Path) -> None:
    new = tmp_path / "new.json"
    before = os.umask(0o077)
    try:
        converge(new, {"a": "/a"})
    finally:
        os.umask(before)
    index.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(index)
    converge(link, {"a": "/a"})
    assert link.is_symlink()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (new, index)] == [0o644, 0o640]
    assert known(new) == {"a": "file:///a"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data-repos.yaml", "link.yaml", "new.json"]


def test_another_uri_is_a_conflict_that_is_kept_or_replaced(index: Path) -> None:
    with pytest.raises(ButlerError, match="alias main: is /repo/main, declared is /elsewhere"):
        converge(index, {"main": "/elsewhere", "new": "/new"})
    kept = converge(index, {"main": "/elsewhere"}, on_conflict="keep")
    assert not kept.changed and kept.stats["skipped"] == 1 and "main stays /repo/main" in kept.notices[0]
    assert index.read_text() == THEIRS
    assert converge(index, {"main": "/elsewhere"}, on_conflict="replace").stats["replaced"] == 1
    assert index.read_text() == THEIRS.replace("/repo/main", "/elsewhere")
    assert not converge(index, {"main": "/elsewhere"}).changed


def test_labels_go_by_name_or_by_pruning(index: Path) -> None:
    converge(index, {"a": "/a", "b": "/b"})
    removed = converge(index, {"a": None, "never": None}, state="absent")
    assert (removed.stats["removed"], removed.stats["present"]) == (1, 1)
    assert known(index) == {"main": "file:///repo/main", "b": "file:///b"}
    index.write_text(index.read_text() + "includeConfigs: []\n")
    assert converge(index, {"b": "/b"}, prune=True).stats["removed"] == 1
    assert index.read_text() == "# ours, by hand\nb: /b\nincludeConfigs: []\n"


def test_check_mode_takes_a_missing_directory_for_granted(tmp_path: Path) -> None:
    index = tmp_path / "later" / "data-repos.yaml"
    promised = converge(index, {"a": "/a"}, check_mode=True)
    assert promised.changed and promised.assumes == [f"index: directory {index.parent} does not exist"]
    with pytest.raises(ButlerError, match="the task needs what is not there"):
        converge(index, {"a": "/a"})


@pytest.mark.parametrize(
    ("aliases", "more", "option"),
    [
        ({"a": "relative/path"}, {}, "aliases.a"),
        ({"a": None}, {}, "aliases.a"),
        ({"a b": "/a"}, {}, "aliases"),
        ({"includeConfigs": "/a"}, {}, "aliases"),
        ({"a": "/a"}, {"index": "data-repos.yaml"}, "index"),
        ({"a": "/a"}, {"index": "/data-repos.txt"}, "index"),
        ({"a": "/a"}, {"index": "https://host/data-repos.yaml"}, "index"),
        ({"a": "/a"}, {"state": "absent", "prune": True}, "prune"),
    ],
)
def test_bad_input_is_answered_at_once(
    index: Path, aliases: dict[str, Any], more: dict[str, Any], option: str
) -> None:
    with pytest.raises(ButlerError) as caught:
        converge(index, aliases, **more)
    assert caught.value.option == option
    assert index.read_text() == THEIRS


def test_without_an_index_the_variable_is_named(monkeypatch: pytest.MonkeyPatch, index: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ButlerError, match=VARIABLE):
        converge(None, {"a": "/a"})
    monkeypatch.setenv(VARIABLE, index.as_uri())
    assert converge(None, {"a": "/a"}).stats["added"] == 1


def test_what_is_no_index_stays_as_it_is(index: Path) -> None:
    for broken in ("main: [", "- main\n", "main: /a\nmain: /b\n"):
        index.write_text(broken)
        with pytest.raises(ButlerError, match="is no repository index"):
            converge(index, {"a": "/a"}, prune=True)
        assert index.read_text() == broken


def test_no_secret_gets_in_or_is_shown(index: Path) -> None:
    for uri in (f"davs://me:{SECRET}@host/x", f"me:{SECRET}@host:/x"):
        refused = run("butler_index", {"index": str(index), "aliases": {"a": uri}})
        assert refused.failed and "aliases.a" in refused.message
        assert SECRET not in str(refused.result)
    assert index.read_text() == THEIRS
    index.write_text(f"main: davs://me:{SECRET}@host/x\n")
    replaced = converge(index, {"main": "/repo/main"}, on_conflict="replace")
    assert SECRET not in str(replaced.as_result(diff=True)) and SECRET not in index.read_text()
    assert converge(index, {"profile": "s3://embargo@bucket/butler"}).stats["added"] == 1


def test_what_another_task_has_done_meanwhile_is_not_done_again(index: Path) -> None:
    params = {"index": str(index), "aliases": {"a": "/a"}, "state": "present", "prune": False}
    state = RepositoryIndexState.from_params({**params, "on_conflict": "fail"})
    plan = state.plan(state.observe(None))
    converge(index, {"a": "/a"})
    before = index.stat().st_ino
    report = Report()
    state.apply(None, plan, report)
    assert report.added == 0 and index.stat().st_ino == before


def _add(index: Path, number: int) -> None:
    for turn in range(10):
        converge(index, {f"r{number}-{turn}": f"/{number}/{turn}"})


def test_tasks_that_write_at_the_same_time_lose_nothing(index: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add, args=(index, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    wanted = {f"r{number}-{turn}": f"file:///{number}/{turn}" for number in range(4) for turn in range(10)}
    assert known(index) == {"main": "file:///repo/main", **wanted}
    assert [path.name for path in index.parent.iterdir()] == [index.name]


def test_the_examples_run(tmp_path: Path) -> None:
    index = tmp_path / "data-repos.yaml"
    first, moved, gone = run_examples("butler_index", {"/etc/rubin-butler/data-repos.yaml": str(index)})
    assert (first["stats"]["added"], moved["stats"]["replaced"], gone["stats"]["removed"]) == (2, 1, 1)
    assert index.read_text() == "dp02: /sps/lsst/groups/butler/dp02_v23\n"
