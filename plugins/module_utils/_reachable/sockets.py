# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first steps to any server, each with words for what goes wrong: its name, TCP and TLS."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TIMEOUT = 5.0
"""How long a server may take for each step (seconds)."""

_EXPIRED, _NOT_YET_VALID = 10, 9
_UNKNOWN = (18, 19, 20, 21)
_OTHER_HOST = (62, 64)
_NO_CHECK_TIME = 0x200000
"""``X509_V_FLAG_NO_CHECK_TIME``, and above the codes ``X509_V_ERR_...`` (source: OpenSSL's x509_vfy.h)."""


class UnreachableError(Exception):
    """A step failed.

    Parameters
    ----------
    what : `str`
        Which one, and how.
    hint : `str`
        What to check.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def open_socket(host: str, port: int, timeout: float = TIMEOUT) -> socket.socket:
    """Connect by TCP.

    Parameters
    ----------
    host : `str`
        Name or address.
    port : `int`
        The port.
    timeout : `float`, optional
        How long each of its addresses may take (seconds).

    Returns
    -------
    connection : `socket.socket`
        Whose every step has the same timeout.

    Raises
    ------
    UnreachableError
        Raised with what failed.
    """
    where = f"{host}:{port}"
    try:
        connection = socket.create_connection((host, port), timeout)
    except socket.gaierror as error:
        raise UnreachableError(
            f"the name {host} can't be resolved ({error.strerror})",
            "Check the name, and how the managed host resolves names (/etc/hosts, DNS).",
        ) from None
    except ConnectionRefusedError:
        raise UnreachableError(
            f"{where} refuses connections (Connection refused)", "Check that the server runs, and its port."
        ) from None
    except TimeoutError:
        raise UnreachableError(
            f"{where} does not answer within {timeout:g} s",
            "Check that the host is up, and the firewalls on the way to it.",
        ) from None
    except OSError as error:
        raise UnreachableError(
            f"{where} can't be reached ({error.strerror or error})", "Check the network of the managed host."
        ) from None
    # What is asked is short, and each answer is waited for.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def trust(authorities: str | None, setting: str) -> ssl.SSLContext:
    """Make the settings for a TLS connection.

    Parameters
    ----------
    authorities : `str` or `None`
        File or directory with the certificates of the authorities to trust; `None` for the system's.
    setting : `str`
        Where that is said, for messages.

    Returns
    -------
    context : `ssl.SSLContext`
        It checks the server's certificate and name.

    Raises
    ------
    UnreachableError
        Raised if the file or directory can't be used.
    """
    if authorities is None:
        return ssl.create_default_context()
    place = Path(authorities)
    hint = f"Correct {setting}, or put the certificates of the authorities there (PEM)."
    try:
        if place.is_dir():
            return ssl.create_default_context(capath=authorities)
        return ssl.create_default_context(cafile=authorities)
    except ssl.SSLError:
        raise UnreachableError(f"{setting} names {authorities}, which has no certificates", hint) from None
    except OSError as error:
        reason = (
            "is not there" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror}"
        )
        raise UnreachableError(f"{setting} names {authorities}, which {reason}", hint) from None


def show_certificate(context: ssl.SSLContext, certificate: str, key: str | None, setting: str) -> None:
    """Have a client's certificate shown to servers that ask for one.

    Parameters
    ----------
    context : `ssl.SSLContext`
        From `trust`.
    certificate : `str`
        The file with the certificate.
    key : `str` or `None`
        The file with its key; `None` if that is in the same.
    setting : `str`
        Where the certificate is said, for messages.

    Raises
    ------
    UnreachableError
        Raised if one of the files can't be used.
    """
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UnreachableError(
            f"{setting} names {certificate}, which can't be used with its key ({error.strerror or error})",
            "Check it and its key, and that the task's user may read both.",
        ) from None


def secure(
    connect: Callable[[], socket.socket], host: str, context: ssl.SSLContext, setting: str
) -> ssl.SSLSocket:
    """Connect by TLS.

    Parameters
    ----------
    connect : `~collections.abc.Callable`
        Opens a connection on which the handshake can begin.
    host : `str`
        The name that the certificate has to be for.
    context : `ssl.SSLContext`
        From `trust`.
    setting : `str`
        Where it is said whom to trust, for messages.

    Returns
    -------
    connection : `ssl.SSLSocket`
        After the handshake.

    Raises
    ------
    UnreachableError
        Raised with what failed; for a certificate, with its dates, its names or its issuer.
    """
    try:
        return _shake(connect(), host, context)
    except ssl.SSLCertVerificationError as error:
        raise _explain_certificate(error, connect, host, setting) from None
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        hint = "Check that the server's port is one for TLS."
        if "certificate" in reason or "alert" in reason:
            hint = "Check the client's certificate, and the versions of TLS that the server takes."
        raise UnreachableError(f"the TLS handshake with {host} failed: {reason}", hint) from None
    except TimeoutError:
        raise UnreachableError(
            f"{host} takes connections, and does not answer a TLS handshake",
            "Check that its port is one for TLS, and that the server is not overloaded.",
        ) from None
    except OSError as error:
        raise UnreachableError(
            f"{host} broke off the TLS handshake ({error.strerror or error})",
            "Check that its port is one for TLS, and the server's log.",
        ) from None


def _shake(plain: socket.socket, host: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _explain_certificate(
    error: ssl.SSLCertVerificationError, connect: Callable[[], socket.socket], host: str, setting: str
) -> UnreachableError:
    shown = _certificate(connect, host)
    now = datetime.datetime.now(datetime.UTC)
    clock = f"the clock of this host says {_date(now)}"
    code = error.verify_code
    if code in (_EXPIRED, _NOT_YET_VALID):
        start, end = (_parsed(shown.get(name)) for name in ("notBefore", "notAfter"))
        if code == _EXPIRED and end is not None and end < now:
            what = f"the certificate of {host} has expired on {_date(end)}; {clock}"
        elif code == _NOT_YET_VALID and start is not None and start > now:
            what = f"the certificate of {host} is valid from {_date(start)} on only; {clock}"
        else:
            what = f"a certificate above that of {host} is not valid now: {error.verify_message}; {clock}"
        return UnreachableError(what, "Renew the server's certificate, or set the clock that is wrong.")
    if code in _UNKNOWN:
        issuer = _common_name(shown.get("issuer", ()))
        by = f", {issuer}," if issuer else ""
        return UnreachableError(
            f"the certificate of {host} is signed by an authority that is not trusted here{by} "
            f"({error.verify_message})",
            f"Put the authority's certificate where {setting} says, and nothing else in its place.",
        )
    if code in _OTHER_HOST:
        names = ", ".join(sorted(value for _unused, value in shown.get("subjectAltName", ())))
        return UnreachableError(
            f"the certificate is not for {host}" + (f", but for {names}" if names else ""),
            "Use one of the names of the certificate, or have it made out for this one.",
        )
    return UnreachableError(
        f"the certificate of {host} can't be trusted: {error.verify_message}",
        f"Check the server's certificate, and {setting}.",
    )


def _certificate(connect: Callable[[], socket.socket], host: str) -> Mapping[str, Any]:
    """Read the certificate that a server shows; empty if that is not to be had."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _shake(connect(), host, context) as connection:
            shown = connection.getpeercert(binary_form=True)
        # Python takes a certificate apart only once it has been verified: here by itself.
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
        context.load_verify_locations(cadata=shown)
        with _shake(connect(), host, context) as connection:
            return connection.getpeercert() or {}
    except (OSError, UnreachableError, ValueError):
        return {}


def _parsed(date: str | None) -> datetime.datetime | None:
    if date is None:
        return None
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(date), datetime.UTC)


def _date(date: datetime.datetime) -> str:
    return f"{date:%Y-%m-%d %H:%M:%S} UTC"


def _common_name(name: Any) -> str:
    return next((value for part in name for key, value in part if key == "commonName"), "")
