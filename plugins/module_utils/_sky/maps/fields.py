# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of sky maps: their official names, ours, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    CellTracts,
    DiscreteConfig,
    LegacyTracts,
    RingsConfig,
    SkyMapConfig,
)

Holds = Literal["int", "float", "str", "bool", "ints", "floats"]


@dataclass(frozen=True)
class Field:
    """An option of a sky map.

    Attributes
    ----------
    name : `str`
        As in Ansible data and in `SkyMapConfig`.
    official : `str`
        As in configuration files of ``lsst.skymap``.
    holds : `str`
        The type of its value; ``ints`` and ``floats`` are lists.
    """

    name: str
    official: str
    holds: Holds


# In the order in which pex_config saves them.
LEGACY = (
    Field("patch_inner_dimensions", "patchInnerDimensions", "ints"),
    Field("patch_border", "patchBorder", "int"),
)
CELLS = (
    Field("cell_inner_dimensions", "cellInnerDimensions", "ints"),
    Field("cell_border", "cellBorder", "int"),
    Field("num_cells_per_patch_inner", "numCellsPerPatchInner", "int"),
    Field("num_cells_in_patch_border", "numCellsInPatchBorder", "int"),
)
BUILDERS: Mapping[str, tuple[Field, ...]] = {"legacy": LEGACY, "cells": CELLS}
COMMON = (
    Field("tract_overlap", "tractOverlap", "float"),
    Field("pixel_scale", "pixelScale", "float"),
    Field("projection", "projection", "str"),
    Field("rotation", "rotation", "float"),
)
KINDS: Mapping[str, tuple[Field, ...]] = {
    "rings": (Field("num_rings", "numRings", "int"), Field("ra_start", "raStart", "float")),
    "discrete": (
        Field("ra_list", "raList", "floats"),
        Field("dec_list", "decList", "floats"),
        Field("radius_list", "radiusList", "floats"),
    ),
}


def kind_of(config: SkyMapConfig) -> str:
    """Name the type of a sky map as ``lsst.skymap``'s registry does.

    Parameters
    ----------
    config : `SkyMapConfig`
        Of one of the two built-in types.

    Returns
    -------
    kind : `str`
        ``rings`` or ``discrete``.
    """
    return "rings" if isinstance(config, RingsConfig) else "discrete"


def fields_of(kind: str, builder: str) -> tuple[Field, ...]:
    """List the options that have an effect.

    Parameters
    ----------
    kind : `str`
        ``rings`` or ``discrete``.
    builder : `str`
        ``legacy`` or ``cells``.

    Returns
    -------
    fields : `tuple` [`Field`, ...]
        All but the choice of the tract builder itself.
    """
    return BUILDERS[builder] + COMMON + KINDS[kind]


def value_of(config: SkyMapConfig, field: Field) -> Any:
    """Look up an option.

    Parameters
    ----------
    config : `SkyMapConfig`
        Where.
    field : `Field`
        Which.

    Returns
    -------
    value : `typing.Any`
        Its value.
    """
    if field in LEGACY:
        return getattr(config.legacy, field.name)
    return getattr(config.cells if field in CELLS else config, field.name)


def build(kind: str, builder: str, values: Mapping[str, Any]) -> SkyMapConfig:
    """Make a configuration of values by name.

    Parameters
    ----------
    kind : `str`
        ``rings`` or ``discrete``.
    builder : `str`
        ``legacy`` or ``cells``.
    values : `~collections.abc.Mapping` [`str`, `typing.Any`]
        Values by `Field.name`, of the right type; ``num_rings`` has to be there for ``rings``.

    Returns
    -------
    config : `SkyMapConfig`
        With the official defaults for all that is not in ``values``.
    """

    def picked(fields: tuple[Field, ...]) -> dict[str, Any]:
        return {field.name: values[field.name] for field in fields if field.name in values}

    make: type[SkyMapConfig] = RingsConfig if kind == "rings" else DiscreteConfig
    return make(
        tract_builder=builder,
        legacy=LegacyTracts(**picked(LEGACY)),
        cells=CellTracts(**picked(CELLS)),
        **picked(COMMON),
        **picked(KINDS[kind]),
    )
