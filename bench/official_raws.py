# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``butler ingest-raws`` asks of Butler and of astro_metadata_translator, call for call.

The command itself needs the LSST stack, which no package index has. Source of the order and number of the
calls: obs_base, ``ingest.py`` (``RawIngestTask``), ``_instrument.py`` (``makeExposureRecordFromObsInfo``) and
``script/ingestRaws.py``, with the defaults of the command line: files grouped by directory, existing raws
skipped, file sizes recorded, indexes searched for, one worker (two were no faster, see ``README.md``).

It differs in this: headers are read with astropy and not with afw, and translated by this collection's
translators and not by obs_lsst's. Log messages, progress bars, metrics, zip files and all that deals with
failures are left out. ``README.md`` has the times of both.
"""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo
    from lsst.daf.butler import Butler, DataCoordinate, DimensionRecord
    from lsst.resources import ResourcePath

FILES = r"\.fit[s]?\b"
INDEX = "_index.json"


@dataclass
class _Raw:
    uri: ResourcePath
    observation: ObservationInfo
    data_id: DataCoordinate


@dataclass
class _Exposure:
    data_id: DataCoordinate
    raws: list[_Raw]
    records: dict[str, DimensionRecord]


class OfficialIngest:
    """The official procedure.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        A writeable repository in which the instrument is registered.
    instrument : `str`
        The instrument; its translator has to be known.
    formatter : `type`
        Under which raws are recorded.
    """

    def __init__(self, butler: Butler, instrument: str, formatter: type) -> None:
        from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
            NEEDED,
            WELCOME,
        )

        self._butler = butler
        self._run = f"{instrument}/raw/all"
        self._formatter = formatter
        self._required = set(NEEDED)
        # visit_id is asked for too. Ours doesn't translate it, and no record of this universe has it.
        self._subset = set(NEEDED | WELCOME)

    def run(self, locations: Iterable[str], *, transfer: str = "direct") -> int:
        """Ingest the files of some directories.

        Parameters
        ----------
        locations : `~collections.abc.Iterable` [ `str` ]
            The directories.
        transfer : `str`, optional
            How.

        Returns
        -------
        raws : `int`
            How many there are now.
        """
        from lsst.resources import ResourcePath

        count = 0
        for group in ResourcePath.findFileResources(locations, FILES, grouped=True):
            count += self._ingest_directory([uri.abspath() for uri in group], transfer)
        return count

    def _ingest_directory(self, uris: list[ResourcePath], transfer: str) -> int:
        from lsst.daf.butler import CollectionType, DatasetType

        exposures = self._grouped(self._read(uris))
        registered = False
        count = 0
        for exposure in exposures:
            self._expand(exposure)
            for element in ("group", "day_obs", "exposure"):
                self._butler.registry.syncDimensionData(element, exposure.records[element], update=False)
            dataset_type = DatasetType(
                "raw",
                ("instrument", "detector", "exposure"),
                "Exposure",
                universe=self._butler.dimensions,
            )
            if not registered:
                self._butler.registry.registerDatasetType(dataset_type)
                self._butler.registry.registerCollection(self._run, type=CollectionType.RUN)
                registered = True
            count += self._ingest_exposure(exposure, dataset_type, transfer)
        return count

    def _read(self, uris: list[ResourcePath]) -> list[_Raw]:
        found = self._indexed(uris)
        raws = []
        for uri in uris:
            observation = found[uri] if uri in found else self._translated(uri)
            raws.append(_Raw(uri, observation, self._data_id(observation)))
        return raws

    def _indexed(self, uris: list[ResourcePath]) -> dict[ResourcePath, Any]:
        """Read the indexes beside the files."""
        from astro_metadata_translator.indexing import process_index_data

        names = defaultdict(set)
        for uri in uris:
            directory, name = uri.split()
            names[directory].add(name)
        entries = {}
        for directory in names:
            index = directory.join(INDEX)
            if index.exists():
                content: Any = process_index_data(json.loads(index.read()), force_dict=True)
                for name in names[directory].intersection(content):
                    if any(getattr(content[name], needed) is None for needed in self._required):
                        raise ValueError(f"{index} lacks what is required of {name}")
                    entries[directory.join(name)] = content[name]
        return entries

    def _translated(self, uri: ResourcePath) -> ObservationInfo:
        """Read and translate the header of a file."""
        from astro_metadata_translator import MetadataTranslator, ObservationInfo
        from astro_metadata_translator.file_helpers import read_basic_metadata_from_file

        # A sidecar of the file's own would be taken; there is none, and that is found out by reading it.
        with contextlib.suppress(Exception):
            uri.updatedExtension(".json").read()
        with uri.as_local() as local:
            # A plain mapping: a header of astropy parses its cards again at each look, and afw's does not.
            primary = dict(read_basic_metadata_from_file(local.ospath, 0) or {})
            translator = MetadataTranslator.determine_translator(primary, filename=str(uri))
            (header,) = translator.determine_translatable_headers(local.ospath, primary)
        return ObservationInfo(
            header, pedantic=False, filename=str(uri), required=self._required, subset=self._subset
        )

    def _data_id(self, observation: ObservationInfo) -> DataCoordinate:
        from lsst.daf.butler import DataCoordinate

        return DataCoordinate.standardize(
            instrument=observation.instrument,
            exposure=observation.exposure_id,
            detector=observation.detector_num,
            universe=self._butler.dimensions,
        )

    def _grouped(self, raws: list[_Raw]) -> list[_Exposure]:
        by_exposure = defaultdict(list)
        dimensions = self._butler.dimensions["exposure"].minimal_group
        for raw in raws:
            by_exposure[raw.data_id.subset(dimensions)].append(raw)
        return [
            _Exposure(data_id, members, self._records(members[0].observation))
            for data_id, members in by_exposure.items()
        ]

    def _records(self, observation: ObservationInfo) -> dict[str, DimensionRecord]:
        """Make the records of an exposure and of what it refers to."""
        from lsst.daf.butler import Timespan

        universe = self._butler.dimensions
        told: Any = observation  # ComCam tells everything that is taken for granted here
        icrs = told.tracking_radec.icrs if told.tracking_radec is not None else None
        on_sky = icrs is not None and told.boresight_rotation_coord == "sky"
        altaz = told.altaz_begin
        offset = round(told.observing_day_offset.to_value("s"))
        group = universe["group"].RecordClass(instrument=told.instrument, name=told.exposure_group)
        day = universe["day_obs"].RecordClass(
            instrument=told.instrument,
            id=told.observing_day,
            timespan=Timespan.from_day_obs(told.observing_day, offset),
        )
        exposure = universe["exposure"].RecordClass(
            instrument=told.instrument,
            id=told.exposure_id,
            obs_id=told.observation_id,
            datetime_begin=told.datetime_begin,
            datetime_end=max(told.datetime_begin, told.datetime_end),
            exposure_time=float(told.exposure_time_requested.to_value("s")),
            dark_time=float(told.dark_time.to_value("s")),
            observation_type=told.observation_type,
            observation_reason=told.observation_reason,
            day_obs=told.observing_day,
            seq_num=told.observation_counter,
            seq_start=told.group_counter_start,
            seq_end=told.group_counter_end,
            group=told.exposure_group,
            physical_filter=told.physical_filter,
            science_program=told.science_program,
            target_name=told.object,
            tracking_ra=float(icrs.ra.degree) if icrs is not None else None,
            tracking_dec=float(icrs.dec.degree) if icrs is not None else None,
            sky_angle=float(told.boresight_rotation_angle.degree) if on_sky else None,
            azimuth=float(altaz.az.degree) if altaz is not None else None,
            zenith_angle=float(altaz.zen.degree) if altaz is not None else None,
            has_simulated=told.has_simulated_content,
            can_see_sky=told.can_see_sky,
        )
        return {"group": group, "day_obs": day, "exposure": exposure}

    def _expand(self, exposure: _Exposure) -> None:
        registry = self._butler.registry
        exposure.data_id = registry.expandDataId(exposure.data_id, records=exposure.records)
        elements = exposure.data_id.dimensions.elements
        for raw in exposure.raws:
            known = {element: exposure.data_id.records[element] for element in elements}
            raw.data_id = registry.expandDataId(raw.data_id, records=known)

    def _ingest_exposure(self, exposure: _Exposure, dataset_type: Any, transfer: str) -> int:
        from lsst.daf.butler import DatasetIdGenEnum, DatasetRef, FileDataset

        mode = DatasetIdGenEnum.DATAID_TYPE_RUN
        if not self._butler.registry.supportsIdGenerationMode(mode):
            mode = DatasetIdGenEnum.UNIQUE
        datasets = [
            FileDataset(
                path=raw.uri,
                refs=[DatasetRef(dataset_type, raw.data_id, run=self._run, id_generation_mode=mode)],
                formatter=self._formatter,
            )
            for raw in exposure.raws
        ]
        self._butler.ingest(*datasets, transfer=transfer, record_validation_info=True, skip_existing=True)
        return len(datasets)
