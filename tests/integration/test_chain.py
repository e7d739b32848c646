# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_chain through Ansible, and its state on real repositories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.chains import ChainsState
from lsst.daf.butler import Butler, CollectionType

from tests.integration.ansible_play import cycle
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished

DEFAULTS = {
    "children": None,
    "required": [],
    "order": "append",
    "prune": False,
    "sort": "name",
    "doc": None,
    "state": "present",
}


def converged(
    repo: Path, *chains: Mapping[str, Any], check_mode: bool = False, on_missing: str = "fail"
) -> Outcome:
    """Declare chains without the time that Ansible takes."""
    params = {"chains": [{**DEFAULTS, **chain} for chain in chains], "on_missing": on_missing}
    state = ChainsState.from_params(params)
    return converge_here(state, repo, check_mode=check_mode)


def chain(name: str, children: str | Iterable[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "children": None if children is None else list(children), **more}


def fill(repo: Path, runs: Iterable[str], **chains: Iterable[str]) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        for run in runs:
            butler.collections.register(run)
        for name, children in chains.items():
            butler.collections.register(name, CollectionType.CHAINED)
            butler.collections.redefine_chain(name, list(children))


def tree(repo: Path) -> dict[str, list[str]]:
    with Butler.from_config(repo) as butler:
        infos = butler.collections.query_info("*", CollectionType.CHAINED, include_chains=True)
        return {info.name: list(info.children) for info in infos}


def test_chains_of_one_task_may_contain_each_other(repo: Path) -> None:
    fill(repo, ["skymaps", "refcats/a", "refcats/b"])
    wanted = [
        {"name": "defaults", "children": ["refcats", "skymaps"], "doc": "Inputs"},
        {"name": "refcats", "children": ["refcats/b", "refcats/a"], "prune": True},
    ]
    done = cycle("butler_chain", {"repo": str(repo), "chains": wanted})
    done.assert_converges()
    assert done.run["diff"]["after"].splitlines() == [
        "chain defaults: {children: [refcats, skymaps], doc: Inputs}",
        "chain refcats: [refcats/b, refcats/a]",
    ]
    assert tree(repo) == {"defaults": ["refcats", "skymaps"], "refcats": ["refcats/b", "refcats/a"]}


def test_a_removed_child_comes_back_and_only_that_chain_changes(repo: Path) -> None:
    fill(repo, "abx", one="axb", two="ab")
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.remove_from_chain("one", "b")
    outcome = converged(repo, chain("one", "ab"), chain("two", "ab"))
    assert [change.as_dict() for change in outcome.changes] == [
        {
            "action": "replace",
            "kind": "chain",
            "name": "one",
            "before": ["a", "x"],
            "after": ["a", "x", "b"],
            "count": 1,
        }
    ]
    assert outcome.stats["present"] == 1 and outcome.stats["replaced"] == 1
    assert tree(repo) == {"one": ["a", "x", "b"], "two": ["a", "b"]}
    assert not converged(repo, chain("one", "ab"), chain("two", "ab")).changed


def test_children_that_swap_their_chains_make_no_cycle_on_the_way(repo: Path) -> None:
    fill(repo, "x", one=["x"], two=["one"])
    converged(repo, chain("one", ["two"], prune=True), chain("two", ["x"], prune=True))
    assert tree(repo) == {"one": ["two"], "two": ["x"]}


def test_prune_and_prepend(repo: Path) -> None:
    fill(repo, "abnx", one="axb", two="axb")
    converged(repo, chain("one", "ba", prune=True), chain("two", "nab", order="prepend"))
    assert tree(repo) == {"one": ["b", "a"], "two": ["n", "a", "x", "b"]}


def test_runs_are_found_by_pattern_newest_first_and_a_new_one_goes_ahead(repo: Path) -> None:
    runs = ["u/me/20250417T034317Z", "u/me/20250418T000000Z", "u/you/20250419T000000Z"]
    fill(repo, [*runs, "inputs"])
    wanted = chain("u/me", ["u/me*", "inputs"], sort="newest", order="prepend")
    converged(repo, wanted)
    assert tree(repo) == {"u/me": [runs[1], runs[0], "inputs"]}
    assert not converged(repo, wanted).changed
    fill(repo, ["u/me/20250501T000000Z"])
    converged(repo, wanted)
    assert tree(repo) == {"u/me": ["u/me/20250501T000000Z", runs[1], runs[0], "inputs"]}


def test_a_pattern_that_matches_a_chain_of_the_task_finds_the_same_next_time(repo: Path) -> None:
    fill(repo, ["u/run"])
    wanted = [chain("all", ["u/*"]), chain("u/chain", ["u/run"])]
    converged(repo, *wanted)
    assert tree(repo) == {"all": ["u/chain", "u/run"], "u/chain": ["u/run"]}
    assert not converged(repo, *wanted).changed


def test_cycles_wrong_types_and_stuck_chains_are_all_listed_and_nothing_is_written(repo: Path) -> None:
    fill(repo, ["run", "x"], inner=["x"], outer=["inner"])
    before = tree(repo)
    with pytest.raises(ButlerError) as caught:
        converged(
            repo,
            chain("inner", ["nested"]),
            chain("nested", ["outer"]),
            chain("self", ["self"]),
            chain("run", ["x"]),
        )
    assert caught.value.details == (
        "chain inner: it would contain itself: inner -> nested -> outer -> inner",
        "chain self: it would contain itself: self -> self",
        "collection run: it is a RUN collection, and CHAINED was declared",
    )
    with pytest.raises(ButlerError, match="chain inner: it is a child of outer; take it out of there first"):
        converged(repo, chain("inner", state="absent"))
    assert tree(repo) == before


def test_missing_children_are_all_listed_or_skipped(repo: Path) -> None:
    fill(repo, "a")
    wanted = [chain("one", ["a", "b", "c"]), chain("two", ["nothing/*", "one"])]
    with pytest.raises(ButlerError) as caught:
        converged(repo, *wanted)
    assert caught.value.details == (
        "chains[0].children: collection b does not exist",
        "chains[0].children: collection c does not exist",
        "chains[1].children: collection matching nothing/* does not exist",
    )
    assert tree(repo) == {}
    outcome = converged(repo, *wanted, on_missing="skip")
    assert outcome.stats["skipped"] == 3
    assert outcome.notices[0] == "chain one: left out 2 children that do not exist: b, c"
    assert tree(repo) == {"one": ["a"], "two": ["one"]}


def test_what_is_required_is_not_left_out_with_the_rest(repo: Path) -> None:
    wanted = [chain("one", ["new/*", "a", "b", "c"], required=["b", "new/*"])]
    fill(repo, "a", one="a")
    with pytest.raises(ButlerError) as caught:
        converged(repo, *wanted, on_missing="skip")
    assert caught.value.details == (
        "chains[0].children: collection b does not exist",
        "chains[0].children: collection matching new/* does not exist",
    )
    check = converged(repo, chain("one", "abc", required="b"), check_mode=True, on_missing="skip")
    assert [change.after for change in check.changes] == [["a", "b"]]
    assert check.assumes == ["chains[0].children: collection b does not exist"]
    fill(repo, ["b", "new/run"])
    outcome = converged(repo, *wanted, on_missing="skip")
    assert outcome.stats["skipped"] == 1 and tree(repo) == {"one": ["new/run", "a", "b"]}


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_an_empty_target_is_checked_as_the_run_does_it(repo: Path, tmp_path: Path, on_missing: str) -> None:
    wanted = [chain("one", ["a", "b"]), chain("two", ["b*"], sort="newest"), chain("three", ["one"], doc="D")]
    check = converged(tmp_path / "none", *wanted, check_mode=True, on_missing=on_missing)
    fill(repo, "ab")
    run = converged(repo, *wanted, on_missing=on_missing)
    assert [change.key for change in check.changes] == [change.key for change in run.changes]
    for planned, done in zip(check.changes, run.changes, strict=True):
        assert planned.unresolved or planned == done
    unresolved = {change.name for change in check.changes if change.unresolved}
    assert unresolved == ({"two"} if on_missing == "fail" else {"one", "two"})
    assert check.assumes == (
        [
            "chains[0].children: collection a does not exist",
            "chains[0].children: collection b does not exist",
            "chains[1].children: collection matching b* does not exist",
        ]
        if on_missing == "fail"
        else []
    )


def test_chains_go_with_their_parents_or_after_they_left_one(repo: Path) -> None:
    fill(repo, "ab", inner="a", middle=["inner"], outer=["middle", "inner"], other=["outer", "b"])
    gone = [chain(name, state="absent") for name in ("inner", "middle", "outer", "never")]
    wanted = [*gone, chain("other", "b", prune=True)]
    outcome = converged(repo, *wanted)
    assert outcome.stats["removed"] == 3 and outcome.stats["present"] == 1
    assert tree(repo) == {"other": ["b"]}
    assert not converged(repo, *wanted).changed


def test_what_another_writer_changed_meanwhile_is_not_lost(repo: Path) -> None:
    fill(repo, "abn", one="a")
    state = ChainsState.from_params({"chains": [{**DEFAULTS, **chain("one", "ab")}], "on_missing": "fail"})
    repository = open_repository(str(repo), writeable=True)
    plan = state.plan(state.observe(repository))
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.prepend_chain("one", "n")
    with pytest.raises(ButlerError, match="another writer changed the chains meanwhile"):
        state.apply(repository, plan, Report())
    assert tree(repo) == {"one": ["n", "a"]}


def test_a_killed_run_is_finished_by_the_next(repo: Path) -> None:
    fill(repo, "abx", one="ax", gone="x")
    wanted = [chain("one", ["b", "a", "two"], doc="D"), chain("two", "ab"), chain("gone", state="absent")]
    params = {"chains": [{**DEFAULTS, **item} for item in wanted], "on_missing": "fail"}
    kills = prove_killed_runs_are_finished(
        repo.parent,
        lambda folder: Attempt("_states.chains:ChainsState", params, folder / repo.name),
        steps=every("statement", "commit"),
        moments=0,
        seed=1,
    )
    assert kills == 1


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        ([chain("a", "b"), chain("a", "c")], r"chains\[1\].name: a is chains\[0\] already; declare it once"),
        ([chain("a")], r"chains\[0\].children: the chain's children are needed; \[\] for none"),
        ([chain("a", "bb")], r"chains\[0\].children\[1\]: b is declared twice in one chain"),
        ([chain("a", "b", state="absent")], r"chains\[0\].children: a chain that is declared absent has no"),
        ([chain("a", "b", required="c")], r"chains\[0\].required\[0\]: c is not among the chain's children"),
        (
            [chain("a", required="c", state="absent")],
            r"chains\[0\].children: a chain that is declared absent",
        ),
        (
            [chain("a", "b"), chain("b", state="absent")],
            r"chains\[0\].children\[0\]: b is declared absent by chains\[1\]",
        ),
    ],
)
def test_declarations_that_can_not_be_meant(chains: list[dict[str, Any]], message: str) -> None:
    params = {"chains": [{**DEFAULTS, **item} for item in chains], "on_missing": "fail"}
    with pytest.raises(ButlerError, match=message):
        ChainsState.from_params(params)


def test_examples(repo: Path) -> None:
    fill(
        repo,
        [
            "refcats/DM-46370/the_monster_20240904",
            "refcats/DM-49042/the_monster_20250219",
            "LSSTComCam/raw/DP1-RC3/DM-49594",
            "skymaps",
            "u/operator/DM-49594/20250417T034317Z",
        ],
    )
    results = run_examples("butler_chain", {"/data/butler/ccms1": str(repo)})
    assert [result.changed for result in results] == [True, True, True]
    assert set(tree(repo)) == {"refcats", "LSSTComCam/DP1/defaults"}
