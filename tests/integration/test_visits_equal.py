# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_visits writes what the official define-visits writes, for each camera and from its raws."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in

from tests.integration.raw_files import write_raws
from tests.integration.raw_states import ingest, register
from tests.integration.visit_states import assert_visits_are_official, define, everything
from tests.visit_facts import CASES, official_visits


@pytest.mark.parametrize(("name", "grouping"), CASES)
def test_visits_are_those_of_the_official_tool(name: str, grouping: str, repo: Path) -> None:
    definition = find_built_in(name)
    assert definition is not None
    register(repo, name)
    write_raws(repo.parent / "raw", name=name)
    ingest(repo, repo.parent / "raw", instrument=name, transfer="direct")
    declared = {"instrument": name, "grouping": grouping, "collections": [definition.default_raw_run]}
    promised = define(repo, check_mode=True, **declared)
    outcome = define(repo, **declared)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    facts = official_visits(name, grouping)
    assert outcome.stats["added"] == len(facts["visit"]) + len(facts["visit_system"])
    assert_visits_are_official(repo, name, grouping)
    before = everything(repo)
    again = define(repo, check_detector_regions=True, **declared)
    assert not again.changed and again.stats["present"] == len(facts["visit"])
    assert everything(repo) == before
