# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package `lsst.skymap` for tests: a stand-in, for the official one is not on PyPI and needs `lsst.afw`.

It has what `BaseSkyMap.register` of the official one uses of itself, under the same names, over the real
pex_config and sphgeom. Its tracts have different numbers of patches.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

STAND_IN = """
import hashlib

import hpgeom
import lsst.pex.config as pex
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d


class LegacyConfig(pex.Config):
    patchInnerDimensions = pex.ListField(doc="size", dtype=int, length=2, default=[4000, 4000])
    patchBorder = pex.Field(doc="border", dtype=int, default=100)


class CellConfig(pex.Config):
    cellBorder = pex.Field(doc="border", dtype=int, default=50)


tractBuilderRegistry = pex.makeRegistry("tract builders")
tractBuilderRegistry.register("legacy", object, ConfigClass=LegacyConfig)
tractBuilderRegistry.register("cells", object, ConfigClass=CellConfig)


class BaseSkyMapConfig(pex.Config):
    tractBuilder = tractBuilderRegistry.makeField("tract builder", default="legacy")
    tractOverlap = pex.Field(doc="degrees", dtype=float, default=1.0)
    pixelScale = pex.Field(doc="arcsec", dtype=float, default=0.333, check=lambda scale: scale > 0)
    patchBorder = property(
        lambda self: self.tractBuilder["legacy"].patchBorder,
        lambda self, value: setattr(self.tractBuilder["legacy"], "patchBorder", value),
    )


def box(left, low, width, height):
    corners = (left, low), (left + width, low), (left + width, low + height), (left, low + height)
    return ConvexPolygon([UnitVector3d(LonLat.fromDegrees(*corner)) for corner in corners])


class PatchInfo:
    def __init__(self, tract, x, y):
        self._tract, self._index = tract, (x, y)

    def getIndex(self):
        return self._index

    def getOuterSkyPolygon(self, wcs):
        (left, low), (x, y), (nx, ny) = wcs, self._index, self._tract.getNumPatches()
        return box(left + x / nx, low + y / ny, 1 / nx, 1 / ny)


class TractInfo:
    def __init__(self, number, left, low, most=3):
        self._number, self._corner, self._most = number, (left, low), most

    def getId(self):
        return self._number

    def getNumPatches(self):
        return (2 + self._number % 2, 2)

    def getWcs(self):
        return self._corner

    def getOuterSkyPolygon(self):
        return box(*self._corner, 1, 1)

    def getPatchInfo(self, index):
        if index[0] >= self._most:
            raise IndexError(f"Patch index {index} is not in range")
        return PatchInfo(self, *index)

    def getSequentialPatchIndex(self, patch):
        x, y = patch.getIndex()
        return y * self.getNumPatches()[0] + x

    def __iter__(self):
        nx, ny = self.getNumPatches()
        return (PatchInfo(self, x, y) for y in range(ny) for x in range(nx))


class BaseSkyMap:
    ConfigClass = BaseSkyMapConfig

    def __init__(self, config):
        config.freeze()
        self.config = config

    def __reduce__(self):
        return (type(self), (self.config,))

    def __iter__(self):
        return (TractInfo(*place) for place in self.places())

    def getSha1(self):
        return hashlib.sha1((type(self).__name__ + self.config.saveToString()).encode()).digest()


class HealpixSkyMapConfig(BaseSkyMapConfig):
    log2NSide = pex.Field(doc="sides", dtype=int, default=0)


class HealpixSkyMap(BaseSkyMap):
    ConfigClass = HealpixSkyMapConfig

    def places(self):
        sides = 1 << self.config.log2NSide
        for pixel in range(12 * sides**2):
            yield pixel, *map(float, hpgeom.pixel_to_angle(sides, pixel))


class StripeSkyMapConfig(BaseSkyMapConfig):
    numTracts = pex.Field(doc="tracts", dtype=int, default=3)
    first = pex.Field(doc="number of the first tract", dtype=int, default=0)
    most = pex.Field(doc="patches along x that it allows", dtype=int, default=3)


class StripeSkyMap(BaseSkyMap):
    ConfigClass = StripeSkyMapConfig

    def __init__(self, config):
        super().__init__(config)
        if config.numTracts > 300:
            raise RuntimeError("the sky is full")

    def places(self):
        for number in range(self.config.numTracts):
            yield number + self.config.first, float(number), 0.0, self.config.most


skyMapRegistry = pex.makeRegistry("sky maps")
skyMapRegistry.register("healpix", HealpixSkyMap)
skyMapRegistry.register("stripe", StripeSkyMap)
"""


def install(folder: Path, text: str = STAND_IN) -> str:
    """Write the package.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to; it is made.
    text : `str`
        Its content.

    Returns
    -------
    path : `str`
        What `PYTHONPATH` has to have for it.
    """
    package = folder / "lsst/skymap"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").write_text(text)
    # As in each of LSST's own packages.
    extended = "import pkgutil\n\n__path__ = pkgutil.extend_path(__path__, __name__)\n"
    package.with_name("__init__.py").write_text(extended)
    return str(folder)


@contextmanager
def importable(path: str) -> Iterator[None]:
    """Have the package in this process.

    Parameters
    ----------
    path : `str`
        From `install`.
    """
    lsst: Any = importlib.import_module("lsst")
    places = [*lsst.__path__, str(Path(path, "lsst"))]
    with mock.patch.dict(sys.modules), mock.patch.object(lsst, "__path__", places):
        importlib.invalidate_caches()
        try:
            yield
        finally:
            vars(lsst).pop("skymap", None)
