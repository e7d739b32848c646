# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RETURN of the modules: the keys that they share mean the same everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

from tests.module_texts import MODULES, assert_is_documented, returns_of

NAMES = sorted(path.stem for path in MODULES.glob("*.py"))
STATES = sorted(set(NAMES) - {"butler_info"})
OUTCOME = Outcome(changes=[], assumes=[], stats=Report().stats(0), seconds=0.5).as_result(diff=True)
COMMON = sorted(OUTCOME.keys() - {"changed", "diff"})
# What each module says of these depends on what it is about.
OWN_WORDS = {
    "changes": "The changes, or in check mode the planned ones; at most 1000.",
    "failures": "The first hundred ",
    "stats": "How many ",
}


def described(entry: dict[str, Any]) -> str:
    text = entry["description"]
    return text if isinstance(text, str) else " ".join(text)


@pytest.mark.parametrize("name", NAMES)
def test_every_module_documents_the_common_result(name: str) -> None:
    documented = returns_of(name)
    assert documented.keys() >= set(COMMON)
    samples = {key: entry.get("sample", {}) for key, entry in documented.items()}
    assert_is_documented(name, {**OUTCOME, **samples})
    assert documented["stats"]["sample"].keys() == OUTCOME["stats"].keys()


@pytest.mark.parametrize("key", COMMON)
def test_a_common_key_is_documented_alike_in_every_state_module(key: str) -> None:
    model = returns_of("butler_collection")[key]
    for name in STATES:
        entry = returns_of(name)[key]
        for part in (model.keys() | entry.keys()) - {"sample", "description"}:
            assert entry.get(part) == model.get(part), f"{name}: {part} of {key}"
        if key in OWN_WORDS:
            assert described(entry).startswith(OWN_WORDS[key]), f"{name}: description of {key}"
        else:
            assert entry["description"] == model["description"], f"{name}: description of {key}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surprise": 1}, "returns ['surprise'] and does not document it"),
        ({"seconds": "0.5"}, "seconds has '0.5', and float is documented"),
        ({"truncated": True}, "truncated has True, and int is documented"),
        ({"assumes": "nothing"}, "assumes is 'nothing', and a list is documented"),
        ({"failures": ["a"]}, "failures has 'a', and dict is documented"),
        ({"stats": None}, "stats has None, and dict is documented"),
    ],
)
def test_what_is_not_documented_so_is_found(change: dict[str, Any], message: str) -> None:
    assert_is_documented("butler_collection", {**OUTCOME, "invocation": {}, "_ansible_no_log": False})
    with pytest.raises(AssertionError) as caught:
        assert_is_documented("butler_collection", {**OUTCOME, **change})
    assert message in str(caught.value)


def test_what_is_documented_and_not_returned_is_found() -> None:
    with pytest.raises(AssertionError, match=r"documents \['seconds'\] and does not return it"):
        assert_is_documented(
            "butler_collection", {key: value for key, value in OUTCOME.items() if key != "seconds"}
        )
