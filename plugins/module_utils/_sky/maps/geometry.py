# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The regions of a sky map's tracts and patches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky import tangent
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps import tracts
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import polygons

if TYPE_CHECKING:
    import numpy as np
    from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
    from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.sky_map import PatchRow
    from lsst.sphgeom import Region  # type: ignore[import-untyped]  # it has no stubs
    from numpy.typing import NDArray

PART = 20_000
"""How many regions of patches are made at once, of tracts that have more."""


@dataclass(frozen=True)
class Patches:
    """Patches of some tracts, in order of tract and patch; `m` of them.

    Attributes
    ----------
    tract : `~numpy.ndarray`, ``(m,)``
        Number of the tract.
    patch : `~numpy.ndarray`, ``(m,)``
        Number of the patch in its tract, row by row.
    cell_x, cell_y : `~numpy.ndarray`, ``(m,)``
        Its column and its row.
    vertices : `~numpy.ndarray`, ``(m, 4, 3)``
        Unit vectors to its corners, borders included.
    """

    tract: NDArray[np.int64]
    patch: NDArray[np.int64]
    cell_x: NDArray[np.int64]
    cell_y: NDArray[np.int64]
    vertices: NDArray[np.float64]


class SkyMapGeometry:
    """Where the tracts and patches of a sky map lie.

    In their own pixels all tracts of a sky map are alike: so the corners are computed for one, and turned to
    the place of each.

    The corners of a polygon are in the order in which ``lsst.sphgeom`` leaves them when it makes a convex
    hull of the corners of a box, as ``lsst.skymap`` has it do: largest x and least y first, then
    counter-clockwise as seen from outside the sphere.

    Parameters
    ----------
    config : `SkyMapConfig`
        The sky map; `check.faults` finds nothing in it.

    Attributes
    ----------
    count : `int`
        Number of tracts: ``tract_max`` of the sky map.
    patch_nx_max, patch_ny_max : `int`
        Patches of a tract along x and y.
    layout : `tracts.Layout`
        The pixels of each tract.

    Raises
    ------
    ButlerError
        The configuration does not describe a sky map that can be; the message names the official option.
    """

    def __init__(self, config: SkyMapConfig) -> None:
        self._config = config
        places = tracts.centres(config)
        self._ra, self._dec = places.ra, places.dec
        layouts = {reach: tracts.layout(config, reach) for reach in dict.fromkeys(places.reach)}
        self.layout = layouts[places.reach[-1]]
        for tract, reach in enumerate(places.reach):
            if layouts[reach] != self.layout:
                raise _unequal(tract, layouts[reach], len(places.reach) - 1, self.layout)
        self.count = len(self._ra)
        self.patch_nx_max, self.patch_ny_max = self.layout.counts

    @property
    def patch_total(self) -> int:
        """Patches of all tracts (`int`)."""
        return self.count * self.patch_nx_max * self.patch_ny_max

    def patches_in(self, tracts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the patches of tracts.

        Parameters
        ----------
        tracts : `~numpy.ndarray`, ``(n,)``
            Which tracts.

        Returns
        -------
        patches : `~numpy.ndarray`, ``(n,)``
            The same for all of them.
        """
        import numpy as np

        return np.full(len(tracts), self.patch_nx_max * self.patch_ny_max)

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
        return polygons(self.tract_vertices(first, last))

    def patch_parts(self, first: int, last: int) -> Iterator[Iterable[PatchRow]]:
        """Give the patches of tracts, part by part.

        Parameters
        ----------
        first, last : `int`
            Which tracts, as for `patches`.

        Yields
        ------
        part : `~collections.abc.Iterable`
            At most `PART` patches: number of the tract, number of the patch in it, column, row and region.
        """
        found = self.patches(first, last)
        columns = (found.tract, found.patch, found.cell_x, found.cell_y)
        for start in range(0, len(found.tract), PART):
            part = slice(start, start + PART)
            rows = (column[part].tolist() for column in columns)
            yield zip(*rows, polygons(found.vertices[part]), strict=True)

    def tract_vertices(self, first: int, last: int) -> NDArray[np.float64]:
        """Give the corners of tracts.

        Parameters
        ----------
        first, last : `int`
            Which tracts: the second is the first that is not wanted any more.

        Returns
        -------
        vertices : `~numpy.ndarray`, ``(n, 4, 3)``
            Unit vectors.
        """
        import numpy as np

        x, y = (
            np.array([[-0.5 - origin, size - 0.5 - origin]])
            for size, origin in zip(self.layout.size, self.layout.origin, strict=True)
        )
        corners = self._corners(x[:, 0], x[:, 1], y[:, 0], y[:, 1])
        turned: NDArray[np.float64] = corners[0] @ self._frames(first, last)
        return turned

    def patches(self, first: int, last: int) -> Patches:
        """Give the patches of tracts, all of them at once: take few tracts at a time.

        Parameters
        ----------
        first, last : `int`
            Which tracts: the second is the first that is not wanted any more.

        Returns
        -------
        patches : `Patches`
            Some 130 bytes for each.
        """
        import numpy as np

        frames = self._frames(first, last)
        each = len(self._patch_corners)
        patch = np.arange(each)
        vertices = self._patch_corners.reshape(4 * each, 3) @ frames
        return Patches(
            tract=np.repeat(np.arange(first, first + len(frames)), each),
            patch=np.tile(patch, len(frames)),
            cell_x=np.tile(patch % self.patch_nx_max, len(frames)),
            cell_y=np.tile(patch // self.patch_nx_max, len(frames)),
            vertices=vertices.reshape(len(frames) * each, 4, 3),
        )

    def _frames(self, first: int, last: int) -> NDArray[np.float64]:
        return tangent.frames(self._ra[first:last], self._dec[first:last])

    @cached_property
    def _patch_corners(self) -> NDArray[np.float64]:
        """Corners of a tract's patches, as seen from its centre."""
        import numpy as np

        nx, ny = self.layout.counts
        left, right = (np.tile(edge, ny) for edge in self.layout.edges(0))
        low, high = (np.repeat(edge, nx) for edge in self.layout.edges(1))
        return self._corners(left, right, low, high)

    def _corners(
        self,
        left: NDArray[np.float64],
        right: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Give the corners of boxes of pixels, as seen from the centre of the tract.

        ``rotation`` is that of ``makeCdMatrix`` of ``lsst.afw``: the position angle of y, from north through
        east, with x to the west of y as on the sky.
        """
        import numpy as np

        scale = math.radians(self._config.pixel_scale / 3600)
        x = np.stack([right, left, left, right], axis=-1) * scale
        y = np.stack([low, low, high, high], axis=-1) * scale
        angle = math.radians(self._config.rotation)
        sin, cos = math.sin(angle), math.cos(angle)
        plane = np.stack([y * sin - x * cos, x * sin + y * cos], axis=-1)
        return tangent.directions(self._config.projection, plane)


def _unequal(tract: int, one: tracts.Layout, last: int, other: tracts.Layout) -> ButlerError:
    return ButlerError(
        f"Tract {tract} would have {one.counts[0]} x {one.counts[1]} patches, and tract {last} "
        f"{other.counts[0]} x {other.counts[1]}.",
        option="radiusList",
        hint="lsst.skymap numbers the patches of all tracts alike: declare one sky map for each size.",
    )
