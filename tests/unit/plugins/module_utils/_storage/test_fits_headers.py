# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers are read as the official tools read them, and files that are no raws are named."""

from __future__ import annotations

import functools
import gzip
import json
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_headers import (
    BLOCK,
    read_extension_headers,
    read_header,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import list_raws
from astro_metadata_translator.file_helpers import read_basic_metadata_from_file
from astropy.io import fits
from lsst.resources import ResourcePath

RAWS = Path(__file__).parents[3] / "data/raws"
STRUCTURE = {"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", "PCOUNT", "GCOUNT"}


def write(path: Path, hdus: list[dict[str, Any]], *, pixels: int = 2) -> Path:
    """Write a FITS file with these headers, and an image in every extension."""
    made: list[Any] = []
    for number, values in enumerate(hdus):
        header = fits.Header()
        for key, value in values.items():
            if key not in STRUCTURE:
                header[f"HIERARCH {key}" if len(key) > 8 or " " in key else key] = value
        image = np.zeros((pixels, pixels), dtype=np.int32)
        made.append(fits.ImageHDU(image, header=header) if number else fits.PrimaryHDU(header=header))
    fits.HDUList(made).writeto(path)
    return path


def first_file(name: str) -> list[dict[str, Any]]:
    files = json.loads((RAWS / f"{name}.json").read_text())["files_headers_by_hdu"]
    hdus: list[dict[str, Any]] = next(iter(files.values()))
    return hdus


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write(tmp_path / "raw.fits", first_file("LSSTComCam"))


@pytest.mark.parametrize("name", ["LSSTComCam", "LSSTCam", "LSSTCam-imSim", "DECam"])
def test_every_value_comes_back(name: str, tmp_path: Path) -> None:
    hdus = first_file(name)
    header = read_header(write(tmp_path / "a.fits", hdus))
    for key, value in hdus[0].items():
        if key not in STRUCTURE:
            assert (header[key], type(header[key])) == (value, type(value)), key


def test_the_primary_header_alone_is_read_where_it_is_enough(raw: Path) -> None:
    header = read_header(raw, enough=lambda values: values["INSTRUME"] == "ComCam")
    assert "EXTNAME" not in header
    assert header["FILTER"] == "g_01"
    assert header["RA"] is None
    assert header["SIMULATE MTMOUNT"] == 0


def test_the_first_extension_is_merged_over_a_primary_header_that_is_not_enough(tmp_path: Path) -> None:
    # As compression leaves a file: hardly anything in the primary header.
    primary, extension = first_file("LSSTComCam")
    path = write(tmp_path / "a.fits.fz", [{"CAMERA": "x", "MJD": 1.0}, primary | extension, {"CAMERA": "y"}])
    reader = HeaderReader(find_built_in("LSSTComCam"))  # type: ignore[arg-type]
    header = read_header(path, enough=reader.recognises)
    official = read_basic_metadata_from_file(str(path), -1)
    assert official is not None
    assert {key: header[key] for key in primary if key not in STRUCTURE} == {
        key: value for key, value in primary.items() if key not in STRUCTURE
    }
    for key, value in official.items():
        if key:
            assert header[key] == (None if isinstance(value, fits.card.Undefined) else value), key
    assert header["CAMERA"] == "x"
    assert header["MJD"] == primary["MJD"]
    assert reader.identify(header, str(path)).exposure == 2024110800010


def test_a_primary_header_that_is_not_enough_and_alone_is_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.fits", [{"CAMERA": "x"}])
    assert read_header(path, enough=lambda values: "INSTRUME" in values)["CAMERA"] == "x"


def test_each_wanted_extension_is_merged_over_the_primary_header(tmp_path: Path) -> None:
    hdus = first_file("DECam")
    guider = hdus[1] | {"CCDNUM": 63}
    path = write(tmp_path / "decam.fits", [hdus[0], *hdus[1:], guider, {"EXTNAME": "TABLE"}])
    reader = HeaderReader(find_built_in("DECam"))  # type: ignore[arg-type]
    headers = read_extension_headers(path, reader.has_raw)
    assert [header["CCDNUM"] for header in headers] == [hdu["CCDNUM"] for hdu in hdus[1:]]
    assert {header["EXPNUM"] for header in headers} == {hdus[0]["EXPNUM"]}


@pytest.mark.parametrize("kind", ["path", "resource", "uri"])
def test_a_file_may_be_named_in_any_way(kind: str, raw: Path) -> None:
    uri = {"path": str(raw), "resource": ResourcePath(str(raw)), "uri": raw.as_uri()}[kind]
    assert read_header(uri)["SEQNUM"] == 10


def test_a_remote_file_is_read_through_its_storage(raw: Path) -> None:
    handler = functools.partial(SimpleHTTPRequestHandler, directory=raw.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        try:
            assert read_header(f"{place}/raw.fits") == read_header(str(raw))
            assert list_raws([f"{place}/raw.fits"]).files == (f"{place}/raw.fits",)
            with pytest.raises(ButlerError, match=f"^{place}/gone.fits is not there$"):
                read_header(f"{place}/gone.fits")
            with pytest.raises(ButlerError) as caught:
                list_raws([f"{place}/gone.fits"])
        finally:
            server.shutdown()
    assert caught.value.details == (f"sources[0]: {place}/gone.fits is not there",)


def test_a_packed_file_is_unpacked(raw: Path, tmp_path: Path) -> None:
    packed = tmp_path / "raw.fits.gz"
    packed.write_bytes(gzip.compress(raw.read_bytes()))
    assert read_header(packed.as_posix()) == read_header(str(raw))
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(ButlerError, match=f"^{packed} can't be read: Compressed file ended"):
        read_header(str(packed))


def test_long_text_and_commentary_do_no_harm(tmp_path: Path) -> None:
    header = fits.Header()
    header["LONGTEXT"] = "x" * 200
    header["QUOTES"] = "it's"
    header["COMMENT"] = "nothing"
    header["HISTORY"] = "nothing"
    header[""] = "nothing"
    header["TWICE"] = 1
    header.append(("TWICE", 2))
    fits.PrimaryHDU(header=header).writeto(tmp_path / "a.fits")
    values = read_header(str(tmp_path / "a.fits"))
    assert {key: value for key, value in values.items() if key not in STRUCTURE} == {
        "LONGTEXT": "x" * 200,
        "QUOTES": "it's",
        "TWICE": 1,
    }


@pytest.mark.parametrize("pixels", [2, 100])
def test_a_truncated_file_is_named_wherever_it_ends(pixels: int, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.fits", first_file("DECam"), pixels=pixels).read_bytes()
    path = tmp_path / "short.fits"
    path.write_bytes(whole)
    assert read_header(str(path))["EXPNUM"]
    with fits.open(path) as hdus:
        # Ends at which nothing is missing but whole extensions, which only the camera could miss.
        complete = {hdu.fileinfo()["datLoc"] + hdu.fileinfo()["datSpan"] for hdu in hdus}
    ends = [1, 79, BLOCK - 1, BLOCK, BLOCK + 5, *range(7, len(whole), 1511), *range(BLOCK, len(whole), BLOCK)]
    for end in ends:
        path.write_bytes(whole[:end])
        if end in complete:
            assert read_header(str(path))["EXPNUM"]
            continue
        with pytest.raises(ButlerError, match=f"^{path} is (truncated|no FITS file): ") as caught:
            read_header(str(path))
        assert ("is truncated" in str(caught.value)) == (end > 8), end


def test_a_truncated_file_tells_where_it_ends(raw: Path) -> None:
    whole = raw.read_bytes()
    raw.write_bytes(whole[:-1])
    with pytest.raises(ButlerError) as caught:
        read_header(str(raw))
    assert str(caught.value) == (
        f"{raw} is truncated: it ends within the data of HDU 1, which reach to byte {len(whole)}"
    )
    # The headers are all there: whoever does not mind may have them.
    assert read_header(str(raw), whole=False)["SEQNUM"] == 10
    raw.write_bytes(whole[: BLOCK + 100])
    with pytest.raises(ButlerError, match="is truncated: it ends within the header of HDU 0"):
        read_header(str(raw), whole=False)


def test_records_after_the_last_extension_do_no_harm(raw: Path) -> None:
    with raw.open("ab") as stream:
        stream.write(b"\0" * BLOCK)
    assert read_header(str(raw))["SEQNUM"] == 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (0 bytes), expected a FITS file"),
        (b"<html>not found</html>", "is no FITS file: it begins with b'<html>not found<'"),
        (b"\x7fELF" + bytes(5000), "is no FITS file: it begins with b'\\x7fELF"),
        (b"SIMPLE  =                    T".ljust(BLOCK), "is truncated: it ends within the header of HDU 0"),
        (
            (b"SIMPLE  =                    T".ljust(80) + b"A       = '\xff'".ljust(80) + b"END").ljust(
                BLOCK
            ),
            "is no FITS file: the header of HDU 0 is not ASCII",
        ),
        (
            (b"SIMPLE  =                    T".ljust(80) + b"NAXIS   = many".ljust(80) + b"END").ljust(BLOCK),
            "has a header that can't be understood: ",
        ),
    ],
)
def test_what_is_no_fits_file_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    with pytest.raises(ButlerError) as caught:
        read_header(str(path))
    assert str(caught.value).startswith(f"{path} {said}")


def test_an_extension_of_unknown_size_is_named(raw: Path) -> None:
    content = raw.read_bytes()
    at = content.index(b"NAXIS1  =")
    raw.write_bytes(content[: at + 10] + b"wide".ljust(20) + content[at + 30 :])
    with pytest.raises(
        ButlerError, match=f"^{raw} is no FITS file: keyword NAXIS1 is 'wide', expected a whole"
    ):
        read_header(str(raw))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ButlerError, match=f"^{tmp_path}/a.fits is not there$"):
        read_header(str(tmp_path / "a.fits"))
    link = tmp_path / "link.fits"
    link.symlink_to("gone.fits")
    with pytest.raises(ButlerError, match=f"^{link} is a symbolic link to gone.fits, which is not there$"):
        read_header(str(link))
    with pytest.raises(ButlerError, match=f"^{tmp_path} can't be read: Is a directory$"):
        read_header(str(tmp_path))


def test_a_file_that_may_not_be_read_is_named(raw: Path, without_privileges: None) -> None:
    assert without_privileges is None
    with pytest.raises(ButlerError, match=f"^{raw} can't be read: Permission denied$"):
        read_header(os.fspath(raw))
