# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files on disk, by the hundred thousand.

Below a folder there are ``raws``, the files that are ingested, and ``late``, one in a hundred more that come
later. Each exposure has a directory.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.raw_exposures import Shot, shots
from tools.sample_ccms1.campaign import DETECTORS

FILES = len(DETECTORS)
"""Files of an exposure."""

INDEX = "_index.json"
ASIDE = "_index.json.aside"
_MADE = "made.json"
_LINKS = 60_000
"""Names for one inode; ext4 allows 65,000."""


def late_exposures(exposures: int) -> int:
    """Tell how many exposures come later: one in a hundred, at least one."""
    return max(1, exposures // 100)


def make_data(folder: Path, exposures: int) -> None:
    """Write the files, unless they are there.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where to. It may be absent, empty, or hold what an earlier call for as many exposures made.
    exposures : `int`
        How many exposures ``raws`` gets.

    Raises
    ------
    FileExistsError
        Raised if there is anything else in the folder.
    """
    made = {"exposures": exposures, "files": FILES, "version": 1}
    note = folder / _MADE
    if note.is_file() and json.loads(note.read_text()) == made:
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty, and does not hold the raws of {exposures} exposures")
    for part, count, after in (
        ("raws", exposures, 0),
        ("late", late_exposures(exposures), exposures),
    ):
        for shot in shots(count, after=after):
            directory = folder / part / shot.folder
            directory.mkdir(parents=True)
            for name, content in shot.contents():
                (directory / name).write_bytes(content)
            # Last, and so not older than what it describes.
            (directory / ASIDE).write_text(shot.sidecar())
    note.write_text(json.dumps(made))


def sources(folder: Path, exposures: int, *, first: int | None = None) -> list[str]:
    """Name what is ingested.

    Parameters
    ----------
    folder : `~pathlib.Path`
        From `make_data`.
    exposures : `int`
        As there.
    first : `int`, optional
        Only so many exposures.

    Returns
    -------
    sources : `list` [ `str` ]
        The one directory of all, or those of the first exposures.
    """
    if first is None or first >= exposures:
        return [str(folder / "raws")]
    return [str(folder / "raws" / shot.folder) for shot in shots(first)]


def show_sidecars(folder: Path, exposures: int, *, shown: bool) -> None:
    """Give each directory its ``_index.json``, or put it aside.

    Parameters
    ----------
    folder : `~pathlib.Path`
        From `make_data`.
    exposures : `int`
        As there.
    shown : `bool`
        Whether it is to be found.
    """
    old, new = (ASIDE, INDEX) if shown else (INDEX, ASIDE)
    every: list[tuple[str, Shot]] = [("raws", shot) for shot in shots(exposures)]
    every += [("late", shot) for shot in shots(late_exposures(exposures), after=exposures)]
    for part, shot in every:
        directory = folder / part / shot.folder
        if (directory / old).exists():
            (directory / old).rename(directory / new)


def make_names(folder: Path, exposures: int) -> None:
    """Make files of which only the names and sidecars are their own.

    Parameters
    ----------
    folder : `~pathlib.Path`
        An absent folder.
    exposures : `int`
        How many exposures.
    """
    folder.mkdir(parents=True)
    content = next(content for _name, content in next(shots(1)).contents())
    links = 0
    source = ""
    for shot in shots(exposures):
        directory = folder / shot.folder
        directory.mkdir(parents=True)
        if links % _LINKS < FILES:
            source = f"{folder}/inode{links // _LINKS}"
            Path(source).write_bytes(content)
        for detector in DETECTORS:
            os.link(source, f"{directory}/{shot.file_name(detector)}")
        links += FILES
        (directory / INDEX).write_text(shot.sidecar())
