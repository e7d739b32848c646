# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw headers become the records that the official ingest writes."""

from __future__ import annotations

import json
import math
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from astropy.io import fits
from lsst.daf.butler import DimensionUniverse, Timespan

CHECKOUT = Path(__file__).parents[5]
DATA = CHECKOUT / "tests/unit/data/raws"
ROOTS = [root for root in (DATA, CHECKOUT.parent / "shared/reference/golden/raws") if root.is_dir()]
NAMES = ["LSSTComCam", "LSSTCam-imSim", "LSSTCam", "DECam"]

VARIATIONS: dict[str, Any] = json.loads((DATA / "variations.json").read_text())
ACCEPTED = [case for case in VARIATIONS["cases"] if "refused" not in case]
REFUSED = [case for case in VARIATIONS["cases"] if "refused" in case]
REASONS = {
    "no day in the header": "keyword DAYOBS is missing or has no value",
    "no counter": "keyword SEQNUM is missing or has no value",
    "controller X": "CONTRLLR 'X' is no controller; expected one of O, C, H, P, Q, S",
    # The official rule for ids takes these two, and the one for days does not: so they are refused.
    "dashes in the day": "observing_day",
    "a time in the day": "observing_day",
    "a counter too large": "SEQNUM 100000 is out of range; expected 0 to 99999",
    "no date at all": "keyword MJD-BEG is missing or has no value",
    "no exposure time": "keyword EXPTIME is missing or has no value",
    "no type": "keyword IMGTYPE is missing or has no value",
    "no type but the keyword": "keyword IMGTYPE is missing or has no value",
    "no identifier": "keyword OBSID is missing or has no value",
    "no such slot": "R22_S99 is no detector of LSSTComCam",
    "no slot": "keyword CCDSLOT is missing or has no value",
    "a raft of LSSTCam": "R10_S00 is no detector of LSSTComCam",
    "a calibration product": "the keyword CALIB_ID says that it is a calibration product and no raw",
    "no filter": "keyword FILTER is missing or has no value",
}
SCIENCE = "20241108/CC_O_20241108_000266/CC_O_20241108_000266_R22_S00.fits"


def golden(root: Path, name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((root / f"{name}.json").read_text())
    return facts


def built_in(name: str) -> InstrumentDefinition:
    definition = find_built_in(name)
    assert definition is not None
    return definition


def headers_of(reader: HeaderReader, hdus: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The headers of the raws in a file, given the headers of its HDUs."""
    if reader.extension_keyword:
        return [hdus[0] | hdu for hdu in hdus[1:] if reader.has_raw(hdu)]
    return [hdus[0] if reader.recognises(hdus[0]) else hdus[0] | hdus[1]]


def plain(value: object) -> object:
    return list(value.nsec) if isinstance(value, Timespan) else value


def assert_equal(ours: dict[str, Any], theirs: dict[str, Any], what: object) -> None:
    for column, expected in theirs.items():
        value = plain(ours[column])
        if isinstance(expected, dict):
            expected = expected["nsec"]
        if isinstance(expected, float):
            assert isinstance(value, float), (what, column, value)
            assert math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e-12), (what, column, value, expected)
        else:
            assert (value, type(value)) == (expected, type(expected)), (what, column)
    assert list(ours) == list(theirs), what


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.parts[-4])
@pytest.mark.parametrize("name", NAMES)
def test_every_column_of_every_record_is_the_official_one(name: str, root: Path) -> None:
    official = golden(root, name)
    reader = HeaderReader(built_in(name))
    made: dict[str, dict[Any, dict[str, Any]]] = {"day_obs": {}, "group": {}, "exposure": {}}
    for file, hdus in official["files_headers_by_hdu"].items():
        for header in headers_of(reader, hdus):
            for element, record in reader.describe(header, file).records().items():
                key = record["name" if element == "group" else "id"]
                # Whichever file of an exposure is read, its records are the same.
                assert made[element].setdefault(key, record) == record
    for element, records in made.items():
        expected = {record["name" if element == "group" else "id"]: record for record in official[element]}
        assert records.keys() == expected.keys()
        for key, record in records.items():
            assert_equal(record, expected[key], (element, key))


@pytest.mark.parametrize("name", NAMES)
def test_each_raw_is_identified_without_translating_everything(name: str) -> None:
    official = golden(DATA, name)
    reader = HeaderReader(built_in(name))
    raws = [
        reader.identify(header, file)
        for file, hdus in official["files_headers_by_hdu"].items()
        for header in headers_of(reader, hdus)
    ]
    assert sorted((raw.exposure, raw.detector) for raw in raws) == sorted(
        (entry["data_id"]["exposure"], entry["data_id"]["detector"]) for entry in official["raw_datasets"]
    )
    filters = {exposure["id"]: exposure["physical_filter"] for exposure in official["exposure"]}
    assert {raw.exposure: raw.physical_filter for raw in raws} == filters
    assert {raw.instrument for raw in raws} == {name}
    assert {entry["formatter"] for entry in official["raw_datasets"]} == {built_in(name).raw_formatter}


@pytest.mark.parametrize("name", NAMES)
def test_the_filters_of_the_headers_are_defined(name: str) -> None:
    official = golden(DATA, name)
    assert {entry["physical_filter"] for entry in official["exposure"]} <= built_in(name).bands.keys()


def base_of(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header that a case changes, and the columns that the official tool makes of it unchanged."""
    if case["file"] is None:
        return VARIATIONS["laboratory_header"], VARIATIONS["laboratory_exposure"]
    official = golden(DATA, case["instrument"])
    header = official["files_headers_by_hdu"][case["file"]][0]
    info = HeaderReader(built_in(case["instrument"])).describe(header, case["file"])
    [columns] = [entry for entry in official["exposure"] if entry["id"] == info.id]
    [day] = [entry for entry in official["day_obs"] if entry["id"] == info.day_obs]
    return header, columns | {"day_obs_timespan": day["timespan"]}


def varied(case: dict[str, Any], header: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in header.items() if key not in case["drop"]} | case["set"]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: f"{case['instrument']}-{case['title']}")
def test_unusual_headers_are_understood_as_officially(case: dict[str, Any]) -> None:
    header, columns = base_of(case)
    reader = HeaderReader(built_in(case["instrument"]))
    info = reader.describe(varied(case, header), "a.fits")
    ours = info.records()["exposure"] | {"day_obs_timespan": info.day_obs_timespan}
    assert_equal(ours, columns | case["differs"], case["title"])
    raw = reader.identify(varied(case, header), "a.fits")
    assert (raw.exposure, raw.physical_filter) == (info.id, info.physical_filter)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['instrument']}-{case['title']}")
def test_what_the_official_tool_refuses_is_refused_naming_file_and_reason(case: dict[str, Any]) -> None:
    header, _unused = base_of(case)
    with pytest.raises(ButlerError) as caught:
        HeaderReader(built_in(case["instrument"])).describe(varied(case, header), "/data/a.fits")
    message = str(caught.value)
    assert message.startswith("/data/a.fits: can't work out ")
    assert REASONS[case["title"]] in message
    assert case["instrument"] in message


@pytest.mark.parametrize(
    ("keyword", "name"),
    [
        ("DAYOBS", "exposure_id"),
        ("SEQNUM", "exposure_id"),
        ("RAFTBAY", "detector_num"),
        ("CCDSLOT", "detector_num"),
    ],
)
@pytest.mark.parametrize("missing", ["absent", "without a value"])
def test_a_missing_keyword_is_named_when_a_file_is_identified(keyword: str, name: str, missing: str) -> None:
    header = dict(golden(DATA, "LSSTComCam")["files_headers_by_hdu"][SCIENCE][0])
    if missing == "absent":
        del header[keyword]
    else:
        header[keyword] = None
    with pytest.raises(ButlerError) as caught:
        HeaderReader(built_in("LSSTComCam")).identify(header, "b.fits")
    assert str(caught.value) == (
        f"b.fits: can't work out {name} of a raw of LSSTComCam: keyword {keyword} is missing or has no value"
    )


@pytest.mark.parametrize("method", ["identify", "describe"])
@pytest.mark.parametrize("other", ["LSSTCam-imSim", "LSSTCam", "DECam"])
def test_a_raw_of_another_instrument_names_both(other: str, method: str) -> None:
    file, hdus = next(iter(golden(DATA, other)["files_headers_by_hdu"].items()))
    with pytest.raises(ButlerError) as caught:
        getattr(HeaderReader(built_in("LSSTComCam")), method)(hdus[0] | hdus[1], file)
    message = str(caught.value)
    assert message.startswith(f"{file} is a raw of {other} (")
    assert message.endswith("expected a raw of LSSTComCam")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"INSTRUME": "LATISS", "TELESCOP": "AuxTel"}, "(INSTRUME='LATISS', TELESCOP='AuxTel')"),
        ({"INSTRUME": None}, "(its header has no INSTRUME)"),
        ({"INSTRUME": 5, "FILTER": 7}, "(INSTRUME=5)"),
        ({}, "(its header has no INSTRUME)"),
    ],
)
def test_a_file_of_an_unknown_instrument_is_said(header: dict[str, Any], said: str) -> None:
    with pytest.raises(ButlerError) as caught:
        HeaderReader(built_in("LSSTComCam")).identify(header, "c.fits")
    assert str(caught.value) == (
        f"c.fits is no raw of an instrument that is known here {said}, expected a raw of LSSTComCam"
    )


def test_an_instrument_that_nothing_translates_is_said() -> None:
    mine = InstrumentDefinition("MyCam", "my.Cam", 1, 1, 1, 0, (), (), "my.Formatter")
    with pytest.raises(ButlerError, match="nothing here translates the raw headers of MyCam") as caught:
        HeaderReader(mine)
    assert "LSSTComCam" in caught.value.details[0]


def test_translating_leaves_the_header_as_it_is() -> None:
    header = golden(DATA, "LSSTComCam")["files_headers_by_hdu"][SCIENCE][0]
    before = dict(header)
    reader = HeaderReader(built_in("LSSTComCam"))
    reader.identify(header, "a.fits")
    reader.describe(header, "a.fits")
    assert header == before


def test_results_travel_between_processes() -> None:
    header = golden(DATA, "LSSTComCam")["files_headers_by_hdu"][SCIENCE][0]
    reader = HeaderReader(built_in("LSSTComCam"))
    for result in (reader.identify(header, "a.fits"), reader.describe(header, "a.fits")):
        assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize("name", NAMES)
def test_the_records_fit_the_dimensions_of_the_butler(name: str) -> None:
    universe = DimensionUniverse()
    reader = HeaderReader(built_in(name))
    file, hdus = next(iter(golden(DATA, name)["files_headers_by_hdu"].items()))
    for element, columns in reader.describe(headers_of(reader, hdus)[0], file).records().items():
        record = universe[element].RecordClass(**columns)
        assert {column: getattr(record, column) for column in columns} == columns
        assert set(record.toDict()) == set(columns)


def test_an_operators_correction_file_takes_the_place_of_the_known_correction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = [case for case in ACCEPTED if case["title"] == "a group that is known to be wrong"]
    header = varied(case, base_of(case)[0])
    reader = HeaderReader(built_in("LSSTComCam"))
    assert reader.describe(header, "a.fits").group == "2024-11-17T02:42:26.310#2"
    monkeypatch.setenv("METADATA_CORRECTIONS_PATH", os.pathsep.join(["", str(tmp_path)]))
    assert reader.describe(header, "a.fits").group == "2024-11-17T02:42:26.310#2"
    # A date that YAML takes for one, because it is not quoted.
    (tmp_path / "LSSTComCam-CC_O_20241116_000073.yaml").write_text("GROUPID: 2024-11-17T02:00:00.500\n")
    assert reader.describe(header, "a.fits").group == "2024-11-17T02:00:00.500"


def test_headers_as_astropy_gives_them_are_understood_too() -> None:
    header = fits.Header()
    for key, value in golden(DATA, "LSSTComCam")["files_headers_by_hdu"][SCIENCE][0].items():
        header[f"HIERARCH {key}" if len(key) > 8 else key] = value
    raw = HeaderReader(built_in("LSSTComCam")).identify(header, "a.fits")
    assert (raw.exposure, raw.detector, raw.physical_filter) == (2024110800266, 0, "g_01")
