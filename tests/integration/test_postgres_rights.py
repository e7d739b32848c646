# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights that a login has not, or a server has for nobody: found before the first write, or in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, Config

from tests.integration.modules_here import module_here
from tests.integration.postgres import OWNER, Database, Server
from tests.integration.raw_files import write_raws
from tests.integration.raw_states import RUN, ingest, register, stored

COLLECTIONS = {"collections": [{"name": "skymaps"}]}


@pytest.fixture
def repo(database: Database, tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": database.url}}))
    register(root, "LSSTComCam")
    write_raws(tmp_path / "raw")
    return root


def raws(repo: Path, **more: Any) -> dict[str, Any]:
    return {"repo": str(repo), "instrument": "LSSTComCam", "sources": [str(repo.parent / "raw")], **more}


def take(database: Database, table: str) -> None:
    """Give a table to somebody else, who lets everybody read it."""
    database.execute(
        f"ALTER TABLE {table} OWNER TO postgres", f"GRANT SELECT ON {table} TO PUBLIC", role="postgres"
    )


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_right_that_is_missing_ends_an_ingest_at_once(
    on_error: str, repo: Path, database: Database
) -> None:
    take(database, "file_datastore_records")
    done = module_here("butler_raws", raws(repo, on_error=on_error))
    assert done.failed and f"the ingest into {RUN} broke off: " in done.message, done.message
    assert "permission denied for table file_datastore_records" in done.message
    assert stored(repo) == {}
    database.execute(f"ALTER TABLE file_datastore_records OWNER TO {OWNER}", role="postgres")
    assert not module_here("butler_raws", raws(repo)).failed
    assert not module_here("butler_raws", raws(repo)).changed


def test_a_right_that_is_missing_in_the_middle_names_the_login(repo: Path, database: Database) -> None:
    ingest(repo, repo.parent / "raw")
    take(database, "visit_detector_region")
    arguments = {"repo": str(repo), "instrument": "LSSTComCam", "collections": [RUN]}
    done = module_here("butler_visits", arguments)
    assert done.failed and "exception" not in done.result
    assert done.message.startswith(f"repo: the login {OWNER} may not do that in the registry of {repo}: ")
    assert "permission denied for table visit_detector_region" in done.message
    with Butler.from_config(repo) as butler:
        assert butler.query_dimension_records("visit", explain=False) == []
    database.execute(f"ALTER TABLE visit_detector_region OWNER TO {OWNER}", role="postgres")
    assert module_here("butler_visits", arguments).changed


def test_a_server_that_takes_no_writes_can_be_looked_at(
    repo: Path, database: Database, postgres: Server
) -> None:
    arguments = {"repo": str(repo), **COLLECTIONS}
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    assert module_here("butler_collection", arguments, check_mode=True).changed
    done = module_here("butler_collection", arguments)
    assert done.failed and "read-only transaction" in done.message and "a replica" in done.message
    database.execute(
        "SET default_transaction_read_only = off",
        f"ALTER DATABASE {database.name} RESET ALL",
        role="postgres",
    )
    assert module_here("butler_collection", arguments)["stats"]["added"] == 1
    database.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    assert not module_here("butler_collection", arguments).failed, "there is nothing to do"
