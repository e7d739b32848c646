# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of an export without some storage classes."""

from __future__ import annotations

from uuid import UUID

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._exports.content import (
    Association,
    Collection,
    Export,
    File,
    Section,
    Type,
)
from ansible_collections.rubin.butler.plugins.module_utils._exports.selection import without_classes

HERE = Section("export.yaml", 0, 1)
IMAGE, LOG, OTHER_LOG = UUID(int=1), UUID(int=2), UUID(int=3)


def file(kind: str, run: str, dataset: UUID) -> File:
    return File(HERE, 0, kind, run, f"{run}/{kind}", None, (dataset,), ({},))


@pytest.fixture
def export() -> Export:
    return Export(
        "export.yaml",
        types=[
            Type(HERE, "image", (), "ExposureF", False),
            Type(HERE, "isr_log", (), "ButlerLogRecords", False),
        ],
        collections=[
            Collection(HERE, "images", "RUN"),
            Collection(HERE, "logs", "RUN"),
            Collection(HERE, "chained", "RUN"),
            Collection(HERE, "empty", "RUN"),
            Collection(HERE, "tag", "TAGGED"),
            Collection(HERE, "chain", "CHAINED", None, ("chained",)),
        ],
        files=[
            file("image", "images", IMAGE),
            file("isr_log", "logs", LOG),
            file("isr_log", "images", OTHER_LOG),
            file("isr_log", "chained", UUID(int=4)),
        ],
        associations=[Association(HERE, "tag", (IMAGE, LOG)), Association(HERE, "tag", (OTHER_LOG,))],
    )


def test_types_files_associations_and_runs_that_nothing_else_needs_are_left_out(export: Export) -> None:
    rest = without_classes(export, {"ButlerLogRecords", "Config"})
    assert [kind.name for kind in rest.types] == ["image"]
    assert [each.ids for each in rest.files] == [(IMAGE,)]
    assert [each.ids for each in rest.associations] == [(IMAGE,)]
    assert [each.name for each in rest.collections] == ["images", "chained", "empty", "tag", "chain"]
    assert len(export.types) == 2 and len(export.files) == 4 and len(export.associations) == 2


@pytest.mark.parametrize("storage_classes", [set(), {"Config"}])
def test_without_such_a_type_everything_stays(export: Export, storage_classes: set[str]) -> None:
    assert without_classes(export, storage_classes) is export
