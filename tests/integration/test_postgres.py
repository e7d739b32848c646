# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own PostgreSQL server is one that Butler can use."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.daf.butler import Butler, Config

from tests.integration import postgres as server
from tests.integration.postgres import READER, Database


def test_a_repository_can_be_made_and_read(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = Config({"registry": {"db": database.url, "namespace": "ccms1"}})
    Butler.makeRepo(tmp_path / "repo", seed)
    Butler.from_config(tmp_path / "repo", writeable=True).close()
    assert "butler_attributes" in database.tables("ccms1")
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    with Butler.from_config(tmp_path / "repo") as butler:
        assert butler.collections.query("*") == []


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_host_without_postgresql_names_the_package_to_install(
    ci: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(server, "Path", lambda _unused: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(outcome, match="install-recommends postgresql"):
        server.program("initdb")
