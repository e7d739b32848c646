# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of visits as they would be, and how those that exist differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.records import same_value, shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.polygons import polygons
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import VisitDefinition
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.records import visit_columns

if TYPE_CHECKING:
    from ansible_collections.rubin.butler.plugins.module_utils._sky.camera import CameraOnSky
    from lsst.daf.butler import DimensionRecord, DimensionUniverse
    from lsst.sphgeom import Region  # type: ignore[import-untyped]  # it has no stubs

BATCH_REGIONS = 10_000
"""So many regions of detectors are made, looked up or written together."""


@dataclass(frozen=True)
class Makes:
    """Makes the records of one instrument's visits.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.
    camera : `CameraOnSky`
        Where its detectors look.
    batch_size : `int`, optional
        So many regions of detectors are made together.
    """

    instrument: str
    universe: DimensionUniverse
    camera: CameraOnSky
    batch_size: int = BATCH_REGIONS

    @property
    def at_once(self) -> int:
        """How many whole visits have ``batch_size`` regions of detectors; one at least (`int`)."""
        return max(1, self.batch_size // len(self.camera.detectors))

    def visits(self, definitions: Sequence[VisitDefinition]) -> Iterator[DimensionRecord]:
        """Make the records of visits themselves.

        Parameters
        ----------
        definitions : `~collections.abc.Sequence` [ `VisitDefinition` ]
            The visits.

        Yields
        ------
        record : `lsst.daf.butler.DimensionRecord`
            One for each of them.
        """
        if not definitions:
            return
        record_class = self.universe["visit"].RecordClass
        regions = polygons(self.camera.visit_vertices(*_pointings(definitions)))
        for definition, region in zip(definitions, regions, strict=True):
            yield record_class(
                instrument=self.instrument,
                id=definition.id,
                name=definition.name,
                region=region,
                **visit_columns(definition.exposures),
            )

    def definitions(self, definitions: Sequence[VisitDefinition]) -> list[DimensionRecord]:
        """Make the records that tell which exposures visits have.

        Parameters
        ----------
        definitions : `~collections.abc.Sequence` [ `VisitDefinition` ]
            The visits.

        Returns
        -------
        records : `list` [ `lsst.daf.butler.DimensionRecord` ]
            One for each exposure of each visit.
        """
        record_class = self.universe["visit_definition"].RecordClass
        return [
            record_class(instrument=self.instrument, visit=definition.id, exposure=exposure.id)
            for definition in definitions
            for exposure in definition.exposures
        ]

    def memberships(self, members: Sequence[tuple[int, int]]) -> list[DimensionRecord]:
        """Make the records that tell to which visit systems visits belong.

        Parameters
        ----------
        members : `~collections.abc.Sequence` [ `tuple` [ `int`, `int` ] ]
            Ids of visits and numbers of systems.

        Returns
        -------
        records : `list` [ `lsst.daf.butler.DimensionRecord` ]
            One for each.
        """
        record_class = self.universe["visit_system_membership"].RecordClass
        return [
            record_class(instrument=self.instrument, visit=visit, visit_system=system)
            for visit, system in members
        ]

    def detectors(self, definitions: Sequence[VisitDefinition]) -> list[DimensionRecord]:
        """Make the records of the regions of all detectors.

        Parameters
        ----------
        definitions : `~collections.abc.Sequence` [ `VisitDefinition` ]
            Visits, `at_once` of them at most.

        Returns
        -------
        records : `list` [ `lsst.daf.butler.DimensionRecord` ]
            Those of all detectors of the camera, for one visit after the other.
        """
        record_class = self.universe["visit_detector_region"].RecordClass
        vertices = self.camera.detector_vertices(*_pointings(definitions))
        regions = iter(polygons(vertices.reshape(-1, *vertices.shape[2:])))
        return [
            record_class(
                instrument=self.instrument, visit=definition.id, detector=detector, region=next(regions)
            )
            for definition in definitions
            for detector in self.camera.detectors
        ]


def _pointings(definitions: Sequence[VisitDefinition]) -> tuple[list[float], list[float], list[float]]:
    first = [definition.exposures[0] for definition in definitions]
    return (
        [exposure.tracking_ra for exposure in first],
        [exposure.tracking_dec for exposure in first],
        [exposure.sky_angle for exposure in first],
    )


def visit_differences(
    existing: DimensionRecord, wanted: DimensionRecord, same_region: bool
) -> dict[str, tuple[Any, Any]]:
    """Compare two records of the same visit.

    Parameters
    ----------
    existing, wanted : `lsst.daf.butler.DimensionRecord`
        The record in the repository, and the one that would be.
    same_region : `bool`
        Whether their regions are the same, which is quicker to tell for many at once.

    Returns
    -------
    columns : `dict` [ `str`, `tuple` ]
        For each column that differs both values as they are shown, existing first.
    """
    columns: dict[str, tuple[Any, Any]] = {}
    for name in wanted.fields.names:
        old, new = getattr(existing, name), getattr(wanted, name)
        if name == "region":
            if not same_region:
                columns[name] = (shown_region(old), shown_region(new))
        elif not same_value(old, new):
            columns[name] = (shown(old), shown(new))
    return columns


def shown_region(region: Region | None) -> str | None:
    """Describe a region in a line.

    Parameters
    ----------
    region : `lsst.sphgeom.Region` or `None`
        Any region.

    Returns
    -------
    shown : `str` or `None`
        Its kind, and the circle around it.
    """
    if region is None:
        return None
    from lsst.sphgeom import ConvexPolygon, LonLat

    circle = region.getBoundingCircle()
    centre = LonLat(circle.getCenter())
    corners = f"{len(region.getVertices())} corners " if isinstance(region, ConvexPolygon) else ""
    return (
        f"{type(region).__name__} with {corners}in {circle.getOpeningAngle().asDegrees():.8f} deg around "
        f"({centre.getLon().asDegrees():.8f}, {centre.getLat().asDegrees():.8f})"
    )
