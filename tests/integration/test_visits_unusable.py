# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_visits where exposures make no visit that a repository can hold: the plan says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.visit_states import add_exposures, define, everything, rows, visits, with_exposures
from tests.visit_facts import changed, official_exposures

BY_COUNTER = "one-to-one-and-by-counter"
BY_GROUP = "by-group-metadata"
EXPOSURES = {exposure.id: exposure for exposure in official_exposures("LSSTComCam")}
ONE, FIRST, SECOND = (EXPOSURES[number] for number in (2024110800266, 2024110800300, 2024110800301))
OTHER_FILTER = changed(SECOND, physical_filter="r_03" if FIRST.physical_filter != "r_03" else "g_01")
FILTERS = ", ".join(sorted((FIRST.physical_filter, OTHER_FILTER.physical_filter)))
TWO_FILTERS = f"its exposures have the filters {FILTERS}; a visit has exactly one"


def assert_left_out(repo: Path, said: str, visits: int, **declared: Any) -> None:
    """Prove that a visit is a conflict in check mode and in the run, and that keep leaves it out."""
    before = everything(repo)
    for on_conflict in ("fail", "replace"):
        for check_mode in (True, False):
            with pytest.raises(ButlerError) as caught:
                define(repo, check_mode=check_mode, on_conflict=on_conflict, **declared)
            assert said in str(caught.value)
            assert "to replace" not in str(caught.value)
    assert everything(repo) == before
    promised = define(repo, check_mode=True, on_conflict="keep", **declared)
    outcome = define(repo, on_conflict="keep", **declared)
    assert promised.stats == outcome.stats and outcome.stats["skipped"] == 1
    assert any("left out 1 visits" in notice and said in notice for notice in outcome.notices)
    assert len(rows(repo, "visit")) == visits
    assert not define(repo, on_conflict="keep", **declared).changed


@pytest.mark.parametrize(("grouping", "visits"), [(BY_GROUP, 1), (BY_COUNTER, 3)])
def test_a_visit_has_one_filter(grouping: str, visits: int, repo: Path) -> None:
    with_exposures(repo, exposures=[ONE, FIRST, OTHER_FILTER])
    assert_left_out(repo, TWO_FILTERS, visits, grouping=grouping)


def test_a_visit_does_not_grow_by_another_filter(repo: Path) -> None:
    with_exposures(repo, exposures=[FIRST])
    define(repo, grouping=BY_GROUP)
    add_exposures(repo, [OTHER_FILTER])
    assert_left_out(repo, TWO_FILTERS, 1, grouping=BY_GROUP, incremental=True)
    assert len(rows(repo, "visit_definition")) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("tracking_dec", -90.0000001), ("tracking_ra", float("inf")), ("tracking_dec", 91.0)],
)
def test_a_pointing_is_on_the_sky(column: str, value: float, repo: Path) -> None:
    with_exposures(repo, exposures=[ONE, changed(FIRST, **{column: value})])
    assert_left_out(repo, f"{column} of exposure {FIRST.id} is {value}", 1)


def test_a_name_that_another_visit_has_is_a_conflict(repo: Path) -> None:
    with_exposures(repo, exposures=[ONE, FIRST])
    with Butler.from_config(repo, writeable=True) as butler:
        row = {"instrument": "LSSTComCam", "id": 5, "name": FIRST.obs_id}
        row |= {"physical_filter": FIRST.physical_filter, "day_obs": FIRST.day_obs}
        butler.registry.insertDimensionData("visit", row)
    assert_left_out(repo, f"the visit 5 has the name {FIRST.obs_id}, which {FIRST.id} would have", 2)
    state, repository = visits(), open_repository(str(repo), writeable=False)
    with repository.butler:
        current = state.observe(repository)
        first, again = (state.plan(current) for _time in range(2))
    assert first.conflicts and again.conflicts == first.conflicts


def test_an_existing_visit_does_not_get_a_name_that_another_has(repo: Path) -> None:
    with_exposures(repo, exposures=[ONE, FIRST])
    define(repo)
    one, _first = rows(repo, "visit")
    with Butler.from_config(repo, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert("visit", {**one.toDict(), "name": "renamed"}, replace=True)
        insert("visit", {**one.toDict(), "id": 5, "region": None})
    for on_conflict in ("fail", "replace"):
        with pytest.raises(ButlerError) as caught:
            define(repo, on_conflict=on_conflict)
        assert f"name: 'renamed' -> '{ONE.obs_id}'; the visit 5 has the name {ONE.obs_id}" in str(
            caught.value
        )
    assert not define(repo, on_conflict="keep").changed


def test_names_of_visits_are_unique_in_a_run(repo: Path) -> None:
    with_exposures(repo, exposures=[ONE, FIRST, SECOND])
    add_exposures(repo, [changed(ONE, obs_id=f"{FIRST.obs_id}_first")], replace=True)
    said = f"visits 9{FIRST.id} and {ONE.id} would have this name"
    other = f"visits {ONE.id} and 9{FIRST.id} would have this name"
    with pytest.raises(ButlerError, match=f"{FIRST.obs_id}_first: ({said}|{other})"):
        define(repo, grouping=BY_COUNTER)
    assert define(repo, grouping=BY_COUNTER, on_conflict="keep").stats["skipped"] == 1


@pytest.mark.parametrize("on_conflict", ["fail", "keep", "replace"])
def test_a_visit_system_name_that_another_has_is_a_conflict(on_conflict: str, repo: Path) -> None:
    with_exposures(repo, exposures=[ONE])
    with Butler.from_config(repo, writeable=True) as butler:
        row = {"instrument": "LSSTComCam", "id": 9, "name": "one-to-one"}
        butler.registry.insertDimensionData("visit_system", row)
    for check_mode in (True, False):
        with pytest.raises(ButlerError) as caught:
            define(repo, check_mode=check_mode, on_conflict=on_conflict)
        assert "visit_system LSSTComCam 0: the visit system 9 has the name one-to-one" in str(caught.value)
        assert "Set on_conflict" not in str(caught.value)
    assert rows(repo, "visit") == []


@pytest.mark.parametrize(
    "where",
    ["exposure = 99999999999999999999", "exposure >", "exposure.day_obs = 'today'", "exposure = :given"],
)
def test_an_expression_that_no_database_takes_is_explained(where: str, repo: Path) -> None:
    with_exposures(repo, exposures=[ONE])
    for more in ({}, {"exposures": [str(ONE.id)]}):
        with pytest.raises(ButlerError, match="exposures can't be selected with") as caught:
            define(repo, where=where, check_mode=True, **more)
        assert caught.value.option == "where" and where in caught.value.message
