# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tracts of a sky map lie, and how their pixels are divided into patches.

Facts are from ``lsst.skymap`` (``ringsSkyMap.py``, ``discreteSkyMap.py``, ``tractInfo.py``,
``tractBuilder.py``) and, for rounding, ``Box2I`` of ``lsst.geom``. Angles are in radians unless a name or a
text says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky import tangent
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    DiscreteConfig,
    RingsConfig,
    SkyMapConfig,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TRACTS = 10_000_000
"""Tracts that a sky map may have: about 2,800 rings."""

MOST_PATCHES = 1_000_000
"""Patches that a tract may have."""

WIDEST = 89.0
"""How far from its centre a tract may reach, in degrees: less than a hemisphere, with room for rounding."""

SMALLEST = 1e-11
"""The least side of a patch, in radians: rounding turns those of some 1e-15 inside out."""

_LARGEST_PIXEL = 2**31 - 1


@dataclass(frozen=True)
class Centres:
    """Where tracts are.

    Attributes
    ----------
    ra, dec : `~numpy.ndarray`, ``(n,)``
        Their centres.
    reach : `tuple` [`float`, ...]
        How far from its centre a tract reaches at least, along its axes: the radius of the inner region and
        the overlap. One for each tract, or one for all.
    """

    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    reach: tuple[float, ...]


@dataclass(frozen=True)
class Layout:
    """The pixels of a tract.

    Attributes
    ----------
    counts : `tuple` [`int`, `int`]
        Patches along x and y.
    inner : `tuple` [`int`, `int`]
        Pixels along the inner region of a patch.
    border : `int`
        Pixels around it.
    clipped : `bool`
        Whether patches end at the edge of the tract.
    """

    counts: tuple[int, int]
    inner: tuple[int, int]
    border: int
    clipped: bool

    @property
    def size(self) -> tuple[int, int]:
        """Pixels of the tract along x and y (`tuple` [`int`, `int`])."""
        return self.counts[0] * self.inner[0], self.counts[1] * self.inner[1]

    @property
    def origin(self) -> tuple[int, int]:
        """The pixel whose middle is the centre of the tract, from 0 (`tuple` [`int`, `int`])."""
        return (self.size[0] - 1) // 2, (self.size[1] - 1) // 2

    def edges(self, axis: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give where patches begin and end, with what is around them, from the centre of the tract.

        Parameters
        ----------
        axis : `int`
            0 for x, 1 for y.

        Returns
        -------
        begin, end : `~numpy.ndarray`
            In pixels; one for each patch along the axis.
        """
        import numpy as np

        begin = np.arange(self.counts[axis], dtype=np.float64) * self.inner[axis] - self.border
        end = begin + self.inner[axis] + 2 * self.border
        if self.clipped:
            begin, end = np.maximum(begin, 0), np.minimum(end, self.size[axis])
        # The middle of a pixel has its number, so its edges are half a pixel away.
        away = self.origin[axis] + 0.5
        return begin - away, end - away


def centres(config: SkyMapConfig) -> Centres:
    """Give where the tracts of a sky map are.

    Parameters
    ----------
    config : `RingsConfig` or `DiscreteConfig`
        The sky map; `check.faults` finds nothing in it.

    Returns
    -------
    centres : `Centres`
        In order of the numbers of the tracts.

    Raises
    ------
    ButlerError
        The projection is not built in, or there would be far too many tracts, or they would be larger than a
        hemisphere.
    """
    if config.projection not in tangent.PROJECTIONS:
        raise ButlerError(
            f"The projection {config.projection!r} is not built in.",
            option="projection",
            hint=f"Take one of {', '.join(tangent.PROJECTIONS)}: Rubin's sky maps have TAN.",
        )
    if isinstance(config, RingsConfig):
        return _rings(config)
    if isinstance(config, DiscreteConfig):
        return _discrete(config)
    raise ButlerError(f"There is no geometry for a {type(config).__name__}.")


def _rings(config: RingsConfig) -> Centres:
    import numpy as np

    rings = config.num_rings
    # Tracts are squares of the height of a ring.
    if 4 * (rings + 1) ** 2 / math.pi > MOST_TRACTS:
        raise ButlerError(
            f"{rings} rings would have more than {MOST_TRACTS:,} tracts.",
            option="numRings",
            hint="Take fewer: lsst_cells_v1 has 120.",
        )
    # Both caps together are as high as one ring.
    height = math.pi / (rings + 1)
    ra, dec = [np.zeros(1)], [np.full(1, -math.pi / 2)]
    for ring in range(rings):
        # How many tracts there are hangs on the last digit for an even number of rings: the order of these
        # operations, and that they are not numpy's, is part of the definition.
        start = height * (ring + 0.5) - 0.5 * math.pi
        stop = start + height
        widest = min(math.fabs(start), math.fabs(stop))
        count = int(2 * math.pi * math.cos(widest) / height) + 1
        ra.append((2 * math.pi * np.arange(count) / count + math.radians(config.ra_start)) % (2 * math.pi))
        dec.append(np.full(count, height * (ring + 1) - 0.5 * math.pi))
    ra.append(np.zeros(1))
    dec.append(np.full(1, math.pi / 2))
    reach = _reach(config, height / 2, "tractOverlap", f"a tract of {rings} rings")
    return Centres(np.concatenate(ra), np.concatenate(dec), (reach,))


def _discrete(config: DiscreteConfig) -> Centres:
    import numpy as np

    reach = tuple(
        _reach(config, math.radians(radius), f"radiusList[{place}]", "the tract")
        for place, radius in enumerate(config.radius_list)
    )
    ra: NDArray[np.float64] = np.radians(np.array(config.ra_list, np.float64))
    dec: NDArray[np.float64] = np.radians(np.array(config.dec_list, np.float64))
    return Centres(ra, dec, reach)


def _reach(config: SkyMapConfig, radius: float, option: str, what: str) -> float:
    """Add the overlap to a radius, if the tract's corners then aren't too far away."""
    reach = radius + math.radians(config.tract_overlap)
    along = math.degrees(reach)
    corner = tangent.radial(config.projection, reach) * math.sqrt(2) * _stretch(config)
    far = max(along, math.degrees(tangent.angular(config.projection, corner)))
    if far >= WIDEST:
        raise ButlerError(
            f"With a radius of {math.degrees(radius):g} degrees and tractOverlap {config.tract_overlap:g} "
            f"{what} would reach {far:.5g} degrees from its centre; less than {WIDEST:g} are possible.",
            option=option,
            hint="A tract has to be smaller than a hemisphere.",
        )
    return reach


def _stretch(config: SkyMapConfig) -> float:
    """Give how far along x, or y, the rotated points lie that are 1 away along the axes of the sky."""
    angle = math.radians(config.rotation)
    return max(abs(math.cos(angle)), abs(math.sin(angle)))


def layout(config: SkyMapConfig, reach: float) -> Layout:
    """Divide the pixels of a tract into patches.

    The box of pixels just holds the points ``reach`` away from the centre along the axes of the sky, and is
    then made larger, to a whole number of patches.

    Parameters
    ----------
    config : `SkyMapConfig`
        The sky map; `check.faults` finds nothing in it.
    reach : `float`
        How far the tract reaches from its centre.

    Returns
    -------
    layout : `Layout`
        The pixels.

    Raises
    ------
    ButlerError
        Pixels and patches have sizes that make tracts of far too many patches, or larger than a hemisphere.
    """
    inner, border, clipped = _patch(config)
    scale = math.radians(config.pixel_scale / 3600)
    if scale * min(inner) < SMALLEST:
        raise ButlerError(
            f"With pixels of {config.pixel_scale:g} arcseconds patches of {inner[0]} x {inner[1]} pixels are "
            "too small to have corners.",
            option="pixelScale",
            hint="Take larger pixels, or patches of more pixels.",
        )
    half = tangent.radial(config.projection, reach) * _stretch(config) / scale
    if half > _LARGEST_PIXEL / 2 - 1:
        raise _too_fine(config, f"would be {2 * half:.3g} pixels wide, more than 32 bits can count")
    pixels = 2 * math.floor(half + 0.5) + 1
    counts = (-(-pixels // inner[0]), -(-pixels // inner[1]))
    if counts[0] * counts[1] > MOST_PATCHES:
        shown = f"{counts[0]:,} x {counts[1]:,}"
        raise _too_fine(config, f"would have {shown} patches, more than {MOST_PATCHES:,}")
    found = Layout(counts, inner, border, clipped)
    if max(found.size) + 2 * border > _LARGEST_PIXEL:
        raise ButlerError(
            f"{counts[0]} x {counts[1]} patches of {inner[0]} x {inner[1]} pixels with a border of {border} "
            "have more pixels along a side than 32 bits can count.",
            option="patchInnerDimensions" if clipped else "cellInnerDimensions",
            hint="Take fewer pixels for a patch and its border.",
        )
    around = 0 if clipped else border
    corner = math.hypot(*(count * size / 2 + around + 0.5 for count, size in zip(counts, inner, strict=True)))
    far = math.degrees(tangent.angular(config.projection, corner * scale))
    if far > WIDEST:
        raise ButlerError(
            f"With pixels of {config.pixel_scale:g} arcseconds a tract of {counts[0]} x {counts[1]} patches "
            f"of {inner[0]} x {inner[1]} pixels would reach {far:.5g} degrees from its centre; up to "
            f"{WIDEST:g} are possible.",
            option="pixelScale",
            hint="Take smaller pixels, or patches of fewer pixels.",
        )
    return found


def _too_fine(config: SkyMapConfig, why: str) -> ButlerError:
    return ButlerError(
        f"With pixels of {config.pixel_scale:g} arcseconds a tract {why}.",
        option="pixelScale",
        hint="Take larger pixels, patches of more pixels, or smaller tracts.",
    )


def _patch(config: SkyMapConfig) -> tuple[tuple[int, int], int, bool]:
    """Give the inner size of patches, what is around them, and whether they end at the edge of the tract."""
    if config.tract_builder == "legacy":
        return config.legacy.patch_inner_dimensions, config.legacy.patch_border, True
    cells = config.cells
    width, height = cells.cell_inner_dimensions
    each = cells.num_cells_per_patch_inner
    return (width * each, height * each), cells.num_cells_in_patch_border * width + cells.cell_border, False
