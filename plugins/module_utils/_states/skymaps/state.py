# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sky maps are registered and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import register
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import register_type
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Plan
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.declared import (
    Declared,
    declared_sky_maps,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.found import RUN, Current, look
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.planning import (
    Work,
    plan_sky_maps,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.writing import Writer

BATCH_PATCHES = 20_000


@dataclass(frozen=True)
class SkyMapsState:
    """The declared sky maps.

    Parameters
    ----------
    declared : `tuple` [ `Declared`, ... ]
        In the order of the task.
    batch_size : `int`
        About how many patches are written in one transaction.
    """

    declared: tuple[Declared, ...]
    batch_size: int = BATCH_PATCHES

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> SkyMapsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``skymaps``.

        Returns
        -------
        state : `SkyMapsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for configurations that can't be read or make no sky map.
        """
        return cls(declared_sky_maps(params["skymaps"]))

    def sources(self) -> dict[str, Any]:
        """Tell whose code makes each sky map.

        Returns
        -------
        result : `dict`
            ``skymaps``: for each of them ``name``, ``hash``, ``tracts``, ``patches`` and ``source``.
        """
        return {
            "skymaps": [
                {
                    "name": item.name,
                    "hash": item.sky_map.hash.hex(),
                    "tracts": item.sky_map.geometry.count,
                    "patches": item.sky_map.geometry.patch_total,
                    "source": item.sky_map.source,
                }
                for item in self.declared
            ]
        }

    def observe(self, repository: Repository | None) -> Current:
        """Look the sky maps up.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What is there of them.
        """
        return look(repository, self.declared)

    def plan(self, current: Current) -> Plan[Work]:
        """Tell what is missing, and what is another sky map.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            What to write.
        """
        return plan_sky_maps(current)

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register the dataset type and the run, then each sky map.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what is written.
        """
        repository = required(repository)
        work = plan.work
        if work.register_type:
            report.checkpoint()
            register_type(repository.butler, work.dataset_type)
            report.added += 1
        if work.run:
            report.checkpoint()
            register(repository.butler, RUN, "RUN")
            report.added += 1
        total = sum(item.missing_patches for item in work.sky_maps)
        writer = Writer(repository, report, total, self.batch_size)
        for item in work.sky_maps:
            writer.write(item, work.dataset_type)
