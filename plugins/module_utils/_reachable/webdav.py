# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a WebDAV server can be used with what this host knows, found out in a few requests.

Source: lsst.resources (``davutils.py``), for what it asks of a server and with which certificates.
"""

from __future__ import annotations

import http.client
import socket
import time
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import quote, urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import (
    UnreachableError,
    open_socket,
    secure,
    show_certificate,
    trust,
)
from ansible_collections.rubin.butler.plugins.module_utils._reachable.tokens import explain_token
from ansible_collections.rubin.butler.plugins.module_utils._reachable.webdav_settings import (
    Settings,
    base_of,
    read_settings,
)

SCHEMES = ("davs", "dav")
SKEW = 60.0
"""How much two clocks may differ before it is worth saying (seconds)."""

_REDIRECTIONS = range(300, 400)
_PASSING = (429, 500, 502, 503, 504)
"""Answers after which `lsst.resources` tries again."""
_PAUSE = 1.0
"""How long the server is left alone then (seconds)."""
_PROPFIND = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
)


def reach_webdav(url: str, *, look: bool = True) -> None:
    """Find out whether the server of a URL can be used.

    Parameters
    ----------
    url : `str`
        Of something on the server, which does not have to exist.
    look : `bool`, optional
        Whether the URL itself has to be allowed, not only something below it.

    Raises
    ------
    UnreachableError
        Raised for the first of these that fails, with what to check: the name, TCP, TLS, authentication,
        WebDAV, the right to look at the URL. Of several frontends one is enough; else it is about the first.
    """
    settings = read_settings(base_of(url))
    failures = []
    for frontend in settings.frontends:
        try:
            _reach(frontend, url, settings, look=look)
        except UnreachableError as error:
            failures.append(error)
        else:
            return
    raise failures[0]


def _reach(frontend: str, url: str, settings: Settings, *, look: bool) -> None:
    header = settings.authorization()
    with _Server(frontend, settings) as server:
        _check_options(server.ask("OPTIONS", "/", header), settings)
        if look:
            path = quote(urlsplit(url).path or "/", safe="/%:@!$&'()*+,;=~")
            _check_status(server.ask("PROPFIND", path, header), "PROPFIND", path, settings)


def _check_options(options: http.client.HTTPResponse, settings: Settings) -> None:
    _check_status(options, "OPTIONS", "/", settings)
    if options.status in _REDIRECTIONS:
        # It is followed later, and may lead anywhere.
        return
    if options.status not in (http.HTTPStatus.OK, http.HTTPStatus.CREATED):
        raise UnreachableError(
            f"{settings.server} answers OPTIONS with {options.status} {options.reason}",
            "Check that it is a WebDAV server, and that its port is the one for WebDAV.",
        )
    if "1" not in (options.headers.get("DAV") or "").replace(" ", "").split(","):
        raise UnreachableError(
            f"{settings.server} is a web server without WebDAV (its answer to OPTIONS has no DAV header)",
            "Check the port, and that WebDAV is on for the root of the server (Apache: Dav On).",
        )


class _Server:
    """A connection, made again where the server closes it."""

    def __init__(self, frontend: str, settings: Settings) -> None:
        self._settings = settings
        parts = urlsplit(frontend)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> _Server:
        return self

    def __exit__(self, *_unused: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def ask(self, method: str, path: str, authorization: str | None) -> http.client.HTTPResponse:
        """Ask, and once more if the server is not well just now; bodies of answers are thrown away."""
        response = self._ask(method, path, authorization)
        if response.status in _PASSING:
            time.sleep(_PAUSE)
            response = self._ask(method, path, authorization)
        return response

    def _ask(self, method: str, path: str, authorization: str | None) -> http.client.HTTPResponse:
        headers = {"Depth": "0", "Content-Type": "application/xml"} if method == "PROPFIND" else {}
        if authorization is not None:
            headers["Authorization"] = authorization
        if self._connection is None or self._connection.sock is None:
            self._connection = http.client.HTTPConnection(self._host, self._port)
            self._connection.sock = self._open()
        try:
            self._connection.request(method, path, _PROPFIND if method == "PROPFIND" else None, headers)
            response = self._connection.getresponse()
            response.read()
        except TimeoutError:
            raise UnreachableError(
                f"{self._settings.server} connects, and {method} is not answered within "
                f"{self._settings.timeout:g} s",
                "Check the load and the log of the server.",
            ) from None
        except http.client.BadStatusLine:
            raise UnreachableError(
                f"{self._settings.server} does not answer {method} in HTTP",
                "Check its port, and whether the URL should begin with davs:// (TLS) or dav:// (none).",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"{self._settings.server} broke off while it was asked {method} ({error})",
                "Check the log of the server, and whether it demands a client's certificate.",
            ) from None
        return response

    def _open(self) -> socket.socket:
        connect = partial(open_socket, self._host, self._port, self._settings.timeout)
        if not self._secure:
            return connect()
        setting = f"trusted_authorities of {self._settings.where}"
        context = trust(self._settings.path("trusted_authorities"), setting)
        certificate = self._settings.path("user_cert") if self._settings.entry.get("token") is None else None
        if certificate is not None:
            where = f"user_cert of {self._settings.where}"
            show_certificate(context, certificate, self._settings.path("user_key"), where)
        return secure(connect, self._host, context, setting)


def _check_status(response: http.client.HTTPResponse, method: str, path: str, settings: Settings) -> None:
    status = f"{response.status} {response.reason}"
    if response.status == http.HTTPStatus.UNAUTHORIZED:
        raise _refused(response.headers, settings)
    if response.status == http.HTTPStatus.FORBIDDEN:
        user = settings.path("user_name")
        who = (
            "the token" if settings.entry.get("token") is not None else f"user {user}" if user else "anybody"
        )
        raise UnreachableError(
            f"{settings.server} does not allow {who} to look at {path} ({method}: {status})",
            "Check the rights of that account on the server.",
        )
    if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnreachableError(
            f"{settings.server} answers {method} {path} with {status}",
            "The server is reached, and is not well: check its log.",
        )


def _refused(headers: Message, settings: Settings) -> UnreachableError:
    now = _clock_of(headers)
    skew = now - time.time()
    clocks = ""
    if abs(skew) > SKEW:
        ahead = "ahead of" if skew > 0 else "behind"
        clocks = f"; its clock is {abs(skew):.0f} s {ahead} the one of this host"
    token = settings.secret("token")
    if token is not None:
        place = settings.path("token") or ""
        what, hint = explain_token(token, now)
        named = f"the token in {place}" if place != token else "the token"
        return UnreachableError(
            f"{settings.server} refuses {named} (401){what}{clocks}",
            f"{hint} It is said in {settings.where}.{_of_no_file(settings, 'token')}",
        )
    user = settings.path("user_name")
    if user is not None and settings.entry.get("user_password") is not None:
        return UnreachableError(
            f"{settings.server} refuses user {user} with the password given (401){clocks}",
            f"Check user_name and user_password in {settings.where}, and the accounts of the server."
            f"{_of_no_file(settings, 'user_password')}",
        )
    return UnreachableError(
        f"{settings.server} wants to know who asks (401), and no user or token is said",
        f"Put base_url with user_name and user_password, or token, into {settings.where}.",
    )


def _of_no_file(settings: Settings, name: str) -> str:
    if settings.path(name) != settings.secret(name):
        return ""
    return f" If {name} is to name a file: there is none of that name."


def _clock_of(headers: Message) -> float:
    """Give the server's time, ours if it does not tell (seconds)."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return time.time()
