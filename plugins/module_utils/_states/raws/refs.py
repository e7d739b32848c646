# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset references of raws: the official data IDs, ids and records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import NewFile
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import ExposureInfo
from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import dimension_records
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import RawFile, RawId

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, DatasetType, DimensionRecord, DimensionUniverse

SHARED = ("day_obs", "group")
"""Elements whose records exposures share."""


@dataclass
class RawRefs:
    """Makes the references of one instrument's raws in one run.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.
    run : `str`
        The run.
    registered : `~collections.abc.Mapping`
        The repository's records of the instrument, its detectors and filters by element and name or id;
        where there is none, the definition's serves.
    """

    definition: InstrumentDefinition
    universe: DimensionUniverse
    run: str
    registered: Mapping[str, Mapping[Any, DimensionRecord]] = field(default_factory=dict)

    @cached_property
    def dataset_type(self) -> DatasetType:
        """The dataset type of the raws (`lsst.daf.butler.DatasetType`)."""
        from lsst.daf.butler import DatasetType

        return DatasetType(
            self.definition.raw_dataset_type,
            self.definition.raw_dimensions,
            self.definition.raw_storage_class,
            universe=self.universe,
        )

    @cached_property
    def _own(self) -> dict[str, dict[Any, DimensionRecord]]:
        """Records of the instrument, its detectors and filters by element and key."""
        records: dict[str, dict[Any, DimensionRecord]] = {}
        for record in dimension_records(self.definition, self.universe):
            records.setdefault(record.definition.name, {})[record.dataId.required_values[-1]] = record
        for element, found in self.registered.items():
            records.setdefault(element, {}).update(found)
        return records

    @cached_property
    def _bands(self) -> dict[str, DimensionRecord]:
        return {}

    def records(self, exposure: ExposureInfo) -> dict[str, DimensionRecord]:
        """Make the records that an exposure brings along.

        Parameters
        ----------
        exposure : `ExposureInfo`
            What its header tells.

        Returns
        -------
        records : `dict` [ `str`, `lsst.daf.butler.DimensionRecord` ]
            Of ``day_obs``, ``group`` and ``exposure``, with the columns that the repository's dimensions
            have.
        """
        result = {}
        for element, row in exposure.records().items():
            kind = self.universe[element].RecordClass
            columns = kind.fields.names
            result[element] = kind(**{name: value for name, value in row.items() if name in columns})
        return result

    def ref(self, raw: RawId) -> DatasetRef:
        """Make the reference of a raw.

        Parameters
        ----------
        raw : `tuple` [ `int`, `int` ]
            Exposure and detector.

        Returns
        -------
        ref : `lsst.daf.butler.DatasetRef`
            With the id that the official ingest gives it: it follows from dataset type, data ID and run.
        """
        return self._ref(raw, None)

    def new_file(self, file: RawFile, records: Mapping[str, DimensionRecord]) -> NewFile:
        """Make what a file is ingested with.

        Parameters
        ----------
        file : `RawFile`
            The file; its raws are of one exposure.
        records : `~collections.abc.Mapping`
            The exposure's records, from `records`.

        Returns
        -------
        new : `NewFile`
            With expanded data IDs, which the names of artifacts are made of.
        """
        refs = []
        for raw in file.raws:
            physical_filter = self._own["physical_filter"].get(raw.physical_filter)
            known = {
                "instrument": self._own["instrument"][self.definition.name],
                "detector": self._own["detector"].get(raw.detector),
                "physical_filter": physical_filter,
                "band": None if physical_filter is None else self._band(physical_filter.band),
                **records,
            }
            refs.append(self._ref((raw.exposure, raw.detector), known))
        return NewFile(file.path, tuple(refs), self.definition.raw_formatter, file.size)

    def _band(self, name: str) -> DimensionRecord:
        if name not in self._bands:
            self._bands[name] = self.universe["band"].RecordClass(name=name)
        return self._bands[name]

    def _ref(self, raw: RawId, records: Mapping[str, DimensionRecord | None] | None) -> DatasetRef:
        from lsst.daf.butler import DataCoordinate, DatasetIdGenEnum, DatasetRef

        values: dict[str, int | str] = {
            "instrument": self.definition.name,
            "exposure": raw[0],
            "detector": raw[1],
        }
        dimensions = self.dataset_type.dimensions
        data_id = DataCoordinate.from_required_values(
            dimensions, tuple(values[name] for name in dimensions.required)
        )
        if records is not None:
            data_id = data_id.expanded(records)
        # The data ID has exactly the dimensions of the dataset type: no need to have that looked at again.
        return DatasetRef(
            self.dataset_type,
            data_id,
            self.run,
            conform=False,
            id_generation_mode=DatasetIdGenEnum.DATAID_TYPE_RUN,
        )
