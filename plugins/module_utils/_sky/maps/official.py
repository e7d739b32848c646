# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official sky maps, where ``lsst.skymap`` is installed.

Source: what ``BaseSkyMap.register`` of ``lsst.skymap`` asks of a sky map, and what ``butler register-skymap``
of ``pipe_tasks`` does with its file.
"""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_draft import DEFAULT_KIND
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import (
    OFFICIAL_CLASS,
    OtherSkyMapError,
    checked_name,
    chosen_kind,
    parse_config_file,
    read_assignments,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import KINDS
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.live_config import (
    LiveConfig,
    LivePart,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.sky_map import (
    BuiltInSkyMap,
    PatchRow,
    SkyMap,
)

if TYPE_CHECKING:
    import numpy as np
    from lsst.sphgeom import Region  # type: ignore[import-untyped]  # it has no stubs
    from numpy.typing import NDArray

PACKAGE = "lsst.skymap"
_PART = 20_000


class PackageUnusableError(Exception):
    """``lsst.skymap`` can't serve here; the message says why."""


def sky_map_of_file(text: str, source: str, name: str | None = None) -> tuple[str, SkyMap]:
    """Make the sky map that a configuration of ``butler register-skymap`` describes.

    Parameters
    ----------
    text : `str`
        Content of the file, which is never executed.
    source : `str`
        What the file is called in messages.
    name : `str`, optional
        Name of the sky map instead of the one in the file.

    Returns
    -------
    name : `str`
        Name of the sky map.
    sky_map : `SkyMap`
        Built in if it is of rings or discrete, else of ``lsst.skymap``.

    Raises
    ------
    ButlerError
        If a line is anything but an assignment to an option, or a value is impossible, or the type is not
        built in and ``lsst.skymap`` can't be used.
    """
    kind = chosen_kind(text, source)
    unusable = None
    if kind not in KINDS:
        try:
            registry = official_registry()
        except PackageUnusableError as error:
            unusable = str(error)
        else:
            return _official_sky_map(registry, text, source, name)
    try:
        found, config = parse_config_file(text, source, name)
    except OtherSkyMapError as error:
        error.hint = f"{error.hint} Here {unusable}."
        raise
    return found, BuiltInSkyMap(config)


def official_registry() -> Any:
    """Import the registry of the official sky maps.

    Returns
    -------
    registry : `lsst.pex.config.Registry`
        Classes by type.

    Raises
    ------
    PackageUnusableError
        Raised if ``lsst.skymap`` isn't there, or can't be imported.
    """
    try:
        found = importlib.util.find_spec(PACKAGE)
    except ImportError as error:
        raise PackageUnusableError(f"{sys.executable} can't import {PACKAGE}: {error}") from error
    if found is None:
        raise PackageUnusableError(f"{sys.executable} has no module {PACKAGE}")
    try:
        return importlib.import_module(PACKAGE).skyMapRegistry
    except Exception as error:
        raise PackageUnusableError(f"{sys.executable} can't import {PACKAGE}: {first_line(error)}") from error


def _official_sky_map(registry: Any, text: str, source: str, name: str | None) -> tuple[str, SkyMap]:
    """Configure an official class as the official tool does, but for executing the file."""
    pex: Any = importlib.import_module("lsst.pex.config")
    # The class of the official tool is in pipe_tasks, which need not be here.
    default = DEFAULT_KIND if DEFAULT_KIND in registry else None
    options = {
        "name": pex.Field(doc="Name of the sky map.", dtype=str, optional=True),
        "skyMap": registry.makeField(doc="Type of the sky map.", default=default),
    }
    config = type(pex.Config)(OFFICIAL_CLASS, (pex.Config,), {**options, "__module__": __name__})()
    read_assignments(text, source, LiveConfig(), LivePart("config", config), OFFICIAL_CLASS)
    found = checked_name(config.name, name, source)
    try:
        config.validate()
    except Exception as error:
        raise ButlerError(f"{source}: {first_line(error)}") from error
    return found, OfficialSkyMap(config.skyMap.name, config.skyMap)


class OfficialSkyMap:
    """A sky map of ``lsst.skymap``.

    Parameters
    ----------
    kind : `str`
        Its type in the registry.
    choice : `lsst.pex.config.registry.RegistryInstanceDict`
        The registry with the configuration of that type.

    Raises
    ------
    ButlerError
        Raised if the class can't make it of that configuration.
    """

    source = PACKAGE

    def __init__(self, kind: str, choice: Any) -> None:
        self._kind = kind
        with _told(kind):
            self._sky_map = choice.apply()
            self.hash: bytes = self._sky_map.getSha1()

    @property
    def options(self) -> dict[str, object]:
        """What determines the hash, by official name (`dict` [`str`, `object`])."""
        config = self._sky_map.config
        builder = config.tractBuilder
        found = {
            "skyMap": self._kind,
            **config.toDict(),
            **builder.active.toDict(),
            "tractBuilder": builder.name,
        }
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    @cached_property
    def geometry(self) -> OfficialGeometry:
        """Its tracts and patches (`OfficialGeometry`)."""
        with _told(self._kind):
            return OfficialGeometry(self._kind, list(self._sky_map))

    def stored(self) -> bytes:
        """Write the content of its ``skyMap`` dataset, as the official formatter does.

        Returns
        -------
        data : `bytes`
            A pickle.
        """
        with _told(self._kind):
            return pickle.dumps(self._sky_map, protocol=-1)


class OfficialGeometry:
    """Where the tracts and patches of an official sky map are.

    Parameters
    ----------
    kind : `str`
        The type of the sky map.
    tracts : `list` [ `lsst.skymap.TractInfo` ]
        All its tracts: ``lsst.skymap`` numbers the patches of each like those of the last that it made.

    Attributes
    ----------
    count : `int`
        Number of tracts.
    patch_nx_max, patch_ny_max : `int`
        Most patches of a tract along x and y.
    patch_total : `int`
        Patches of all tracts.

    Raises
    ------
    ButlerError
        Raised if there are no tracts, or they have other numbers than from 0 on, or patches are refused.
    """

    def __init__(self, kind: str, tracts: list[Any]) -> None:
        import numpy as np

        self._kind = kind
        self._tracts = tracts
        self.count = len(tracts)
        if not tracts:
            raise ButlerError(f"{PACKAGE} gives this sky map of type {kind} no tracts")
        ids = [tract.getId() for tract in tracts]
        if ids != list(range(self.count)):
            raise ButlerError(f"{PACKAGE} numbers the tracts of type {kind} {ids[:5]} ..., not from 0 on")
        sides = np.array([tuple(tract.getNumPatches()) for tract in tracts], dtype=np.int64)
        self._counts = sides.prod(axis=1)
        self.patch_nx_max, self.patch_ny_max = map(int, sides.max(axis=0))
        self.patch_total = int(self._counts.sum())
        for tract, (nx, ny) in zip(tracts, sides.tolist(), strict=True):
            # The last patch has the largest numbers: if one is refused, then before anything is written.
            try:
                tract.getPatchInfo((nx - 1, ny - 1))
            except IndexError as error:
                raise ButlerError(
                    f"{PACKAGE} refuses patches of tract {tract.getId()}, which has {nx} x {ny}: {error}",
                    hint="It takes the last tract's numbers of patches for those of all, and they differ "
                    "here. Choose options with which they are equal.",
                ) from error

    def patches_in(self, tracts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the patches of tracts.

        Parameters
        ----------
        tracts : `~numpy.ndarray`, ``(n,)``
            Which tracts.

        Returns
        -------
        patches : `~numpy.ndarray`, ``(n,)``
            How many each has.
        """
        counts: NDArray[np.int64] = self._counts[tracts]
        return counts

    def tract_regions(self, first: int, last: int) -> list[Region]:
        """Give where tracts are.

        Parameters
        ----------
        first, last : `int`
            Which tracts: the second is the first that is not wanted any more.

        Returns
        -------
        regions : `list` [ `lsst.sphgeom.Region` ]
            One for each.
        """
        with _told(self._kind):
            return [tract.getOuterSkyPolygon() for tract in self._tracts[first:last]]

    def patch_parts(self, first: int, last: int) -> Iterator[Iterable[PatchRow]]:
        """Give the patches of tracts, part by part.

        Parameters
        ----------
        first, last : `int`
            Which tracts, as for `tract_regions`.

        Yields
        ------
        part : `~collections.abc.Iterable`
            Number of the tract, number of the patch in it, column, row and region.
        """
        rows = self._patches(first, last)
        while True:
            with _told(self._kind):
                part = list(islice(rows, _PART))
            if not part:
                return
            yield part

    def _patches(self, first: int, last: int) -> Iterator[PatchRow]:
        for tract in self._tracts[first:last]:
            number, wcs = tract.getId(), tract.getWcs()
            for patch in tract:
                x, y = patch.getIndex()
                region = patch.getOuterSkyPolygon(wcs)
                yield number, tract.getSequentialPatchIndex(patch), x, y, region


@contextmanager
def _told(kind: str) -> Iterator[None]:
    """Tell that it is ``lsst.skymap`` that failed."""
    try:
        yield
    except ButlerError:
        raise
    except Exception as error:
        raise ButlerError(
            f"{PACKAGE} can't make this sky map of type {kind}: {first_line(error)}",
            hint=f"The error is one of {PACKAGE}, where {sys.executable} finds it.",
        ) from error
