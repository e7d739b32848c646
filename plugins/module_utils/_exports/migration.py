# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of older dimension universes, brought up to date.

What changed when, and how an older export is to be read: daf_butler, ``configs/old_dimensions`` and
``transfers/_yaml.py``.

* Universe 1 dropped the column ``visit.seeing``; before it ``visit.day_obs`` may be missing.
* Universe 2 took ``visit_system`` out of ``visit`` (and out of ``visit_definition``) into the new element
  ``visit_system_membership``.
* Universe 6 made dimensions of ``group`` (once ``exposure.group_name`` and ``group_id``) and of ``day_obs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astropy.time import Time
    from lsst.daf.butler import Timespan

Row = dict[str, Any]

NO_SEEING = 1
MEMBERSHIPS = 2
GROUPS_AND_DAYS = 6

OFFSETS = {"LSSTComCam": 43200, "LSSTCam": 43200, "LSSTCam-imSim": 0, "DECam": 43200}
"""How long after midnight TAI a day of observation begins on the telescope (seconds).

Source: the translators of obs_lsst and of astro_metadata_translator.
"""


@dataclass
class Migration:
    """Reads the sections of one export in today's columns.

    Parameters
    ----------
    since, until : `int`
        The universe of the export and that of the repository.
    instruments : `dict` [ `str`, `str` ]
        Class names of the instruments that are known; those of the export are added.
    """

    since: int
    until: int
    instruments: dict[str, str] = field(default_factory=dict)
    unknown_offsets: set[str] = field(default_factory=set)
    _days: set[tuple[str, int]] = field(default_factory=set)
    _groups: dict[tuple[str, str], None] = field(default_factory=dict)
    _memberships: list[Row] = field(default_factory=list)

    def crosses(self, version: int) -> bool:
        """Tell whether the change that came with a version lies between export and repository."""
        return self.since < version <= self.until

    def rows(self, element: str, rows: Iterable[Row]) -> list[Row]:
        """Bring the records of an element up to date.

        Parameters
        ----------
        element : `str`
            Name of the element.
        rows : `~collections.abc.Iterable` [ `dict` ]
            Its records by column.

        Returns
        -------
        rows : `list` [ `dict` ]
            New ones where something changed.
        """
        change: Callable[[Row], Row] | None = {
            "instrument": self._instrument,
            "visit": self._visit,
            "visit_definition": self._visit_definition,
            "exposure": self._exposure,
        }.get(element)
        return [change(dict(row)) for row in rows] if change is not None else list(rows)

    def dimensions(self, names: Iterable[str]) -> tuple[str, ...]:
        """Bring the dimensions of a dataset type up to date: a visit has no single visit system any more."""
        names = tuple(names)
        if self.crosses(MEMBERSHIPS) and "visit" in names:
            return tuple(name for name in names if name != "visit_system")
        return names

    def derived(self) -> dict[str, list[Row]]:
        """Give the records of elements that the export does not have yet.

        Returns
        -------
        rows : `dict` [ `str`, `list` [ `dict` ] ]
            By element.
        """
        days: list[Row] = [
            {"instrument": instrument, "id": day, "timespan": self._timespan(instrument, day)}
            for instrument, day in sorted(self._days)
        ]
        groups: list[Row] = [{"instrument": instrument, "name": name} for instrument, name in self._groups]
        found = {"group": groups, "day_obs": days, "visit_system_membership": self._memberships}
        return {element: rows for element, rows in found.items() if rows}

    def _instrument(self, row: Row) -> Row:
        if row.get("class_name") is not None and "name" in row:
            self.instruments[row["name"]] = row["class_name"]
        return row

    def _visit(self, row: Row) -> Row:
        if self.crosses(MEMBERSHIPS) and "visit_system" in row:
            self._memberships.append(
                {
                    "instrument": row["instrument"],
                    "visit_system": row.pop("visit_system"),
                    "visit": row["id"],
                }
            )
        if self.crosses(NO_SEEING):
            row.pop("seeing", None)
            if row.get("day_obs") is None:
                row["day_obs"] = self._day_of(row)
        if self.crosses(GROUPS_AND_DAYS):
            self._days.add((row["instrument"], row["day_obs"]))
        return row

    def _visit_definition(self, row: Row) -> Row:
        if self.crosses(MEMBERSHIPS):
            row.pop("visit_system", None)
        return row

    def _exposure(self, row: Row) -> Row:
        if self.crosses(GROUPS_AND_DAYS):
            row["group"] = row.pop("group_name")
            row.pop("group_id", None)
            self._groups[row["instrument"], row["group"]] = None
            self._days.add((row["instrument"], row["day_obs"]))
        return row

    def _day_of(self, row: Row) -> int:
        """Work out a visit's day of observation from the time when it began."""
        from astropy.time import TimeDelta

        begin = row["datetime_begin"].tai
        offset = self._offset(row["instrument"], begin)
        if offset:
            begin = begin - TimeDelta(offset, format="sec", scale="tai")
        return int(begin.strftime("%Y%m%d"))

    def _timespan(self, instrument: str, day: int) -> Timespan | None:
        from astropy.time import Time
        from lsst.daf.butler import Timespan

        text = str(day)
        date = Time(f"{text[:4]}-{text[4:6]}-{text[6:]}T00:00:00", format="isot", scale="tai")
        offset = self._offset(instrument, date)
        if offset is None:
            self.unknown_offsets.add(instrument)
            return None
        return Timespan.from_day_obs(day, offset=offset)

    def _offset(self, instrument: str, date: Time) -> int | None:
        """Give when a day begins: as the instrument's class says, or as the built-in table does."""
        from lsst.utils import doImportType

        try:
            translator = doImportType(self.instruments[instrument]).translatorClass  # type: ignore[attr-defined]
            offset = translator.observing_date_to_offset(date)
        except (KeyError, ImportError, TypeError, AttributeError):
            return OFFSETS.get(instrument)
        return None if offset is None else round(offset.to_value("s"))
