# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found at the root of a repository: nothing, a repository, or half of one, by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.locks import sqlite_file
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    describe_database,
    explain_database_errors,
    first_line,
    lacks_settings,
    open_repository,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import (
    reach_datastores,
    reach_registry,
    reach_root,
    reach_uris,
)
from ansible_collections.rubin.butler.plugins.module_utils._reachable.webdav_settings import VARIABLE
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_database import (
    DIMENSIONS_ATTRIBUTE,
    Content,
    look,
)

if TYPE_CHECKING:
    from lsst.daf.butler import ButlerConfig
    from lsst.resources import ResourcePath

CONFIG_NAME = "butler.yaml"
DATABASE, DATASTORE, ROOT = "registry.db", "datastore.root", "repo"
OLDEST_UNIVERSE = 6
"""The first version of the dimension universe with day_obs and group, which the modules rely on
(source: daf_butler, configs/old_dimensions)."""


@dataclass
class Found:
    """What there is.

    Parameters
    ----------
    root : `lsst.resources.ResourcePath`
        The repository's root.
    config : `lsst.daf.butler.ButlerConfig`
        The configuration that ``butler.yaml`` gives, or will give.
    written : `dict` or `None`
        What ``butler.yaml`` says; `None` if it is not there, or was cut short while it was written.
    content : `Content` or `None`
        What the database holds; `None` if it is not there.
    complete : `bool`
        Whether all that makes a registry is in the database.
    unreachable : `str` or `None`
        Why the database, the datastore or the root can't be used, and what to check.
    unreachable_option : `str`
        Which key of the configuration that is about; ``repo`` for the root.
    foreign : `list` [ `str` ]
        Tables of others in the registry's namespace.
    """

    root: ResourcePath
    config: ButlerConfig
    written: dict[str, Any] | None = None
    content: Content | None = None
    complete: bool = False
    unreachable: str | None = None
    unreachable_option: str = DATABASE
    foreign: list[str] = field(default_factory=list)

    @property
    def database(self) -> str:
        """The database's name without credentials (`str`)."""
        return describe_database(self.config)

    @property
    def exists(self) -> bool:
        """Whether it is a whole repository (`bool`)."""
        return self.written is not None and self.complete

    @property
    def filled(self) -> list[str]:
        """Tables that hold rows (`list` [ `str` ])."""
        return sorted(self.content.filled) if self.content is not None else []

    @property
    def diagnosis(self) -> str | None:
        """What is half-made, by name; `None` for nothing at all and for a whole repository (`str`)."""
        if self.exists:
            return None
        has_tables = self.content is not None and bool(self.content.tables)
        if self.written is not None:
            if self.content is None:
                return "butler.yaml without a database"
            if not has_tables:
                return "butler.yaml with an empty database"
            return "butler.yaml with tables that lack the registry's attributes"
        if not has_tables:
            return None
        if self.complete:
            return "a registry without butler.yaml"
        return "tables that lack the registry's attributes, without butler.yaml"


def locate(repo: str, *, reach: bool = True) -> ResourcePath:
    """Find the root that a playbook means.

    Parameters
    ----------
    repo : `str`
        A directory, its ``butler.yaml``, a URI of either, or an alias of the repository index.
    reach : `bool`, optional
        Whether its server has to be there.

    Returns
    -------
    root : `lsst.resources.ResourcePath`
        The root, which may not exist.

    Raises
    ------
    ButlerError
        Raised if it is a file, or in a directory that may not be looked at, or on a server that can't be
        reached.
    """
    from lsst.daf.butler import Butler
    from lsst.resources import ResourcePath

    if reach:
        reach_root(repo)
    elif lacks_settings():
        _load_without_settings()
    uri = ResourcePath(Butler.get_repo_uri(repo, return_label=True), forceAbsolute=True)
    if uri.basename() == CONFIG_NAME:
        uri = uri.dirname()
    root = ResourcePath(uri.geturl(), forceDirectory=True)
    try:
        is_file = root.isLocal and Path(root.ospath).exists() and not Path(root.ospath).is_dir()
    except OSError as error:
        raise ButlerError(f"{named(root)} can't be looked at: {error.strerror}", option="repo") from None
    if is_file:
        raise ButlerError(
            f"{root.ospath.rstrip('/')} is a file, and a repository is a directory", option="repo"
        )
    return root


def _load_without_settings() -> None:
    """Have URIs of WebDAV servers made; nothing is to be asked of a server afterwards.

    `lsst.resources` reads the settings when it is loaded, and can't be without (source: its ``dav.py``).
    """
    setting = os.environ.pop(VARIABLE)
    try:
        import lsst.resources.dav  # noqa: F401 - to have it loaded
    finally:
        os.environ[VARIABLE] = setting


def named(root: ResourcePath) -> str:
    """Write a root as an operator does: a path without a slash at the end, or a URI."""
    return (root.ospath if root.isLocal else root.geturl()).rstrip("/") or "/"


def find(
    root: ResourcePath,
    wanted: Mapping[str, Any],
    *,
    text: str = "",
    tables: frozenset[str] = frozenset(),
    obscore: bool = False,
    may_be_gone: bool = False,
) -> Found:
    """Look at a root and at the database that belongs to it.

    Parameters
    ----------
    root : `lsst.resources.ResourcePath`
        The root.
    wanted : `~collections.abc.Mapping`
        What ``butler.yaml`` will say, where there is none.
    text : `str`, optional
        The same as it is written, to recognize one whose writing was cut short.
    tables : `frozenset` [ `str` ], optional
        The tables of an empty registry.
    obscore : `bool`, optional
        Whether the registry is to have an obscore table.
    may_be_gone : `bool`, optional
        Whether a root whose server can't be reached is a finding, and no error.

    Returns
    -------
    found : `Found`
        What is there. Rows are looked for only where something is half-made.

    Raises
    ------
    ButlerError
        Raised if there is a ``butler.yaml`` that can't be read, or whose database can't be reached.
    """
    from lsst.daf.butler import ButlerConfig, Config

    gone = None
    try:
        reach_uris([(ROOT, root.geturl())])
    except ButlerError as error:
        if not may_be_gone:
            raise
        gone = error
    written = _read(root, text) if gone is None else None
    if written is not None:
        obscore = obscore and "obscore" in written.get("registry", {}).get("managers", {})
    try:
        config = ButlerConfig(Config({**(wanted if written is None else written), "root": root.geturl()}))
        if not str(config["registry", "db"]).startswith(("sqlite", "postgresql")):
            raise ValueError(f"registry.db is {describe_database(config)}")
        in_memory = str(config["registry", "db"]).startswith("sqlite") and sqlite_file(config, root) is None
    except (ValueError, TypeError, KeyError, RuntimeError, ImportError) as error:
        raise ButlerError(
            f"{named(root)} is not a Butler repository: "
            f"its configuration can't be used ({first_line(error)})",
            option="repo",
        ) from None
    if in_memory:
        raise ButlerError("a registry in memory ends with the task", option="seed_config.registry.db")
    found = Found(root, config, written)
    if gone is not None:
        found.unreachable = _with_hint(gone)
        found.unreachable_option = ROOT
        return found
    try:
        reach_datastores(config, DATASTORE)
        with explain_database_errors(config, named(root)):
            reach_registry(config, found.database, DATABASE)
            found.content = look(config, root)
            if found.content is not None and found.content.lacks is not None:
                raise ButlerError(f"the registry {found.database} can't be used: {found.content.lacks}")
            if found.content is not None:
                found.complete = found.content.complete(obscore=obscore)
                found.foreign = found.content.foreign(tables) if not found.complete else []
                if found.diagnosis is not None and found.content.tables:
                    found.content = look(config, root, rows=True)
    except ButlerError as error:
        if written is not None:
            raise
        found.unreachable = _with_hint(error)
        found.unreachable_option = DATASTORE if error.option == DATASTORE else DATABASE
    return found


def _with_hint(error: ButlerError) -> str:
    return f"{error.message}. {error.hint}" if error.hint else error.message


def open_found(found: Found) -> Repository:
    """Open what is a whole repository.

    Parameters
    ----------
    found : `Found`
        With `Found.exists`.

    Returns
    -------
    repository : `Repository`
        Opened read-only.

    Raises
    ------
    ButlerError
        Raised if this daf_butler does not support it; it is never migrated here.
    """
    try:
        repository = open_repository(named(found.root), writeable=False)
    except ButlerError:
        raise
    except Exception as error:
        # daf_butler raises all sorts of exceptions for a configuration that it can't use.
        raise ButlerError(
            f"the repository at {named(found.root)} can't be opened: {first_line(error)}",
            option="repo",
            hint="Its butler.yaml is not one that this daf_butler understands. Nothing was written.",
        ) from None
    universe = repository.butler.dimensions
    if universe.version is not None and universe.version < OLDEST_UNIVERSE:
        raise ButlerError(
            f"the repository at {named(found.root)} has the dimension universe {universe.namespace} "
            f"{universe.version}; this collection needs version {OLDEST_UNIVERSE} or later",
            option="repo",
            hint="Migrate it with daf_butler_migrate. Nothing was migrated or written.",
        )
    return repository


def described(found: Found) -> dict[str, Any]:
    """Describe a repository for a playbook.

    Parameters
    ----------
    found : `Found`
        What is there.

    Returns
    -------
    repository : `dict`
        ``root``, ``exists``, ``database``, ``namespace``, ``universe``, ``managers`` and ``daf_butler``.
    """
    from lsst.daf.butler import __version__

    attributes = found.content.attributes if found.content is not None and found.exists else {}
    dimensions = json.loads(attributes.get(DIMENSIONS_ATTRIBUTE, "{}"))
    url, _unused, _unused = describe_database(found.config).partition(" (namespace ")
    return {
        "root": named(found.root),
        "exists": found.exists,
        "database": url,
        "namespace": found.config.get(("registry", "namespace")),
        "universe": {"namespace": dimensions.get("namespace"), "version": dimensions.get("version")},
        "managers": found.content.managers() if found.content is not None and found.exists else {},
        "daf_butler": __version__,
    }


def _read(root: ResourcePath, text: str) -> dict[str, Any] | None:
    import yaml
    from lsst.daf.butler import Config

    uri = root.join(CONFIG_NAME)
    try:
        there = uri.read().decode("utf-8")
        if text.startswith(there):
            # Empty, or the beginning of what is to be written: somebody was killed while writing it.
            return Config(str(uri)).toDict() if there == text else None
        content = yaml.safe_load(there)
        if not isinstance(content, dict):
            raise ValueError("no mapping")
        full: dict[str, Any] = Config(uri).toDict()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ButlerError(f"{uri} can't be read: {error.strerror or error}", option="repo") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RuntimeError) as error:
        raise ButlerError(
            f"{uri} is not the configuration of a Butler repository: {first_line(error)}",
            option="repo",
            hint="Restore it, or remove it if nothing depends on it; it is not overwritten.",
        ) from None
    return full
