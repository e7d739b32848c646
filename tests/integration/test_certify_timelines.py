# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random declarations of butler_certify, one after the other on a repository, against a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import look_up
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.daf.butler import Butler, CollectionType, Config

from tests.integration.calibrations import CHAIN, NEW, OLD, fill, state_of
from tests.integration.postgres import Server

RUNS = {NEW: {1, 2}, OLD: {1, 2, 3}}
SOURCES = {NEW: [NEW], OLD: [OLD], CHAIN: [NEW, OLD]}
DETECTORS = (1, 2, 3, 4)
BOUNDS = [None, *(f"2019-04-0{day}T00:00:00" for day in range(1, 6)), None]
"""The first and the last of the times between are open."""
TIMES = len(BOUNDS) - 1

Model = dict[tuple[int, int], str]
"""By detector and time, the run of the dataset that is valid."""


@dataclass(frozen=True)
class Entry:
    """A declared certification, as the model has it."""

    times: tuple[int, int]
    source: str | None
    detectors: frozenset[int] | None
    present: bool
    prune: bool

    def places(self) -> set[tuple[int, int]]:
        return {(detector, time) for detector in self.detectors or DETECTORS for time in range(*self.times)}

    def wanted(self) -> Model:
        """Tell the run of the dataset at each place: that of the first collection that has one."""
        found = {}
        for detector, time in self.places():
            for run in SOURCES[self.source] if self.source else ():
                if detector in RUNS[run]:
                    found.setdefault((detector, time), run)
        return found

    def lacks(self) -> bool:
        """Tell whether a detector that it names has no dataset, so that nothing is pruned."""
        there = {detector for run in SOURCES[self.source or NEW] for detector in RUNS[run]}
        return self.present and self.detectors is not None and not self.detectors <= there

    def declared(self, collection: str) -> Mapping[str, Any]:
        ids = [{"detector": number} for number in sorted(self.detectors)] if self.detectors else None
        return {
            "collection": collection,
            "collections": [self.source] if self.source else None,
            "data_ids": ids,
            "begin": BOUNDS[self.times[0]],
            "end": BOUNDS[self.times[1]],
            "prune": self.prune,
            "state": "present" if self.present else "absent",
        }


@dataclass(frozen=True)
class Opened:
    """A repository that stays open, as the tests of one process write to it thousands of times."""

    repository: Repository = field(repr=False)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    begin = draw(st.integers(0, TIMES - 1))
    present = draw(st.integers(0, 3)) > 0
    return Entry(
        times=(begin, draw(st.integers(begin + 1, TIMES))),
        source=draw(st.sampled_from([NEW, OLD, CHAIN] if present else [NEW, OLD, CHAIN, None, None])),
        detectors=draw(st.sampled_from([None, None, *map(frozenset, ([1], [2, 3], [3, 4]))])),
        present=present,
        prune=present and draw(st.integers(0, 4)) == 0,
    )


TASK = st.tuples(
    st.one_of(st.tuples(entries()), st.tuples(entries(), entries()), st.tuples(*[entries()] * 3)),
    st.sampled_from(["fail", "keep", "replace"]),
)
# Few tasks leave little for the next ones to meet.
TASKS = st.tuples(*[TASK] * 7)


def predicted(model: Model, task: Sequence[Entry], on_conflict: str) -> Model | None:
    """Tell what is valid after a task; `None` if it can't be done, and nothing may change."""
    wanted: Model = {}
    for entry in task:
        for place, run in entry.wanted().items() if entry.present else ():
            if wanted.setdefault(place, run) != run:
                return None
    after = dict(model)
    for entry in task:
        if entry.present:
            continue
        if entry.source is None and any(
            other.present and {*range(*other.times)} & {*range(*entry.times)} for other in task
        ):
            return None
        gone = entry.wanted() if entry.source else dict.fromkeys(entry.places())
        for place, run in gone.items():
            if run is not None and wanted.get(place) == run:
                return None
            if run in (None, after.get(place)):
                after.pop(place, None)
    if any(entry.prune for entry in task) and not any(entry.lacks() for entry in task):
        return wanted
    for place, run in wanted.items():
        prunes = any(entry.prune and place in entry.wanted() for entry in task)
        if after.setdefault(place, run) != run:
            if on_conflict == "fail" and not prunes:
                return None
            if on_conflict == "replace" or prunes:
                after[place] = run
    return after


def valid(butler: Butler, collection: str) -> Model:
    """Read what is valid; fails if two datasets are at one time."""
    if collection not in look_up(butler, [collection]):
        return {}
    found: Model = {}
    for item in butler.registry.queryDatasetAssociations(
        "bias", [collection], collectionTypes={CollectionType.CALIBRATION}
    ):
        begin, end = (
            None if time is None else time.tai.isot.removesuffix(".000000").removesuffix(".000")
            for time in (item.timespan.begin, item.timespan.end)
        )
        first = 0 if begin is None else BOUNDS.index(begin)
        last = TIMES if end is None else BOUNDS.index(end)
        for time in range(first, last):
            place = (int(item.ref.dataId["detector"]), time)
            assert place not in found, f"{found[place]} and {item.ref.run} are valid at {place}"
            found[place] = item.ref.run
    return found


def done(repository: Repository, task: Sequence[Entry], on_conflict: str, collection: str) -> Outcome:
    declared = (entry.declared(collection) for entry in task)
    state = state_of(*declared, on_conflict=on_conflict, on_missing="skip")
    return converge(state, repository, check_mode=False, report=Report())


def prove(repository: Repository, tasks: Sequence[tuple[Sequence[Entry], str]], collection: str) -> None:
    """Do tasks one after the other, each twice, and compare what is valid with the model."""
    model: Model = {}
    for task, on_conflict in tasks:
        after = predicted(model, task, on_conflict)
        if after is None:
            with pytest.raises(ButlerError):
                done(repository, task, on_conflict, collection)
            assert valid(repository.butler, collection) == model
            continue
        changed = done(repository, task, on_conflict, collection).changed
        assert valid(repository.butler, collection) == after
        assert changed or after == model
        assert not done(repository, task, on_conflict, collection).changes
        model = after


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    root = tmp_path_factory.mktemp("timelines") / "repo"
    Butler.makeRepo(root)
    fill(root, RUNS)
    repository = open_repository(str(root), writeable=True)
    with repository.butler:
        yield Opened(repository)


@pytest.fixture(scope="module")
def postgresql(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    database = postgres.new_database()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
        root = tmp_path_factory.mktemp("timelines") / "repo"
        Butler.makeRepo(root, Config({"registry": {"db": database.url}}))
        fill(root, RUNS)
        repository = open_repository(str(root), writeable=True)
        with repository.butler:
            yield Opened(repository)
    postgres.drop(database)


NUMBERS = count()
MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@settings(MANY, max_examples=15)
@given(TASKS)
def test_on_sqlite(sqlite: Opened, tasks: Sequence[tuple[Sequence[Entry], str]]) -> None:
    prove(sqlite.repository, tasks, f"calib/{next(NUMBERS)}")


@settings(MANY, max_examples=6)
@given(TASKS)
def test_on_postgresql(postgresql: Opened, tasks: Sequence[tuple[Sequence[Entry], str]]) -> None:
    prove(postgresql.repository, tasks, f"calib/{next(NUMBERS)}")
