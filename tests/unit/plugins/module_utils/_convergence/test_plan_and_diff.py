# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, their diffs, and the loop."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._convergence.diff import MAX_LINES, render
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import MAX_CHANGES, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from hypothesis import given
from hypothesis import strategies as st

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


class Fixed:
    """A state whose plan is given, and which notes whether it was applied."""

    def __init__(self, plan: Plan[None]) -> None:
        self.given = plan
        self.applied = False

    def observe(self, repository: object) -> None:
        """See nothing."""

    def plan(self, current: None) -> Plan[None]:
        return self.given

    def apply(self, repository: object, plan: Plan[None], report: Report) -> None:
        self.applied = True
        report.added += plan.total("add")


@given(name=st.text(min_size=1, max_size=20), value=VALUES.filter(lambda value: value is not None))
def test_a_diff_is_yaml_with_a_line_for_each_object(name: str, value: Any) -> None:
    text = render([Change.add("thing", name, value)])["after"]
    assert len(text.splitlines()) == 1 or "\x85" in text or "\u2028" in text or "\u2029" in text
    assert text.count("\n") == 1
    if len(text) < 400 and text.isprintable():
        assert yaml.safe_load(text) == {f"thing {name}": value}


def test_a_diff_is_bounded_and_says_what_it_leaves_out() -> None:
    changes = [Change.add("thing", f"{index:05}", index) for index in range(MAX_LINES + 7)]
    text = render(changes)["after"]
    assert len(text.splitlines()) == MAX_LINES + 1
    assert text.splitlines()[-1] == "# truncated: 7 more changes"


def test_what_is_removed_and_what_is_added_stand_on_their_own_side() -> None:
    diff = render(
        [Change.remove("collection", "a", {"type": "RUN"}), Change.add("collection", "b", {"type": "RUN"})]
    )
    assert diff == {"before": "collection a: {type: RUN}\n", "after": "collection b: {type: RUN}\n"}


def test_conflicts_are_all_listed_and_nothing_is_applied() -> None:
    state = Fixed(
        Plan(None, changes=[Change.add("x", "y", 1)], conflicts=[Conflict("x", str(i), "no") for i in (2, 1)])
    )
    with pytest.raises(ButlerError) as caught:
        converge(state, None, check_mode=False, report=Report())
    assert str(caught.value).splitlines()[1:3] == ["  - x 1: no", "  - x 2: no"]
    assert not state.applied


def test_what_conflicts_and_what_is_missing_is_one_list() -> None:
    state = Fixed(Plan(None, conflicts=[Conflict("x", "y", "no")], assumes=[Assumption("run", "r")]))
    with pytest.raises(ButlerError) as caught:
        converge(state, None, check_mode=False, report=Report())
    assert caught.value.details == ("x y: no", "run r does not exist")


@pytest.mark.parametrize("check_mode", [True, False])
def test_assumptions_are_shown_in_check_mode_and_an_error_otherwise(check_mode: bool) -> None:
    state = Fixed(
        Plan(None, changes=[Change.add("x", "y", 1)], assumes=[Assumption("run", "r", "chains[0]")])
    )
    if check_mode:
        outcome = converge(state, None, check_mode=True, report=Report())
        assert outcome.assumes == ["chains[0]: run r does not exist"]
    else:
        with pytest.raises(ButlerError, match="run r does not exist"):
            converge(state, None, check_mode=False, report=Report())
    assert not state.applied


def test_check_mode_counts_what_a_run_does() -> None:
    def outcome(check_mode: bool) -> dict[str, int]:
        plan = Plan(None, changes=[Change.add("datasets", "flat", 63, count=63)], present=4, skipped=1)
        return converge(Fixed(plan), None, check_mode=check_mode, report=Report()).stats

    assert outcome(True) == outcome(False)
    assert outcome(True) == {
        "present": 4,
        "added": 63,
        "replaced": 0,
        "removed": 0,
        "skipped": 1,
        "failed": 0,
    }


def test_results_are_bounded_and_sorted() -> None:
    plan = Plan(
        None, changes=[Change.add("x", f"{index:05}", 1) for index in reversed(range(MAX_CHANGES + 5))]
    )
    result = converge(Fixed(plan), None, check_mode=True, report=Report()).as_result(diff=False)
    assert len(result["changes"]) == MAX_CHANGES and result["truncated"] == 5
    assert result["changes"][0]["name"] == "00000"
    assert "diff" not in result


def test_nothing_to_change_is_not_applied_and_has_an_empty_diff() -> None:
    state = Fixed(Plan(None, present=3))
    outcome = converge(state, None, check_mode=False, report=Report())
    assert not outcome.changed and not state.applied
    assert outcome.as_result(diff=True)["diff"] == {"before": "", "after": ""}


def test_an_error_shows_option_details_and_what_to_do() -> None:
    error = ButlerError(
        "is wrong", option="chains[0].name", details=[f"d{i}" for i in range(60)], hint="Mend it."
    )
    lines = str(error).splitlines()
    assert lines[0] == "chains[0].name: is wrong" and lines[-1] == "Mend it."
    assert lines[-2] == "  - ... and 10 more"
