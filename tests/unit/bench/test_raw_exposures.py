# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that measurements are made with: real headers, and sidecars that say the same."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
    NEEDED,
    WELCOME,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import (
    translator_of,
)
from astro_metadata_translator import ObservationInfo
from astro_metadata_translator.indexing import process_index_data
from astropy.io import fits

from bench.raw_data import (
    FILES,
    INDEX,
    late_exposures,
    make_data,
    make_names,
    show_sidecars,
    sources,
)
from bench.raw_exposures import PER_NIGHT, Shot, shots
from tools.sample_ccms1.campaign import DETECTORS
from tools.sample_ccms1.exposures import all_exposures
from tools.sample_ccms1.raws import primary_header

SOME = [Shot(0, 1), Shot(0, 26), Shot(47, 89), Shot(317, PER_NIGHT)]


def indexed(shot: Shot) -> dict[str, Any]:
    translator_of("LSSTComCam")
    return dict(process_index_data(json.loads(shot.sidecar()), force_dict=True))


@pytest.mark.parametrize("shot", SOME)
def test_a_sidecar_says_what_the_translated_headers_say(shot: Shot) -> None:
    told = indexed(shot)
    wanted = set(NEEDED | WELCOME)
    for name, content in shot.contents():
        with fits.open(io.BytesIO(content)) as hdus:
            header = dict(hdus[0].header)
            assert hdus[1].data.shape == (2, 2)
        assert header["FILENAME"] == name
        translated = ObservationInfo(header, required=set(NEEDED), subset=wanted).to_simple()
        simple = told.pop(name).to_simple()
        for key in wanted:
            if key.startswith("datetime"):
                ours, theirs = (sum(values[key]) for values in (simple, translated))
                assert ours == theirs
                assert simple[key][1] == pytest.approx(
                    translated[key][1], abs=1e-15
                )  # a tenth of a nanosecond
            else:
                assert simple[key] == translated[key], key
    assert told == {}


def test_a_sidecar_has_every_property() -> None:
    for observation in indexed(SOME[0]).values():
        simple = observation.to_simple()
        assert {name for name in simple if simple[name] is None} == set()
        assert simple.keys() - {"_translator"} == set(ObservationInfo.model_fields) & simple.keys()
        assert len(simple) == 41


def test_the_files_have_the_cards_of_the_sample() -> None:
    (_name, first), (_other, last) = (next(iter(shot.contents())) for shot in (SOME[0], SOME[-1]))
    one, other = (fits.Header.fromstring(content[: 4 * 2880].decode()) for content in (first, last))
    assert list(one) == list(other)
    assert {"OBSID", "MJD-BEG", "DATE-END", "GROUPID", "FILENAME"} <= {
        card.keyword for card, same in zip(one.cards, other.cards, strict=True) if card.value != same.value
    }
    assert set(primary_header(next(iter(all_exposures())), DETECTORS[0])) <= set(one)


def test_each_exposure_has_its_own_id_and_time() -> None:
    many = list(shots(3 * PER_NIGHT))
    assert many[PER_NIGHT - 1 : PER_NIGHT + 1] == [Shot(0, PER_NIGHT), Shot(1, 1)]
    assert len({shot.id for shot in many}) == len({shot.group for shot in many}) == len(many)
    assert all(a.end < b.begin for a, b in itertools.pairwise(many))
    assert list(shots(2, after=PER_NIGHT)) == [Shot(1, 1), Shot(1, 2)]


def test_data_is_made_once_and_nothing_else_is_touched(tmp_path: Path) -> None:
    make_data(tmp_path, 3)
    files = sorted((tmp_path / "raws").rglob("*.fits"))
    assert len(files) == 3 * FILES
    assert len(list((tmp_path / "late").rglob("*.fits"))) == late_exposures(3) * FILES
    files[0].unlink()
    make_data(tmp_path, 3)
    assert not files[0].exists(), "it was made again"
    with pytest.raises(FileExistsError, match="does not hold the raws of 4 exposures"):
        make_data(tmp_path, 4)
    assert sources(tmp_path, 3) == sources(tmp_path, 3, first=3) == [str(tmp_path / "raws")]
    (one,) = sources(tmp_path, 3, first=1)
    assert len(list(Path(one).glob("*.fits"))) == FILES - 1


def test_sidecars_come_and_go(tmp_path: Path) -> None:
    make_data(tmp_path, 2)
    for shown, count in ((False, 0), (True, 3), (True, 3), (False, 0)):
        show_sidecars(tmp_path, 2, shown=shown)
        assert len(list(tmp_path.rglob(INDEX))) == count


def test_names_take_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.raw_data._LINKS", 20)
    make_names(tmp_path / "names", 7)
    files = list((tmp_path / "names").rglob("*.fits"))
    assert len(files) == 7 * FILES
    assert len({path.stat().st_ino for path in files}) == 3
    assert len(list((tmp_path / "names").rglob(INDEX))) == 7
