# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files are read in groups: each header once, each exposure translated once, in any order of listing."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.file_names import name_rule
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import ExposureInfo
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._states.raws import pool as pool_module
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.pool import HeaderPool
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.reading import (
    RawId,
    Reading,
    Task,
    read_group,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.spool import Spool
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.raw_files import official, write_raws

COMCAM = find_built_in("LSSTComCam")
assert COMCAM is not None
NAMES = sorted(official()["files_headers_by_hdu"])


def id_of(path: str) -> RawId | None:
    assert COMCAM is not None
    return name_rule(COMCAM)(Path(path).name)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@given(paths=st.permutations(NAMES))
def test_any_order_of_files_gives_the_same_parts(size: int, paths: list[str]) -> None:
    spool = Spool()
    told = [(path, *(id_of(path) or ()), None) for path in paths]
    spool.add((*row,) for row in told)  # type: ignore[misc]  # every name tells
    parts = list(spool.by_exposure(size))
    listed = [(file.exposure, file.detector) for part in parts for file in part]
    assert listed == sorted(id_of(path) or (0, 0) for path in NAMES)
    exposures = [{file.exposure for file in part} for part in parts]
    assert all(not first & second for first, second in pairwise(exposures)), "an exposure was cut in two"
    assert all(len(part) <= size or len(found) == 1 for part, found in zip(parts, exposures, strict=True))


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
    reading = read_group(reader, [Task(path) for path in paths])
    assert reader.described == 1 and list(reading.exposures) == [2024110800266]
    assert [list(file.ids()) for file in reading.files] == [[(2024110800266, slot)] for slot in (0, 4, 8)]
    assert {file.size for file in reading.files} == {Path(paths[0]).stat().st_size}


def test_a_file_that_can_not_be_read_leaves_the_others(tmp_path: Path) -> None:
    assert COMCAM is not None
    paths = [str(path) for path in write_raws(tmp_path, wanted=lambda name: "_000266_" in name)]
    Path(paths[0]).unlink()
    reading = read_group(HeaderReader(COMCAM), [Task(path, id_of(path)) for path in paths])
    assert [path for path, _unused in reading.failures] == paths[:1]
    assert [file.path for file in reading.files] == paths[1:] and len(reading.exposures) == 1


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam"])
def test_every_raw_of_every_camera_is_found(
    name: str, processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "WORTH_IT", 1)
    definition = find_built_in(name)
    assert definition is not None
    rule = name_rule(definition)
    tasks = [[Task(str(path), rule(path.name))] for path in write_raws(tmp_path, name=name)]
    pool = HeaderPool(definition, processes)
    reading = Reading()
    for part in pool.read(tasks):
        reading.take(part)
    pool.close()
    found = sorted(raw for file in reading.files for raw in file.ids())
    wanted = [
        (raw["data_id"]["exposure"], raw["data_id"]["detector"]) for raw in official(name)["raw_datasets"]
    ]
    assert found == sorted(wanted) and not reading.failures
