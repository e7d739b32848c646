# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed of a repository: what it says, what it becomes, and whether what is there agrees with it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    check_no_secret,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    SecretError,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Config
    from lsst.resources import ResourcePath

ROOT_TAG = "<butlerRoot>"
DATABASE = ("registry", "db")
NAMESPACE = ("registry", "namespace")
OBSCORE = ("registry", "managers", "obscore")
_MANAGERS = ("registry", "managers")
_SCRATCH_DATABASE = f"sqlite:///{ROOT_TAG}/gen3.sqlite3"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Seed:
    """A checked seed.

    Parameters
    ----------
    content : `dict`
        What it sets; empty for the defaults of daf_butler.
    option : `str`
        The option it comes from.
    override : `bool`
        Whether roots and the SQLite database are as the seed has them, and not where daf_butler puts them.
    standalone : `bool`
        Whether all defaults are written into ``butler.yaml``.
    """

    content: dict[str, Any]
    option: str
    override: bool = False
    standalone: bool = False

    @property
    def obscore(self) -> dict[str, Any] | None:
        """The configuration of the obscore manager, which the registry keeps (`dict` or `None`)."""
        manager = _get(self.content, OBSCORE)
        return manager.get("config") if isinstance(manager, dict) else None


@dataclass(frozen=True)
class Expected:
    """What a seed becomes.

    Parameters
    ----------
    content : `dict`
        What ``butler.yaml`` will have.
    text : `str`
        The same as it is written.
    tables : `frozenset` [ `str` ]
        The tables of an empty registry.
    obscore : `dict` or `None`
        The obscore configuration that the registry will keep.
    forced : `tuple` [ `str`, ... ]
        What the seed sets and daf_butler does not take over, because ``override`` is not set.
    """

    content: dict[str, Any]
    text: str
    tables: frozenset[str]
    obscore: dict[str, Any] | None
    forced: tuple[str, ...]


def check_seed(content: Any, option: str) -> dict[str, Any]:
    """Refuse a seed that is no mapping, or that carries a secret.

    Parameters
    ----------
    content : JSON-like
        What the operator gave.
    option : `str`
        The option.

    Returns
    -------
    content : `dict`
        The same.

    Raises
    ------
    SecretError
        Raised for a password in the database's URL and for user information in any other.
    ButlerError
        Raised if the content can't be a configuration.
    """
    if not isinstance(content, dict):
        raise ButlerError(
            f"a seed configuration is a mapping with registry and datastore, not {type(content).__name__}",
            option=option,
        )
    for section in ("registry", "datastore"):
        if section in content and not isinstance(content[section], dict):
            raise ButlerError("expected a mapping", option=f"{option}.{section}")
    for path, value in leaves(content):
        if isinstance(value, str):
            where = ".".join((option, *path))
            if path == DATABASE:
                _check_database(where, value)
            else:
                for url in _URL.findall(value):
                    check_no_secret(where, url)
    manager = _get(content, OBSCORE)
    if manager is not None and not (isinstance(manager, dict) and manager.get("config")):
        raise ButlerError(
            "the obscore manager needs its cls and its config; without config daf_butler would leave it out",
            option=f"{option}.{'.'.join(OBSCORE)}",
        )
    return content


def _check_database(option: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        secrets = [parts.password or ""]
        for name in ("password", "sslpassword"):
            secrets += parse_qs(parts.query).get(name, [])
        well_formed = parts.scheme.startswith("sqlite") or (
            "@" not in parts.path + parts.query + parts.fragment and parts.port != 0
        )
    except ValueError:
        secrets, well_formed = [], False
    if any(secrets) or not well_formed:
        user_info = url.partition("://")[2].rpartition("@")[0]
        raise SecretError(
            "the database's URL carries a password, or something that can't be told from one; it would be "
            "stored in butler.yaml and shown by butler config-dump",
            secrets=[*secrets, user_info],
            option=option,
            hint="Leave the password out: daf_butler takes it from db-auth.yaml, or from PGPASSFILE.",
        )


def read_seed(params: Mapping[str, Any]) -> Seed:
    """Read the seed that a task gives, in either form or none.

    Parameters
    ----------
    params : `~collections.abc.Mapping`
        With ``seed_config``, ``seed_config_file``, ``override`` and ``standalone``.

    Returns
    -------
    seed : `Seed`
        The checked seed.

    Raises
    ------
    ButlerError
        Raised if the file can't be read, or its content is no seed.
    """
    import yaml
    from lsst.daf.butler import Config

    option, content = "seed_config", params["seed_config"] or {}
    if params["seed_config_file"] is not None:
        option, path = "seed_config_file", params["seed_config_file"]
        try:
            # As written first: Config would take a list or a string for something else.
            with Path(path).open(encoding="utf-8") as stream:
                events = (event for event in yaml.parse(stream) if isinstance(event, yaml.NodeEvent))
                first = next(events, None)
            if not isinstance(first, yaml.MappingStartEvent):
                raise ButlerError(f"{path} holds no mapping with registry and datastore", option=option)
            content = Config(path).toDict()
        except OSError as error:
            raise ButlerError(f"{path} can't be read: {error.strerror}", option=option) from None
        except (yaml.YAMLError, UnicodeDecodeError, ValueError, RuntimeError) as error:
            raise ButlerError(f"{path} is not YAML: {first_line(error)}", option=option) from None
    return Seed(check_seed(content, option), option, params["override"], params["standalone"])


def expect(seed: Seed, root: ResourcePath) -> Expected:
    """Find out what a seed becomes, by making a repository of it in a temporary folder.

    Parameters
    ----------
    seed : `Seed`
        The seed. What it says of the database is put in afterwards: only the temporary folder is written to.
    root : `lsst.resources.ResourcePath`
        The root of the repository that is wanted.

    Returns
    -------
    expected : `Expected`
        What `lsst.daf.butler.Butler.makeRepo` makes of it.

    Raises
    ------
    ButlerError
        Raised if daf_butler can't use the seed.
    """
    import sqlalchemy
    from lsst.daf.butler import Butler, Config

    trial = Config(json.loads(json.dumps(seed.content)))
    wanted = {path: trial[path] for path in (DATABASE, NAMESPACE, OBSCORE) if path in trial}
    for path in wanted:
        del trial[path]
    try:
        obscore = _normal_obscore(seed)
        with tempfile.TemporaryDirectory(prefix="butler-seed-") as folder:
            scratch = Path(folder, "scratch")
            trial[DATABASE] = _SCRATCH_DATABASE
            Butler.makeRepo(scratch, trial, standalone=seed.standalone, forceConfigRoot=not seed.override)
            engine = sqlalchemy.create_engine(f"sqlite:///{scratch}/gen3.sqlite3")
            tables = frozenset(sqlalchemy.inspect(engine).get_table_names())
            engine.dispose()
            made = Config(str(scratch / "butler.yaml"))
            _put_back(made, seed, wanted)
            made.dumpToUri(folder + "/butler.yaml")
            text = Path(folder, "butler.yaml").read_text(encoding="utf-8")
    except ButlerError:
        raise
    except Exception as error:
        # daf_butler raises all sorts of exceptions for a configuration that it can't use.
        raise ButlerError(
            f"daf_butler can't make a repository of this seed: {first_line(error)}",
            option=seed.option,
            hint="Nothing was written.",
        ) from None
    if DATABASE not in wanted and not root.isLocal:
        raise ButlerError(
            f"{root} is not on a local file system, so its registry can't be the default, a file in it",
            option=f"{seed.option}.registry.db",
            hint="Give the URL of a PostgreSQL database.",
        )
    content = made.toDict()
    forced = [
        f"{'.'.join(path)}: {shown(value)} is forced to {shown(_get(content, path))}"
        for path, value in leaves(seed.content)
        if path[0] in ("datastore", "registry")
        and path[: len(OBSCORE)] != OBSCORE
        and not _same(value, _get(content, path), root)
    ]
    extra = {str(obscore["table_name"])} if obscore else set()
    return Expected(content, text, tables | extra, obscore, tuple(forced))


def _put_back(made: Config, seed: Seed, wanted: Mapping[Any, Any]) -> None:
    from lsst.daf.butler.registry import RegistryConfig

    url = wanted.get(DATABASE)
    if url is not None and (seed.override or not str(url).startswith("sqlite")):
        # Also tells whether daf_butler has a driver for it.
        RegistryConfig({"registry": {"db": str(url)}}).getDatabaseClass()
        made[DATABASE] = str(url)
    if NAMESPACE in wanted:
        made[NAMESPACE] = wanted[NAMESPACE]
    if OBSCORE in wanted:
        made[OBSCORE] = {name: value for name, value in wanted[OBSCORE].toDict().items() if name != "config"}


def _normal_obscore(seed: Seed) -> dict[str, Any] | None:
    if seed.obscore is None:
        return None
    from lsst.daf.butler.registry.obscore import ObsCoreManagerConfig
    from lsst.utils import doImportType

    doImportType(_get(seed.content, (*OBSCORE, "cls")))
    normal: dict[str, Any] = ObsCoreManagerConfig.model_validate(seed.obscore).model_dump(mode="json")
    return normal


def drift(
    seed: Seed,
    expected: Expected,
    there: Mapping[str, Any],
    obscore_there: Mapping[str, Any] | None,
    root: ResourcePath,
) -> list[str]:
    """Compare what is there with what the seed sets, and with nothing else.

    Parameters
    ----------
    seed : `Seed`
        The seed.
    expected : `Expected`
        What it becomes.
    there : `~collections.abc.Mapping`
        The content of the repository's ``butler.yaml``.
    obscore_there : `~collections.abc.Mapping` or `None`
        The obscore configuration that its registry keeps.
    root : `lsst.resources.ResourcePath`
        The repository's root.

    Returns
    -------
    differences : `list` [ `str` ]
        One line for each key, sorted; passwords masked.
    """
    lines = []
    for path, _unused in leaves(seed.content):
        if path == ("root",):
            continue
        if path[: len(OBSCORE) + 1] == (*OBSCORE, "config"):
            tail = path[len(OBSCORE) + 1 :]
            wanted, found = _get(expected.obscore or {}, tail), _get(obscore_there or {}, tail)
        else:
            wanted, found = _get(expected.content, path), _get(there, path)
            if path[:2] == _MANAGERS and isinstance(found, dict) and path != OBSCORE:
                found = found.get("cls")
        if not _same(wanted, found, root):
            is_there = "is not set" if found is None else f"is {shown(found)}"
            lines.append(f"{'.'.join(path)} {is_there}, and {shown(wanted)} was declared")
    return sorted(lines)


def leaves(content: Mapping[str, Any], prefix: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Give every value of nested mappings with its path.

    Parameters
    ----------
    content : `~collections.abc.Mapping`
        Nested mappings; a sequence is one value.
    prefix : `tuple` [ `str`, ... ], optional
        What the paths start with.

    Yields
    ------
    path : `tuple` [ `str`, ... ]
        Where the value is.
    value : JSON-like
        The value.
    """
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, (*prefix, str(name)))
        else:
            yield (*prefix, str(name)), value


def shown(value: Any) -> str:
    """Write a value with the passwords in its URLs masked.

    Parameters
    ----------
    value : JSON-like
        A value of a configuration.

    Returns
    -------
    text : `str`
        One line.
    """
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    text = re.sub(r"(\w+://[^/@\s:]*):[^/@\s]+@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?password=)[^&\s]+", r"\1***", text)


def _get(content: Mapping[str, Any], path: Path_) -> Any:
    value: Any = content
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _same(first: Any, second: Any, root: ResourcePath) -> bool:
    return bool(_plain(first, root) == _plain(second, root))


def _plain(value: Any, root: ResourcePath) -> Any:
    """Write a root in one way, so that spelling alone makes no difference."""
    if isinstance(value, str) and ("/" in value or ROOT_TAG in value):
        where = root.ospath if root.isLocal else root.geturl()
        return value.replace(ROOT_TAG, where.rstrip("/")).removeprefix("file://").rstrip("/")
    return value
