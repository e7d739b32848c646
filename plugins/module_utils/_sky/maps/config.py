# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of sky maps: what determines their tracts and patches."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class LegacyTracts:
    """How patches divide a tract: by their size in pixels.

    Names and defaults are those of ``tractBuilder["legacy"]`` in ``lsst.skymap``.

    Attributes
    ----------
    patch_inner_dimensions : `tuple` [`int`, `int`]
        Size of the inner region of a patch in x and y, in pixels.
    patch_border : `int`
        Width of what lies around it, in pixels; a patch ends at its tract's edge.
    """

    patch_inner_dimensions: tuple[int, int] = (4000, 4000)
    patch_border: int = 100


@dataclass(frozen=True)
class CellTracts:
    """How patches divide a tract: by a number of cells.

    Names and defaults are those of ``tractBuilder["cells"]`` in ``lsst.skymap``.

    Attributes
    ----------
    cell_inner_dimensions : `tuple` [`int`, `int`]
        Size of the inner region of a cell in x and y, in pixels; both are equal.
    cell_border : `int`
        Width of what lies around it, in pixels.
    num_cells_per_patch_inner : `int`
        Cells along a side of the inner region of a patch.
    num_cells_in_patch_border : `int`
        Cells across the border of a patch; borders go beyond the tract's edge.
    """

    cell_inner_dimensions: tuple[int, int] = (150, 150)
    cell_border: int = 50
    num_cells_per_patch_inner: int = 20
    num_cells_in_patch_border: int = 1


@dataclass(frozen=True, kw_only=True)
class SkyMapConfig:
    """What all sky maps have in common.

    Names and defaults are those of ``BaseSkyMapConfig`` in ``lsst.skymap``.

    Attributes
    ----------
    tract_builder : `str`
        Which of the two applies: ``legacy`` or ``cells``.
    legacy : `LegacyTracts`
        Options of the first; stored, but without effect, with the other.
    cells : `CellTracts`
        Options of the second, likewise.
    tract_overlap : `float`
        Least overlap of neighbouring tracts, in degrees.
    pixel_scale : `float`
        Size of a pixel at a tract's centre, in arcseconds.
    projection : `str`
        Code of a FITS projection.
    rotation : `float`
        Rotation of the pixels on the sky, in degrees.
    """

    tract_builder: str = "legacy"
    legacy: LegacyTracts = field(default_factory=LegacyTracts)
    cells: CellTracts = field(default_factory=CellTracts)
    tract_overlap: float = 1.0
    pixel_scale: float = 0.333
    projection: str = "STG"
    rotation: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RingsConfig(SkyMapConfig):
    """The sky in rings of declination between two polar caps, as of ``RingsSkyMapConfig``.

    Attributes
    ----------
    num_rings : `int`
        Number of rings.
    ra_start : `float`
        Right ascension of the centre of each ring's first tract, in degrees.
    """

    num_rings: int
    ra_start: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DiscreteConfig(SkyMapConfig):
    """Tracts at given places, as of ``DiscreteSkyMapConfig``.

    Attributes
    ----------
    ra_list : `tuple` [`float`, ...]
        Right ascensions of the centres of the tracts, in degrees.
    dec_list : `tuple` [`float`, ...]
        Their declinations, in degrees.
    radius_list : `tuple` [`float`, ...]
        Half the inner width of each, in degrees.
    """

    ra_list: tuple[float, ...] = ()
    dec_list: tuple[float, ...] = ()
    radius_list: tuple[float, ...] = ()
