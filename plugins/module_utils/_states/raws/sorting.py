# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listed files sorted into those that are known, those that are missing, and those that are in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from ansible_collections.rubin.butler.plugins.module_utils._butler.places import is_same_file
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import name_rule
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import (
    Ground,
    recorded_paths,
    registered_elsewhere,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import (
    RawFile,
    RawId,
    Reading,
    grouped,
    read_raws,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs


@dataclass
class Sorted:
    """What the listed files are to the repository.

    Parameters
    ----------
    present : `set` [ `tuple` [ `int`, `int` ] ]
        Raws that the datastore records as they were listed.
    moved : `dict`
        Raws that the datastore records at another place: that place, and the listed file.
    others : `dict`
        Raws that another run has: that run, and the listed file.
    strange : `dict`
        Raws that the run has with another id than the official one: that id, and the listed file.
    twice : `dict`
        Files that are left over because another one is taken for the raw: the one that is taken, and the
        others.
    reading : `Reading`
        Files that are to be ingested, with only the raws that are missing, and those that can't be read.
    """

    present: set[RawId] = field(default_factory=set)
    moved: dict[RawId, tuple[str, str]] = field(default_factory=dict)
    others: dict[RawId, tuple[str, str]] = field(default_factory=dict)
    strange: dict[RawId, tuple[str, str]] = field(default_factory=dict)
    twice: dict[RawId, tuple[str, list[str]]] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)


class Sorter:
    """Sorts files by what their names tell, and reads only those that this leaves open.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository.
    ground : `Ground`
        What raws stand on there.
    refs : `RawRefs`
        Makes references.
    on_conflict : {"fail", "keep", "replace"}
        Raws that are in doubt are only read, to be ingested, with ``replace``.
    """

    def __init__(
        self, repository: Repository | None, ground: Ground, refs: RawRefs, on_conflict: str
    ) -> None:
        self._repository = repository
        self._ground = ground
        self._refs = refs
        self._takes_doubtful = on_conflict == "replace"
        self._recorded: dict[RawId, str | None] = {}
        self._elsewhere: tuple[dict[RawId, str], dict[RawId, str]] = ({}, {})
        self._owners: dict[RawId, str] = {}
        self.result = Sorted()

    def sort(self, paths: Iterable[str]) -> Sorted:
        """Sort listed files.

        Parameters
        ----------
        paths : `~collections.abc.Iterable` [ `str` ]
            Absolute paths and URIs, sorted.

        Returns
        -------
        result : `Sorted`
            What they are. A file whose name tells which raw it is, and whose raw is recorded, is not read.
        """
        told, untold = self._by_name(paths)
        self._ask(told)
        missing = list(untold)
        for raw, candidates in told.items():
            path = self._choose(raw, candidates)
            if self._is_missing(raw, path):
                missing.append(path)
        names = name_rule(self._refs.definition)
        reading = read_raws(self._refs.definition, grouped(missing, lambda path: names(base_name(path))))
        self._ask({raw for file in reading.files for raw in file.ids()} - told.keys())
        self.result.reading = Reading(exposures=reading.exposures, failures=reading.failures)
        for file in sorted(reading.files, key=lambda file: (file.raws[0].exposure, file.raws[0].detector)):
            self._settle(file)
        return self.result

    def _by_name(self, paths: Iterable[str]) -> tuple[dict[RawId, list[str]], list[str]]:
        rule: Callable[[str], RawId | None] = name_rule(self._refs.definition)
        told: dict[RawId, list[str]] = {}
        untold: list[str] = []
        for path in paths:
            raw = rule(base_name(path))
            if raw is None:
                untold.append(path)
            else:
                told.setdefault(raw, []).append(path)
        return told, untold

    def _ask(self, raws: Iterable[RawId]) -> None:
        """Ask the repository about raws, once for each."""
        if self._repository is None or not self._ground.has_type:
            return
        raws = list(raws)
        if self._ground.run is not None:
            self._recorded |= recorded_paths(self._repository, self._refs, raws)
        unknown = [raw for raw in raws if raw not in self._recorded]
        for known, found in zip(
            self._elsewhere, registered_elsewhere(self._repository, self._refs, unknown), strict=True
        ):
            known.update(found)

    def _choose(self, raw: RawId, candidates: list[str]) -> str:
        """Choose the file of a raw: the one that is recorded, else the first."""
        recorded = self._recorded.get(raw)
        chosen = next(
            (path for path in candidates if recorded and is_same_file(path, recorded)), candidates[0]
        )
        rest = [path for path in candidates if not is_same_file(path, chosen)]
        if rest:
            self.result.twice[raw] = (chosen, rest)
        self._owners[raw] = chosen
        return chosen

    def _is_missing(self, raw: RawId, path: str) -> bool:
        """Tell whether a raw is to be ingested from a file, and note where it is if it is not missing."""
        others, strange = self._elsewhere
        if raw in self._recorded:
            recorded = self._recorded[raw]
            if recorded is None or is_same_file(path, recorded):
                self.result.present.add(raw)
                return False
            self.result.moved[raw] = (recorded, path)
            return self._takes_doubtful
        if raw in strange:
            self.result.strange[raw] = (strange[raw], path)
            return False
        if raw in others:
            self.result.others[raw] = (others[raw], path)
            return self._takes_doubtful
        return True

    def _settle(self, file: RawFile) -> None:
        """Take what is missing of a file that was read."""
        exposures = self.result.reading.exposures
        taken = []
        for raw in file.raws:
            key = (raw.exposure, raw.detector)
            glass = exposures[raw.exposure].physical_filter
            if raw.physical_filter != glass:
                reason = (
                    f"its filter is {raw.physical_filter}, but exposure {raw.exposure} was taken with {glass}"
                )
                self.result.reading.failures.append((file.path, reason))
                return
            owner = self._owners.setdefault(key, file.path)
            if owner != file.path:
                if not is_same_file(owner, file.path):
                    self.result.twice.setdefault(key, (owner, []))[1].append(file.path)
            elif self._is_missing(key, file.path):
                taken.append(raw)
        if taken:
            self.result.reading.files.append(replace(file, raws=tuple(taken)))


def base_name(path: str) -> str:
    """Give the last part of a path.

    Parameters
    ----------
    path : `str`
        Path or URI.

    Returns
    -------
    name : `str`
        The name of the file.
    """
    return PurePosixPath(path).name
