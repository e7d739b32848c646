# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sky maps a task declares."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import name_fault, shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.official import sky_map_of_file
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.options import config_from_options
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.sky_map import BuiltInSkyMap, SkyMap

LARGEST = 10_000_000
"""Bytes that a configuration, or a stored sky map, may have; those of Rubin have less than two thousand."""


@dataclass(frozen=True)
class Declared:
    """A declared sky map.

    Parameters
    ----------
    name : `str`
        What it is called in the repository.
    sky_map : `SkyMap`
        What makes its tracts and patches.
    option : `str`
        The option that declares it.
    """

    name: str
    sky_map: SkyMap
    option: str


def declared_sky_maps(given: Sequence[Mapping[str, Any]]) -> tuple[Declared, ...]:
    """Read what a task declares.

    Parameters
    ----------
    given : `~collections.abc.Sequence` [ `~collections.abc.Mapping` ]
        The option ``skymaps``; each has ``config_file``, ``rings`` or ``discrete``.

    Returns
    -------
    declared : `tuple` [ `Declared`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised for a file that can't be read or is no configuration, options that make no sky map, and sky
        maps that are declared twice.
    """
    found: list[Declared] = []
    for index, item in enumerate(given):
        option = f"skymaps[{index}]"
        declared = _declared(item, option)
        for other in found:
            if other.name == declared.name:
                raise ButlerError(
                    f"{declared.name} is declared by {other.option} already", option=f"{option}.name"
                )
            if other.sky_map.hash == declared.sky_map.hash:
                raise ButlerError(
                    f"{declared.name} has the configuration of {other.name}",
                    option=option,
                    hint="A repository has each configuration once, under one name: declare one of them.",
                )
        found.append(declared)
    return tuple(found)


def _declared(item: Mapping[str, Any], option: str) -> Declared:
    name, path = item["name"], item["config_file"]
    if path is not None:
        text = _read(path, f"{option}.config_file")
        try:
            found, sky_map = sky_map_of_file(text, path, name)
        except ButlerError as error:
            error.option = f"{option}.config_file"
            raise
        return Declared(found, sky_map, option)
    kind = "rings" if item["rings"] is not None else "discrete"
    if name is None:
        raise ButlerError(f"a sky map of {kind} needs a name", option=f"{option}.name")
    if expected := name_fault(name):
        raise ButlerError(f"it is {shown(name)}, expected {expected}", option=f"{option}.name")
    config = config_from_options(kind, item[kind], option=f"{option}.{kind}")
    return Declared(name, BuiltInSkyMap(config), option)


def _read(path: str, option: str) -> str:
    file = Path(path)
    try:
        if file.exists() and not file.is_file():
            raise OSError(errno.EINVAL, "it is no regular file")
        if file.stat().st_size > LARGEST:
            raise OSError(errno.EFBIG, f"it has more than {LARGEST} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ButlerError(
            f"{path} can't be read on the managed host: {reason}",
            option=option,
            hint="Give the absolute path of a file that is there, or declare the options as rings.",
        ) from None
