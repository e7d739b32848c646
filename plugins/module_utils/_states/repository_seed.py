# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seed of a repository: what an operator gives, checked before anything is done with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    check_no_secret,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    SecretError,
)

DATABASE = ("registry", "db")
OBSCORE = ("registry", "managers", "obscore")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")


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
        manager = get(self.content, OBSCORE)
        return manager.get("config") if isinstance(manager, dict) else None


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
    manager = get(content, OBSCORE)
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


def leaves(content: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
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
        if isinstance(value, Mapping):
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


def get(content: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Give the value at a path in nested mappings; `None` if there is none."""
    value: Any = content
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value
