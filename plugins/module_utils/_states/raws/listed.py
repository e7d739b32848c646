# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listed files told apart: of which exposures they are, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import records_by_key
from ansible_collections.rubin.butler.plugins.module_utils._butler.places import recorded_places
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import day_rule, name_rule
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground, detectors_held
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import HeaderPool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import Spool
from ansible_collections.rubin.butler.plugins.module_utils._storage.paths import base_name


def listed_rows(
    files: Iterable[tuple[str, str | None]], definition: InstrumentDefinition, limits: Limits
) -> Iterator[tuple[str, int | None, int | None, str | None]]:
    """Tell by the names of files which raws they are, and leave out those that are not wanted.

    Parameters
    ----------
    files : `~collections.abc.Iterable` [ `tuple` [ `str`, `str` or `None` ] ]
        Paths and digests. Streamed.
    definition : `InstrumentDefinition`
        The instrument.
    limits : `Limits`
        What is wanted.

    Yields
    ------
    row : `tuple`
        As `Spool.add` takes it; without exposure where the name does not tell.
    """
    rule = name_rule(definition)
    for path, md5 in files:
        raw = rule(base_name(path))
        if raw is None:
            yield path, None, None, md5
        elif limits.wants_exposure(raw[0]) and limits.wants_detector(raw[1]):
            yield path, *raw, md5


@dataclass(frozen=True)
class Identification:
    """Tells of all listed files which exposures they are of, so that those that are not wanted can go.

    Parameters
    ----------
    spool : `Spool`
        Holds the files.
    limits : `Limits`
        What is wanted.
    pool : `HeaderPool`
        Reads headers where names do not tell.
    repository : `Repository` or `None`
        The repository.
    ground : `Ground`
        What raws stand on there.
    refs : `RawRefs`
        Makes references.
    report : `Report`
        Told how far this is.
    fail : `~collections.abc.Callable`
        Told of a file that can't be read, and why.
    """

    spool: Spool
    limits: Limits
    pool: HeaderPool
    repository: Repository | None
    ground: Ground
    refs: RawRefs
    report: Report
    fail: Callable[[str, str], None]

    def run(self, *, check_paths: bool) -> None:
        """Identify the files, and drop those that are not wanted.

        Parameters
        ----------
        check_paths : `bool`
            Whether the recorded places of all raws of a file are looked up, not only that of the first.
        """
        if self.pool.reader.extension_keyword is not None and self.repository is not None:
            self._find_recorded(self.repository, check_paths=check_paths)
        self._open_unidentified()
        if not self.limits.any_day:
            self._keep_days()
        if self.limits.limit is not None:
            self.spool.keep_first(self.limits.limit)

    def _find_recorded(self, repository: Repository, *, check_paths: bool) -> None:
        """Note the files that were ingested in place and of which the run has all detectors.

        Their names tell nothing, but the datastore has them. Where all detectors that the instrument has are
        there, none can be missing. Those of exposures that are not wanted are dropped.
        """
        wanted = 0
        for detector in self.refs.definition.detector_ids.values():
            wanted |= (1 << detector) * self.limits.wants_detector(detector)
        held = detectors_held(repository, self.ground, self.refs)
        unwanted = [number for number in held if not self.limits.wants_exposure(number)]
        # Any raw tells where the file is.
        raws = ((exposure, held[exposure].bit_length() - 1) for exposure in unwanted)
        places = recorded_places(repository, map(self.refs.ref, raws))
        self.spool.drop(place for _unused, place in places if place is not None)
        complete = [
            exposure
            for exposure, detectors in held.items()
            if detectors & wanted == wanted and self.limits.wants_exposure(exposure)
        ]
        numbers = [number for number in range(wanted.bit_length()) if wanted >> number & 1]
        asked = numbers if check_paths else numbers[:1]
        raws = ((exposure, number) for exposure in complete for number in asked)
        places = recorded_places(repository, map(self.refs.ref, raws))
        whole: dict[tuple[int, str], int] = {}
        for ref, place in places:
            if place is not None:
                key = int(ref.dataId["exposure"]), place
                whole[key] = whole.get(key, 0) + 1
        self.spool.hold(
            (len(numbers), exposure, place) for (exposure, place), n in whole.items() if n == len(asked)
        )

    def _open_unidentified(self) -> None:
        """Read the exposures of files whose names do not tell them, and drop the files that can't be."""
        done = 0
        for page in self.spool.unidentified():
            found: list[tuple[int, int | None, str]] = []
            unwanted: list[str] = []
            for path, told in self.pool.identify([path for path, _unused in page]):
                done += 1
                self.report.step("opening files", done, None)
                if isinstance(told, str):
                    self.fail(path, told)
                    unwanted.append(path)
                elif self._wants(told):
                    found.append((told[0], told[1], path))
                else:
                    unwanted.append(path)
            self.report.checkpoint()
            self.spool.identify(found)
            self.spool.drop(unwanted)

    def _wants(self, told: tuple[int, int | None, int]) -> bool:
        exposure, detector, day = told
        return (
            self.limits.wants_exposure(exposure)
            and (detector is None or self.limits.wants_detector(detector))
            and self.limits.wants_day(day)
        )

    def _keep_days(self) -> None:
        """Drop the exposures of other days: told by their ids, their records, or else a header."""
        day_of = day_rule(self.refs.definition)
        for page in self.spool.exposures():
            self.report.checkpoint()
            days = {exposure: day_of(exposure) for exposure, _unused in page}
            unknown = {exposure: path for exposure, path in page if days[exposure] is None}
            days |= self._recorded_days(unknown)
            rest = {path: exposure for exposure, path in unknown.items() if days[exposure] is None}
            for path, told in self.pool.identify(sorted(rest)):
                # If none can be read, all are kept: what is wrong with them is told when it is their turn.
                days[rest[path]] = self._day_of_others(rest[path]) if isinstance(told, str) else told[2]
            self.spool.drop_exposures(
                exposure
                for exposure, day in days.items()
                if day is not None and not self.limits.wants_day(day)
            )

    def _day_of_others(self, exposure: int) -> int | None:
        for path in self.spool.files_of(exposure):
            for _unused, told in self.pool.identify([path]):
                if not isinstance(told, str):
                    return told[2]
        return None

    def _recorded_days(self, exposures: Iterable[int]) -> dict[int, int | None]:
        if self.repository is None:
            return {}
        instrument = self.refs.definition.name
        keys = [("exposure", (instrument, exposure)) for exposure in exposures]
        found = records_by_key(self.repository.butler, keys)
        return {int(values[-1]): int(record.day_obs) for (_unused, values), record in found.items()}
