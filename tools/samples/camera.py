# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instrument as its dimension records tell of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Record = dict[str, object]

DataId = dict[str, str | int]


@dataclass(frozen=True)
class Detector:
    """One CCD of a camera.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.
    id : `int`
        Detector number, counted along the slots.
    raft : `str`
        Raft, ``R<column><row>``.
    slot : `str`
        Slot in the raft, ``S<row><column>``.
    """

    instrument: str
    id: int
    raft: str
    slot: str

    @property
    def full_name(self) -> str:
        """Raft and slot, as in file names."""
        return f"{self.raft}_{self.slot}"

    def record(self) -> Record:
        """Return the ``detector`` dimension record."""
        return {
            "instrument": self.instrument,
            "id": self.id,
            "full_name": self.full_name,
            "name_in_raft": self.slot,
            "raft": self.raft,
            "purpose": "SCIENCE",
        }


@dataclass(frozen=True)
class Filter:
    """A filter.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.
    name : `str`
        Physical filter.
    band : `str`
        Its band.
    """

    instrument: str
    name: str
    band: str

    def record(self) -> Record:
        """Return the ``physical_filter`` dimension record."""
        return {"instrument": self.instrument, "name": self.name, "band": self.band}


@dataclass(frozen=True)
class Field:
    """A field on the sky.

    Parameters
    ----------
    name : `str`
        Name of the target.
    ra, dec : `float`
        ICRS coordinates in degrees.
    """

    name: str
    ra: float
    dec: float


@dataclass(frozen=True)
class Camera:
    """What a sample needs of an instrument.

    Parameters
    ----------
    record : `dict`
        The ``instrument`` dimension record.
    detectors : `tuple` [ `Detector`, ... ]
        CCDs, by number.
    filters : `tuple` [ `Filter`, ... ]
        Filters.
    """

    record: Record
    detectors: tuple[Detector, ...]
    filters: tuple[Filter, ...]

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return str(self.record["name"])

    def data_id(self, **values: str | int) -> DataId:
        """Return a data ID of the instrument, in the order of the dimensions.

        Parameters
        ----------
        **values : `str` or `int`
            The other values: detector, physical_filter, visit.

        Returns
        -------
        data_id : `dict`
            Required values.
        """
        return {"instrument": self.name, **values}

    def records(self, data_ids: Iterable[Mapping[str, object]]) -> dict[str, list[Record]]:
        """Return the records of the instrument that data IDs need.

        Parameters
        ----------
        data_ids : `~collections.abc.Iterable`
            The data IDs.

        Returns
        -------
        records : `dict`
            Records of ``instrument``, ``detector`` and ``physical_filter`` where there are any, in this
            order.
        """
        wanted = list(data_ids)
        detectors = {data_id.get("detector") for data_id in wanted}
        filters = {data_id.get("physical_filter") for data_id in wanted}
        records = {
            "instrument": [self.record] if any("instrument" in data_id for data_id in wanted) else [],
            "detector": [each.record() for each in self.detectors if each.id in detectors],
            "physical_filter": [
                each.record()
                for each in sorted(self.filters, key=lambda each: each.name)
                if each.name in filters
            ],
        }
        return {element: found for element, found in records.items() if found}
