# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module on PostgreSQL makes what it makes on SQLite."""

from __future__ import annotations

from pathlib import Path

from lsst.daf.butler import Butler

from tests.integration.canonical import Dump, difference, dump
from tests.integration.modules_here import cycle_here, module_here
from tests.integration.postgres import Database
from tests.integration.sky_maps import stored
from tests.integration.whole_campaign import campaign, undoing, write_sources

NAMESPACE = "ccms1"


def comparable(repo: Path, database: Database | None = None) -> Dump:
    """Write a repository down, but for the place of its registry and the random id of its sky map."""
    (sky_map,) = stored(repo).values()
    renames = dict.fromkeys((sky_map.id.hex, str(sky_map.id)), "<the stored sky map>")
    found = dump(repo, renames, database, NAMESPACE)
    found["files"] = [line for line in found["files"] if not line.startswith("butler.yaml ")]
    return found


def test_every_module_makes_on_postgresql_what_it_makes_on_sqlite(database: Database, tmp_path: Path) -> None:
    source, repo, twin = tmp_path / "source", tmp_path / "repo", tmp_path / "twin"
    write_sources(source)
    seed = {"registry": {"db": database.url, "namespace": NAMESPACE}}
    for module, arguments in campaign(repo, source, seed):
        cycle_here(module, arguments).assert_converges()
    info = module_here("butler_info", {"repo": str(repo)})
    assert not info.failed and not info.changed, info.message

    for module, arguments in campaign(twin, source, {}):
        done = module_here(module, arguments)
        assert not done.failed and done.changed, done.message
    assert difference(comparable(twin), comparable(repo, database)) == []
    with Butler.from_config(repo) as butler:
        # By way of the regions, which tell visits and patches apart by the tables of what overlaps them.
        met = butler.query_data_ids(["visit", "tract"], explain=False, limit=None)
    with Butler.from_config(twin) as butler:
        assert set(met) == set(butler.query_data_ids(["visit", "tract"], explain=False, limit=None))

    for module, arguments in undoing(repo):
        cycle_here(module, arguments).assert_converges()
    assert database.tables(NAMESPACE) == [] and not repo.exists()
