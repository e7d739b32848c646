# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the integration tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from lsst.daf.butler import Butler

from tests.integration.postgres import Database, Server, running_server
from tests.integration.webdav import WebDav, running_webdav


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository that nobody writes to: a copy takes a hundredth of the time of making one."""
    root = tmp_path_factory.mktemp("empty") / "repo"
    Butler.makeRepo(root)
    return root


@pytest.fixture
def repo(empty_repository: Path, tmp_path: Path) -> Path:
    """Give an empty repository with an SQLite registry."""
    return Path(shutil.copytree(empty_repository, tmp_path / "repo"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Give a PostgreSQL server that lives as long as the tests."""
    with running_server() as server:
        yield server


@pytest.fixture
def database(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Give an empty database with Butler's extension, and its owner's credentials in the environment."""
    database = postgres.new_database()
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    yield database
    postgres.drop(database)


@pytest.fixture
def server(postgres: Server, database: Database) -> Iterator[Server]:
    """Give the PostgreSQL server, which is running afterwards whatever a test does to it."""
    yield postgres
    try:
        database.execute("SELECT 1", role="postgres")
    except psycopg2.OperationalError:
        postgres.start()


@pytest.fixture(scope="session")
def webdav() -> Iterator[WebDav]:
    """Give a WebDAV server that lives as long as the tests."""
    with running_webdav() as server:
        yield server
