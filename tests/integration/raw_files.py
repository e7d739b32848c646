# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Raw files whose headers, and what the official ingest made of them, are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from tests.integration.ansible_play import CHECKOUT

Header = dict[str, Any]
_STRUCTURE = {"SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "EXTEND"}


@cache
def official(name: str = "LSSTComCam") -> dict[str, Any]:
    """Give headers and records of an instrument as the official ingest had and made them."""
    facts: dict[str, Any] = json.loads((CHECKOUT / f"tests/unit/data/raws/{name}.json").read_text())
    return facts


@cache
def official_datasets(name: str = "LSSTComCam") -> dict[str, Any]:
    """Give the datasets that the official ingest made of an instrument's raws."""
    facts: dict[str, Any] = json.loads((CHECKOUT / f"tests/integration/data/{name}-raws.json").read_text())
    return facts


def write_fits(path: Path, hdus: list[Header]) -> None:
    """Write a FITS file with the given headers, and four pixels in each extension."""
    made: list[Any] = [fits.PrimaryHDU()]
    made += [fits.ImageHDU(np.zeros((2, 2), dtype="int32")) for _unused in hdus[1:]]
    for hdu, header in zip(made, hdus, strict=True):
        for keyword, value in header.items():
            if keyword not in _STRUCTURE:
                name = keyword if len(keyword) <= 8 and " " not in keyword else f"HIERARCH {keyword}"
                hdu.header[name] = fits.card.Undefined() if value is None else value
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(made).writeto(path, output_verify="silentfix", overwrite=True)


def write_raws(
    folder: Path,
    *,
    wanted: Callable[[str], bool] = lambda _name: True,
    name: str = "LSSTComCam",
    changed: Header | None = None,
) -> list[Path]:
    """Write the raw files of which the official results are known.

    Parameters
    ----------
    folder : `pathlib.Path`
        Where to.
    wanted : `~collections.abc.Callable`
        Tells from the relative path whether to write a file.
    name : `str`
        The instrument.
    changed : `dict`, optional
        Values to put into each primary header instead.

    Returns
    -------
    paths : `list` [ `pathlib.Path` ]
        The files, sorted.
    """
    paths = []
    for relative, hdus in sorted(official(name)["files_headers_by_hdu"].items()):
        if wanted(relative):
            write_fits(folder / relative, [hdus[0] | (changed or {}), *hdus[1:]])
            paths.append(folder / relative)
    return paths


TOTAL = len(official_datasets()["datasets"])
"""How many raws there are in `write_raws`."""
