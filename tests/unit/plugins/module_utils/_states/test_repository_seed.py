# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds are checked without daf_butler, and their secrets never repeated."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError, SecretError
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_seed import (
    check_seed,
    get,
    leaves,
    shown,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "db",
    [
        "postgresql://db.example.org:5432/lsst",
        "postgresql://db.example.org/lsst?sslmode=require",
        "postgresql://owner@db.example.org/lsst",
        "postgresql+psycopg2://db.example.org/lsst",
        "sqlite:///<butlerRoot>/gen3.sqlite3",
        "sqlite:////data/we@home/gen3.sqlite3",
    ],
)
def test_database_urls_without_a_password_are_taken(db: str) -> None:
    assert check_seed({"registry": {"db": db}}, "seed_config") == {"registry": {"db": db}}


PASSWORD = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4)


@given(PASSWORD, st.sampled_from(["owner", ""]))
def test_a_password_in_the_databases_url_is_refused_and_not_repeated(password: str, user: str) -> None:
    with pytest.raises(SecretError) as caught:
        check_seed({"registry": {"db": f"postgresql://{user}:{password}@db/lsst"}}, "seed_config")
    assert "carries a password" in str(caught.value)
    assert str(caught.value).count("@") == 0
    assert any(password in secret for secret in caught.value.secrets)


@pytest.mark.parametrize(
    "value", ["davs://me:sEcret@dav/x", "https://sEcret@h/x", "see https://h/x and s3://k:sEcret@bucket/x"]
)
def test_user_information_anywhere_else_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(SecretError, match=r"seed_config\.datastore\.a\.b: ") as caught:
        check_seed({"datastore": {"a": {"b": value}}}, "seed_config")
    assert "sEcret" not in str(caught.value)
    assert any("sEcret" in secret for secret in caught.value.secrets)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "seed_config: a seed configuration is a mapping"),
        ({"registry": []}, "seed_config.registry: expected a mapping"),
        ({"datastore": "x"}, "seed_config.datastore: expected a mapping"),
        (
            {"registry": {"managers": {"obscore": "a.b"}}},
            "seed_config.registry.managers.obscore: the obscore",
        ),
    ],
)
def test_what_is_no_seed_is_refused(content: Any, message: str) -> None:
    with pytest.raises(ButlerError) as caught:
        check_seed(content, "seed_config")
    assert str(caught.value).startswith(message)


def test_the_values_of_nested_mappings_are_found_again() -> None:
    content = {"a": {"b": [1, 2], "c": {}}, "d": None}
    assert list(leaves(content)) == [(("a", "b"), [1, 2]), (("d",), None)]
    assert get(content, ("a", "b")) == [1, 2]
    assert get(content, ("a", "x", "y")) is None
    assert get(content, ("d", "y")) is None


def test_passwords_are_masked_where_values_are_shown() -> None:
    assert shown("postgresql://me:pw@h/d") == "postgresql://me:***@h/d"
    assert shown("postgresql://h/d?user=me&password=pw&x=1") == "postgresql://h/d?user=me&password=***&x=1"
    assert shown({"b": 1, "a": "https://:pw@h"}) == '{"a": "https://:***@h", "b": 1}'
    assert shown(True) == "true"
