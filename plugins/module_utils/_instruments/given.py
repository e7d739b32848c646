# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instrument definitions that an operator gives as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    PURPOSES,
    VISIT_SYSTEMS,
    DetectorDefinition,
    FilterDefinition,
    InstrumentDefinition,
)

DEFAULT_RAW_FORMATTER = "lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter"
"""What a datastore's default configuration reads storage class ``Exposure`` with (source: daf_butler)."""


class _Reader:
    """Takes the values out of one mapping and notes everything that is wrong with them.

    Parameters
    ----------
    where : `str`
        The mapping's place, as the operator wrote it.
    data : `object`
        What was given there.
    problems : `list` [ `str` ]
        Where problems are noted.
    """

    def __init__(self, where: str, data: object, problems: list[str]) -> None:
        self.where = where
        self.problems = problems
        self.data: Mapping[Any, object] = data if isinstance(data, Mapping) else {}
        self.used: set[str] = set()
        if not isinstance(data, Mapping):
            self.note("", data, "a mapping")

    def note(self, key: str, value: object, expected: str) -> None:
        """Note one problem."""
        place = f"{self.where}.{key}" if key else self.where
        given = "missing" if value is None else f"got {value!r}"
        self.problems.append(f"{place}: {given}, expected {expected}")

    def take(self, key: str, expected: str, fits: Callable[[Any], bool], default: Any = None) -> Any:
        """Return the value of a key, or the default where it is not given or does not fit."""
        self.used.add(key)
        value = self.data.get(key)
        if value is None and default is not None:
            return default
        if not fits(value):
            self.note(key, value, expected)
            return default
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty."""
        found = self.take(
            key, "a text", lambda value: isinstance(value, str) and bool(value.strip()), default
        )
        return str(found)

    def number(self, key: str, least: int) -> int:
        """Return a whole number."""
        found = self.take(
            key,
            f"a whole number, {least} or more",
            lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least,
        )
        return least if found is None else int(found)

    def entries(self, key: str) -> list[_Reader]:
        """Return a reader for each member of a list that is not empty."""
        found = self.take(
            key, "a list with one entry or more", lambda value: isinstance(value, list) and bool(value)
        )
        return [
            _Reader(f"{self.where}.{key}[{index}]", entry, self.problems)
            for index, entry in enumerate(found or ())
        ]

    def finish(self) -> None:
        """Note the keys that nothing asked for."""
        for key in self.data:
            if key not in self.used:
                self.note(str(key), self.data[key], "no such key; known: " + ", ".join(sorted(self.used)))


def definition_from_data(name: str, data: object, *, option: str = "definitions") -> InstrumentDefinition:
    """Make an instrument definition of what an operator wrote.

    Parameters
    ----------
    name : `str`
        Name of the instrument.
    data : `object`
        Mapping with the keys ``class_name``, ``visit_max``, ``exposure_max``, ``detector_max``,
        ``visit_system`` (a name or number of `VISIT_SYSTEMS`), ``detectors`` (a list of mappings: ``id``,
        ``full_name`` and, optionally, ``name_in_raft``, ``raft``, ``purpose``), ``filters`` (a list of
        mappings: ``physical_filter`` and, optionally, ``band``) and, optionally, ``raw_formatter``.
    option : `str`, optional
        Name of the module option that it was given in, for messages.

    Returns
    -------
    definition : `InstrumentDefinition`
        The definition.

    Raises
    ------
    ButlerError
        Raised with every problem: the key, the value that was given and what was expected.
    """
    problems: list[str] = []
    reader = _Reader(f"{option}.{name}", data, problems)
    detector_max = reader.number("detector_max", 1)
    known_systems = ", ".join(f"{system} ({number})" for system, number in VISIT_SYSTEMS.items())
    visit_system = reader.take(
        "visit_system",
        f"one of {known_systems}",
        lambda value: not isinstance(value, bool) and value in (*VISIT_SYSTEMS, *VISIT_SYSTEMS.values()),
    )
    definition = InstrumentDefinition(
        name=name,
        class_name=reader.text("class_name"),
        visit_max=reader.number("visit_max", 1),
        exposure_max=reader.number("exposure_max", 1),
        detector_max=detector_max,
        visit_system=VISIT_SYSTEMS.get(visit_system, visit_system),
        detectors=tuple(_detector(entry, detector_max) for entry in reader.entries("detectors")),
        filters=tuple(_filter(entry) for entry in reader.entries("filters")),
        raw_formatter=reader.text("raw_formatter", DEFAULT_RAW_FORMATTER),
    )
    reader.finish()
    _note_repeats(f"{reader.where}.detectors", "id", [entry.id for entry in definition.detectors], problems)
    _note_repeats(
        f"{reader.where}.detectors",
        "full_name",
        [entry.full_name for entry in definition.detectors],
        problems,
    )
    _note_repeats(
        f"{reader.where}.filters",
        "physical_filter",
        [entry.physical_filter for entry in definition.filters],
        problems,
    )
    if problems:
        raise ButlerError(
            f"the definition of instrument {name!r} is not complete or not right",
            option=f"{option}.{name}",
            details=problems,
        )
    return definition


def _detector(reader: _Reader, detector_max: int) -> DetectorDefinition:
    """Make one detector of its mapping."""
    full_name = reader.text("full_name")
    detector = DetectorDefinition(
        id=reader.number("id", 0),
        full_name=full_name,
        name_in_raft=reader.text("name_in_raft", full_name),
        raft=reader.take("raft", "a text", lambda value: value is None or isinstance(value, str)),
        purpose=reader.take("purpose", f"one of {', '.join(PURPOSES)}", PURPOSES.__contains__, "SCIENCE"),
    )
    if detector.id >= detector_max:
        reader.note("id", detector.id, f"a number below detector_max ({detector_max})")
    reader.finish()
    return detector


def _filter(reader: _Reader) -> FilterDefinition:
    """Make one filter of its mapping; the band of a filter without one is its own name, as in obs_base."""
    name = reader.text("physical_filter")
    entry = FilterDefinition(physical_filter=name, band=reader.text("band", name))
    reader.finish()
    return entry


def _note_repeats(where: str, key: str, values: list[Any], problems: list[str]) -> None:
    """Note each value that must be given once and is given more often."""
    for value, count in Counter(values).items():
        if count > 1 and str(value) != "None":
            problems.append(f"{where}: {key} {value!r} is given {count} times, expected once")
