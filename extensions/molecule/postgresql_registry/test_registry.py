# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of the scenario, from the outside: what verify.yml runs, on the machine of the controller."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from lsst.daf.butler import Butler, Config, DatasetType
from psycopg2 import errors

FACTS: dict[str, Any] = json.loads(Path(os.environ["RUBIN_BUTLER_REGISTRY"]).read_text())
PASSWORDS, NAMESPACE = FACTS["passwords"], FACTS["namespace"]
URL = f"postgresql://{FACTS['host']}:{FACTS['port']}/{FACTS['database']}"
ALICE, BOB, RITA = "alice", "bob.writer", "rita"


@contextmanager
def connection(user: str, **changes: Any) -> Iterator[Any]:
    """Connect as psql does: the name is verified, the address given, as the controller has no DNS for it."""
    usual = {
        "host": FACTS["host"],
        "hostaddr": FACTS["address"],
        "port": FACTS["port"],
        "dbname": FACTS["database"],
        "user": user,
        "password": PASSWORDS.get(user, "unknown"),
        "sslmode": "verify-full",
        "sslrootcert": FACTS["ca"],
        "connect_timeout": 30,
    }
    opened = psycopg2.connect(**(usual | changes))
    opened.autocommit = True
    try:
        yield opened
    finally:
        opened.close()


def ask(user: str, statement: str) -> list[tuple[Any, ...]]:
    with connection(user) as opened, opened.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the function that opens the repository as a login."""
    monkeypatch.setenv("PGHOSTADDR", FACTS["address"])
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", FACTS["ca"])

    def act(user: str) -> None:
        credentials = [{"url": URL, "username": user, "password": PASSWORDS[user]}]
        monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", json.dumps(credentials))

    return act


def test_writers_share_a_repository_and_readers_read_it(acting: Any, tmp_path: Path) -> None:
    root = str(tmp_path / "repo")
    acting(ALICE)
    Butler.makeRepo(root, config=Config({"registry": {"db": URL, "namespace": NAMESPACE}}))
    with Butler.from_config(root, writeable=True) as butler:
        butler.registry.insertDimensionData(
            "instrument", {"name": "Cam", "detector_max": 9, "class_name": "c"}
        )
        for detector in range(4):
            record = {"instrument": "Cam", "id": detector, "full_name": f"D{detector}"}
            butler.registry.insertDimensionData("detector", record)

    acting(BOB)
    with Butler.from_config(root, writeable=True, run="notes") as butler:
        dimensions = butler.dimensions.conform(["detector"])
        butler.registry.registerDatasetType(DatasetType("note", dimensions, "StructuredDataDict"))
        butler.put({"by": BOB}, "note", instrument="Cam", detector=0)

    acting(ALICE)
    with Butler.from_config(root, writeable=True, run="notes") as butler:
        butler.put({"by": ALICE}, "note", instrument="Cam", detector=1)

    acting(RITA)
    with Butler.from_config(root, collections="notes") as butler:
        assert butler.get("note", instrument="Cam", detector=1) == {"by": ALICE}
        with butler.query() as query:
            uploaded = [
                butler.registry.expandDataId(instrument="Cam", detector=detector).subset(dimensions)
                for detector in (0, 1, 3)
            ]
            found = query.join_data_coordinates(uploaded).datasets("note").with_dimension_records()
            assert sorted(ref.dataId["detector"] for ref in found) == [0, 1]

    with (
        pytest.raises(Exception, match="permission denied"),
        Butler.from_config(root, writeable=True) as butler,
    ):
        butler.registry.registerRun("mine")

    owners = ask(
        ALICE,
        f"SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = '{NAMESPACE}'",
    )
    assert owners == [(FACTS["owner"],)]


@pytest.mark.parametrize(
    "statement",
    [
        f"CREATE TABLE {NAMESPACE}.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        f"DELETE FROM {NAMESPACE}.instrument",
        f"INSERT INTO {NAMESPACE}.instrument (name) VALUES ('mine')",
        "SELECT * FROM private.anything",
        f"SET ROLE {FACTS['owner']}",
    ],
)
def test_readers_only_read(statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        ask(RITA, statement)


def test_writers_have_no_rights_elsewhere() -> None:
    for statement in ("CREATE TABLE private.mine (a int)", "CREATE DATABASE mine", "CREATE ROLE mine"):
        with pytest.raises(errors.InsufficientPrivilege):
            ask(ALICE, statement)
    with (
        pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"),
        connection(ALICE, dbname="postgres"),
    ):
        pass


def test_everybody_has_nothing() -> None:
    granted = ask(
        ALICE,
        "SELECT has_database_privilege('public', current_database(), 'CONNECT, TEMPORARY, CREATE'), "
        "has_schema_privilege('public', 'public', 'USAGE, CREATE'), "
        f"has_schema_privilege('public', '{NAMESPACE}', 'USAGE, CREATE')",
    )
    assert granted == [(False, False, False)]


def test_readers_have_limits_and_writers_act_as_the_owner() -> None:
    assert ask(RITA, "SELECT current_setting('statement_timeout')") == [("1h",)]
    assert ask(ALICE, "SELECT session_user::text, current_user::text") == [(ALICE, FACTS["owner"])]


@pytest.mark.parametrize(
    ("user", "changes", "said"),
    [
        (ALICE, {"password": "wrong"}, "password authentication failed"),
        ("nobody", {}, "no pg_hba.conf entry"),
        ("postgres", {}, "no pg_hba.conf entry"),
        (ALICE, {"sslmode": "disable"}, "no pg_hba.conf entry .* no encryption"),
        (ALICE, {"sslrootcert": "/etc/ssl/certs/ca-certificates.crt"}, "certificate verify failed"),
        (ALICE, {"host": "other.test"}, "does not match host name"),
    ],
)
def test_others_are_refused(user: str, changes: dict[str, str], said: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match=said), connection(user, **changes):
        pass
