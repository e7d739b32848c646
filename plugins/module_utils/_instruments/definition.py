# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instrument is to a Butler repository: its limits, detectors and filters, as typed data.

Source: obs_base and pipe_base (``Instrument``), compared with the records that they write.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

VISIT_SYSTEMS: Mapping[str, int] = {"one-to-one": 0, "by-group-metadata": 1, "by-seq-start-end": 2}
"""The visit systems by name, with the number that ``instrument.visit_system`` holds (source: obs_base)."""

PURPOSES = ("SCIENCE", "GUIDER", "WAVEFRONT", "FOCUS")
"""What a detector can be for (source: obs_base, the detector types of a camera)."""

Record = dict[str, "str | int | None"]
"""One dimension record: column name to value."""


@dataclass(frozen=True, slots=True)
class DetectorDefinition:
    """One detector slot of a camera.

    Parameters
    ----------
    id : `int`
        The number that data IDs use.
    full_name : `str`
        Name that is unique in the camera, such as ``R22_S11``.
    name_in_raft : `str` or `None`
        Name within the group, such as ``S11``.
    raft : `str` or `None`
        Name of the group, such as ``R22``.
    purpose : `str`, optional
        One of `PURPOSES`.
    """

    id: int
    full_name: str
    name_in_raft: str | None
    raft: str | None
    purpose: str = "SCIENCE"


@dataclass(frozen=True, slots=True)
class FilterDefinition:
    """One piece of glass, or one combination of them.

    Parameters
    ----------
    physical_filter : `str`
        Name of the filter in the camera's headers.
    band : `str`
        Name of the wavelength band, shared between cameras.
    """

    physical_filter: str
    band: str


@dataclass(frozen=True)
class InstrumentDefinition:
    """Everything that registering an instrument and ingesting its raws needs to know about it.

    Parameters
    ----------
    name : `str`
        Name of the instrument in data IDs (``LSSTComCam``).
    class_name : `str`
        Full name of the official class (``lsst.obs.lsst.LsstComCam``).
    visit_max, exposure_max : `int`
        Largest visit and exposure ids.
    detector_max : `int`
        Upper bound of the number of detectors, as packed ids use it.
    visit_system : `int` or `None`
        Number of the default visit system, one of the values of `VISIT_SYSTEMS`.
    detectors : `tuple` [ `DetectorDefinition` ]
        The detectors, in any order.
    filters : `tuple` [ `FilterDefinition` ]
        The filters, in any order.
    raw_formatter : `str`
        Full name of the formatter class under which raws are recorded.
    raw_dataset_type : `str`, optional
        Name of the dataset type of raws.
    raw_dimensions : `tuple` [ `str` ], optional
        Dimensions of that dataset type.
    raw_storage_class : `str`, optional
        Storage class of that dataset type.
    """

    name: str
    class_name: str
    visit_max: int
    exposure_max: int
    detector_max: int
    visit_system: int | None
    detectors: tuple[DetectorDefinition, ...]
    filters: tuple[FilterDefinition, ...]
    raw_formatter: str
    raw_dataset_type: str = "raw"
    raw_dimensions: tuple[str, ...] = ("instrument", "detector", "exposure")
    raw_storage_class: str = "Exposure"

    def records(self) -> dict[str, list[Record]]:
        """Return the dimension records that registering this instrument writes.

        Returns
        -------
        records : `dict` [ `str`, `list` [ `dict` ] ]
            Records of ``instrument``, ``detector`` (by full name) and ``physical_filter`` (by band and
            name), each element after those that it refers to.
        """
        detectors = sorted(self.detectors, key=lambda detector: detector.full_name)
        filters = sorted(self.filters, key=lambda entry: (entry.band, entry.physical_filter))
        return {
            "instrument": [
                {
                    "name": self.name,
                    "visit_max": self.visit_max,
                    "visit_system": self.visit_system,
                    "exposure_max": self.exposure_max,
                    "detector_max": self.detector_max,
                    "class_name": self.class_name,
                }
            ],
            "detector": [
                {
                    "instrument": self.name,
                    "id": detector.id,
                    "full_name": detector.full_name,
                    "name_in_raft": detector.name_in_raft,
                    "raft": detector.raft,
                    "purpose": detector.purpose,
                }
                for detector in detectors
            ],
            "physical_filter": [
                {"instrument": self.name, "name": entry.physical_filter, "band": entry.band}
                for entry in filters
            ],
        }

    @cached_property
    def detector_ids(self) -> Mapping[str, int]:
        """Detector ids by full name (`~collections.abc.Mapping` [ `str`, `int` ])."""
        return {detector.full_name: detector.id for detector in self.detectors}

    @cached_property
    def bands(self) -> Mapping[str, str]:
        """Bands by physical filter (`~collections.abc.Mapping` [ `str`, `str` ])."""
        return {entry.physical_filter: entry.band for entry in self.filters}

    @property
    def default_raw_run(self) -> str:
        """Name of the RUN that raws go to when no other is named (`str`)."""
        return self.collection_name("raw", "all")

    @property
    def umbrella_collection(self) -> str:
        """Name of the CHAINED collection of the recommended inputs (`str`)."""
        return self.collection_name("defaults")

    def collection_name(self, *labels: str) -> str:
        """Return the name of one of this instrument's collections.

        Parameters
        ----------
        *labels : `str`
            The parts after the instrument's name.

        Returns
        -------
        name : `str`
            The instrument's name and the labels, with slashes between them.
        """
        return "/".join((self.name, *labels))

    def calibration_collection(self, *labels: str) -> str:
        """Return the name of the CALIBRATION collection of some labels, usually a ticket.

        Parameters
        ----------
        *labels : `str`
            Parts of the name, such as ``DM-46360``.

        Returns
        -------
        name : `str`
            Such as ``LSSTComCam/calib/DM-46360``.
        """
        return self.collection_name("calib", *labels)

    def unbounded_calibration_run(self, *labels: str) -> str:
        """Return the name of the RUN of calibrations that are valid for ever.

        Parameters
        ----------
        *labels : `str`
            Parts of the name, usually a ticket.

        Returns
        -------
        name : `str`
            Such as ``LSSTComCam/calib/DM-46360/unbounded``.
        """
        return self.collection_name("calib", *labels, "unbounded")

    def curated_calibration_run(self, valid_from: str, *labels: str) -> str:
        """Return the name of the RUN of curated calibrations that begin at one date.

        Parameters
        ----------
        valid_from : `str`
            ISO date and time (extended, or basic with a zone); UTC where it has no zone.
        *labels : `str`
            Parts of the name, usually a ticket.

        Returns
        -------
        name : `str`
            Such as ``LSSTComCam/calib/DM-46360/curated/20240701T000000Z``.

        Raises
        ------
        ValueError
            Raised if the date is neither.
        """
        when = datetime.datetime.fromisoformat(valid_from)
        if when.tzinfo is not None:
            when = when.astimezone(datetime.UTC)
        return self.collection_name("calib", *labels, "curated", f"{when:%Y%m%dT%H%M%S}Z")
