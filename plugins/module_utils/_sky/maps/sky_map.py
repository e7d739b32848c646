# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is registered of a sky map, whoever computes it: this collection or ``lsst.skymap``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.geometry import SkyMapGeometry
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.hash import sky_map_hash
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.shown import shown_config
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.stored import stored_sky_map

if TYPE_CHECKING:
    import numpy as np
    from lsst.sphgeom import Region  # type: ignore[import-untyped]  # it has no stubs
    from numpy.typing import NDArray

PatchRow: TypeAlias = "tuple[int, int, int, int, Region]"
"""A patch: number of its tract, its number there, its column, its row and its region."""


class Geometry(Protocol):
    """Where the tracts and patches of a sky map are. Tracts are numbered from 0 on, without gaps."""

    @property
    def count(self) -> int:
        """Number of tracts: ``tract_max`` of the sky map (`int`)."""

    @property
    def patch_nx_max(self) -> int:
        """Most patches of a tract along x (`int`)."""

    @property
    def patch_ny_max(self) -> int:
        """Most patches of a tract along y (`int`)."""

    @property
    def patch_total(self) -> int:
        """Patches of all tracts (`int`)."""

    def patches_in(self, tracts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the patches of each of some tracts."""

    def tract_regions(self, first: int, last: int) -> list[Region]:
        """Give the regions of tracts; ``last`` is the first that is not wanted any more."""

    def patch_parts(self, first: int, last: int) -> Iterator[Iterable[PatchRow]]:
        """Give the patches of tracts, a few ten thousand at a time."""


class SkyMap(Protocol):
    """A sky map."""

    @property
    def source(self) -> str:
        """Whose code it is made by: ``built-in`` or ``lsst.skymap`` (`str`)."""

    @property
    def hash(self) -> bytes:
        """What identifies its configuration, as the official tool computes it (`bytes`)."""

    @property
    def options(self) -> dict[str, object]:
        """What determines the hash, by official name (`dict` [`str`, `object`])."""

    @property
    def geometry(self) -> Geometry:
        """Its tracts and patches (`Geometry`); `ButlerError` if its options make none."""

    def stored(self) -> bytes:
        """Give the content of its ``skyMap`` dataset."""


@dataclass(frozen=True)
class BuiltInSkyMap:
    """A sky map of rings or of given places, made without ``lsst.skymap``.

    Parameters
    ----------
    config : `SkyMapConfig`
        What determines its tracts and patches; `check.faults` finds nothing in it.
    """

    config: SkyMapConfig
    source = "built-in"

    @cached_property
    def hash(self) -> bytes:
        """What identifies the configuration (`bytes`)."""
        return sky_map_hash(self.config)

    @property
    def options(self) -> dict[str, object]:
        """What determines the hash, by official name (`dict` [`str`, `object`])."""
        return shown_config(self.config)

    @cached_property
    def geometry(self) -> SkyMapGeometry:
        """Its tracts and patches (`SkyMapGeometry`)."""
        return SkyMapGeometry(self.config)

    def stored(self) -> bytes:
        """Write the content of its ``skyMap`` dataset.

        Returns
        -------
        data : `bytes`
            A pickle that ``lsst.skymap`` loads.
        """
        return stored_sky_map(self.config)
