# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The curated calibrations of an instrument are there, certified for their times."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.curated.writing import (
    instrument_of,
    write_aside,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import (
    Current,
    ImportsState,
    Work,
)


@dataclass
class CuratedState:
    """The declared curated calibrations.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument or of its class.
    labels : `tuple` [ `str`, ... ]
        Parts of the names of the collections.
    collection : `str` or `None`
        The CALIBRATION collection.

    Notes
    -----
    The instrument's class writes them into a new repository in a temporary folder, each time. What that holds
    is then declared as an import of an export is, so that only what is missing is written, and a check shows
    exactly what that is.
    """

    instrument: str
    labels: tuple[str, ...]
    collection: str | None = None
    _imports: ImportsState = field(default_factory=lambda: ImportsState(()), compare=False)
    _report: Report = field(default_factory=Report, compare=False)
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, compare=False)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> CuratedState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``instrument``, ``label`` and ``collection``.

        Returns
        -------
        state : `CuratedState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for an empty name.
        """
        labels = tuple(params.get("label") or ())
        for option, value in (
            ("instrument", params["instrument"]),
            ("collection", params.get("collection")),
            *(("label", label) for label in labels),
        ):
            if value is not None and not value.strip():
                raise ButlerError("an empty name; expected one, or leave the option out", option=option)
        return cls(params["instrument"], labels, params.get("collection"))

    def watch(self, report: Report) -> None:
        """Take the report that `observe` tells its steps.

        Parameters
        ----------
        report : `Report`
            The one of the run.
        """
        self._report = report

    def observe(self, repository: Repository | None) -> Current:
        """Let the instrument write aside, and look up what it wrote.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `~.imports.state.Current`
            All that the plan needs.

        Raises
        ------
        ButlerError
            Raised if this host has no class that can write them, or it fails.
        """
        instrument = instrument_of(repository, self.instrument)
        self._folder = tempfile.TemporaryDirectory(prefix="butler-curated-")
        folder = Path(self._folder.name)
        export = write_aside(instrument, folder, self.labels, self.collection, repository)
        self._imports = ImportsState.from_params(
            {"imports": [{"file": str(export)}], "directory": str(folder / "repo"), "transfer": "copy"}
        )
        self._imports.watch(self._report)
        return self._imports.observe(repository)

    def plan(self, current: Current) -> Plan[Work]:
        """Compare what the instrument wrote with what is there.

        Parameters
        ----------
        current : `~.imports.state.Current`
            From `observe`.

        Returns
        -------
        plan : `Plan`
            What is missing.
        """
        return self._imports.plan(current)

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Write what is missing.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan`
            From `plan`.
        report : `Report`
            Counts what was done; the run may be stopped between the parts and between batches.
        """
        self._imports.apply(repository, plan, report)
