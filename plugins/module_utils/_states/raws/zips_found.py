# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at zips of raws and at what a repository has of their datasets."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known, look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordKey,
    record_key,
    records_by_key,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import is_same_file
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import registered_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import ExposureInfo
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import runs_with
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zip_files import (
    ZipContents,
    read_zip,
    read_zip_headers,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_known import (
    exposures_told,
    known_zips,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_taken import (
    FoundZip,
    State,
    explain_partly,
    holders_of,
    key_of,
    state_of,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef, DatasetType, DimensionRecord
    from lsst.resources import ResourcePath

CHUNK = 25
"""How many zips are looked at together: 5,000 datasets of LSSTCam."""


@dataclass
class ZipsFound:
    """What was found of zips; memory grows with their number, not with that of their datasets.

    Parameters
    ----------
    zips : `list` [ `FoundZip` ]
        Those that were opened and can be read, in the order of their paths.
    present : `int`
        How many raws are there from zips that were not opened.
    failures : `list` [ `tuple` [ `str`, `str` ] ]
        Those that can't be ingested, and why.
    moved : `list` [ `tuple` [ `str`, `str` ] ]
        Zips that are present and recorded at another place, and that place.
    records : `dict` [ `int`, `dict` ]
        The records that each exposure of a new zip brings along, by exposure and element.
    existing : `dict`
        Those of them that the repository has, perhaps with other columns.
    types : `dict` [ `str`, `lsst.daf.butler.DatasetType` ]
        The dataset types of all zips.
    registered : `dict` [ `str`, `lsst.daf.butler.DatasetType` ]
        What the repository has under these names.
    runs : `dict` [ `str`, `Known` ]
        Those of the zips' runs that exist.
    """

    zips: list[FoundZip] = field(default_factory=list)
    present: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    records: dict[int, dict[str, DimensionRecord]] = field(default_factory=dict)
    existing: dict[RecordKey, DimensionRecord] = field(default_factory=dict)
    types: dict[str, DatasetType] = field(default_factory=dict)
    registered: dict[str, DatasetType] = field(default_factory=dict)
    runs: dict[str, Known] = field(default_factory=dict)

    def exposures(self) -> set[int]:
        """Give the exposures of zips that were opened (`set` [ `int` ])."""
        return {number for item in self.zips for number in item.exposures}


def observe_zips(
    repository: Repository | None,
    refs: RawRefs,
    paths: Iterable[str],
    *,
    limits: Limits | None = None,
    report: Report | None = None,
    runs: Collection[str] = (),
    beside: Container[int] = (),
) -> ZipsFound:
    """Look at zips and at what a repository has of them.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository, whose dimensions can hold raws; `None` if it is absent.
    refs : `RawRefs`
        Tells the instrument and makes records.
    paths : `~collections.abc.Iterable` [ `str` ]
        Zips, sorted, each once.
    limits : `Limits`, optional
        Which exposures and days are asked for; a zip is left out if none of its exposures is.
    report : `Report`, optional
        Told how far it is.
    runs : `~collections.abc.Collection` [ `str` ], optional
        Those that have raws: a zip whose name tells its exposure is not opened if a raw of that exposure is
        recorded in it. Without any, all are opened.
    beside : `~collections.abc.Container` [ `int` ], optional
        Exposures of which there are files besides: their zips are opened.

    Returns
    -------
    found : `ZipsFound`
        What there is.

    Raises
    ------
    ButlerError
        Raised if some detectors only are asked for, which zips can't give.
    """
    limits = limits or Limits()
    if not limits.any_detector and (paths := list(paths)):
        raise ButlerError(
            f"{paths[0]} is a zip, and zips are ingested whole, expected no restriction of detectors",
            option="detectors",
        )
    told = exposures_told(paths, refs.definition, limits)
    observer = _Observer(repository, refs, limits)
    known: set[str] = set()
    # Which exposures are the first is only known when those of all zips are.
    if repository is not None and (limits.limit is None or None not in told.values()):
        alone = {path: None if number in beside else number for path, number in told.items()}
        known, observer.found.present = known_zips(repository, refs, alone, runs)
    done = 0
    for chunk in in_chunks((path for path in told if path not in known), CHUNK):
        observer.look(chunk)
        done += len(chunk)
        if report is not None:
            report.step("reading zips", done, None)
    return observer.found


@dataclass(frozen=True)
class _Described:
    """A zip that can be ingested, with what it tells of its exposures."""

    contents: ZipContents
    state: State
    reason: str
    exposures: dict[int, ExposureInfo]


class _Observer:
    def __init__(self, repository: Repository | None, refs: RawRefs, limits: Limits) -> None:
        self.found = ZipsFound()
        self._repository = repository
        self._refs = refs
        self._limits = limits
        self._reader: HeaderReader | None = None
        self._runs_with: dict[str, tuple[str, ...]] = {}
        self._holders: dict[int, list[str]] = {}

    def look(self, paths: Sequence[str]) -> None:
        """Look at some zips."""
        read = []
        for path in paths:
            try:
                contents = read_zip(path, self._refs.universe)
                self._check(contents)
            except ButlerError as error:
                self.found.failures.append((path, error.message))
                continue
            if any(map(self._limits.wants_exposure, contents.exposures)):
                read.append(contents)
        read = self._wanted(read)
        self._look_up_ground(read)
        new = []
        for contents, places in zip(read, self._places(read), strict=True):
            if len(places) == len(contents.refs):
                self._note_place(contents, next(iter(places.values())))
                self._add(contents, "present", "", places)
            elif places:
                self._add(contents, "partly", explain_partly(contents, places), places)
            else:
                new.append(contents)
        self._sort_new(new)

    def _check(self, contents: ZipContents) -> None:
        """Refuse a zip that holds no raws of the instrument."""
        path, name, wanted = contents.path, self._refs.definition.name, self._refs.dataset_type
        others = sorted({str(ref.dataId["instrument"]) for ref in contents.refs} - {name})
        if others:
            raise ButlerError(f"{path} is a zip of raws of {', '.join(others)}, expected raws of {name}")
        found = contents.dataset_types.get(wanted.name)
        if found is not None and found != wanted:
            raise ButlerError(f"{path} holds {found}, expected {wanted}")

    def _look_up_ground(self, read: Sequence[ZipContents]) -> None:
        """Look up the dataset types and runs of zips that were not met before."""
        found = self.found
        for contents in read:
            for name, dataset_type in contents.dataset_types.items():
                if name in found.types:
                    continue
                found.types[name] = dataset_type
                if self._repository is None:
                    continue
                registered = registered_type(self._repository.butler, name)
                if registered is not None:
                    found.registered[name] = registered
                    self._runs_with[name] = runs_with(self._repository, name)
        if self._repository is not None:
            runs = {run for contents in read for run in contents.runs} - found.runs.keys()
            found.runs |= look_up(self._repository.butler, runs)

    def _places(self, read: Sequence[ZipContents]) -> Iterator[dict[DatasetRef, ResourcePath]]:
        """Give where the datasets of each zip are recorded to be: one query for all."""
        if self._repository is None:
            yield from ({} for _unused in read)
            return
        every = [ref for contents in read for ref in contents.refs]
        uris = self._repository.butler.get_many_uris(every, allow_missing=True)
        places = {ref.id: found.primaryURI for ref, found in uris.items() if found.primaryURI is not None}
        for contents in read:
            yield {ref: places[ref.id] for ref in contents.refs if ref.id in places}

    def _note_place(self, contents: ZipContents, place: ResourcePath) -> None:
        """Note a zip whose datasets are recorded in another file outside the datastore."""
        root = self._repository.datastore_root if self._repository is not None else None
        recorded = place.replace(fragment="")
        if root is not None and recorded.relative_to(root) is not None:
            return
        name = recorded.ospath if recorded.isLocal else recorded.geturl()
        if not is_same_file(name, contents.path):
            self.found.moved.append((contents.path, name))

    def _sort_new(self, read: Sequence[ZipContents]) -> None:
        """Tell the zips that can be ingested from those whose data IDs are taken."""
        holders = (
            {}
            if self._repository is None
            else holders_of(self._repository, self._refs.definition.name, read, self._runs_with)
        )
        described = []
        for contents in read:
            state, reason = state_of(contents, holders)
            if state != "strange" and (other := self._holder(contents)) is not None:
                state, reason = "twice", f"{other} holds datasets with the same data IDs"
            if state in ("strange", "twice"):
                self._add(contents, state, reason)
                continue
            try:
                described.append(_Described(contents, state, reason, self._describe(contents)))
            except ButlerError as error:
                self.found.failures.append((contents.path, error.message))
        self._take(described)

    def _holder(self, contents: ZipContents) -> str | None:
        """Give an earlier zip of the task that holds one of the same data IDs, reading it again for that."""
        mine = {key_of(ref) for ref in contents.refs}
        for number in contents.exposures:
            for path in self._holders.setdefault(number, []):
                if any(key_of(ref) in mine for ref in read_zip(path, self._refs.universe).refs):
                    return path
        for number in contents.exposures:
            self._holders[number].append(contents.path)
        return None

    def _describe(self, contents: ZipContents) -> dict[int, ExposureInfo]:
        """Read what a zip tells of its exposures, and compare its two indexes."""
        tells = read_zip_headers(contents.path)
        exposures: dict[int, ExposureInfo] = {}
        if tells is None:
            return exposures
        if self._reader is None:
            self._reader = HeaderReader(self._refs.definition)
        for ref in contents.refs:
            member = contents.members[ref.id]
            told = tells(member) if ref.datasetType.name == self._refs.dataset_type.name else None
            if told is None:
                continue
            file = f"{contents.path}#{member}"
            raw = self._reader.identify_told(told.content, told.values, file)
            number, detector = int(ref.dataId["exposure"]), int(ref.dataId["detector"])
            if (raw.exposure, raw.detector) != (number, detector):
                raise ButlerError(
                    f"{file} is exposure {raw.exposure} detector {raw.detector} by its header, but exposure "
                    f"{number} detector {detector} by the index of datasets; have the zip made anew"
                )
            if number not in exposures:
                exposures[number] = self._reader.describe_told(told.content, told.values, file)
        return exposures

    def _take(self, described: Sequence[_Described]) -> None:
        """Make the records of new zips, and look up those that there are."""
        found = self.found
        made = [
            {number: self._refs.records(info) for number, info in item.exposures.items()}
            for item in described
        ]
        keys = {record_key(record) for part in made for own in part.values() for record in own.values()}
        keys |= {self._exposure_key(number) for item in described for number in item.contents.exposures}
        if self._repository is not None:
            found.existing |= records_by_key(self._repository.butler, keys - found.existing.keys())
        for item, records in zip(described, made, strict=True):
            contents = item.contents
            bare = [
                number
                for number in contents.exposures
                if number not in records and self._exposure_key(number) not in found.existing
            ]
            if bare:
                found.failures.append((contents.path, _untold(contents.path, bare)))
            elif self._wants_day(records[number]["exposure"] for number in records):
                for number, own in records.items():
                    found.records.setdefault(number, own)
                self._add(contents, item.state, item.reason)

    def _wanted(self, read: Sequence[ZipContents]) -> list[ZipContents]:
        """Leave out zips of days that are not asked for, as far as the repository knows their exposures."""
        if self._limits.any_day or self._repository is None:
            return list(read)
        keys = {self._exposure_key(number) for contents in read for number in contents.exposures}
        known = records_by_key(self._repository.butler, keys)
        kept = []
        for contents in read:
            records = (known.get(self._exposure_key(number)) for number in contents.exposures)
            if self._wants_day(record for record in records if record is not None):
                kept.append(contents)
        return kept

    def _wants_day(self, exposures: Iterable[DimensionRecord]) -> bool:
        """Tell whether the day of any exposure is asked for; if none is known, it may be."""
        days = {int(record.day_obs) for record in exposures}
        return not days or any(map(self._limits.wants_day, days))

    def _exposure_key(self, number: int) -> RecordKey:
        return "exposure", (self._refs.definition.name, number)

    def _add(
        self, contents: ZipContents, state: State, reason: str, places: Collection[DatasetRef] = ()
    ) -> None:
        name = self._refs.dataset_type.name
        raws: dict[int, int] = {}
        for ref in contents.refs:
            if ref.datasetType.name == name:
                number = int(ref.dataId["exposure"])
                raws[number] = raws.get(number, 0) | 1 << int(ref.dataId["detector"])
        self.found.zips.append(
            FoundZip(
                contents.path,
                state,
                reason,
                len(contents.refs),
                sum(ref.datasetType.name == name for ref in places),
                raws,
                contents.exposures,
                contents.detectors,
                contents.runs,
                tuple(contents.dataset_types),
            )
        )


def _untold(path: str, exposures: Sequence[int]) -> str:
    return (
        f"{path} has no header of exposure {exposures[0]} in an index of headers, and the repository has no "
        "record of that exposure; define the exposure first, or have the zip made anew"
    )
