# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues of sources to inject as they are declared, checked without looking at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

MAGNITUDE = "mag"
"""The column of magnitudes that ``lsst.source.injection`` reads by default (``mag_col``)."""

_WAYS = ("band_column", "bands", "magnitudes")


@dataclass(frozen=True)
class Catalog:
    """A file with sources.

    Parameters
    ----------
    path, option : `str`
        The file, and the option that declares it.
    format : `str` or `None`
        What astropy calls its format, where it does not recognize it.
    columns : `~collections.abc.Mapping` [ `str`, `str` ]
        Other names for columns, where these are not there yet.
    defaults : `~collections.abc.Mapping` [ `str`, `object` ]
        Columns of one value, where they are not there.
    band_column : `str` or `None`
        The column with the band of each row.
    band_names : `~collections.abc.Mapping` [ `str`, `str` ]
        What values in it are called in the repository.
    bands : `tuple` [ `str`, ... ]
        Or the bands that all rows are in.
    magnitudes : `~collections.abc.Mapping` [ `str`, `str` ]
        Or the column with the magnitudes of each band.
    """

    path: str
    option: str
    format: str | None
    columns: Mapping[str, str]
    defaults: Mapping[str, Any]
    band_column: str | None
    band_names: Mapping[str, str]
    bands: tuple[str, ...]
    magnitudes: Mapping[str, str]


def declared_catalogs(items: Sequence[Mapping[str, Any]]) -> tuple[Catalog, ...]:
    """Make catalogues from a module's checked arguments.

    Parameters
    ----------
    items : `~collections.abc.Sequence`
        The value of ``catalogs``.

    Returns
    -------
    catalogs : `tuple` [ `Catalog`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised for relative paths, and catalogues whose bands are given in no way or several.
    """
    if not items:
        raise ButlerError("at least one is needed", option="catalogs")
    return tuple(_catalog(item, f"catalogs[{index}]") for index, item in enumerate(items))


def _catalog(item: Mapping[str, Any], option: str) -> Catalog:
    path = item["path"]
    if not Path(path).is_absolute():
        raise ButlerError(f"{path} is relative, expected an absolute path", option=f"{option}.path")
    given = [way for way in _WAYS if item[way]]
    if len(given) != 1:
        said = f"{' and '.join(given)} are given" if given else "none is given"
        raise ButlerError(
            f"the bands of its rows are expected in one of band_column, bands and magnitudes; {said}",
            option=option,
        )
    if item["band_names"] and not item["band_column"]:
        raise ButlerError("it is for the values of a band_column", option=f"{option}.band_names")
    for name in ("columns", "band_names", "magnitudes"):
        for key, value in (item[name] or {}).items():
            if not isinstance(value, str) or not value:
                raise ButlerError(f"{key}: {value!r} is no name", option=f"{option}.{name}")
    if repeated := sorted({band for band in item["bands"] or () if item["bands"].count(band) > 1}):
        raise ButlerError(f"{', '.join(repeated)} is there more than once", option=f"{option}.bands")
    for key, value in (item["defaults"] or {}).items():
        if not isinstance(value, (str, bool, int, float)):
            raise ButlerError(f"{key}: {value!r} is no text or number", option=f"{option}.defaults")
    return Catalog(
        path=path,
        option=option,
        format=item["format"],
        columns=item["columns"] or {},
        defaults=item["defaults"] or {},
        band_column=item["band_column"],
        band_names=item["band_names"] or {},
        bands=tuple(item["bands"] or ()),
        magnitudes=item["magnitudes"] or {},
    )
