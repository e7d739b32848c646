# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository exists, as its seed says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_create import GRACE, create
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_database import (
    OBSCORE_ATTRIBUTE,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_expected import (
    Expected,
    drift,
    expect,
    probe,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_found import (
    ROOT,
    Found,
    described,
    find,
    locate,
    named,
    open_found,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_seed import (
    Seed,
    check_seed,
    read_seed,
)

if TYPE_CHECKING:
    from lsst.resources import ResourcePath


@dataclass(frozen=True)
class UnusableServer(Assumption):
    """A database, or a server of artifacts, that an earlier task may be about to make usable.

    Parameters
    ----------
    reason : `str`
        Why it can't be used now.
    """

    reason: str = ""

    def __str__(self) -> str:
        where = f"{self.option}: " if self.option else ""
        return f"{where}{self.reason}"


@dataclass
class Current:
    """What is there, beside what is wanted.

    Parameters
    ----------
    found : `Found`
        What there is.
    seed : `Seed`
        What was declared.
    expected : `Expected`
        What that becomes.
    """

    found: Found
    seed: Seed
    expected: Expected


@dataclass
class RepositoryState:
    """The declared repository.

    Parameters
    ----------
    repo : `str`
        What the playbook calls it.
    params : `~collections.abc.Mapping`
        The options of the seed.
    on_conflict : {"fail", "keep"}
        What to do about drift.
    grace : `float`, optional
        How long half a repository must stay as it is before it is completed (seconds).
    """

    repo: str
    params: Mapping[str, Any]
    on_conflict: str = "fail"
    grace: float = GRACE
    description: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RepositoryState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            With ``repo``, ``seed_config``, ``seed_config_file``, ``override``, ``standalone`` and
            ``on_conflict``.

        Returns
        -------
        state : `RepositoryState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised if ``seed_config`` carries a secret or can't be a configuration.
        """
        if params["seed_config"] is not None:
            check_seed(params["seed_config"], "seed_config")
        return cls(params["repo"], params, params["on_conflict"])

    def observe(self, repository: Repository | None) -> Current:
        """Look at the root and at its database.

        Parameters
        ----------
        repository : `None`
            This state looks for its repository by itself.

        Returns
        -------
        current : `Current`
            What is there.

        Raises
        ------
        ButlerError
            Raised if the seed can't be used, and for a repository that can't be.
        """
        del repository  # this state opens it by itself
        seed = read_seed(self.params)
        # On a site that is new its server may still be to be set up, which check mode takes for granted.
        root = locate(self.repo, reach=False)
        current = self._look(seed, expect(seed, root), root, may_be_gone=True)
        if current.found.exists:
            open_found(current.found).butler.close()
        else:
            probe(seed)
        self.description = described(current.found)
        return current

    def _look(
        self, seed: Seed, expected: Expected, root: ResourcePath, *, may_be_gone: bool = False
    ) -> Current:
        found = find(
            root,
            expected.content,
            text=expected.text,
            tables=expected.tables,
            obscore=expected.obscore is not None,
            may_be_gone=may_be_gone,
        )
        return Current(found, seed, expected)

    def plan(self, current: Current) -> Plan[Current]:
        """Compare what is there with the seed.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Current` ]
            One change if the repository has to be made or completed. Drift, tables of others, and half a
            repository that holds data, are conflicts.
        """
        found, seed, expected = current.found, current.seed, current.expected
        plan = Plan(current)
        name = named(found.root)
        if expected.forced and found.written is None:
            plan.notices += [f"{line} unless override is true" for line in expected.forced]
        if found.unreachable is not None:
            option = found.unreachable_option
            plan.assumes.append(
                UnusableServer(
                    "server",
                    name if option == ROOT else found.database,
                    option if option == ROOT else f"{seed.option}.{option}",
                    found.unreachable,
                )
            )
        differences = self._drift(current)
        if differences and self.on_conflict == "keep":
            plan.notices += [f"{name} is kept as it is: {line}" for line in differences]
        elif differences:
            plan.conflict_hint = (
                "The configuration of a repository is not changed here. Correct the seed, or set "
                "on_conflict: keep to leave the repository as it is. Nothing was written."
            )
            plan.conflicts += [Conflict("repository", name, line) for line in differences]
        if found.exists:
            plan.present += 1
            return plan
        self._plan_half(plan, found, name)
        after = {"database": found.database, "seed": _summary(seed)}
        if found.diagnosis is None:
            plan.changes.append(Change.add("repository", name, after))
        else:
            if found.written is None and not found.database.startswith("sqlite"):
                plan.notices.append(
                    f"{found.database} has an empty registry that this repository takes over. If another "
                    "site has made it, give this one a namespace of its own"
                )
            plan.changes.append(
                Change.replace(
                    "repository", name, {"half made": found.diagnosis}, {**after, "completed": True}
                )
            )
        return plan

    @staticmethod
    def _drift(current: Current) -> list[str]:
        found = current.found
        if found.written is None:
            return []
        kept = found.content.attributes.get(OBSCORE_ATTRIBUTE) if found.content is not None else None
        # A registry that is still to be made takes its obscore configuration from the seed.
        obscore = json.loads(kept) if kept else None if found.exists else current.expected.obscore
        return drift(current.seed, current.expected, found.written, obscore, found.root)

    @staticmethod
    def _plan_half(plan: Plan[Current], found: Found, name: str) -> None:
        if found.foreign:
            plan.conflict_hint = (
                "Give the registry a namespace (or a database) of its own. Nothing was written."
            )
            plan.conflicts.append(
                Conflict(
                    "repository",
                    name,
                    f"{found.database} holds tables that are not a Butler registry's: "
                    + ", ".join(found.foreign[:10])
                    + (f" and {len(found.foreign) - 10} more" if len(found.foreign) > 10 else ""),
                )
            )
        elif found.filled:
            plan.conflict_hint = (
                "Only an empty registry is completed. Restore butler.yaml or the database from a backup, "
                "or choose another database or namespace. Nothing was written."
            )
            plan.conflicts.append(
                Conflict(
                    "repository",
                    name,
                    f"it is half made ({found.diagnosis}), and {found.database} holds data in "
                    + ", ".join(found.filled[:10]),
                )
            )

    def apply(self, repository: Repository | None, plan: Plan[Current], report: Report) -> None:
        """Make the repository, or complete it.

        Parameters
        ----------
        repository : `None`
            This state looks for its repository by itself.
        plan : `Plan` [ `Current` ]
            From `plan`.
        report : `Report`
            Counts what was done.

        Raises
        ------
        ButlerError
            Raised if it can't be made; what this run had made of it is removed again.
        """
        del repository  # this state opens it by itself
        seed, expected, root = plan.work.seed, plan.work.expected, plan.work.found.root

        def again() -> Found:
            return self._look(seed, expected, root).found

        made = create(plan.work.found, seed, expected, again, report, self.grace)
        current = self._look(seed, expected, root)
        if not made:
            report.notice(f"{named(root)} was made by another run meanwhile")
            self._refuse_drift(current)
        elif plan.total("add"):
            report.added += 1
        else:
            report.replaced += 1
        open_found(current.found).butler.close()
        self.description = described(current.found)

    def _refuse_drift(self, current: Current) -> None:
        differences = self._drift(current)
        if differences and self.on_conflict == "fail":
            raise ButlerError(
                f"another run made {named(current.found.root)} meanwhile, not as declared here",
                details=differences,
            )


def _summary(seed: Seed) -> dict[str, Any]:
    """Give the seed as it is shown in a plan: without the long obscore configuration."""
    content: dict[str, Any] = json.loads(json.dumps(seed.content))
    manager = content.get("registry", {}).get("managers", {}).get("obscore")
    if isinstance(manager, dict):
        manager["config"] = "..."
    return content
