# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official instrument classes, where they are installed.

Source: pipe_base ``Instrument``. What a class registers is asked of the class itself: its ``register``
method runs against a registry that only takes notes, so that whatever a class does there is what we know.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import (
    DetectorDefinition,
    FilterDefinition,
    InstrumentDefinition,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord
    from lsst.pipe.base import Instrument

_ELEMENTS = ("instrument", "detector", "physical_filter")


class ClassUnusableError(Exception):
    """The official class can't serve here; the message says why."""


class _NotingRegistry:
    """The part of a registry that an instrument writes to when it registers itself.

    Parameters
    ----------
    class_name : `str`
        The class that registers itself, for messages.
    """

    def __init__(self, class_name: str) -> None:
        self._class_name = class_name
        self.noted: dict[str, list[dict[str, Any]]] = {}

    @contextmanager
    def transaction(self, *, savepoint: bool = False) -> Iterator[None]:
        """Do nothing: notes need no transaction."""
        del savepoint
        yield

    def syncDimensionData(  # noqa: N802 - daf_butler's name
        self, element: str, row: DimensionRecord | Mapping[str, Any], *, update: bool = False
    ) -> bool:
        """Note one record."""
        del update
        record = dict(row) if isinstance(row, Mapping) else row.toDict()
        self.noted.setdefault(str(element), []).append(record)
        return True

    def insertDimensionData(  # noqa: N802 - daf_butler's name
        self, element: str, *rows: DimensionRecord | Mapping[str, Any], **options: Any
    ) -> None:
        """Note several records."""
        del options
        for row in rows:
            self.syncDimensionData(element, row)

    def __getattr__(self, name: str) -> Any:
        raise ClassUnusableError(
            f"{self._class_name} uses Registry.{name} to register itself, so its records can't be planned"
        )


def load_class(class_name: str) -> Instrument:
    """Import an official instrument class and make an instance.

    Parameters
    ----------
    class_name : `str`
        Full name of the class.

    Returns
    -------
    instrument : `lsst.pipe.base.Instrument`
        The instrument.

    Raises
    ------
    ClassUnusableError
        Raised if the class can't be imported, or is no instrument.
    """
    module = class_name.rpartition(".")[0]
    if not module or not all(part.isidentifier() for part in class_name.split(".")):
        raise ClassUnusableError(f"{class_name!r} is no class name (package.module.Class)")
    try:
        found = importlib.util.find_spec(module)
    except ImportError as error:
        raise ClassUnusableError(f"{class_name} can't be imported: {error}") from error
    if found is None:
        raise ClassUnusableError(f"{class_name} can't be imported: there is no module {module}")
    try:
        from lsst.pipe.base import Instrument
    except ImportError as error:
        raise ClassUnusableError(f"{class_name} can't be used without lsst.pipe.base: {error}") from error
    try:
        return Instrument.from_string(class_name)
    except TypeError as error:
        raise ClassUnusableError(f"{class_name} is no instrument class: {error}") from error
    except RuntimeError as error:
        raise ClassUnusableError(f"{class_name} can't be imported: {error}") from error


def definition_from_class(instrument: Instrument) -> InstrumentDefinition:
    """Learn from an official instrument class what it would register.

    Parameters
    ----------
    instrument : `lsst.pipe.base.Instrument`
        The instrument.

    Returns
    -------
    definition : `InstrumentDefinition`
        The definition.

    Raises
    ------
    ClassUnusableError
        Raised if the class registers itself in a way that can't be followed, or other elements than
        instrument, detector and physical_filter.
    """
    from lsst.utils.introspection import get_full_type_name

    class_name = get_full_type_name(instrument)
    registry = _NotingRegistry(class_name)
    try:
        instrument.register(cast("Any", registry))
    except ClassUnusableError:
        raise
    except Exception as error:
        raise ClassUnusableError(f"{class_name} fails to register itself: {error}") from error
    noted = registry.noted
    others = sorted(set(noted) - set(_ELEMENTS))
    if others or len(noted.get("instrument", ())) != 1 or not noted.get("detector"):
        counts = ", ".join(f"{len(rows)} {element}" for element, rows in noted.items()) or "nothing"
        raise ClassUnusableError(
            f"{class_name} registers {counts}; expected one instrument, its detectors and physical filters"
        )
    [row] = noted["instrument"]
    detectors = tuple(
        DetectorDefinition(
            id=entry["id"],
            full_name=entry["full_name"],
            name_in_raft=entry.get("name_in_raft"),
            raft=entry.get("raft"),
            purpose=entry.get("purpose", "SCIENCE"),
        )
        for entry in noted["detector"]
    )
    name, dimensions, storage_class = instrument.raw_definition or (
        "raw",
        ("instrument", "detector", "exposure"),
        "Exposure",
    )
    data_id = {"instrument": row["name"], "detector": detectors[0].id, "exposure": 0}
    return InstrumentDefinition(
        name=row["name"],
        class_name=row.get("class_name", class_name),
        visit_max=row["visit_max"],
        exposure_max=row["exposure_max"],
        detector_max=row["detector_max"],
        visit_system=row.get("visit_system"),
        detectors=detectors,
        filters=tuple(
            FilterDefinition(entry["name"], entry["band"]) for entry in noted.get("physical_filter", ())
        ),
        raw_formatter=get_full_type_name(instrument.getRawFormatter(data_id)),
        raw_dataset_type=name,
        raw_dimensions=tuple(dimensions),
        raw_storage_class=storage_class,
    )
