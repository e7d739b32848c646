# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listed files sorted into those that are known, those that are missing, and those that are in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.rubin.butler.plugins.module_utils._butler.places import is_same_file
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import (
    Ground,
    Holdings,
    holdings,
    recorded_paths,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import Limits
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import (
    RawFile,
    RawId,
    Reading,
    Task,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import Listed


@dataclass
class Sorted:
    """What some of the listed files, all those of some exposures, are to the repository.

    Parameters
    ----------
    present : `int`
        How many raws the run has already.
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

    present: int = 0
    moved: dict[RawId, tuple[str, str]] = field(default_factory=dict)
    others: dict[RawId, tuple[str, str]] = field(default_factory=dict)
    strange: dict[RawId, tuple[str, str]] = field(default_factory=dict)
    twice: dict[RawId, tuple[str, list[str]]] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True)
class Means:
    """What sorting needs besides the files.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository.
    ground : `Ground`
        What raws stand on there.
    refs : `RawRefs`
        Makes references.
    limits : `Limits`
        Tells which detectors are wanted.
    takes_doubtful : `bool`
        Whether raws that are in doubt are read, to be ingested.
    check_paths : `bool`
        Whether the places that the datastore records are compared with those of the files.
    read : `~collections.abc.Callable`
        Reads groups of files, each with its digest.
    """

    repository: Repository | None
    ground: Ground
    refs: RawRefs
    limits: Limits
    takes_doubtful: bool
    check_paths: bool
    read: Callable[[Sequence[Sequence[Task]]], Iterable[Reading]]


class Sorter:
    """Sorts files by what their names tell, and reads only those that this leaves open.

    Parameters
    ----------
    means : `Means`
        What it needs.
    """

    def __init__(self, means: Means) -> None:
        self._means = means
        self._held = Holdings()
        self._asked: set[RawId] = set()
        self._recorded: dict[RawId, str | None] = {}
        self._owners: dict[RawId, str] = {}
        self._missing: set[RawId] = set()
        self.result = Sorted()

    def sort(self, files: Sequence[Listed]) -> Sorted:
        """Sort listed files.

        Parameters
        ----------
        files : `~collections.abc.Sequence` [ `Listed` ]
            All listed files of some exposures, sorted.

        Returns
        -------
        result : `Sorted`
            What they are. A file whose raws are known to be there is not opened.
        """
        means = self._means
        told: dict[RawId, list[Listed]] = {}
        whole: dict[int, list[Listed]] = {}
        for file in files:
            if file.detector is None:
                whole.setdefault(file.exposure, []).append(file)
            else:
                told.setdefault((file.exposure, file.detector), []).append(file)
        opened = list(self._in_doubt(whole))
        if means.repository is not None:
            exposures = {raw[0] for raw in told} | {file.exposure for file in opened}
            self._held = holdings(means.repository, means.ground, means.refs, exposures)
        # Where there is a choice, the recorded file is the one to take.
        self._ask(told if means.check_paths else (raw for raw, some in told.items() if len(some) > 1))
        missing: dict[int, list[Task]] = {}
        for raw, candidates in told.items():
            chosen = self._choose(raw, candidates)
            if self._is_missing(raw, chosen.path):
                self._missing.add(raw)
                missing.setdefault(raw[0], []).append(Task(chosen.path, raw, chosen.md5))
        for file in self._incomplete(opened):
            known = 0 if file.md5 is None else self._known(file.exposure)
            missing.setdefault(file.exposure, []).append(Task(file.path, None, file.md5, known=known))
        reading = Reading()
        for part in means.read([missing[exposure] for exposure in sorted(missing)]):
            reading.take(part)
        self._own(reading.files)
        self.result.reading = Reading(
            exposures=reading.exposures, failures=reading.failures, notices=reading.notices
        )
        for made in sorted(reading.files, key=lambda file: (*next(file.ids()), file.path)):
            self._settle(made)
        return self.result

    def _ask(self, raws: Iterable[RawId]) -> None:
        """Ask the datastore where it has raws, once for each that the run has."""
        repository = self._means.repository
        new = [raw for raw in raws if raw in self._held.own and raw not in self._asked]
        if repository is not None and new:
            self._recorded |= recorded_paths(repository, self._means.refs, new)
            self._asked.update(new)

    def _choose(self, raw: RawId, candidates: Sequence[Listed]) -> Listed:
        """Choose the file of a raw: the one that is recorded, else the first."""
        chosen = candidates[0]
        if len(candidates) > 1:
            recorded = self._recorded.get(raw)
            chosen = next(
                (file for file in candidates if recorded and is_same_file(file.path, recorded)), chosen
            )
            rest = [file.path for file in candidates if not is_same_file(file.path, chosen.path)]
            if rest:
                self.result.twice[raw] = (chosen.path, rest)
        self._owners[raw] = chosen.path
        return chosen

    def _in_doubt(self, whole: Mapping[int, Sequence[Listed]]) -> Iterable[Listed]:
        """Give the files with many raws that are not known to be there, and count those that are.

        Where several files are of one exposure, none is: only looking into them tells which raws they share.
        """
        for files in whole.values():
            held = next((file for file in files if file.held is not None), None)
            if held is None or not all(is_same_file(file.path, held.path) for file in files):
                yield from files
            else:
                self.result.present += held.held or 0

    def _incomplete(self, files: Sequence[Listed]) -> Iterable[Listed]:
        """Give the files with many raws that have to be opened: the run lacks raws of their exposures.

        Which of its instrument's detectors a file has is only known if it has them all, and alone.
        """
        wanted = [
            detector
            for detector in sorted(self._means.refs.definition.detector_ids.values())
            if self._means.limits.wants_detector(detector)
        ]
        together = Counter(file.exposure for file in files)
        for file in files:
            raws = [(file.exposure, detector) for detector in wanted]
            if self._means.check_paths or together[file.exposure] > 1 or not self._held.own.issuperset(raws):
                yield file
            else:
                self.result.present += len(raws)

    def _known(self, exposure: int) -> int:
        """Give the detectors, a bit for each, of which nothing of an exposure is to be ingested."""
        raws = [
            (exposure, detector)
            for detector in self._means.refs.definition.detector_ids.values()
            if (exposure, detector) in self._held.own
        ]
        if self._means.check_paths:
            self._ask(raws)
        return sum(1 << raw[1] for raw in raws if raw not in self._asked or raw in self._recorded)

    def _own(self, files: Sequence[RawFile]) -> None:
        """Choose for raws that are in several of the files that were read the one that is recorded."""
        paths: dict[RawId, list[str]] = {}
        for file in files:
            for raw in file.ids():
                paths.setdefault(raw, []).append(file.path)
        self._ask(paths if self._means.check_paths else (raw for raw, some in paths.items() if len(some) > 1))
        for raw, some in paths.items():
            recorded = self._recorded.get(raw)
            if recorded and len(some) > 1:
                for path in some:
                    if is_same_file(path, recorded):
                        self._owners.setdefault(raw, path)

    def _is_missing(self, raw: RawId, path: str) -> bool:
        """Tell whether a raw is to be ingested from a file, and note where it is if it is not missing."""
        held = self._held
        if raw in held.own:
            if raw in self._asked:
                if raw not in self._recorded:
                    return True
                recorded = self._recorded[raw]
                if recorded is not None and not is_same_file(path, recorded):
                    self.result.moved[raw] = (recorded, path)
                    return self._means.takes_doubtful
            self.result.present += 1
            return False
        if raw in held.strange:
            self.result.strange[raw] = (held.strange[raw], path)
            return False
        if raw in held.others:
            self.result.others[raw] = (held.others[raw], path)
            return self._means.takes_doubtful
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
            if not self._means.limits.wants_detector(raw.detector):
                continue
            if key in self._missing:
                taken.append(raw)
                continue
            owner = self._owners.setdefault(key, file.path)
            if owner != file.path:
                if not is_same_file(owner, file.path):
                    self.result.twice.setdefault(key, (owner, []))[1].append(file.path)
            elif self._is_missing(key, file.path):
                taken.append(raw)
        if taken:
            self.result.reading.files.append(replace(file, raws=tuple(taken)))
