# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_visits where another writer defines or changes visits between the plan and the writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler

from tests.integration.visit_states import add_exposures, define, everything, rows, visits, with_exposures
from tests.visit_facts import changed, official_exposures

BY_COUNTER = "one-to-one-and-by-counter"
BY_GROUP = "by-group-metadata"
EXPOSURES = {exposure.id: exposure for exposure in official_exposures("LSSTComCam")}
ONE, FIRST, SECOND = (EXPOSURES[number] for number in (2024110800266, 2024110800300, 2024110800301))
THIRD = changed(SECOND, id=SECOND.id + 1, seq_num=302, obs_id="CC_O_20241108_000302")


def overtaken(repo: Path, other: Callable[[], object], **declared: Any) -> Report:
    """Plan, let the other do its work, and carry the plan out."""
    state, report = visits(**declared), Report()
    repository = open_repository(str(repo), writeable=True)
    with repository.butler:
        plan = state.plan(state.observe(repository))
        other()
        state.apply(repository, plan, report)
    return report


def assert_refused(repo: Path, other: Callable[[], object], said: str, **declared: Any) -> None:
    """Prove that what the other wrote stays, and that the operator reads why."""
    after: list[dict[str, list[str]]] = []

    def remember() -> None:
        other()
        after.append(everything(repo))

    with pytest.raises(ButlerError) as caught:
        overtaken(repo, remember, **declared)
    assert said in str(caught.value) and "Run the task again" in str(caught.value)
    now = everything(repo)
    now["visit_system"] = after[0]["visit_system"]
    assert now == after[0]


def test_the_same_visits_of_another_grouping_are_joined(repo: Path) -> None:
    with_exposures(repo, exposures=[ONE])
    report = overtaken(repo, lambda: define(repo), grouping=BY_COUNTER)
    assert report.notices == ["another writer defined 1 of the visits meanwhile"]
    assert [row.visit_system for row in rows(repo, "visit_system_membership")] == [0, 2]
    assert not define(repo, grouping=BY_COUNTER, check_detector_regions=True).changed


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {"padding": 0}, f"visit LSSTComCam {FIRST.id} meanwhile: region: "),
        ({}, {"grouping": BY_COUNTER}, f"exposures: [{FIRST.id}] -> [{FIRST.id}, {SECOND.id}]"),
        ({"grouping": BY_COUNTER}, {}, f"exposures: [{FIRST.id}, {SECOND.id}] -> [{FIRST.id}]"),
    ],
)
def test_other_visits_of_the_same_ids_are_told(
    first: dict[str, Any], second: dict[str, Any], said: str, repo: Path
) -> None:
    with_exposures(repo, exposures=[FIRST, SECOND])
    assert_refused(repo, lambda: define(repo, **first), said, **second)


def test_other_visits_of_the_same_ids_are_kept(repo: Path) -> None:
    with_exposures(repo, exposures=[FIRST, SECOND])
    report = overtaken(repo, lambda: define(repo), grouping=BY_COUNTER, on_conflict="keep")
    assert report.notices[0] == "another writer defined 1 of the visits meanwhile"
    assert report.notices[1].startswith(
        f"kept 1 visits that another writer changed meanwhile; the first is {FIRST.id}: exposure_time: "
    )
    assert len(rows(repo, "visit")) == 3
    members = {(row.visit, row.visit_system) for row in rows(repo, "visit_system_membership")}
    assert (FIRST.id, 2) not in members
    assert not define(repo, grouping=BY_COUNTER, on_conflict="keep", check_detector_regions=True).changed


def test_a_name_that_was_taken_meanwhile_is_told(repo: Path) -> None:
    with_exposures(repo, exposures=[FIRST])

    def other() -> None:
        with Butler.from_config(repo, writeable=True) as butler:
            row = {"instrument": "LSSTComCam", "id": 5, "name": FIRST.obs_id}
            row |= {"physical_filter": FIRST.physical_filter, "day_obs": FIRST.day_obs}
            butler.registry.insertDimensionData("visit", row)

    assert_refused(repo, other, f"the visit 5 has got its name, {FIRST.obs_id}")


def grow(repo: Path) -> None:
    """Let a third exposure come, and its visit grow."""
    add_exposures(repo, [THIRD])
    define(repo, grouping=BY_GROUP, incremental=True)


def test_a_visit_that_grew_further_does_not_shrink(repo: Path) -> None:
    with_exposures(repo, exposures=[FIRST])
    define(repo, grouping=BY_GROUP)
    add_exposures(repo, [SECOND])
    said = f"exposures: [{FIRST.id}, {SECOND.id}, {THIRD.id}] -> [{FIRST.id}, {SECOND.id}]"
    declared = {"grouping": BY_GROUP, "incremental": True}
    assert_refused(repo, lambda: grow(repo), said, **declared)
    [visit] = rows(repo, "visit")
    assert visit.exposure_time == sum(one.exposure_time for one in (FIRST, SECOND, THIRD))
    assert not define(repo, **declared).changed


def test_a_visit_that_grew_alike_is_left(repo: Path) -> None:
    with_exposures(repo, exposures=[FIRST])
    define(repo, grouping=BY_GROUP)
    add_exposures(repo, [SECOND])
    declared = {"grouping": BY_GROUP, "incremental": True}
    report = overtaken(repo, lambda: define(repo, **declared), **declared)
    assert report.notices == ["another writer defined 1 of the visits meanwhile"] and not report.replaced
    assert not define(repo, **declared).changed


def test_a_replaced_visit_is_not_replaced_by_an_older_plan(repo: Path) -> None:
    with_exposures(repo, exposures=[ONE])
    define(repo)
    add_exposures(repo, [changed(ONE, target_name="COSMOS")], replace=True)

    def other() -> None:
        add_exposures(repo, [changed(ONE, target_name="M 31")], replace=True)
        define(repo, on_conflict="replace")

    assert_refused(repo, other, "target_name: 'M 31' -> 'COSMOS'", on_conflict="replace")
