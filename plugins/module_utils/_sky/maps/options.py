# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sky maps declared as Ansible data."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import faults, held, shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    BUILDERS,
    CELLS,
    COMMON,
    KINDS,
    LEGACY,
    Field,
    build,
)

REQUIRED = {"rings": ("num_rings",), "discrete": ("ra_list", "dec_list", "radius_list")}
_ANSIBLE_TYPES: Mapping[str, Mapping[str, Any]] = {
    "int": {"type": "int"},
    "float": {"type": "float"},
    "str": {"type": "str"},
    "ints": {"type": "list", "elements": "int"},
    "floats": {"type": "list", "elements": "float"},
}


def _spec(kind: str) -> dict[str, dict[str, Any]]:
    # No defaults: an option of the other tract builder has to be told from one that isn't given.
    options: dict[str, dict[str, Any]] = {"tract_builder": {"type": "str", "choices": list(BUILDERS)}}
    for field in KINDS[kind] + COMMON + LEGACY + CELLS:
        options[field.name] = dict(_ANSIBLE_TYPES[field.holds])
        if field.name in REQUIRED[kind]:
            options[field.name]["required"] = True
    return options


RINGS_OPTIONS = _spec("rings")
DISCRETE_OPTIONS = _spec("discrete")


def config_from_options(kind: str, options: Mapping[str, Any], *, option: str | None = None) -> SkyMapConfig:
    """Make a configuration of Ansible data.

    Parameters
    ----------
    kind : `str`
        ``rings`` or ``discrete``.
    options : `~collections.abc.Mapping` [`str`, `typing.Any`]
        As in `RINGS_OPTIONS` or `DISCRETE_OPTIONS`; what is absent or `None` has the official default.
    option : `str`, optional
        Where ``options`` stand, for messages: ``skymaps[0].rings``.

    Returns
    -------
    config : `SkyMapConfig`
        Checked.

    Raises
    ------
    ButlerError
        If an option is unknown, missing, without effect, or has an impossible value.
    """
    given = {name: value for name, value in options.items() if value is not None}
    fields = {field.name: field for field in KINDS[kind] + COMMON + LEGACY + CELLS}
    builder = given.pop("tract_builder", "legacy")
    found = [] if builder in list(BUILDERS) else [_unknown_builder(builder)]
    found += [_unknown(name, fields) for name in given if name not in fields]
    found += [f"{name} is missing" for name in REQUIRED[kind] if name not in given]
    values = {}
    for name, value in given.items():
        if name not in fields:
            continue
        try:
            values[name] = held(fields[name], value)
        except ValueError as error:
            found.append(f"{name} is {shown(value)}, expected {error}")
    if not found:
        found = [_without_effect(name, builder) for name in given if _other(fields[name], builder)]
    if not found:
        config = build(kind, builder, values)
        found = list(faults(config, lambda field: field.name))
        if not found:
            return config
    raise ButlerError(
        found[0] if len(found) == 1 else f"{len(found)} options can't be used",
        option=option,
        details=found if len(found) > 1 else (),
    )


def _unknown_builder(builder: object) -> str:
    return f"tract_builder is {shown(builder)}, expected one of {', '.join(BUILDERS)}"


def _unknown(name: object, fields: Mapping[str, Field]) -> str:
    known = difflib.get_close_matches(str(name), fields, n=2) or list(fields)
    return f"{name} is unknown, expected {'one of ' if len(known) > 1 else ''}{', '.join(known)}"


def _other(field: Field, builder: str) -> bool:
    """Tell whether an option belongs to the tract builder that isn't used."""
    return any(field in BUILDERS[other] for other in BUILDERS if other != builder)


def _without_effect(name: str, builder: str) -> str:
    [other] = [other for other in BUILDERS if other != builder]
    return f"{name} has no effect with tract_builder {builder}: leave it out, or set tract_builder to {other}"
