# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of ccms1: the same each time, complete, consistent in itself and with the real camera."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from lsst.sphgeom import ConvexPolygon, HtmPixelization, LonLat, UnitVector3d

from tools.sample_ccms1.__main__ import main
from tools.sample_ccms1.campaign import DETECTORS, FILTERS, Night, Sequence, instrument_record
from tools.sample_ccms1.exposures import Exposure, all_exposures, good_exposures, pointing
from tools.sample_ccms1.sample import sample_files
from tools.sample_ccms1.visits import detector_region, visit_region
from tools.samples.camera import Field
from tools.samples.writing import write_sample

# The primary header of a real LSSTComCam raw of 2024-11, without the structural keywords.
KEYWORDS = """
BINX BINY CCDGAIN CCDNOISE DATE MJD IMGTYPE DATE-OBS MJD-OBS DATE-TRG MJD-TRG OBSID DATE-BEG MJD-BEG
DATE-END MJD-END BUNIT TIMESYS GROUPID INSTRUME TELESCOP OBS-LONG OBS-LAT OBS-ELEV OBSGEO-X OBSGEO-Y
OBSGEO-Z RA DEC RASTART DECSTART RAEND DECEND ROTPA ROTCOORD HASTART ELSTART AZSTART AMSTART HAEND ELEND
AZEND AMEND TRACKSYS RADESYS FOCUSZ OBJECT VIGNETTE VIGN_MIN TESTTYPE CAMCODE CONTRLLR DAYOBS SEQNUM
PROGRAM REASON CURINDEX MAXINDEX TSTAND IMAGETAG OBSANNOT CCD_MANU CCD_TYPE CCDSLOT RAFTBAY FIRMWARE
PLATFORM CONTNUM DAQVERS DAQPART DAQFOLD SEQFILE SEQNAME SEQCKSUM LSST_NUM CCD_SERN REBNAME RAFTNAME
FPVERS IHVERS FILTBAND FILTER FILTPOS FILTSLOT EXPTIME DARKTIME SHUTTIME AIRTEMP PRESSURE HUMIDITY
WINDSPD WINDDIR SEEING HEADVER FILENAME
"""
LONG_KEYWORDS = {
    "SIMULATE": "MTMOUNT MTM1M3 MTM2 CAMHEXAPOD M2HEXAPOD MTROTATOR MTDOME MTDOMETRAJECTORY",
    "SIMULATED": "MJD-OBS DATE-OBS DATE-END",
    "STUTTER": "ROWS DELAY NSHIFTS",
}
# What a real header of a bias has no value for.
UNDEFINED = "RA DEC RASTART DECSTART RAEND DECEND ROTPA ROTCOORD HASTART AMSTART HAEND AMEND RADESYS SEEING"
SERIALS = (229, 251, 215, 326, 283, 243, 319, 209, 206)

# Regions that the official define-visits made for the boresight (359.95, -44.5) and the sky angle 200.
VISIT_CORNERS = [
    (0.5977045426024251, -44.28342186778062),
    (359.6477687501391, -44.037007523138655),
    (359.2974149480569, -44.712747360851694),
    (0.25697055917398637, -44.962040097442824),
]
DETECTOR_CORNERS = {
    0: [
        (359.9803720222306, -44.12455770762656),
        (359.6477687501391, -44.037007523138655),
        (359.52709302499795, -44.272023941480796),
        (359.8607731949849, -44.3598090852034),
    ],
    5: [
        (0.48722230232591746, -44.50493274662865),
        (0.1517348657745286, -44.419053125719),
        (0.032233523295304246, -44.654356137591456),
        (0.3688650371239869, -44.74066583364072),
    ],
}


def contents(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def states(root: Path) -> dict[str, tuple[int, int, int]]:
    """Give inode, time and size of everything, directories too."""
    entries = {str(path): path.stat() for path in [root, *root.rglob("*")]}
    return {name: (entry.st_ino, entry.st_mtime_ns, entry.st_size) for name, entry in entries.items()}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return sample_files()


@pytest.fixture(scope="module")
def headers(data: Path) -> dict[str, fits.Header]:
    raws = sorted((data / "raw" / "LSSTComCam").rglob("*"))
    return {str(path.relative_to(data)): fits.getheader(path) for path in raws if path.is_file()}


def test_another_process_makes_the_same_bytes(data: Path, files: dict[str, bytes]) -> None:
    assert contents(data) == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_second_run_touches_nothing(data: Path, generate: Callable[[Path], str]) -> None:
    before = states(data)
    said = generate(data)
    assert "nothing to do" in said and "782 files" in said
    assert states(data) == before


def test_partly_written_directory_is_completed(tmp_path: Path, files: dict[str, bytes]) -> None:
    names = list(files)
    write_sample(tmp_path, {name: files[name] for name in names[:300]})
    spoilt, whole = tmp_path / names[7], tmp_path / names[8]
    spoilt.write_bytes(files[names[7]][:2880])
    (tmp_path / names[9]).unlink()
    foreign = tmp_path / "raw" / "notes.txt"
    foreign.write_text("mine")
    before = states(whole)
    outcome = write_sample(tmp_path, files)
    assert (outcome.written, outcome.replaced, outcome.unchanged) == (len(files) - 299, 1, 298)
    assert states(whole) == before
    assert foreign.read_text() == "mine"
    foreign.unlink()
    assert sorted(contents(tmp_path)) == sorted(files)
    assert spoilt.read_bytes() == files[names[7]]


@pytest.mark.parametrize("below", ["", "/directory"])
def test_directory_that_cannot_be(below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    assert main([f"{tmp_path}/file{below}"]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "mine"


def test_it_is_small_and_the_manifest_counts_it(data: Path, manifest: dict[str, Any]) -> None:
    found = [path for path in data.rglob("*") if path.is_file() and path.name != "manifest.json"]
    size = sum(path.stat().st_size for path in found)
    assert manifest["files"] == {"count": len(found), "bytes": size}
    assert 1e6 < size < 50e6


def test_raws_are_where_they_belong(headers: dict[str, fits.Header], manifest: dict[str, Any]) -> None:
    found: dict[str, Counter[str]] = {}
    for path, header in headers.items():
        name = f"{header['OBSID']}_{header['RAFTBAY']}_{header['CCDSLOT']}.fits"
        assert path == f"raw/LSSTComCam/{header['DAYOBS']}/{header['OBSID']}/{name}"
        assert header["FILENAME"] == name
        assert header["OBSID"] == f"CC_O_{header['DAYOBS']}_{header['SEQNUM']:06d}"
        kind = {"OBJECT": "science"}.get(header["IMGTYPE"], header["IMGTYPE"].lower())
        found.setdefault(header["DAYOBS"], Counter())[kind] += 1
    raws = manifest["raws"]
    assert len(headers) == raws["files"] == 9 * raws["exposures"] == 252
    assert {day: {kind: n / 9 for kind, n in kinds.items()} for day, kinds in found.items()} == raws[
        "exposures_by_day"
    ]
    assert len(found) >= 3
    assert set().union(*found.values()) == {"bias", "dark", "flat", "science"}
    assert {header["FILTER"] for header in headers.values() if header["IMGTYPE"] == "OBJECT"} == {
        "u_02",
        "g_01",
        "r_03",
        "i_06",
        "z_03",
        "y_04",
    }


def test_headers_have_the_real_keywords(headers: dict[str, fits.Header]) -> None:
    long = [f"{first} {last}" for first, rest in LONG_KEYWORDS.items() for last in rest.split()]
    for header in headers.values():
        keywords = [key for key in header if key not in {"SIMPLE", "BITPIX", "NAXIS", "EXTEND"}]
        assert keywords == KEYWORDS.split() + long
        undefined = [key for key in UNDEFINED.split() if header[key] is None]
        assert undefined == (["SEEING"] if header["IMGTYPE"] == "OBJECT" else UNDEFINED.split())


def test_headers_tell_one_time(headers: dict[str, fits.Header]) -> None:
    for header in headers.values():
        for suffix in ("", "-OBS", "-TRG", "-BEG", "-END"):
            date = Time(header[f"DATE{suffix}"], format="isot", scale="tai")
            assert abs((Time(header[f"MJD{suffix}"], format="mjd", scale="tai") - date).sec) < 1e-6
        begin, end = (datetime.datetime.fromisoformat(header[key]) for key in ("DATE-BEG", "DATE-END"))
        assert abs((end - begin).total_seconds() - header["DARKTIME"]) < 1e-3
        assert header["DARKTIME"] > header["EXPTIME"] >= header["SHUTTIME"]
        assert header["DAYOBS"] == f"{begin - datetime.timedelta(hours=12):%Y%m%d}"
        assert datetime.datetime.fromisoformat(header["GROUPID"]) < begin


def test_exposures_follow_each_other() -> None:
    exposures = all_exposures()
    assert [each.id for each in exposures] == sorted({each.id for each in exposures})
    for before, after in itertools.pairwise(exposures):
        assert before.end < after.begin


def test_groups_are_as_large_as_they_say(headers: dict[str, fits.Header], manifest: dict[str, Any]) -> None:
    members: dict[str, dict[str, fits.Header]] = {}
    for header in headers.values():
        members.setdefault(header["GROUPID"], {})[header["OBSID"]] = header
    assert len(members) == manifest["raws"]["groups"]
    for group in members.values():
        places = sorted(header["CURINDEX"] for header in group.values())
        assert places == list(range(1, len(group) + 1))
        assert {header["MAXINDEX"] for header in group.values()} == {len(group)}
        assert len({header["SEQNUM"] - header["CURINDEX"] for header in group.values()}) == 1
    science = [g for g in members.values() if all(h["IMGTYPE"] == "OBJECT" for h in g.values())]
    assert {len(group) for group in science} == {1, 2}, "single exposures and a pair of snaps"


def test_headers_tell_one_detector(headers: dict[str, fits.Header]) -> None:
    exposures: dict[str, list[str]] = {}
    for header in headers.values():
        row, column = map(int, header["CCDSLOT"][1:])
        assert header["LSST_NUM"] == f"ITL-3800C-{SERIALS[3 * row + column]}"
        exposures.setdefault(header["OBSID"], []).append(header["CCDSLOT"])
    slots = ["S00", "S01", "S02", "S10", "S11", "S12", "S20", "S21", "S22"]
    assert all(sorted(found) == slots for found in exposures.values())


def test_headers_tell_one_direction(headers: dict[str, fits.Header]) -> None:
    for header in headers.values():
        assert header["FILTER"] == FILTERS[header["FILTBAND"]].name
        assert not any(header[f"SIMULATE {part}"] for part in LONG_KEYWORDS["SIMULATE"].split())
        if header["IMGTYPE"] != "OBJECT":
            assert (header["TRACKSYS"], header["ELSTART"]) == ("LOCAL", header["ELEND"])
            continue
        assert (header["TRACKSYS"], header["RADESYS"], header["ROTCOORD"]) == ("RADEC", "ICRS", "sky")
        assert abs(header["RASTART"] - header["RA"]) < 0.1 and abs(header["DECSTART"] - header["DEC"]) < 0.1
        assert 30.0 < header["ELSTART"] < 86.5
        assert 0.0 <= header["AZSTART"] < 360.0
        assert header["AMSTART"] == pytest.approx(1 / math.sin(math.radians(header["ELSTART"])))
        sidereal_hours = (
            Time(header["MJD-END"], format="mjd") - Time(header["MJD-BEG"], format="mjd")
        ).sec / 3600
        assert header["HAEND"] - header["HASTART"] == pytest.approx(1.00274 * sidereal_hours, rel=1e-3)


def test_pointing_agrees_with_a_real_header_and_with_astropy() -> None:
    begin = datetime.datetime.fromisoformat("2024-11-09T06:34:41.323")
    where = pointing(53.312407782266014, -27.994761670941685, begin)
    assert where.hour_angle == pytest.approx(1.541345763780302, abs=0.001)
    assert where.airmass == pytest.approx(1.0659132785610415, abs=0.001)
    # The header has what the mount was told, its own corrections included.
    assert where.elevation == pytest.approx(69.7265612661672, abs=0.05)
    assert where.azimuth == pytest.approx(360 - 89.1371499002191, abs=0.1)
    # astropy's AltAz, without refraction.
    assert where.elevation == pytest.approx(69.69483583643894, abs=0.01)
    assert where.azimuth == pytest.approx(270.8260768240113, abs=0.02)


def test_regions_agree_with_official_ones() -> None:
    sequence = Sequence(
        300, "2024-11-09T06:57:21.323", "OBJECT", "g", 15.0, field=Field("", 359.95, -44.5), rotation=200.0
    )
    exposure = Exposure(Night(20241108, (sequence,)), sequence, 0)
    regions = {None: visit_region(exposure)}
    regions |= {number: detector_region(exposure, DETECTORS[number]) for number in DETECTOR_CORNERS}
    for number, corners in {None: VISIT_CORNERS, **DETECTOR_CORNERS}.items():
        vertices = regions[number].getVertices()
        assert len(vertices) == len(corners)
        for lon, lat in corners:
            wanted = UnitVector3d(LonLat.fromDegrees(lon, lat))
            distance = min((wanted - vertex).getNorm() for vertex in vertices)
            assert math.degrees(distance) * 3600 < 1e-6


def test_detectors_filters_and_instrument_are_the_registered_ones() -> None:
    assert instrument_record() == {
        "name": "LSSTComCam",
        "visit_max": 7050123199999,
        "visit_system": 2,
        "exposure_max": 7050123199999,
        "detector_max": 1000,
        "class_name": "lsst.obs.lsst.LsstComCam",
    }
    assert [(d.id, d.full_name, d.slot) for d in DETECTORS] == [
        (number, f"R22_S{number // 3}{number % 3}", f"S{number // 3}{number % 3}") for number in range(9)
    ]
    assert {each.name: each.band for each in FILTERS.values()} == {
        "u_02": "u",
        "g_01": "g",
        "r_03": "r",
        "i_06": "i",
        "z_03": "z",
        "y_04": "y",
    }


def test_good_visits_are_some_of_the_science_exposures(data: Path, manifest: dict[str, Any]) -> None:
    listed = (data / "dp1_good_visits.txt").read_text().splitlines()
    assert [int(line) for line in listed] == manifest["good_visits"] == [each.id for each in good_exposures()]
    science = {str(each.id) for each in all_exposures() if each.observation_type == "science"}
    assert len(science) == manifest["raws"]["science_exposures"]
    assert 0 < len(listed) == len(set(listed)) and set(listed) < science


@pytest.mark.parametrize("name", ["the_monster_20240904", "the_monster_20250219"])
def test_refcat_tables_name_the_shards(name: str, data: Path, manifest: dict[str, Any]) -> None:
    folder = data / "raw" / "refcats" / name
    table = Table.read(folder.with_suffix(".ecsv"), format="ascii.ecsv")
    assert table.colnames[1:] == ["htm7"]
    assert list(table.columns[0]) == [f"{index}.fits" for index in table["htm7"]]
    assert sorted(table.columns[0]) == sorted(path.name for path in folder.iterdir())
    run = f"refcats/{'DM-46370' if name.endswith('0904') else 'DM-49042'}/{name}"
    assert manifest["datasets"][run] == {name: len(table)} == {name: 6}
    pixels = HtmPixelization(7)
    for index in table["htm7"]:
        stars = Table.read(folder / f"{index}.fits")
        triangle = pixels.pixel(int(index))
        assert isinstance(triangle, ConvexPolygon)
        assert triangle.contains(
            UnitVector3d(LonLat.fromRadians(stars["coord_ra"][0], stars["coord_dec"][0]))
        )
