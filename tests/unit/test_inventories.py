# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories: what campaigns ask for is what the site is declared to have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SITES = sorted(path.parents[1] for path in (ROOT / "inventories").glob("*/group_vars/registry.yml"))


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_each_repository_has_a_namespace_in_the_registry(site: Path) -> None:
    campaigns = yaml.safe_load((site / "group_vars/butler.yml").read_text())
    registry = yaml.safe_load((site / "group_vars/registry.yml").read_text())
    there = {name for entry in registry["postgresql_registry_databases"] for name in entry["namespaces"]}
    seeds = {name: value for name, value in campaigns.items() if name.endswith("_seed")}
    assert seeds
    for name, seed in seeds.items():
        assert seed["registry"]["namespace"] in there, name
