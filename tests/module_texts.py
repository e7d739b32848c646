# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules document, read without Ansible, and held against what they return."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

MODULES = Path(__file__).resolve().parents[1] / "plugins" / "modules"
COLLECTION = "rubin.butler"

ANSIBLES_OWN = {"attempts", "changed", "deprecations", "diff", "failed", "invocation", "item", "warnings"}
TYPES: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "raw": object,
    "str": str,
}


@cache
def texts_of(module: str) -> dict[str, str]:
    """Give DOCUMENTATION, EXAMPLES and RETURN of a module.

    Parameters
    ----------
    module : `str`
        Its short name.

    Returns
    -------
    texts : `dict` [ `str`, `str` ]
        As they stand in the file.
    """
    return {
        node.targets[0].id: node.value.value
        for node in ast.parse((MODULES / f"{module}.py").read_text()).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


@cache
def returns_of(module: str) -> dict[str, Any]:
    """Give RETURN of a module."""
    return dict(yaml.safe_load(texts_of(module)["RETURN"]))


def assert_is_documented(module: str, result: Mapping[str, Any]) -> None:
    """Check what a module has returned against its RETURN.

    Parameters
    ----------
    module : `str`
        Its short name.
    result : `~collections.abc.Mapping`
        The result of a task that did not fail.
    """
    own = {
        key: value
        for key, value in result.items()
        if key not in ANSIBLES_OWN and not key.startswith(("_ansible_", "ansible_"))
    }
    returns = returns_of(module)
    missing = {key for key, entry in returns.items() if entry["returned"] == "success"} - own.keys()
    assert not missing, f"{module} documents {sorted(missing)} and does not return it"
    _assert_fits(module, own, returns)


def _assert_fits(
    where: str, found: Mapping[str, Any], documented: Mapping[str, Any], *, inner: bool = False
) -> None:
    unknown = found.keys() - documented.keys()
    assert not unknown, f"{where} returns {sorted(unknown)} and does not document it"
    for key, value in found.items():
        entry, here = documented[key], f"{where}.{key}"
        if value is None and inner:
            continue
        items = value if entry["type"] == "list" else [value]
        assert isinstance(items, list), f"{here} is {value!r}, and a list is documented"
        kind = entry["elements"] if entry["type"] == "list" else entry["type"]
        for item in items:
            fits = isinstance(item, TYPES[kind]) and (kind in ("bool", "raw") or not isinstance(item, bool))
            assert fits, f"{here} has {item!r}, and {kind} is documented"
            if "contains" in entry:
                _assert_fits(here, item, entry["contains"], inner=True)
