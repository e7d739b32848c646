# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataset types are registered with their definition; or are not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import universe_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import (
    register_type,
    registered_type,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.declared_once import declared_once

# What daf_butler allows, without the dot that separates a component.
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Definition:
    """What a dataset type is.

    Parameters
    ----------
    dimensions : `tuple` [ `str`, ... ]
        The required dimensions, in the order of the universe.
    storage_class : `str`
        Name of the storage class.
    is_calibration : `bool`
        Whether datasets may be certified in CALIBRATION collections.
    """

    dimensions: tuple[str, ...]
    storage_class: str
    is_calibration: bool = False

    def shown(self) -> dict[str, Any]:
        """Give the definition as a plan shows it.

        Returns
        -------
        shown : `dict`
            Dimensions and storage class, and ``is_calibration`` if it is one.
        """
        shown: dict[str, Any] = {"dimensions": list(self.dimensions), "storage_class": self.storage_class}
        return {**shown, "is_calibration": True} if self.is_calibration else shown


@dataclass
class Current:
    """What the repository has.

    Parameters
    ----------
    known : `dict` [ `str`, `Definition` ]
        The declared dataset types that exist.
    wanted : `dict` [ `str`, `Definition` ]
        The declared ones, their dimensions completed by the repository's universe.
    used : `set` [ `str` ]
        Those to remove of which there are datasets.
    unknown : `list` [ `Assumption` ]
        Storage classes that only the configuration of a repository yet to be made can have.
    """

    known: dict[str, Definition] = field(default_factory=dict)
    wanted: dict[str, Definition] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    unknown: list[Assumption] = field(default_factory=list)


@dataclass
class Work:
    """What to do.

    Parameters
    ----------
    register : `dict` [ `str`, `Definition` ]
        New dataset types.
    remove : `list` [ `str` ]
        Names of dataset types to remove.
    """

    register: dict[str, Definition] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DatasetTypesState:
    """The declared dataset types.

    Parameters
    ----------
    present : `~collections.abc.Mapping` [ `str`, `Definition` ]
        Definitions by name, dimensions as declared.
    absent : `frozenset` [ `str` ]
        Names that are not to exist.
    options : `~collections.abc.Mapping` [ `str`, `str` ]
        The option that declares a name.
    """

    present: Mapping[str, Definition]
    absent: frozenset[str]
    options: Mapping[str, str]

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DatasetTypesState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``dataset_types``.

        Returns
        -------
        state : `DatasetTypesState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised if one name is declared twice, can't be a dataset type's, or has no whole definition.
        """
        present: dict[str, Definition] = {}
        options = declared_once("dataset_types", (item["name"] for item in params["dataset_types"]))
        for item in params["dataset_types"]:
            name, option = item["name"], options[item["name"]]
            if not _NAME.fullmatch(name):
                raise ButlerError(
                    f"{name!r} can't be a dataset type's name: letters, digits and underscores are expected",
                    option=f"{option}.name",
                    hint="Components such as calexp.wcs are part of their dataset type and never registered.",
                )
            if item["state"] == "absent":
                continue
            for key in ("dimensions", "storage_class"):
                if item[key] is None:
                    raise ButlerError(f"it is needed to register {name}", option=f"{option}.{key}")
            present[name] = Definition(
                tuple(item["dimensions"]), item["storage_class"], item["is_calibration"]
            )
        return cls(present, frozenset(options.keys() - present.keys()), options)

    def observe(self, repository: Repository | None) -> Current:
        """Look the declared dataset types up.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What exists, and what is declared in the repository's terms.

        Raises
        ------
        ButlerError
            Raised with near matches for every dimension and storage class that is unknown.
        """
        current = Current()
        problems: list[str] = []
        classes = _storage_classes(repository)
        universe = universe_of(repository)
        for name, definition in self.present.items():
            option = self.options[name]
            unknown = [item for item in definition.dimensions if item not in universe.dimensions]
            problems += [
                f"{option}.dimensions: there is no dimension {item!r}{_near(item, universe.dimensions.names)}"
                for item in unknown
            ]
            if definition.storage_class not in classes:
                if repository is None:
                    current.unknown.append(
                        Assumption("storage class", definition.storage_class, f"{option}.storage_class")
                    )
                else:
                    name_of = f"{definition.storage_class!r}{_near(definition.storage_class, classes)}"
                    problems.append(f"{option}.storage_class: there is no storage class {name_of}")
            if name in universe.governor_dimensions.names:
                problems.append(f"{option}.name: {name} is a dimension and can't be a dataset type too")
            if not unknown:
                required = tuple(universe.conform(definition.dimensions).required)
                current.wanted[name] = Definition(
                    required, definition.storage_class, definition.is_calibration
                )
        if problems:
            raise ButlerError(
                "the repository knows no such dataset types", details=problems, hint="Nothing was written."
            )
        if repository is not None:
            self._look_up(repository, current)
        return current

    def _look_up(self, repository: Repository, current: Current) -> None:
        butler = repository.butler
        for name in sorted(self.options):
            found = registered_type(butler, name)
            if found is None:
                continue
            current.known[name] = Definition(
                tuple(found.dimensions.required), found.storageClass_name, found.isCalibration()
            )
            if name in self.absent and butler.query_datasets(
                name, collections="*", find_first=False, limit=1, explain=False
            ):
                current.used.add(name)

    def plan(self, current: Current) -> Plan[Work]:
        """Compare the declared dataset types with those that exist.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            Another definition, and datasets of a dataset type to remove, are conflicts.
        """
        plan = Plan(
            Work(),
            assumes=list(current.unknown),
            conflict_hint="A dataset type's definition can't be changed. Nothing was written.",
        )
        for name, wanted in sorted(current.wanted.items()):
            known = current.known.get(name)
            if known is None:
                plan.work.register[name] = wanted
                plan.changes.append(Change.add("dataset type", name, wanted.shown()))
            elif known != wanted:
                plan.conflicts.append(Conflict("dataset type", name, _differences(known, wanted)))
            else:
                plan.present += 1
        for name in sorted(self.absent):
            known = current.known.get(name)
            if known is None:
                plan.present += 1
            elif name in current.used:
                plan.conflicts.append(
                    Conflict("dataset type", name, "there are datasets of it; remove those first")
                )
            else:
                plan.work.remove.append(name)
                plan.changes.append(Change.remove("dataset type", name, known.shown()))
        return plan

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register and remove.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what was done.
        """
        from lsst.daf.butler import DatasetType

        repository = required(repository)
        registry, universe = repository.butler.registry, repository.butler.dimensions
        for name, wanted in plan.work.register.items():
            report.checkpoint()
            register_type(
                repository.butler,
                DatasetType(
                    name,
                    wanted.dimensions,
                    wanted.storage_class,
                    universe=universe,
                    isCalibration=wanted.is_calibration,
                ),
            )
            report.added += 1
        for name in plan.work.remove:
            report.checkpoint()
            registry.removeDatasetType(name)
            report.removed += 1


def _storage_classes(repository: Repository | None) -> frozenset[str]:
    """Give the names of the storage classes that a repository, or daf_butler by itself, configures."""
    from lsst.daf.butler import StorageClassConfig

    if repository is None:
        return frozenset(StorageClassConfig().keys())
    return frozenset(repository.config["storageClasses"].keys())


def _near(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(names), n=3)
    return f", near it are {', '.join(near)}" if near else ""


def _differences(known: Definition, wanted: Definition) -> str:
    pairs = {
        "dimensions": (list(known.dimensions), list(wanted.dimensions)),
        "storage_class": (known.storage_class, wanted.storage_class),
        "is_calibration": (known.is_calibration, wanted.is_calibration),
    }
    return "it is registered with another definition: " + ", ".join(
        f"{key} is {old!r}, and {new!r} was declared" for key, (old, new) in pairs.items() if old != new
    )
