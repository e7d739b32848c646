# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instrument that writes curated calibrations, as those of the obs packages do.

It is a real `lsst.pipe.base.Instrument`. The obs packages, and obs_base with the method that writes, are not
on PyPI: this class has a method of the same name and arguments that does the same with the same public calls,
put and certify, on dataset types that need no other package.
"""

# The names are pipe_base's and obs_base's.
# ruff: noqa: N802, N803

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, DatasetType, Formatter, Registry, Timespan
from lsst.pipe.base import Instrument

DETECTORS = (0, 1, 2)
DATES = ("1970-01-01T00:00:00", "2020-01-01T00:00:00")


class UncuratedCamera(Instrument):
    """One that has no such calibrations."""

    @classmethod
    def getName(cls) -> str:
        return "SmallCam"

    def register(self, registry: Registry, *, update: bool = False) -> None:
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        record = {
            "name": "SmallCam",
            "detector_max": 3,
            "visit_max": 9,
            "exposure_max": 9,
            "class_name": name,
        }
        registry.syncDimensionData("instrument", record, update=update)
        for detector in DETECTORS:
            row = {"instrument": "SmallCam", "id": detector, "full_name": f"S{detector}"}
            registry.syncDimensionData("detector", row, update=update)

    def getRawFormatter(self, dataId: Any) -> type[Formatter]:
        raise LookupError("it takes no raws")


class SmallCamera(UncuratedCamera):
    """One that has them."""

    def writeCuratedCalibrations(
        self, butler: Butler, collection: str | None = None, labels: Sequence[str] = ()
    ) -> None:
        """Write a camera without limits, and for each detector two crosstalks, one after the other."""
        collection = collection or self.makeCalibrationCollectionName(*labels)
        butler.registry.registerCollection(collection, CollectionType.CALIBRATION)
        run = self.makeUnboundedCalibrationRunName(*labels)
        self._put(butler, "camera", {"detectors": len(DETECTORS)}, run, collection, Timespan(None, None))
        times = [Time(date, format="isot", scale="utc") for date in DATES]
        for begin, end in zip(times, [*times[1:], None], strict=True):
            run = self.makeCuratedCalibrationRunName(begin.isot, *labels)
            for detector in DETECTORS:
                matrix = {"detector": detector, "since": begin.isot}
                self._put(
                    butler, "crosstalk", matrix, run, collection, Timespan(begin, end), detector=detector
                )

    def _put(
        self,
        butler: Butler,
        name: str,
        content: dict[str, Any],
        run: str,
        collection: str,
        timespan: Timespan,
        **where: int,
    ) -> None:
        kind = DatasetType(
            name,
            ("instrument", *where),
            "StructuredDataDict",
            universe=butler.dimensions,
            isCalibration=True,
        )
        butler.registry.registerDatasetType(kind)
        butler.registry.registerRun(run)
        ref = butler.put(content, kind, {"instrument": self.getName(), **where}, run=run)
        butler.registry.certify(collection, [ref], timespan)


class BrokenCamera(SmallCamera):
    """One whose package fails half-way."""

    def writeCuratedCalibrations(
        self, butler: Butler, collection: str | None = None, labels: Sequence[str] = ()
    ) -> None:
        super().writeCuratedCalibrations(butler, collection, labels)
        raise RuntimeError("no defects for S1")
