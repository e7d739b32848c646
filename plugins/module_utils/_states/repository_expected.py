# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seed becomes, and whether the repository that is there agrees with it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_seed import (
    DATABASE,
    OBSCORE,
    Seed,
    get,
    leaves,
    shown,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Config
    from lsst.resources import ResourcePath

ROOT_TAG = "<butlerRoot>"
NAMESPACE = ("registry", "namespace")
_MANAGERS = ("registry", "managers")
_SCRATCH_DATABASE = f"sqlite:///{ROOT_TAG}/gen3.sqlite3"


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
        raise _unusable(seed, error) from None
    if DATABASE not in wanted and not root.isLocal:
        raise ButlerError(
            f"{root} is not on a local file system, so its registry can't be the default, a file in it",
            option=f"{seed.option}.registry.db",
            hint="Give the URL of a PostgreSQL database.",
        )
    content = made.toDict()
    forced = [
        f"{'.'.join(path)}: {shown(value)} is forced to {shown(get(content, path))}"
        for path, value in leaves(seed.content)
        if path[0] in ("datastore", "registry")
        and path[: len(OBSCORE)] != OBSCORE
        and not _same(value, get(content, path), root)
    ]
    extra = {str(obscore["table_name"])} if obscore else set()
    return Expected(content, text, tables | extra, obscore, tuple(forced))


def probe(seed: Seed) -> None:
    """Find out, before a repository is made, whether it could be opened.

    Parameters
    ----------
    seed : `Seed`
        A seed that `expect` has taken.

    Raises
    ------
    ButlerError
        Raised for a seed that daf_butler makes a repository of, and can't open then: one with templates or
        formatters that it does not understand.
    """
    from lsst.daf.butler import Butler, Config

    trial = Config(json.loads(json.dumps(seed.content)))
    for path in (DATABASE, NAMESPACE, OBSCORE):
        if path in trial:
            del trial[path]
    try:
        with tempfile.TemporaryDirectory(prefix="butler-probe-") as folder:
            # All roots are in the temporary folder: opening a datastore makes its root.
            Butler.makeRepo(folder, trial, standalone=seed.standalone, forceConfigRoot=True)
            Butler.from_config(folder, writeable=True).close()
    except Exception as error:
        raise _unusable(seed, error) from None


def _unusable(seed: Seed, error: Exception) -> ButlerError:
    # daf_butler raises all sorts of exceptions for a configuration that it can't use.
    return ButlerError(
        f"daf_butler can't use a repository made of this seed: {first_line(error)}",
        option=seed.option,
        hint="Nothing was written.",
    )


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

    doImportType(get(seed.content, (*OBSCORE, "cls")))
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
            wanted, found = get(expected.obscore or {}, tail), get(obscore_there or {}, tail)
        else:
            wanted, found = get(expected.content, path), get(there, path)
            if path[:2] == _MANAGERS and isinstance(found, dict) and path != OBSCORE:
                found = found.get("cls")
        if not _same(wanted, found, root):
            is_there = "is not set" if found is None else f"is {shown(found)}"
            lines.append(f"{'.'.join(path)} {is_there}, and {shown(wanted)} was declared")
    return sorted(lines)


def _same(first: Any, second: Any, root: ResourcePath) -> bool:
    return bool(_plain(first, root) == _plain(second, root))


def _plain(value: Any, root: ResourcePath) -> Any:
    """Write a root in one way, so that spelling alone makes no difference."""
    if isinstance(value, str) and ("/" in value or ROOT_TAG in value):
        where = root.ospath if root.isLocal else root.geturl()
        return value.replace(ROOT_TAG, where.rstrip("/")).removeprefix("file://").rstrip("/")
    return value
