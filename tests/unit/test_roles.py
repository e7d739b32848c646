# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles: what they declare, document and take for granted agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parents[1] for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))


def load(role: Path, part: str) -> Any:
    return yaml.safe_load((role / part).read_text())


def specification(role: Path) -> dict[str, dict[str, Any]]:
    options = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert isinstance(options, dict)
    return options


def all_options(options: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in options.items():
        yield prefix + name, entry
        yield from all_options(entry.get("options", {}), f"{prefix}{name}.")


def test_there_are_roles() -> None:
    assert len(ROLES) >= 4


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_declared_and_the_same(role: Path) -> None:
    declared = specification(role)
    defaults = load(role, "defaults/main.yml")
    assert set(defaults) <= set(declared), "not in meta/argument_specs.yml"
    for name, value in defaults.items():
        if isinstance(value, str) and "{{" in value:
            assert "default" not in declared[name], f"{name} is made from other variables"
        elif "default" in declared[name]:
            assert declared[name]["default"] == value, name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_variable_is_documented(role: Path) -> None:
    for name, entry in all_options(specification(role)):
        assert entry.get("description"), f"{name} says nothing"
        assert "type" in entry, f"{name} has no type"
    assert all(name.startswith(f"{role.name}_") for name in specification(role))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_secrets_are_declared_as_such(role: Path) -> None:
    secrets = {"password", "private_key", "passphrase", "secret", "token"}
    for name, entry in all_options(specification(role)):
        if (
            name.rpartition(".")[2].removeprefix(f"{role.name}_ca_").removeprefix(f"{role.name}_login_")
            in secrets
        ):
            assert entry.get("no_log") is True, f"{name} is shown"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_result_has_an_item_with_a_secret(role: Path) -> None:
    """Whatever a loop's label is: results have the items, those of includes too, for callbacks to show."""
    secret = {name for name, entry in specification(role).items() if has_secrets(entry)}
    for file in sorted((role / "tasks").glob("*.yml")):
        for task in all_tasks(yaml.safe_load(file.read_text()) or []):
            looped = str(task.get("loop", "")).strip("{} ")
            if looped in secret:
                assert task.get("no_log") is True, f"{file.name}: {task['name']} shows {looped}"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_what_is_compared_by_checksum_may_be_a_link(role: Path) -> None:
    for file in sorted((role / "tasks").glob("*.yml")):
        for task in all_tasks(yaml.safe_load(file.read_text()) or []):
            look = task.get("ansible.builtin.stat", {})
            assert "checksum_algorithm" not in look or look.get("follow") is True, f"{file}: {task['name']}"


def has_secrets(entry: dict[str, Any]) -> bool:
    return bool(entry.get("no_log")) or any(map(has_secrets, entry.get("options", {}).values()))


def all_tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from all_tasks(task.get(part, []))
