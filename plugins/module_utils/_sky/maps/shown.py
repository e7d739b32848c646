# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of sky maps for people to read."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    fields_of,
    kind_of,
    value_of,
)


def shown_config(config: SkyMapConfig) -> dict[str, object]:
    """List the options that determine the hash.

    Parameters
    ----------
    config : `SkyMapConfig`
        The configuration.

    Returns
    -------
    options : `dict` [`str`, `object`]
        Values by official name, tuples as lists: first ``skyMap``, the type, and ``tractBuilder``, then
        those of the tract builder, those of all sky maps, and those of the type.
    """
    kind = kind_of(config)
    options: dict[str, object] = {"skyMap": kind, "tractBuilder": config.tract_builder}
    for field in fields_of(kind, config.tract_builder):
        value = value_of(config, field)
        if field.holds == "float":
            value = float(value)
        options[field.official] = list(value) if isinstance(value, tuple) else value
    return options


def differences(registered: Mapping[str, object], declared: Mapping[str, object]) -> list[str]:
    """Tell two configurations apart.

    Parameters
    ----------
    registered : `~collections.abc.Mapping` [`str`, `object`]
        What there is, as `shown_config` has it.
    declared : `~collections.abc.Mapping` [`str`, `object`]
        What should be, likewise.

    Returns
    -------
    differences : `list` [`str`]
        Such as ``pixelScale: 0.2 registered, 0.3 declared``; none if the hash is the same. Options that
        only one of the two has follow from its type or tract builder and are left out.
    """
    # By their text: 0.0 and -0.0 are equal, but not to the hash.
    return [
        f"{name}: {_differing(value, declared[name])}"
        for name, value in registered.items()
        if name in declared and repr(value) != repr(declared[name])
    ]


def _differing(registered: object, declared: object) -> str:
    if isinstance(registered, list) and isinstance(declared, list) and len(registered) > 2:
        if len(registered) != len(declared):
            return f"{len(registered)} values registered, {len(declared)} declared"
        # Of a list of many positions, the first that differs says more than the first ones.
        pairs = zip(registered, declared, strict=True)
        index = next(index for index, (one, other) in enumerate(pairs) if repr(one) != repr(other))
        return f"value {index} is {registered[index]} registered, {declared[index]} declared"
    return f"{_plain(registered)} registered, {_plain(declared)} declared"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else shown(value)
