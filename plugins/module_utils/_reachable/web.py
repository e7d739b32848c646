# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a web server is there, and is the one that it says.

Source: lsst.resources (``http.py``) and requests, for whom they trust, which proxies and which
certificates of the user they take.
"""

from __future__ import annotations

import os
import ssl
from functools import partial
from urllib.parse import urlsplit

from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import (
    UnreachableError,
    open_socket,
    secure,
    show_certificate,
    trust,
)

HTTP_SCHEMES = ("https", "http")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "LSST_HTTP_CACERT_BUNDLE")
"""Variables that name the trusted authorities, the strongest first."""
_USER = ("LSST_HTTP_AUTH_CLIENT_CERT", "LSST_HTTP_AUTH_CLIENT_KEY")
_GRID_PROXY = "X509_USER_PROXY"


def reach_web(url: str) -> None:
    """Find out whether a web server can be connected to; what it allows differs from file to file.

    Parameters
    ----------
    url : `str`
        Of something on the server, which does not have to exist. Behind a proxy nothing is tried.

    Raises
    ------
    UnreachableError
        Raised for the first of these that fails, with what to check: the name, TCP, TLS.
    """
    from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_environ_proxies, select_proxy

    parts = urlsplit(url)
    host = parts.hostname or ""
    if select_proxy(url, get_environ_proxies(url)):
        return
    connect = partial(open_socket, host, parts.port or (443 if parts.scheme == "https" else 80))
    if parts.scheme == "http":
        connect().close()
        return
    bundle = next((name for name in _BUNDLES if os.environ.get(name)), None)
    if bundle is not None:
        authorities, setting = os.environ[bundle], bundle
    else:
        authorities, setting = DEFAULT_CA_BUNDLE_PATH, "LSST_HTTP_CACERT_BUNDLE"
    context = trust(authorities, setting)
    if os.environ.get("LSST_HTTP_AUTH_BEARER_TOKEN") is None:
        _show_user(context)
    secure(connect, host, context, setting).close()


def _show_user(context: ssl.SSLContext) -> None:
    certificate, key = (os.environ.get(name) for name in _USER)
    if certificate and key:
        show_certificate(context, certificate, key, _USER[0])
    elif certificate or key:
        said, missing = _USER if certificate else reversed(_USER)
        raise UnreachableError(f"{said} is set, and {missing} is not", "Set both, or neither.")
    elif proxy := os.environ.get(_GRID_PROXY):
        show_certificate(context, proxy, None, _GRID_PROXY)
