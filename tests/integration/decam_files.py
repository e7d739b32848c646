# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of DECam, which hold many raws each, and the tables in which the DEEP survey lists them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from astropy.io import fits
from astropy.table import Table

from tests.integration.raw_files import official, write_fits, write_raws

DETECTORS = range(1, 63)
ZERO, FLAT, OBJECT, LATER = 160496, 160502, 177764, 229388
NIGHT = 20190402
PER_FILE = 3


def sample(number: int) -> str:
    """Give the name of the file of an exposure."""
    return f"DECam_{number:08}.fits"


def write_exposure(path: Path, number: int, detectors: Iterable[int] = DETECTORS) -> None:
    """Write a file with the primary header of one of the samples, and extensions of a few cards.

    Parameters
    ----------
    path : `pathlib.Path`
        Where to.
    number : `int`
        The exposure.
    detectors : `~collections.abc.Iterable` [ `int` ], optional
        All that there are, by default.
    """
    primary = official("DECam")["files_headers_by_hdu"][sample(number)][0]
    write_fits(path, [primary, *({"EXTNAME": f"D{one}", "CCDNUM": one} for one in detectors)])


def spoil_extensions(path: Path) -> None:
    """Make the extensions of a file unreadable, and leave the primary header."""
    with fits.open(path) as hdus:
        start = hdus[1].fileinfo()["hdrLoc"]
    with path.open("r+b") as stream:
        stream.seek(start)
        stream.write(bytes(path.stat().st_size - start))


def write_deep(folder: Path, *, types: Mapping[int, str] | None = None) -> dict[int, Path]:
    """Write the samples as the DEEP survey keeps them: renamed, in two tables.

    Parameters
    ----------
    folder : `pathlib.Path`
        Gets ``exposures.ecsv``, ``downloaded_exposures.ecsv`` and the files in ``images``.
    types : `~collections.abc.Mapping` [ `int`, `str` ], optional
        What the table calls the exposures.

    Returns
    -------
    files : `dict` [ `int`, `pathlib.Path` ]
        The files by exposure.
    """
    types = types or {ZERO: "zero", FLAT: "dome flat", OBJECT: "object", LATER: "object"}
    files = {}
    for path in write_raws(folder / "images", name="DECam"):
        number = int(path.stem.removeprefix("DECam_"))
        files[number] = path.rename(path.with_name(f"{md5(path)}_c4d_{number}.fits"))
    write_tables(folder, [(number, NIGHT, types[number], path) for number, path in files.items()])
    return files


def write_tables(
    folder: Path,
    rows: Sequence[tuple[int, int, str, Path]],
    *,
    invalid: Sequence[int] = (),
    absent: Sequence[int] = (),
    digests: Mapping[int, str] | None = None,
) -> None:
    """Write the tables of exposures and of what was downloaded.

    Parameters
    ----------
    folder : `pathlib.Path`
        Where to.
    rows : `~collections.abc.Sequence`
        Exposure, night, type and file. Paths are told as they were on the host of the download.
    invalid, absent : `~collections.abc.Sequence` [ `int` ], optional
        Exposures whose files are broken there, and those that were not downloaded.
    digests : `~collections.abc.Mapping` [ `int`, `str` ], optional
        Digests that are told instead of those of the files.
    """
    sums = {number: md5(path) for number, _night, _kind, path in rows} | dict(digests or {})
    columns: dict[str, list[Any]] = {
        "obs_type": [kind for _number, _night, kind, _path in rows],
        "md5sum": [sums[number] for number, *_unused in rows],
        "proc_type": ["raw" for _unused in rows],
        "EXPNUM": [number for number, *_unused in rows],
        "night": [night for _number, night, *_unused in rows],
    }
    got = [row for row in reversed(rows) if row[0] not in absent]
    downloaded: dict[str, list[Any]] = {
        "path": [f"/download/{path.name}" for *_unused, path in got],
        "md5sum": [sums[number] for number, *_unused in got],
        "valid_on_disk": [number not in invalid for number, *_unused in got],
    }
    Table(columns).write(folder / "exposures.ecsv", format="ascii.ecsv", overwrite=True)
    Table(downloaded).write(folder / "downloaded_exposures.ecsv", format="ascii.ecsv", overwrite=True)


def md5(path: Path) -> str:
    """Give the digest of a file's content."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
