# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a web server is there, and is the one that it says.

Source: lsst.resources (``http.py``) and requests, for whom they trust.
"""

from __future__ import annotations

import os
from functools import partial
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible_collections.rubin.butler.plugins.module_utils._reachable.sockets import (
    open_socket,
    secure,
    trust,
)

HTTP_SCHEMES = ("https", "http")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "LSST_HTTP_CACERT_BUNDLE")
"""Variables that name the trusted authorities, the strongest first."""


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
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme in getproxies() and not proxy_bypass(host):
        return
    connect = partial(open_socket, host, parts.port or (443 if parts.scheme == "https" else 80))
    if parts.scheme == "http":
        connect().close()
        return
    bundle = next((name for name in _BUNDLES if os.environ.get(name)), None)
    if bundle is not None:
        authorities, setting = os.environ[bundle], bundle
    else:
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        authorities, setting = DEFAULT_CA_BUNDLE_PATH, "LSST_HTTP_CACERT_BUNDLE"
    secure(connect, host, trust(authorities, setting), setting).close()
