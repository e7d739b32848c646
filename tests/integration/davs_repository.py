# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository whose root is on a WebDAV server, and whose registry is in PostgreSQL."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome, State, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import InstrumentsState
from lsst.daf.butler import Butler

from tests.integration.postgres import Database
from tests.integration.raw_files import write_raws
from tests.integration.repository_runs import absent, present
from tests.integration.webdav import WebDav

QUICK = {"retries": 1, "retry_backoff_min": 0.01, "retry_backoff_max": 0.02}
"""Settings with which `lsst.resources` gives up soon."""


@dataclass
class DavsRepository:
    """A repository, and its servers.

    Parameters
    ----------
    server : `WebDav`
        Where the artifacts and ``butler.yaml`` are.
    database : `Database`
        Where the registry is.
    config : `~pathlib.Path`
        The file with the credentials for the server.
    name : `str`, optional
        The folder, below ``butler``.
    namespace : `str`, optional
        The namespace.
    """

    server: WebDav
    database: Database
    config: Path
    name: str = field(default_factory=lambda: f"rep 1 {secrets.token_hex(4)}")
    namespace: str = "ccms1"

    @property
    def folder(self) -> Path:
        """The root on the server (`~pathlib.Path`)."""
        return self.server.butler / self.name

    @property
    def uri(self) -> str:
        """The root as a playbook has it (`str`)."""
        return self.server.uri(self.folder).rstrip("/")

    @property
    def seed(self) -> dict[str, Any]:
        """What it is made of (`dict`)."""
        registry = {"db": self.database.url, "namespace": self.namespace}
        return {"datastore": {"name": "ccms1"}, "registry": registry}

    def know(self, patch: pytest.MonkeyPatch, **settings: Any) -> None:
        """Use other settings for the server from now on."""
        self.server.use(patch, self.config, **{**QUICK, **settings})

    def make(self, *, check: bool = False) -> Outcome:
        """Declare that it exists."""
        return present(self.uri, self.seed, check=check)

    def remove(self, *, check: bool = False) -> Outcome:
        """Declare that it does not exist."""
        return absent(self.uri, check=check)

    def converge(
        self, state: State[Any, Any], *, check: bool = False, report: Report | None = None
    ) -> Outcome:
        """Do what a module does."""
        repository = open_repository(self.uri, writeable=not check)
        with repository.butler:
            return converge(state, repository, check_mode=check, report=report or Report())

    def register(self) -> None:
        """Make it, with an instrument."""
        self.make()
        params = {"instruments": ["LSSTComCam"], "definitions": {}, "on_conflict": "fail"}
        self.converge(InstrumentsState.from_params(params))

    def cycle(self, state: State[Any, Any]) -> Outcome:
        """Check, run, check and run; the run did what the check had promised, and nothing was left."""
        checked, done = self.converge(state, check=True), self.converge(state)
        assert checked.changed and done.changed
        assert checked.stats == done.stats and checked.changes == done.changes
        for check in (True, False):
            assert not self.converge(state, check=check).changed
        return done

    def stored(self) -> dict[str, str]:
        """Give all datasets by their ids, with their URIs."""
        with Butler.from_config(self.uri) as butler:
            refs = [ref for name in butler.registry.queryDatasetTypes() for ref in _all(butler, name)]
            return {str(ref.id): str(butler.getURI(ref)) for ref in refs}

    def artifacts(self) -> list[Path]:
        """Give the files below its root but ``butler.yaml``; sorted."""
        found = (path for path in self.folder.rglob("*") if path.is_file() and path.name != "butler.yaml")
        return sorted(found)


def _all(butler: Butler, dataset_type: Any) -> list[Any]:
    return list(butler.registry.queryDatasets(dataset_type, collections=...))


def make_davs_repository(
    server: WebDav, database: Database, folder: Path, patch: pytest.MonkeyPatch
) -> DavsRepository:
    """Give a repository that is still to be made, whose credentials are known."""
    repository = DavsRepository(server, database, folder / "webdav.yaml")
    repository.know(patch)
    return repository


def write_remote_raws(server: WebDav) -> str:
    """Write raws to a folder of their own that is read only; its URI is returned."""
    folder = server.data / f"ccms 1 é {secrets.token_hex(4)}"
    write_raws(folder)
    return server.uri(folder)
