# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role postgresql_registry on a server that others run, with logins that may do little there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.ansible_play import CHECKOUT, TaskResult, play
from tests.integration.postgres import PASSWORD, Database, Server


@pytest.fixture
def shared(postgres: Server) -> Iterator[Database]:
    """Give a database of somebody else, and an account in it that may make schemas."""
    database = postgres.new_database(btree_gist=False)
    name = database.name
    database.execute(
        f"CREATE ROLE {name}_account LOGIN PASSWORD '{PASSWORD}'",
        f"GRANT CREATE ON DATABASE {name} TO {name}_account",
        role="postgres",
    )
    yield database
    postgres.drop(database)


def declared(database: Database, **more: Any) -> dict[str, Any]:
    name = database.name
    return {
        "postgresql_registry_manage_server": False,
        "postgresql_registry_login_host": database.host,
        "postgresql_registry_login_port": database.port,
        "postgresql_registry_login_user": f"{name}_account",
        "postgresql_registry_login_password": PASSWORD,
        "postgresql_registry_login_ssl_mode": "disable",
        "postgresql_registry_databases": [
            {
                "name": name,
                "owner": f"{name}_owner",
                "reader": f"{name}_reader",
                "namespaces": ["ccms1"],
                "writers": [{"name": f"{name}_writer", "password": PASSWORD}],
                "readers": [{"name": f"{name}_rita", "password": PASSWORD}],
            }
        ],
        **more,
    }


def apply(variables: dict[str, Any], *arguments: str) -> list[TaskResult]:
    role = {"ansible.builtin.include_role": {"name": "rubin.butler.postgresql_registry"}}
    return play([role], *arguments, variables=variables)


def problems(results: list[TaskResult]) -> list[str]:
    found = [task.result["msg"] for task in results if task.failed]
    if not found:
        return []
    assert isinstance(found[0], list) and found[0][0].startswith("Nothing was changed"), found[0][:600]
    return [str(line) for line in found[0][1:]]


def statements(said: list[str]) -> list[str]:
    return [
        re.sub(r"PASSWORD \.\.\.", f"PASSWORD '{PASSWORD}'", line.split("An administrator runs: ")[1])
        for line in said
    ]


def state(database: Database) -> list[tuple[Any, ...]]:
    return database.execute(
        "SELECT (SELECT array_agg(nspname ORDER BY 1) FROM pg_namespace WHERE nspname !~ '^pg_'), "
        "(SELECT array_agg(extname ORDER BY 1) FROM pg_extension), "
        "(SELECT array_agg(datacl) FROM pg_database WHERE datname = current_database()), "
        f"(SELECT array_agg(rolname ORDER BY 1) FROM pg_roles WHERE rolname LIKE '{database.name}%')",
        role="postgres",
    )


def test_what_an_account_may_not_do_is_listed_and_the_statements_are_enough(shared: Database) -> None:
    before = state(shared)
    variables = declared(shared)
    said = problems(apply(variables))
    assert said and state(shared) == before
    name = shared.name
    assert f"GRANT {name}_owner TO {name}_writer;" in " ".join(said)
    # Roles come before who belongs to them.
    shared.execute(*sorted(statements(said), key=lambda text: not text.startswith("CREATE")), role="postgres")
    again = problems(apply(variables))
    assert not again, again
    assert not any(task.changed for task in apply(variables))
    assert_it_serves(shared)


def test_what_everybody_may_do_in_a_database_of_others_stays(shared: Database, postgres: Server) -> None:
    name = shared.name
    shared.execute(
        f"ALTER ROLE {name}_account CREATEROLE",
        f"ALTER DATABASE {name} SET log_statement = 'ddl'",
        "ALTER DATABASE postgres SET log_statement = 'ddl'",
        role="postgres",
    )
    assert problems(apply(declared(shared), "--check")) == []
    assert problems(apply(declared(shared))) == []
    assert_it_serves(shared)
    logged = [line for line in postgres.log().splitlines() if f"{name}_rita" in line and "PASSWORD" in line]
    assert logged and all("SCRAM-SHA-256$" in line and PASSWORD not in line for line in logged)
    shared.execute("ALTER DATABASE postgres RESET log_statement", role="postgres")
    # Rita's colleague has nothing but what everybody has.
    assert shared.execute("SELECT has_schema_privilege('public', 'USAGE')", role="reader") == [(True,)]
    said = problems(apply(declared(shared, postgresql_registry_revoke_public=True)))
    assert len(said) == 1 and "everybody (PUBLIC)" in said[0], said


def test_a_reader_that_becomes_a_writer_has_no_limits_of_a_reader(shared: Database) -> None:
    name, limits = shared.name, {"statement_timeout": "1h", "idle_in_transaction_session_timeout": "30min"}
    login, others = f"{name}_rita", f"{name}_writer"
    shared.execute(*(f"CREATE ROLE {role}" for role in (login, others, f"{name}_owner")), role="postgres")
    query = (CHECKOUT / "roles/postgresql_registry/files/login_settings.sql").read_text()

    def wanted(writers: list[str], readers: list[str]) -> list[str]:
        declared = [{"name": name, "owner": f"{name}_owner", "writers": writers, "readers": readers}]
        values = {"wanted": json.dumps(declared), "reader_settings": json.dumps(limits)}
        with shared.connect("postgres") as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return [statement for _unused, statement in cursor.fetchall()]

    reading = wanted([], [login])
    assert len(reading) == 2
    shared.execute(*reading, role="postgres")
    assert wanted([], [login]) == []
    # Somebody gave a writer another limit than those of readers.
    shared.execute(f"ALTER ROLE {others} IN DATABASE {name} SET statement_timeout = '5h'", role="postgres")
    writing = wanted([login, others], [])
    start = f"ALTER ROLE {login} IN DATABASE {name}"
    assert [text for text in writing if "RESET" in text] == [
        f"{start} RESET idle_in_transaction_session_timeout",
        f"{start} RESET statement_timeout",
    ]
    shared.execute(*writing, role="postgres")
    assert wanted([login, others], []) == []


def test_rights_that_a_hardened_database_gives_nobody_are_asked_for(shared: Database) -> None:
    name = shared.name
    shared.execute(
        f"ALTER ROLE {name}_account CREATEROLE",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO {name}_account",
        f"CREATE ROLE {name}_owner",
        f"CREATE ROLE {name}_reader",
        role="postgres",
    )
    said = problems(apply(declared(shared)))
    assert len(said) == 4 and all(" ON DATABASE " in line for line in said), said
    shared.execute(*statements(said), role="postgres")
    assert problems(apply(declared(shared))) == []
    assert_it_serves(shared)


def assert_it_serves(database: Database) -> None:
    name = database.name
    database.execute("CREATE TABLE ccms1.attempt AS SELECT 42 AS number", role=f"{name}_writer")
    read = database.execute(
        "CREATE TEMPORARY TABLE mine AS SELECT number FROM ccms1.attempt",
        "SELECT number, tableowner, current_setting('statement_timeout') FROM mine, pg_tables "
        "WHERE tablename = 'attempt'",
        role=f"{name}_rita",
    )
    assert read == [(42, f"{name}_owner", "1h")]
