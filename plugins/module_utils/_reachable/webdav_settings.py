# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this host is to talk to a WebDAV server: its entry in the file that `VARIABLE` names.

Source: lsst.resources (``davutils.py``: which entry is taken, and what its settings mean).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import TIMEOUT, UnreachableError

VARIABLE = "LSST_RESOURCES_WEBDAV_CONFIG"
_OTHERS = 0o077


@dataclass(frozen=True)
class Settings:
    """What is said of a server.

    Parameters
    ----------
    base_url : `str`
        The server, ``https://host:port/``.
    file : `str` or `None`
        The file.
    entry : `~collections.abc.Mapping`, optional
        Its entry there; empty if it has none.
    """

    base_url: str
    file: str | None
    entry: Mapping[str, Any] = field(default_factory=dict)

    @property
    def server(self) -> str:
        """The server as operators write it, ``davs://host:port/`` (`str`)."""
        return self.base_url.replace("http", "dav", 1)

    @property
    def where(self) -> str:
        """Where the entry is, or would be (`str`)."""
        if self.file is None:
            return f"the file that {VARIABLE} is to name (it is not set)"
        known = "the entry" if self.entry else "an entry (there is none)"
        return f"{known} for {self.server} in {self.file}"

    @property
    def frontends(self) -> list[str]:
        """The servers that requests go to, in the place of `base_url` if the entry says so (`list`)."""
        said = self.entry.get("frontend_base_urls")
        urls = said if isinstance(said, (list, tuple)) else ()
        return [base_of(os.path.expandvars(str(url))) for url in urls] or [self.base_url]

    @property
    def timeout(self) -> float:
        """How long each step may take: longer than elsewhere where the entry says so (`float`, seconds)."""
        try:
            return max(TIMEOUT, float(self.entry.get("timeout_connect", TIMEOUT)))
        except (TypeError, ValueError):
            return TIMEOUT

    def path(self, name: str) -> str | None:
        """Give a setting with the environment variables in it replaced; `None` if it is not set."""
        value = self.entry.get(name)
        return None if value is None else os.path.expandvars(str(value))

    def secret(self, name: str) -> str | None:
        """Give a secret that stands in the entry, or in a file that the entry names.

        Parameters
        ----------
        name : `str`
            The setting.

        Returns
        -------
        secret : `str` or `None`
            `None` if it is not set.

        Raises
        ------
        UnreachableError
            Raised for a file that can't be read, or is open to others, which `lsst.resources` refuses.

        Notes
        -----
        As there, what names no file is the secret itself, whatever it begins with: it must not be shown.
        """
        value = self.path(name)
        if value is None or not os.path.isfile(value):  # noqa: PTH113 - nor is "~" another folder there
            return value
        setting = f"{name} in {self.where}"
        try:
            open_to_others = Path(value).stat().st_mode & _OTHERS
            text = Path(value).read_text(encoding="utf-8").rstrip("\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a text"
            raise UnreachableError(
                f"{setting} names {value}, which can't be read: {reason}",
                "It has to be readable for the task's user, and for nobody else (mode 0600).",
            ) from None
        if open_to_others:
            raise UnreachableError(
                f"{setting} names {value}, which others than its owner may use",
                f"chmod 600 {value}",
            )
        return text

    def authorization(self) -> str | None:
        """Give the header that requests carry.

        Returns
        -------
        authorization : `str` or `None`
            `None` if the entry has neither a token nor a user with a password.

        Raises
        ------
        UnreachableError
            Raised as by `secret`, and for a token that no header can carry.
        """
        token = self.secret("token")
        if token is not None:
            if not (token.isascii() and token.isprintable()):
                # Whatever sends it would show it in its complaint.
                raise UnreachableError(
                    f"the token in {self.where} has a line break, or a character that is not ASCII",
                    "Have it in one line, in quotes or in a file of its own.",
                )
            return f"Bearer {token}"
        user, password = self.path("user_name"), self.secret("user_password")
        if user is None or password is None:
            return None
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def read_settings(base_url: str) -> Settings:
    """Read what is said of a server.

    Parameters
    ----------
    base_url : `str`
        From `base_of`.

    Returns
    -------
    settings : `Settings`
        Without an entry if there is none, or no file.

    Raises
    ------
    UnreachableError
        Raised for a file that can't be used: `lsst.resources` would fail, and say something else.
    """
    import yaml

    named = os.environ.get(VARIABLE)
    if named is None:
        return Settings(base_url, None)
    file = os.path.expanduser(os.path.expandvars(named))  # noqa: PTH111 - as lsst.resources does
    hint = "It is a list of entries, each with base_url and more; the role butler_client writes one."
    try:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - an empty name is an error as well
            entries = yaml.safe_load(stream)
    except OSError as error:
        raise UnreachableError(
            f"{VARIABLE} names {file}, which can't be read: {error.strerror}", hint
        ) from None
    except (yaml.YAMLError, ValueError):
        # The parser shows the line that it does not understand, which may have a password.
        raise UnreachableError(f"{VARIABLE} names {file}, which is not YAML", hint) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UnreachableError(f"{VARIABLE} names {file}, which is not a list of entries", hint)
    fitting = [entry for entry in entries if _base_of_entry(entry) == base_url]
    if len(fitting) > 1:
        raise UnreachableError(
            f"{VARIABLE} names {file}, which has {len(fitting)} entries for {base_url}", "Remove all but one."
        )
    return Settings(base_url, file, fitting[0] if fitting else {})


def base_of(url: str) -> str:
    """Name the server of a URL as the entries are looked up.

    Parameters
    ----------
    url : `str`
        Of the scheme ``davs``, ``dav``, ``https`` or ``http``.

    Returns
    -------
    base_url : `str`
        ``https://host/`` or ``https://host:port/``: a port that is left out and one that is written are not
        the same, even if they are equal, and neither are capitals and small letters with ``davs``.
    """
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    server = server if parts.scheme.startswith("dav") else server.lower()
    return f"{parts.scheme.replace('dav', 'http')}://{server.removesuffix(':')}/"


def _base_of_entry(entry: Mapping[str, Any]) -> str | None:
    try:
        return base_of(os.path.expandvars(str(entry["base_url"])))
    except (KeyError, ValueError):
        return None
