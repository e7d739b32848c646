# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifiers of passwords."""

from __future__ import annotations

import base64

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.rubin.butler.plugins.filter.scram_sha256 import scram_sha256


def test_it_is_that_of_the_rfc() -> None:
    # RFC 7677's example: its server signature is made with this server key.
    verifier = scram_sha256("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert verifier == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_each_has_a_salt_of_its_own() -> None:
    assert scram_sha256("pencil") != scram_sha256("pencil")


@pytest.mark.parametrize("password", ["", "gr\u00fcn", "a\nb"])
def test_what_would_be_normalized_is_refused(password: str) -> None:
    with pytest.raises(AnsibleFilterError, match="printable ASCII") as raised:
        scram_sha256(password)
    assert not password or password not in str(raised.value)
