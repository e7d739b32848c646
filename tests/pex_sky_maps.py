# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of sky maps in the real pex_config, where the official ones would be.

Names, types and defaults are those of ``lsst.skymap`` 2026-04 and of ``MakeSkyMapConfig`` in ``pipe_tasks``,
neither of which is on PyPI: so a config file and a stored sky map can be loaded as the official tool does.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from unittest import mock

lsst: Any = importlib.import_module("lsst")
pex: Any = importlib.import_module("lsst.pex.config")
an_int = partial(pex.Field, doc="a number", dtype=int)
a_float = partial(pex.Field, doc="a number", dtype=float)
a_bool = partial(pex.Field, doc="a choice", dtype=bool)
ints = partial(pex.ListField, doc="numbers", dtype=int)
floats = partial(pex.ListField, doc="numbers", dtype=float)


def config_class(called: str, /, base: Any = pex.Config, **members: Any) -> Any:
    """Make a class of configurations; the module is where the official one is."""
    module = "lsst.skymap." + called[0].lower() + called[1:].removesuffix("Config")
    return type(pex.Config)(called, (base,), {"__module__": module, **members})


def registry(**classes: Any) -> Any:
    """Make a registry of things that only have configurations."""
    made = pex.makeRegistry("things to choose from")
    for name, one in classes.items():
        made.register(name, object, ConfigClass=one)
    return made


def _legacy(name: str) -> property:
    """Give an option of the legacy tract builder in its former place."""
    return property(
        lambda config: getattr(config.tractBuilder["legacy"], name),
        lambda config, value: setattr(config.tractBuilder["legacy"], name, value),
    )


def _square(config: Any) -> None:
    if config.cellInnerDimensions[0] != config.cellInnerDimensions[1]:
        raise ValueError("not square")


def _equally_long(config: Any) -> None:
    if len({len(config.raList), len(config.decList), len(config.radiusList)}) > 1:
        raise ValueError("lengths differ")


BUILDERS = registry(
    legacy=config_class(
        "LegacyTractBuilderConfig",
        patchInnerDimensions=ints(length=2, default=(4000, 4000)),
        patchBorder=an_int(default=100),
    ),
    cells=config_class(
        "CellTractBuilderConfig",
        cellInnerDimensions=ints(length=2, default=(150, 150)),
        cellBorder=an_int(default=50),
        numCellsPerPatchInner=an_int(default=20),
        numCellsInPatchBorder=an_int(default=1),
        validate=_square,
    ),
)
sky_map_class = partial(
    config_class,
    base=config_class(
        "BaseSkyMapConfig",
        tractBuilder=BUILDERS.makeField("tract builder", default="legacy"),
        tractOverlap=a_float(default=1.0),
        pixelScale=a_float(default=0.333),
        projection=pex.Field(doc="code", dtype=str, default="STG"),
        rotation=a_float(default=0),
        patchInnerDimensions=_legacy("patchInnerDimensions"),
        patchBorder=_legacy("patchBorder"),
    ),
)
RingsSkyMapConfig = sky_map_class(
    "RingsSkyMapConfig",
    numRings=an_int(check=lambda rings: rings > 0),
    raStart=a_float(default=0.0, check=lambda start: 0.0 <= start < 360.0),
)
DiscreteSkyMapConfig = sky_map_class(
    "DiscreteSkyMapConfig",
    raList=floats(default=[]),
    decList=floats(default=[]),
    radiusList=floats(default=[]),
    validate=_equally_long,
)
TYPES = registry(
    dodeca=sky_map_class("DodecaSkyMapConfig", withTractsOnPoles=a_bool(default=False)),
    equat=sky_map_class(
        "EquatSkyMapConfig", numTracts=an_int(default=4), decRange=floats(length=2, default=(-1.25, 1.25))
    ),
    discrete=DiscreteSkyMapConfig,
    rings=RingsSkyMapConfig,
    healpix=sky_map_class("HealpixSkyMapConfig", log2NSide=an_int(default=0), nest=a_bool(default=False)),
)
MakeSkyMapConfig = config_class(
    "MakeSkyMapConfig",
    __module__="lsst.pipe.tasks.script.registerSkymap",
    name=pex.Field(doc="name", dtype=str, default=None, optional=True),
    skyMap=TYPES.makeField("type of sky map", default="dodeca"),
)


@dataclass
class RingsSkyMap:
    """What a stored sky map of rings becomes."""

    config: Any
    version: int


class DiscreteSkyMap(RingsSkyMap):
    """What a stored discrete sky map becomes."""


@contextmanager
def official_names() -> Iterator[None]:
    """Have these classes under the names of the official ones."""
    rings, discrete = (ModuleType(f"lsst.skymap.{kind}SkyMap") for kind in ("rings", "discrete"))
    rings.__dict__.update(RingsSkyMap=RingsSkyMap, RingsSkyMapConfig=RingsSkyMapConfig)
    discrete.__dict__.update(DiscreteSkyMap=DiscreteSkyMap, DiscreteSkyMapConfig=DiscreteSkyMapConfig)
    package, builders = ModuleType("lsst.skymap"), ModuleType("lsst.skymap.tractBuilder")
    package.__dict__.update(ringsSkyMap=rings, discreteSkyMap=discrete, tractBuilder=builders)
    modules = {module.__name__: module for module in (package, rings, discrete, builders)}
    with mock.patch.dict(sys.modules, modules), mock.patch.object(lsst, "skymap", package, create=True):
        yield


def values(config: Any) -> dict[str, object]:
    """Give the values that a sky map's configuration has, by official name."""
    builder = config.tractBuilder.name
    found = {**config.toDict(), **config.tractBuilder[builder].toDict(), "tractBuilder": builder}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
