# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which URIs are looked at."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._reachable.endpoints import (
    datastore_uris,
    reach_uris,
    uris_in,
)
from lsst.daf.butler import Config


def test_options_are_named_as_the_operator_wrote_them() -> None:
    params = {
        "sources": ["/a", "davs://a/b"],
        "imports": [{"file": "davs://c/d"}, {"file": "/e", "directory": "davs://f/"}],
        "select": {"root": "davs://g/"},
        "directory": None,
        "path_map": {"/a": "davs://not/read"},
    }
    options = ("sources", "select.root", "directory", "imports.file", "imports.directory")
    assert list(uris_in(params, options)) == [
        ("sources[0]", "/a"),
        ("sources[1]", "davs://a/b"),
        ("select.root", "davs://g/"),
        ("imports[0].file", "davs://c/d"),
        ("imports[1].file", "/e"),
        ("imports[1].directory", "davs://f/"),
    ]


def test_all_datastores_of_a_chain() -> None:
    chain = {
        "datastores": [{"root": "davs://a/"}, {"datastores": [{"root": "<butlerRoot>/x"}]}, {"cls": "memory"}]
    }
    assert datastore_uris(Config({"datastore": chain})) == ["davs://a/", "<butlerRoot>/x"]
    assert datastore_uris(Config({"datastore": {"root": "davs://b/"}})) == ["davs://b/"]
    assert datastore_uris(Config({"registry": {"db": "sqlite://"}})) == []


def test_what_is_local_or_carries_a_secret_is_left_to_others() -> None:
    reach_uris(
        [("repo", "/a"), ("repo", "file:///a"), ("repo", "s3://b/c"), ("repo", "davs://u:p@localhost:1/")]
    )


def test_what_is_no_uri() -> None:
    with pytest.raises(ButlerError, match="davs://a:port/ is no URI"):
        reach_uris([("repo", "davs://a:port/")])


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("davs://u:p4ss@host:abc/x", "what is given is no URI"),
        ("davs://u:p4[ss@host/x", "what is given is no URI"),
        ("davs://u:p4/ss@host:p4/x", "what is given is no URI"),
        ("davs://u:p4?ss@host/x", "what is given is no URI"),
        ("https://127.0.0.1:1/x?authz=p4ss", "https://127.0.0.1:1/x can't be reached"),
        ("https://127.0.0.1:1/x#p4ss", "https://127.0.0.1:1/x can't be reached"),
    ],
)
def test_secrets_are_not_shown(uri: str, shown: str) -> None:
    with pytest.raises(ButlerError) as caught:
        reach_uris([("sources[0]", uri)])
    assert str(caught.value).startswith(f"sources[0]: {shown}"), caught.value
    assert "p4ss" not in str(caught.value) and "ss@" not in str(caught.value)
