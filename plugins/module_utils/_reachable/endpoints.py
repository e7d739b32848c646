# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that a task needs, each asked once whether it can be used, before anything else is.

`lsst.resources` and daf_butler find that out as well: after 14 to 180 s of trying again, or never, and say it
in other words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import UnreachableError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.web import HTTP_SCHEMES, reach_web
from ansible_collections.rubin.butler.plugins.module_utils._reachable.webdav import SCHEMES, reach_webdav

if TYPE_CHECKING:
    from lsst.daf.butler import ButlerConfig

_BEGINS = tuple(f"{scheme}://" for scheme in (*SCHEMES, *HTTP_SCHEMES))
_BEFORE_NAMES = ("prefix",)
"""Options with what names begin with: rights may be for some folders below it only."""


def reach_uris(places: Iterable[tuple[str, str]]) -> None:
    """Find out whether the servers of some URIs can be used.

    Parameters
    ----------
    places : `~collections.abc.Iterable` [ `tuple` [ `str`, `str` ] ]
        Options, and the URIs given in them. What is local, or of another kind of storage, takes no time. Of
        each server only the first URI is asked for.

    Raises
    ------
    ButlerError
        Raised for the first that can't be used: the option, the URI, which step failed and what to check.
    """
    seen = set()
    for option, uri in places:
        if not uri.startswith(_BEGINS):
            continue
        try:
            parts = urlsplit(uri)
            server = parts.scheme, parts.netloc, parts.port
        except ValueError as error:
            # Where the user information ends can't be told, so nothing is shown if there is some.
            what = "what is given" if "@" in uri else _shown(uri)
            why = "its host or port is wrong" if "@" in uri else str(error)
            raise ButlerError(f"{what} is no URI: {why}", option=option) from None
        if server in seen or "@" in parts.netloc:
            # User information is refused by who looks at the option.
            continue
        seen.add(server)
        try:
            if parts.scheme in SCHEMES:
                reach_webdav(uri, look=option not in _BEFORE_NAMES)
            else:
                reach_web(uri)
        except UnreachableError as error:
            raise ButlerError(
                f"{_shown(uri)} can't be reached: {error.what}", option=option, hint=error.hint
            ) from None


def _shown(uri: str) -> str:
    """Leave out the query, which may be a token or a signature."""
    return re.split("[?#]", uri, maxsplit=1)[0]


def reach_root(repo: str) -> None:
    """Find out whether the server of a repository's root can be used.

    Parameters
    ----------
    repo : `str`
        A path, a URI, or a label of the repository index.

    Raises
    ------
    ButlerError
        Raised as by `reach_uris`.
    """
    if "/" not in repo:
        from lsst.daf.butler import Butler

        index = "DAF_BUTLER_REPOSITORY_INDEX"
        reach_uris([(index, os.environ.get(index, ""))])
        # What is wrong with the index is said by who looks for the configuration.
        with suppress(Exception):
            repo = str(Butler.get_repo_uri(repo, return_label=True))
    reach_uris([("repo", repo)])


def uris_in(params: Mapping[str, Any], options: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give the URIs in options.

    Parameters
    ----------
    params : `~collections.abc.Mapping`
        A module's arguments.
    options : `~collections.abc.Sequence` [ `str` ]
        The options to look at: texts, lists of texts, or lists of mappings that have them. A dot leads into
        a mapping.

    Yields
    ------
    option : `str`
        As the operator wrote it, such as ``sources[2]``.
    uri : `str`
        What it says.
    """
    for option in options:
        name, _unused, inner = option.partition(".")
        yield from _texts(name, params.get(name), inner)


def _texts(option: str, value: Any, inner: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and not inner:
        yield option, value
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(f"{option}[{index}]", item, inner)
    elif isinstance(value, Mapping) and inner:
        for where, text in uris_in(value, [inner]):
            yield f"{option}.{where}", text


def datastore_uris(config: ButlerConfig) -> list[str]:
    """Give the roots of a repository's datastores.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.

    Returns
    -------
    uris : `list` [ `str` ]
        As they are written there, those of the datastores of a chain as well.
    """
    found: list[str] = []

    def look(part: Any) -> None:
        if isinstance(part, Mapping):
            if isinstance(part.get("root"), str):
                found.append(part["root"])
            look(part.get("datastores"))
        elif isinstance(part, (list, tuple)):
            for item in part:
                look(item)

    look(config.toDict().get("datastore"))
    return found


def reach_datastores(config: ButlerConfig, option: str = "repo") -> None:
    """Find out whether the servers of a repository's artifacts can be used.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    option : `str`, optional
        What a message is about.

    Raises
    ------
    ButlerError
        Raised as by `reach_uris`.
    """
    reach_uris((option, uri) for uri in datastore_uris(config))


def reach_registry(config: ButlerConfig, database: str, option: str = "repo") -> None:
    """Find out whether a repository's database can be used, if it is on a server.

    Parameters
    ----------
    config : `lsst.daf.butler.ButlerConfig`
        The repository's configuration.
    database : `str`
        What it is called in messages.
    option : `str`, optional
        What a message is about.

    Raises
    ------
    ButlerError
        Raised with the step that failed and what to check.
    lsst.utils.db_auth.DbAuthError
        Raised if the credentials can't be read.
    """
    if not str(config["registry", "db"]).startswith("postgresql"):
        return
    from ansible_collections.rubin.butler.plugins.module_utils._reachable.postgresql import reach_postgresql
    from lsst.daf.butler.registry import RegistryConfig
    from lsst.daf.butler.registry.connectionString import ConnectionStringFactory

    try:
        reach_postgresql(ConnectionStringFactory.fromConfig(RegistryConfig(config)))
    except UnreachableError as error:
        raise ButlerError(
            f"the registry {database} can't be reached or used: {error.what}", option=option, hint=error.hint
        ) from None
