# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aliases of repositories stand in the repository index; or do not."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    check_no_secret,
    masked,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError, SecretError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._storage.index_text import (
    INCLUDES,
    edit_index,
    read_index,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.shared_files import (
    replace_text,
    sole_writer,
)

VARIABLE = "DAF_BUTLER_REPOSITORY_INDEX"

_URI = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^\s/]*)?/\S.*|[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+")
_LABEL = re.compile(r"\S+")


@dataclass(frozen=True)
class Current:
    """What the index holds.

    Parameters
    ----------
    directory : `bool`
        Whether the directory that it is in exists.
    text : `str`
        Its content; empty if it is not there.
    entries : `dict` [ `str`, `str` ]
        URIs by label.
    """

    directory: bool
    text: str = ""
    entries: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RepositoryIndexState:
    """The declared aliases.

    Parameters
    ----------
    index : `~pathlib.Path`
        The index file.
    option : `str`
        Where its path came from.
    aliases : `dict` [ `str`, `str` ]
        URIs by label; what they are does not matter with ``state="absent"``.
    state : {"present", "absent"}
        Whether these labels are to be there.
    prune : `bool`
        Whether labels that are not declared go.
    on_conflict : {"fail", "keep", "replace"}
        What to do about a label with another URI.
    """

    index: Path
    option: str
    aliases: dict[str, str]
    state: str = "present"
    prune: bool = False
    on_conflict: str = "fail"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> RepositoryIndexState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `RepositoryIndexState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for a file that daf_butler would not read, for what is no URI, and for one with user
            information.
        """
        option = "index" if params["index"] else VARIABLE
        index = _index_path(params["index"] or os.environ.get(VARIABLE, ""), option)
        if params["prune"] and params["state"] == "absent":
            raise ButlerError("with state=absent there is nothing to keep the index to", option="prune")
        aliases: dict[str, str] = {}
        for label, uri in params["aliases"].items():
            where = f"aliases.{label}"
            if not _LABEL.fullmatch(label) or label == INCLUDES:
                raise ButlerError(
                    f"{label!r} can't be a label: expected a word without white space, and not {INCLUDES}",
                    option="aliases",
                )
            if params["state"] == "present":
                _check_uri(where, uri)
            aliases[label] = str(uri)
        return cls(index, option, aliases, params["state"], params["prune"], params["on_conflict"])

    def observe(self, repository: Repository | None) -> Current:  # noqa: ARG002 - it knows repositories only by name
        """Read the index.

        Parameters
        ----------
        repository : `None`
            There is none.

        Returns
        -------
        current : `Current`
            What it holds.

        Raises
        ------
        ButlerError
            Raised if it can't be read, and if it is no index.
        """
        try:
            text = self.index.read_bytes().decode()
        except FileNotFoundError:
            return Current(self.index.parent.is_dir())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ButlerError(f"{self.index} can't be read: {reason}", option=self.option) from error
        return Current(True, text, read_index(text, str(self.index)))

    def plan(self, current: Current) -> Plan[dict[str, str | None]]:
        """Compare the declared aliases with the index.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `dict` [ `str`, `str` or `None` ] ]
            The URI that each label gets, `None` for those that go.

        Raises
        ------
        ButlerError
            Raised if the file can't be edited.
        """
        plan: Plan[dict[str, str | None]] = Plan(
            {},
            conflict_hint="Correct the URI, or set on_conflict to keep or replace. Nothing was written.",
        )
        for label, uri in self.aliases.items():
            found = current.entries.get(label)
            if self.state == "absent":
                self._plan_removal(plan, label, found)
            elif found == uri:
                plan.present += 1
            elif found is None:
                plan.work[label] = uri
                plan.changes.append(Change.add("alias", label, uri))
            elif self.on_conflict == "replace":
                plan.work[label] = uri
                plan.changes.append(Change.replace("alias", label, masked(found), uri))
            elif self.on_conflict == "keep":
                plan.skipped += 1
                plan.notices.append(f"{label} stays {masked(found)} in {self.index}, and not {uri}")
            else:
                plan.conflicts.append(Conflict("alias", label, f"is {masked(found)}, declared is {uri}"))
        if self.prune:
            for label in current.entries.keys() - self.aliases.keys() - {INCLUDES}:
                self._plan_removal(plan, label, current.entries[label])
        if plan.work and not current.directory:
            plan.assumes.append(Assumption("directory", str(self.index.parent), self.option))
        if plan.work and not plan.conflicts:
            # Refused here rather than after the check has promised it.
            edit_index(current.text, str(self.index), plan.work)
        return plan

    @staticmethod
    def _plan_removal(plan: Plan[dict[str, str | None]], label: str, found: str | None) -> None:
        if found is None:
            plan.present += 1
        else:
            plan.work[label] = None
            plan.changes.append(Change.remove("alias", label, masked(found)))

    def apply(
        self,
        repository: Repository | None,
        plan: Plan[dict[str, str | None]],  # noqa: ARG002 - it is made again under the lock
        report: Report,
    ) -> None:
        """Write the index.

        Parameters
        ----------
        repository : `None`
            There is none.
        plan : `Plan` [ `dict` ]
            From `plan`. It is made again under the lock: another task may have written meanwhile.
        report : `Report`
            Counts what was done.

        Raises
        ------
        ButlerError
            Raised if it can't be written, and if another task has written what is in conflict.
        """
        report.checkpoint()
        path = self.index.resolve()
        try:
            with sole_writer(path):
                current = self.observe(repository)
                now = self.plan(current)
                if now.conflicts:
                    raise ButlerError(
                        "another task has written the index meanwhile",
                        option="aliases",
                        details=[str(conflict) for conflict in now.conflicts],
                        hint="Nothing was written. Run the task again when it is clear which is right.",
                    )
                if now.work:
                    replace_text(path, edit_index(current.text, str(path), now.work))
        except OSError as error:
            raise ButlerError(
                f"{path} can't be written: {error.strerror}",
                option=self.option,
                hint="The task's user has to be allowed to write in its directory. Nothing was written.",
            ) from error
        report.added += now.total("add")
        report.replaced += now.total("replace")
        report.removed += now.total("remove")


def _index_path(given: str, option: str) -> Path:
    """Check where the index is: daf_butler tells formats apart by the extension."""
    if not given:
        raise ButlerError(
            "no index is given, and the environment names none",
            option="index",
            hint=f"Give its path, or {VARIABLE} in the task's environment.",
        )
    parts = urlsplit(given)
    path = Path(parts.path if parts.scheme == "file" else given)
    if not path.is_absolute() or path.suffix not in (".yaml", ".json"):
        raise ButlerError(
            f"got {masked(given)!r}, expected an absolute path that ends with .yaml or .json",
            option=option,
            hint="It is a path on the managed host.",
        )
    return path


def _check_uri(option: str, uri: object) -> None:
    if not isinstance(uri, str) or not _URI.fullmatch(uri):
        user_info, at, _unused = str(uri).rpartition("@")
        raise SecretError(
            f"got {'a value with an @' if at else repr(uri)}, expected a repository's URI or absolute path",
            secrets=[user_info],
            option=option,
        )
    parts = urlsplit(uri)
    user, _unused, _host = parts.netloc.rpartition("@")
    if parts.scheme == "s3" and ":" not in user:
        # There it is the name of a profile in the credentials file.
        return
    try:
        check_no_secret(option, uri)
    except SecretError as error:
        raise SecretError(
            f"{masked(uri)} comes with user information, which everybody who reads the index would see",
            secrets=error.secrets,
            option=option,
            hint=error.hint,
        ) from error
