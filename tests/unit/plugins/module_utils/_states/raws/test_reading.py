# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are read in groups: each header once, each exposure translated once, in any order of listing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import name_rule
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import ExposureInfo
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import (
    RawId,
    grouped,
    read_group,
    read_raws,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.raw_files import official, write_raws

COMCAM = find_built_in("LSSTComCam")
assert COMCAM is not None
NAMES = sorted(official()["files_headers_by_hdu"])


def id_of(path: str) -> RawId | None:
    assert COMCAM is not None
    return name_rule(COMCAM)(Path(path).name)


@given(st.permutations([*NAMES, "/x/unnamed.fits", "/a/unnamed.fits"]))
def test_any_order_of_files_gives_the_same_groups(paths: list[str]) -> None:
    groups = grouped(paths, id_of)
    assert sorted(path for group in groups for path in group) == sorted(paths)
    assert groups[-2:] == [["/a/unnamed.fits"], ["/x/unnamed.fits"]]
    told = [[id_of(path) for path in group] for group in groups[:-2]]
    assert told == sorted(told) and all(group == sorted(group) for group in told)
    assert all(len({exposure for exposure, _unused in group}) == 1 for group in told if group)


class Counting(HeaderReader):
    """Counts what is translated in full."""

    described = 0

    def describe(self, header: Mapping[str, Any], file: str) -> ExposureInfo:
        self.described += 1
        return super().describe(header, file)


def test_an_exposure_is_translated_once(tmp_path: Path) -> None:
    assert COMCAM is not None
    paths = [str(path) for path in write_raws(tmp_path, wanted=lambda name: "_000266_" in name)]
    reader = Counting(COMCAM)
    reading = read_group(reader, paths)
    assert reader.described == 1 and list(reading.exposures) == [2024110800266]
    assert [list(file.ids()) for file in reading.files] == [[(2024110800266, slot)] for slot in (0, 4, 8)]
    assert {file.size for file in reading.files} == {Path(paths[0]).stat().st_size}


def test_a_file_that_can_not_be_read_leaves_the_others(tmp_path: Path) -> None:
    assert COMCAM is not None
    paths = [str(path) for path in write_raws(tmp_path, wanted=lambda name: "_000266_" in name)]
    Path(paths[0]).unlink()
    reading = read_raws(COMCAM, grouped(paths, id_of))
    assert [path for path, _unused in reading.failures] == paths[:1]
    assert [file.path for file in reading.files] == paths[1:] and len(reading.exposures) == 1


@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam"])
def test_every_raw_of_every_camera_is_found(name: str, tmp_path: Path) -> None:
    definition = find_built_in(name)
    assert definition is not None
    paths = [str(path) for path in write_raws(tmp_path, name=name)]
    reading = read_raws(definition, grouped(paths, lambda path: name_rule(definition)(Path(path).name)))
    found = sorted(raw for file in reading.files for raw in file.ids())
    wanted = [
        (raw["data_id"]["exposure"], raw["data_id"]["detector"]) for raw in official(name)["raw_datasets"]
    ]
    assert found == sorted(wanted) and not reading.failures
