# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our translators give every property that those of obs_lsst give, as an index of translated headers has it.

``translated.json`` is what the translators of obs_lsst made of the headers beside it: the index of each
camera's files, and what changes in it with the header. They were asked as ``butler write-index`` asks them: a
property that can't be worked out is an error. ``refused`` says that it was; ``differs`` is then what they
made of the others when that was no error.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.lsst_cam import (
    LsstCamTranslator,
    LsstComCamTranslator,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.lsst_imsim import (
    LsstCamImSimTranslator,
)
from astro_metadata_translator import PROPERTIES, ObservationInfo
from astro_metadata_translator.indexing import calculate_index, process_index_data
from astropy.time import Time
from astropy.utils import iers

DATA = Path(__file__).parents[3] / "data/raws"
TRANSLATORS = {
    translator.name: translator
    for translator in (LsstCamTranslator, LsstComCamTranslator, LsstCamImSimTranslator)
}
FILES = {
    name: json.loads((DATA / f"{name}.json").read_text())["files_headers_by_hdu"] for name in TRANSLATORS
}
VARIATIONS: dict[str, Any] = json.loads((DATA / "variations.json").read_text())
OFFICIAL: dict[str, Any] = json.loads((DATA / "translated.json").read_text())

HEADERS = {(case["instrument"], case["title"]): case for case in VARIATIONS["cases"]}
SCIENCE = "20241108/CC_O_20241108_000266/CC_O_20241108_000266_R22_S00.fits"


def merged(name: str, file: str | None) -> dict[str, Any]:
    """The header of a file with one raw: that of the laboratory if it has no name."""
    if file is None:
        return dict(VARIATIONS["laboratory_header"])
    return {key: value for hdu in FILES[name][file][:2] for key, value in hdu.items()}


def translated(name: str, header: dict[str, Any], *, pedantic: bool = True) -> dict[str, Any]:
    info = ObservationInfo(header, translator_class=TRANSLATORS[name], pedantic=pedantic, quiet=True)
    simple: dict[str, Any] = json.loads(json.dumps(info.to_simple(), allow_nan=False))
    return simple


def equal(ours: object, theirs: object) -> bool:
    """Compare types and values, floats to 1e-9."""
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    return ours == theirs


def assert_equal(ours: dict[str, Any], theirs: dict[str, Any], what: object) -> None:
    different = {key for key in ours.keys() | theirs.keys() if not equal(ours.get(key), theirs.get(key))}
    assert {key: ours.get(key) for key in different} == {key: theirs.get(key) for key in different}, what
    assert not different, what


@pytest.mark.parametrize("name", TRANSLATORS)
def test_an_index_of_translated_headers_is_the_official_one(name: str) -> None:
    ours = calculate_index({file: translated(name, merged(name, file)) for file in FILES[name]}, "translated")
    theirs = OFFICIAL["indexes"][name]
    assert list(ours) == list(theirs)
    assert ours["__CONTENT__"] == theirs["__CONTENT__"]
    for file in list(theirs)[1:]:
        assert_equal(dict(ours[file]), theirs[file], file)


def test_an_old_header_of_the_laboratory_is_translated_as_officially() -> None:
    assert_equal(translated("LSSTComCam", merged("LSSTComCam", None)), OFFICIAL["laboratory"], "laboratory")


@pytest.mark.parametrize("case", OFFICIAL["cases"], ids=lambda case: f"{case['instrument']}-{case['title']}")
def test_unusual_headers_are_translated_as_officially(case: dict[str, Any]) -> None:
    name = case["instrument"]
    change = HEADERS.get((name, case["title"]), case)
    header = merged(name, change["file"])
    base = process_index_data(OFFICIAL["indexes"][name], force_metadata=True)
    expected = (base[change["file"]] if change["file"] else OFFICIAL["laboratory"]) | case["differs"]
    header = {key: value for key, value in header.items() if key not in change["drop"]} | change["set"]
    refused = case.get("refused", False)
    if refused:
        with pytest.raises(KeyError, match="Error calculating property"):
            translated(name, dict(header))
    ours = translated(name, dict(header), pedantic=not refused)
    assert_equal(ours, {key: value for key, value in expected.items() if value is not None}, case["title"])


@pytest.mark.parametrize("today", ["2026-01-01", "2060-01-01"])
@pytest.mark.parametrize("date", ["2024-11-08", "2028-02-03", "2050-06-07"])
def test_neither_today_nor_a_header_from_the_future_matters(
    date: str, today: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iers.IERS_Auto, "time_now", Time(today))
    simulated = merged("LSSTCam-imSim", next(iter(FILES["LSSTCam-imSim"])))
    simulated |= {"MJD-OBS": Time(date).mjd, "DATE-OBS": Time(date).isot}
    azimuth, altitude = translated("LSSTCam-imSim", simulated)["altaz_begin"]
    assert 0.0 <= azimuth < 360.0 and -90.0 < altitude < 90.0
    repaired = merged("LSSTComCam", SCIENCE)
    for keyword in ("DATE", "DATE-OBS", "DATE-BEG", "DATE-END"):
        repaired[keyword] = Time(date).isot
    assert translated("LSSTComCam", repaired)["tracking_radec"] is not None


def test_the_cases_are_those_that_exposure_records_are_compared_with_and_more() -> None:
    named = [(case["instrument"], case["title"]) for case in OFFICIAL["cases"]]
    assert len(named) == len(set(named))
    assert HEADERS.keys() < set(named)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_every_property_has_a_translation(name: str) -> None:
    translator = TRANSLATORS[name](merged(name, next(iter(FILES[name]))))
    for method in (f"to_{name}" for name in PROPERTIES):
        assert not getattr(getattr(translator, method), "__isabstractmethod__", False), method
    # The official ones have no properties of their own either.
    assert translator.extensions == {}


@pytest.mark.parametrize("name", TRANSLATORS)
def test_what_an_index_says_can_be_read_back(name: str) -> None:
    for file in FILES[name]:
        simple = translated(name, merged(name, file))
        assert_equal(json.loads(ObservationInfo.from_simple(simple).to_json()), simple, file)


@pytest.mark.parametrize(
    ("name", "keyword", "property_name"),
    [
        ("LSSTComCam", "AMSTART", "boresight_airmass"),
        ("LSSTComCam", "HUMIDITY", "relative_humidity"),
        ("LSSTCam-imSim", "AIRMASS", "boresight_airmass"),
    ],
)
def test_a_whole_number_is_a_number_and_text_is_none(name: str, keyword: str, property_name: str) -> None:
    # The official translators refuse the file for either, though the number is right.
    file = SCIENCE if name == "LSSTComCam" else next(iter(FILES[name]))
    value = translated(name, merged(name, file) | {keyword: 2})[property_name]
    assert (value, type(value)) == (2.0, float)
    with pytest.raises(TypeError, match=property_name):
        translated(name, merged(name, file) | {keyword: "2"})
