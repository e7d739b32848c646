# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role postgresql_registry refuses what can't be had, before it looks at any server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.ansible_play import play

ENTRY: dict[str, Any] = {"name": "butler", "owner": "own", "reader": "read", "namespaces": ["a"]}
ALICE, RITA = {"name": "alice", "password": "of-alice"}, {"name": "rita", "password": "of-rita"}


@pytest.mark.parametrize(
    ("second", "more", "expected"),
    [
        ({"readers": [ALICE]}, {}, "in all entries of butler together, a login may be there once"),
        ({"readers": [RITA]}, {"postgresql_registry_absent_logins": ["rita"]}, "rita must not be there"),
        # All is well: the next thing is a server, which there isn't.
        (
            {"readers": [RITA]},
            {},
            r"could not translate host name \S*db\.invalid|failed to resolve host 'db\.invalid'",
        ),
    ],
)
def test_a_login_has_one_place(second: dict[str, Any], more: dict[str, Any], expected: str) -> None:
    entries = [ENTRY | {"writers": [ALICE]}, ENTRY | {"owner": "own2", "reader": "read2"} | second]
    variables = {"postgresql_registry_manage_server": False, "postgresql_registry_login_host": "db.invalid"}
    role = {"ansible.builtin.include_role": {"name": "rubin.butler.postgresql_registry"}}
    results = play([role], variables={**variables, "postgresql_registry_databases": entries, **more})
    said = [line for task in results if task.failed for line in [task.message, str(task.result)]]
    assert re.search(expected, " ".join(said)), said
    assert "of-alice" not in " ".join(said)
