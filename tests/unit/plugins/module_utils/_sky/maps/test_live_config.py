# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read into a configuration of pex_config is what executing the file would make of it."""

from __future__ import annotations

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import (
    OFFICIAL_CLASS,
    chosen_kind,
    read_assignments,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.live_config import LiveConfig, LivePart

from tests.pex_sky_maps import MakeSkyMapConfig

TEXT = """
config.name = "a"
config.skyMap = "equat"
config.skyMap.active.numTracts = 2 * 3
config.skyMap.active.decRange = (-1, 1.5)
config.skyMap["dodeca"].withTractsOnPoles = True
part = config.skyMap.active
part.tractBuilder = "cells"
part.tractBuilder.active.cellInnerDimensions = [400, 400]
part.patchBorder = 5
config.skyMap.name = "healpix"
config.skyMap["healpix"].rotation = 45
part.projection = "TAN"
"""


@pytest.mark.parametrize("lines", [3, 7, 10, 14])
def test_assignments_do_what_python_would(lines: int) -> None:
    text = "\n".join(TEXT.split("\n")[:lines])
    ours, theirs = MakeSkyMapConfig(), MakeSkyMapConfig()
    read_assignments(text, "a.py", LiveConfig(), LivePart("config", ours), OFFICIAL_CLASS)
    theirs.loadFromString(text)
    assert ours == theirs and ours.saveToString() == theirs.saveToString()
    # What pex_config saves is read again, with imports and its check of the class.
    again = MakeSkyMapConfig()
    read_assignments(ours.saveToString(), "b.py", LiveConfig(), LivePart("config", again), OFFICIAL_CLASS)
    assert again == ours


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (TEXT, "healpix"),
        ("", "dodeca"),
        ('config.skyMap = "rings"\nconfig.skyMap["equat"].nonsense = 1\nimport os\n', "rings"),
        ('maps = config.skyMap\nmaps.name = "hexagons"', "hexagons"),
        ("not Python", "dodeca"),
    ],
)
def test_the_chosen_type_is_known_whatever_else_there_is(text: str, kind: str) -> None:
    assert chosen_kind(text, "a.py") == kind
