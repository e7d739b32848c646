# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One opening of one repository, with clear words when that does not work."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._butler import locks
from ansible_collections.rubin.butler.plugins.module_utils._butler.permissions import (
    explain_refusal,
    is_refused,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    NewHostError,
    RepositoryAbsentError,
    SecretError,
)
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import (
    reach_datastores,
    reach_registry,
    reach_root,
)
from ansible_collections.rubin.butler.plugins.module_utils._reachable.webdav_settings import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from lsst.daf.butler import Butler, ButlerConfig
    from lsst.daf.butler.datastore.file_templates import FileTemplates
    from lsst.resources import ResourcePath

NAMESPACE = "daf_butler"


@dataclass
class Repository:
    """An opened repository.

    Parameters
    ----------
    name : `str`
        What the playbook calls it: a path, a URI or an alias.
    config : `lsst.daf.butler.ButlerConfig`
        Its configuration with the defaults filled in.
    butler : `lsst.daf.butler.Butler`
        The one opening of the task.
    refusal : `ButlerError`, optional
        Why it could be opened only to look.
    """

    name: str
    config: ButlerConfig
    butler: Butler
    refusal: ButlerError | None = None

    @property
    def root(self) -> ResourcePath:
        """Where ``butler.yaml`` is (`lsst.resources.ResourcePath`)."""
        root = self.config.configDir
        if root is None:
            raise TypeError(f"{self.name} was opened from a configuration that is in no directory")
        return root

    @cached_property
    def datastore_root(self) -> ResourcePath | None:
        """Where artifacts are copied to; `None` if there is no single such place."""
        roots = [root for root in self.butler.get_datastore_roots().values() if root is not None]
        return roots[0] if len(roots) == 1 else None

    @cached_property
    def templates(self) -> FileTemplates | None:
        """How artifacts are named in the datastore; `None` if there is no single rule for it."""
        from lsst.daf.butler.datastore.file_templates import FileTemplates

        if self.datastore_root is None or ("datastore", "templates") not in self.config:
            return None
        return FileTemplates(self.config["datastore", "templates"], universe=self.butler.dimensions)

    def writer_lock(
        self, name: str, on_wait: Callable[[str], None], share: tuple[int, int] | None = None
    ) -> AbstractContextManager[None]:
        """Hold a lock among the writers of this repository.

        Parameters
        ----------
        name : `str`
            What is written to: a RUN collection's name.
        on_wait : `~collections.abc.Callable`
            Told once if another writer keeps us waiting.
        share : `tuple` [ `int`, `int` ], optional
            Which share of it, and of how many; see `locks.writer_lock`.

        Returns
        -------
        lock : `contextlib.AbstractContextManager`
            Holds the lock inside its ``with`` block.
        """
        return locks.writer_lock(self.config, self.root, name, on_wait, share)


def required(repository: Repository | None) -> Repository:
    """Give the repository in which a plan is carried out.

    Parameters
    ----------
    repository : `Repository` or `None`
        What ``apply`` is given.

    Returns
    -------
    repository : `Repository`
        The same.

    Raises
    ------
    TypeError
        Raised for `None`: a plan for an absent repository is only ever shown.
    ButlerError
        Raised if the server lets this login look only.
    """
    if repository is None:
        raise TypeError("a plan can't be carried out without an opened repository")
    if repository.refusal is not None:
        raise repository.refusal
    return repository


def check_no_secret(option: str, uri: str) -> None:
    """Refuse a URI that carries a password.

    Parameters
    ----------
    option, uri : `str`
        The option and its value.

    Raises
    ------
    SecretError
        Raised for user info in a URI; neither the user nor the password is repeated.
    """
    try:
        parts = urlsplit(uri)
        secret = "@" in parts.netloc
        user_info, _unused, host = parts.netloc.rpartition("@")
        where = f"{parts.scheme}://{host}{parts.path}"
    except ValueError:
        secret, user_info, where = "@" in uri, uri, "the given value"
    if secret:
        raise SecretError(
            f"{where} comes with user information, which would be stored in butler.yaml and shown in logs",
            secrets=[user_info],
            option=option,
            hint="Leave it out: databases take it from db-auth.yaml, WebDAV from the file that "
            "LSST_RESOURCES_WEBDAV_CONFIG names.",
        )


def find_config(repo: str) -> ButlerConfig:
    """Read the configuration of a repository.

    Parameters
    ----------
    repo : `str`
        A directory, a configuration file, a URI of either, or an alias of the repository index.

    Returns
    -------
    config : `lsst.daf.butler.ButlerConfig`
        Its configuration.

    Raises
    ------
    RepositoryAbsentError
        Raised if there is no ``butler.yaml``.
    NewHostError
        Raised if its server can't be reached, and the file that tells how to is not there.
    ButlerError
        Raised if there is one that can't be read, or the path is a file; and if its server can't be reached.
    """
    import yaml
    from lsst.daf.butler import ButlerConfig

    check_no_secret("repo", repo)
    try:
        reach_root(repo)
    except ButlerError as error:
        if not lacks_settings():
            raise
        raise NewHostError(error.message, option=error.option, hint=error.hint) from None
    try:
        config = ButlerConfig(repo)
    except FileNotFoundError:
        raise RepositoryAbsentError(
            f"there is no Butler repository at {repo} (no butler.yaml)",
            option="repo",
            hint="Declare it with rubin.butler.butler_repo before this task.",
        ) from None
    except (PermissionError, NotADirectoryError, IsADirectoryError) as error:
        raise ButlerError(f"{repo} can't be read: {error}", option="repo") from None
    except (yaml.YAMLError, ValueError, TypeError, RuntimeError, UnicodeDecodeError) as error:
        raise ButlerError(
            f"{repo} is not a Butler repository: its configuration can't be read ({first_line(error)})",
            option="repo",
            hint="Give the directory that holds butler.yaml.",
        ) from None
    if ("registry", "db") not in config:
        raise ButlerError(
            f"{repo} is not a Butler repository: its configuration names no registry database", option="repo"
        )
    return config


def lacks_settings() -> bool:
    """Tell whether the file with the settings for WebDAV servers is named and not there (`bool`)."""
    named = os.environ.get(VARIABLE)
    return named is not None and not Path(os.path.expandvars(named)).expanduser().exists()


def first_line(error: BaseException) -> str:
    """Give an error as one line without credentials.

    Parameters
    ----------
    error : `BaseException`
        What was raised.

    Returns
    -------
    line : `str`
        Its class and first line, user information in URLs masked.
    """
    text = masked(str(error).strip().split("\n", 1)[0])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def masked(text: str) -> str:
    """Take the user information out of URLs in a text.

    Parameters
    ----------
    text : `str`
        Anything that may be shown.

    Returns
    -------
    masked : `str`
        The text with ``***`` in its place.
    """
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1***@", text)


def describe_database(config: ButlerConfig) -> str:
    """Name a repository's database without credentials.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.

    Returns
    -------
    database : `str`
        The URL without user and password, with the namespace if there is one.
    """
    url = re.sub(r"(\w+://)[^/@\s]+@", r"\1", str(config["registry", "db"]))
    namespace = config.get(("registry", "namespace"))
    return f"{url} (namespace {namespace})" if namespace else url


@contextmanager
def explain_database_errors(config: ButlerConfig, repo: str) -> Iterator[None]:
    """Turn what daf_butler and SQLAlchemy raise while opening into words for an operator.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    repo : `str`
        What the playbook calls it.

    Yields
    ------
    `None`
        The errors of the block are turned.

    Raises
    ------
    ButlerError
        Raised with the database's name, never with a credential.
    """
    from lsst.daf.butler.registry import RegistryConsistencyError
    from lsst.daf.butler.registry.interfaces import IncompatibleVersionError
    from lsst.daf.butler.registry.versions import ManagerMismatchError, MissingManagerError
    from lsst.utils.db_auth import DbAuthError
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    database = describe_database(config)
    try:
        yield
    except DbAuthError as error:
        raise ButlerError(
            f"the credentials for the registry {database} can't be used: {first_line(error)}",
            option="repo",
            hint="db-auth.yaml must be readable by its owner only (mode 0600) and name this database.",
        ) from None
    except (IncompatibleVersionError, ManagerMismatchError, MissingManagerError) as error:
        raise ButlerError(
            f"the repository at {repo} needs another daf_butler than this: {first_line(error)}",
            option="repo",
            hint="Migrate it with daf_butler_migrate, or use a matching daf_butler. Nothing was migrated.",
        ) from None
    except DBAPIError as error:
        if is_refused(error):
            raise explain_refusal(error, database) from None
        raise ButlerError(
            f"the registry {database} can't be reached or used: {first_line(error.orig or error)}",
            option="repo",
            hint="Check that the server runs, its host and port, and the credentials (db-auth.yaml).",
        ) from None
    except (LookupError, RegistryConsistencyError, SQLAlchemyError) as error:
        raise ButlerError(
            f"the repository at {repo} is only half made: {first_line(error)} in {database}",
            option="repo",
            hint="Run rubin.butler.butler_repo on it: it completes what can be completed safely.",
        ) from None


def open_repository(repo: str, *, writeable: bool, or_look: bool = False) -> Repository:
    """Open a repository once for a task.

    Parameters
    ----------
    repo : `str`
        A directory, a configuration file, a URI of either, or an alias of the repository index.
    writeable : `bool`
        False opens it read-only, which works with a reader's credentials.
    or_look : `bool`
        Whether one that the server lets this login only read is opened read-only instead, for a task that may
        find nothing to write: daf_butler writes when it opens a repository for writing. `required` then
        raises why.

    Returns
    -------
    repository : `Repository`
        The opened repository.

    Raises
    ------
    RepositoryAbsentError
        Raised if there is none.
    ButlerError
        Raised if it can't be opened, with what to check.
    """
    from lsst.daf.butler import Butler
    from sqlalchemy.exc import DBAPIError

    config = find_config(repo)
    database = locks.sqlite_file(config, config.configDir)
    if database is not None and not database.exists():
        raise ButlerError(
            f"the repository at {repo} is only half made: it has a butler.yaml but no database {database}",
            option="repo",
            hint="Run rubin.butler.butler_repo on it to complete it.",
        )
    refusal = None
    reach_datastores(config)
    with explain_database_errors(config, repo):
        reach_registry(config, describe_database(config))
        try:
            butler = Butler.from_config(config, writeable=writeable)
        except DBAPIError as error:
            if not (writeable and or_look and is_refused(error)):
                raise
            refusal = explain_refusal(error, describe_database(config))
            butler = Butler.from_config(config, writeable=False)
    universe = butler.dimensions
    if universe.namespace != NAMESPACE:
        raise ButlerError(
            f"the repository at {repo} uses the dimension universe {universe.namespace} {universe.version}; "
            f"this collection knows {NAMESPACE} only",
            option="repo",
        )
    return Repository(repo, config, butler, refusal)
