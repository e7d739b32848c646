# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certifications that can't be meant are answered before a repository is touched."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.declared import declared_entries

DATASETS: dict[str, Any] = {
    "dataset_type": ["bias"],
    "collections": ["run"],
    "where": None,
    "bind": None,
    "data_ids": None,
}


def item(*datasets: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {
        "collection": "calib",
        "begin": None,
        "end": None,
        "prune": False,
        "state": "present",
        "datasets": [{**DATASETS, **one} for one in datasets or [{}]],
        **options,
    }


def test_each_selection_of_a_certification_is_an_entry() -> None:
    entries = declared_entries(
        [item({}, {"dataset_type": ["a*", "a*"], "where": "x"}, prune=True), item(collection="other")]
    )
    assert [entry.option for entry in entries] == [
        "certifications[0].datasets[0]",
        "certifications[0].datasets[1]",
        "certifications[1].datasets[0]",
    ]
    assert [entry.dataset_types for entry in entries] == [("bias",), ("a*",), ("bias",)]
    assert [entry.prune for entry in entries] == [True, True, False]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (item(datasets=[]), r"certifications\[0\]\.datasets: at least one selection is needed"),
        (item({"dataset_type": []}), r"datasets\[0\]\.dataset_type: at least one"),
        (
            item({}, {"collections": None}),
            r"datasets\[1\]\.collections: the collections that have the",
        ),
        (item({"collections": []}), r"datasets\[0\]\.collections: the collections that have the"),
        (
            item({"collections": []}, state="absent"),
            r"datasets\[0\]\.collections: there is no collection\n",
        ),
        (item({"collections": ["run", "calib"]}), r"calib can't be selected from itself"),
        (item(prune=True, state="absent"), r"certifications\[0\]\.prune: prune is about"),
        (item({"data_ids": []}), r"datasets\[0\]\.data_ids: there is no data ID"),
        (item({"data_ids": [{"detector": 1}, {}]}), r"data_ids\[1\]: {} is not a data ID"),
        (item({"data_ids": [{"detector": [1]}]}), r"data_ids\[0\]: {'detector': \[1\]} is not a data ID"),
        (item({"data_ids": [{"detector": True}]}), "{'detector': True} is not a data ID"),
        (item(begin="2001-01-01", end="2000-01-01"), r"certifications\[0\]: the range begins at 2001-01-01"),
    ],
)
def test_what_can_not_be_meant(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ButlerError, match=message):
        declared_entries([wrong])


@pytest.mark.parametrize(("present", "absent"), [("bias", "bias"), ("bias", "b*"), ("b*", "bias")])
def test_whatever_there_is_can_not_be_absent_while_some_of_it_is_present(present: str, absent: str) -> None:
    new = item({"dataset_type": [present]}, begin="2000-01-01")
    gone = {"dataset_type": [absent], "collections": None}
    with pytest.raises(ButlerError, match=r"^certifications\[1\]\.datasets\[0\]: (.|\n)*prune: true there"):
        declared_entries([new, item(gone, end="2000-01-02", state="absent")])
    declared_entries([new, item(gone, end="2000-01-01", state="absent")])
    declared_entries([new, item({**gone, "collections": ["old"]}, state="absent")])
    declared_entries([new, item(gone, state="absent", collection="other")])
