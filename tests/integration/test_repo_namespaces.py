# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_repo in a PostgreSQL database of others: missing rights, and two who make a registry at once."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.at_once import at_once
from tests.integration.postgres import OWNER, Database, Server
from tests.integration.repository_runs import present


def seed(database: Database, namespace: str) -> dict[str, Any]:
    return {"registry": {"db": database.url, "namespace": namespace}}


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ["CREATE SCHEMA ccms1"],
            "the namespace ccms1 belongs to postgres, and the login owner may not make tables",
        ),
        (
            ["CREATE SCHEMA ccms1", f"GRANT USAGE ON SCHEMA ccms1 TO {OWNER}"],
            "the namespace ccms1 belongs to postgres, and the login owner may not make tables",
        ),
        (
            ["ALTER DATABASE {name} OWNER TO postgres"],
            "the namespace ccms1 does not exist, and the login owner may not make it",
        ),
    ],
)
def test_a_namespace_of_somebody_else(
    statements: list[str], message: str, database: Database, tmp_path: Path
) -> None:
    database.execute(*(line.format(name=database.name) for line in statements), role="postgres")
    # To look is allowed, and an earlier task may be about to give the right.
    assert present(tmp_path / "repo", seed(database, "ccms1"), check=True).changed
    with pytest.raises(ButlerError, match=f"permission denied for .*: {message}") as caught:
        present(tmp_path / "repo", seed(database, "ccms1"))
    assert "Choose a namespace of your own" in str(caught.value)
    assert list(tmp_path.iterdir()) == [] and database.tables("ccms1") == []
    database.execute(
        "CREATE SCHEMA IF NOT EXISTS ccms1", f"GRANT ALL ON SCHEMA ccms1 TO {OWNER}", role="postgres"
    )
    assert present(tmp_path / "repo", seed(database, "ccms1")).changed


def test_an_extension_that_only_somebody_else_may_add(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.new_database(btree_gist=False)
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    wanted = seed(database, "ccms1")
    [may] = present(tmp_path / "repo", wanted, check=True).assumes
    assert "the login owner may add it: CREATE EXTENSION btree_gist" in may
    database.execute(
        f"ALTER DATABASE {database.name} OWNER TO postgres",
        "CREATE SCHEMA ccms1",
        f"GRANT ALL ON SCHEMA ccms1 TO {OWNER}",
        role="postgres",
    )
    with pytest.raises(
        ButlerError, match=r"the login owner may not add it\. Have the database's owner, postgres,"
    ):
        present(tmp_path / "repo", wanted)
    assert list(tmp_path.iterdir()) == [] and database.tables("ccms1") == []
    database.execute("CREATE EXTENSION btree_gist", role="postgres")
    assert present(tmp_path / "repo", wanted).changed
    postgres.drop(database)


def _create(root: Path, wanted: dict[str, Any], barrier: Barrier) -> tuple[Path, str]:
    barrier.wait()
    try:
        return root, "; ".join(present(root, wanted).notices) or "made"
    except ButlerError as error:
        return root, str(error)


def test_two_sites_that_take_one_namespace(database: Database, tmp_path: Path) -> None:
    roots = [tmp_path / "here", tmp_path / "there"]
    wanted = seed(database, "ccms1")
    said = dict(at_once(_create, [(root, wanted) for root in roots]))
    [winner] = [root for root in roots if said[root] == "made"]
    [loser] = [root for root in roots if root != winner]
    assert "give this one a namespace of its own" in said[loser]
    assert not loser.exists() or "takes over" in said[loser]
    Butler.from_config(winner, writeable=True).close()
    if not loser.exists():
        # Nobody is stopped, who reads the warning, from completing what a killed run has left.
        assert any("takes over" in line for line in present(loser, wanted, check=True).notices)
        assert present(loser, seed(database, "ccms1_there")).changed
    assert not present(winner, wanted).changed
