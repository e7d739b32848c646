# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PostgreSQL stores of a password, so that the password itself is in no statement for a log."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: scram_sha256
author: the rubin.butler developers
version_added: 0.1.0
short_description: What PostgreSQL stores of a password
description:
  - Makes a SCRAM-SHA-256 verifier of a password, with a random salt. PostgreSQL takes it in the place of the
    password, and a log of the statement has nothing that anybody could log in with.
options:
  _input:
    description: The password. It has printable ASCII characters only.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Have a login on a server that may log statements
  community.postgresql.postgresql_user:
    name: ingest
    password: "{{ vault_ingest_password | rubin.butler.scram_sha256 }}"
"""

RETURN = r"""
_value:
  description: The verifier.
  type: str
"""

ITERATIONS = 4096
"""PostgreSQL's own number (`int`)."""


def scram_sha256(password: str, salt: bytes | None = None) -> str:
    """Make the verifier of a password, as RFC 5802 and PostgreSQL's manual (pg_authid) describe it.

    Parameters
    ----------
    password : `str`
        The password, in printable ASCII, which SASLprep leaves as it is.
    salt : `bytes`, optional
        The salt; by default 16 random bytes.

    Returns
    -------
    verifier : `str`
        ``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``.

    Raises
    ------
    AnsibleFilterError
        Raised if the password is empty or has other characters.
    """
    if not password or not (password.isascii() and password.isprintable()):
        raise AnsibleFilterError("scram_sha256: a password has one or more characters, printable ASCII only.")
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    keys = [hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")]
    encoded_salt, stored, server = (base64.b64encode(part).decode() for part in [salt, *keys])
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded_salt}${stored}:{server}"


class FilterModule:
    """What Ansible looks for in this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Name the filters.

        Returns
        -------
        filters : `dict` [ `str`, `~collections.abc.Callable` ]
            The one above.
        """
        return {"scram_sha256": scram_sha256}
