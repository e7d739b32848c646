# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the options of a sky map may hold, wherever they were written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    DiscreteConfig,
    SkyMapConfig,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    Field,
    fields_of,
    kind_of,
    value_of,
)

MAX_NAME = 64  # characters of skymap.name in the dimension universe
_MAX_INT = 2**31 - 1  # the hash packs integers into 32 bits
_SHOWN = 60

_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "a string",
    "bool": "True or False",
    "ints": "a list of whole numbers",
    "floats": "a list of numbers",
}

# The projections of FITS: Calabretta and Greisen 2002, and Calabretta and Roukema 2007.
_ZENITHAL = {"AZP", "SZP", "TAN", "STG", "SIN", "ARC", "ZPN", "ZEA", "AIR"}
_CYLINDRICAL = {"CYP", "CEA", "CAR", "MER", "SFL", "PAR", "MOL", "AIT"}
_CONIC = {"COP", "COE", "COD", "COO", "BON", "PCO"}
_POLYHEDRAL = {"TSC", "CSC", "QSC", "HPX", "XPH"}
PROJECTIONS = frozenset(_ZENITHAL | _CYLINDRICAL | _CONIC | _POLYHEDRAL)


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: least <= value <= _MAX_INT


def _pair(value: Any) -> bool:
    return len(value) == 2 and all(1 <= item <= _MAX_INT for item in value)


def _square(value: Any) -> bool:
    return _pair(value) and value[0] == value[1]


_PIXELS = ("a whole number of pixels from 0 on", _whole(0))
# What is expected, and how to tell. lsst.skymap itself checks num_rings > 0, ra_start, the projection's
# length, and that cells are square; the rest would fail later or give tracts without an area.
_VALUES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "patch_inner_dimensions": ("two whole numbers of pixels from 1 on: [x, y]", _pair),
    "patch_border": _PIXELS,
    "cell_inner_dimensions": ("two equal whole numbers of pixels from 1 on: cells are square", _square),
    "cell_border": _PIXELS,
    "num_cells_per_patch_inner": ("a whole number of cells from 1 on", _whole(1)),
    "num_cells_in_patch_border": ("a whole number of cells from 0 on", _whole(0)),
    "tract_overlap": ("degrees from 0 to under 90", lambda value: 0 <= value < 90),
    "pixel_scale": ("arcseconds per pixel, above 0", lambda value: value > 0),
    "projection": (
        "the three capital letters of a FITS projection, such as TAN",
        lambda value: value in PROJECTIONS,
    ),
    "rotation": ("degrees", math.isfinite),
    # With one ring, three tracts of 90 degrees stand on an equator of 360.
    "num_rings": (
        "at least 3: tracts of fewer rings are 60 degrees wide or more and leave gaps in the sky",
        _whole(3),
    ),
    "ra_start": ("degrees from 0 to under 360", lambda value: 0 <= value < 360),
    "ra_list": ("right ascensions in degrees, one for each tract", lambda value: len(value) > 0),
    "dec_list": (
        "declinations from -90 to 90 degrees, one for each tract",
        lambda value: len(value) > 0 and all(-90 <= item <= 90 for item in value),
    ),
    "radius_list": (
        "half the width of each tract in degrees, above 0 and under 90",
        lambda value: len(value) > 0 and all(0 < item < 90 for item in value),
    ),
}


def held(field: Field, value: object) -> Any:
    """Give a value the type of its option, as pex_config does: an integer can stand for a float.

    Parameters
    ----------
    field : `Field`
        The option.
    value : `object`
        What was written.

    Returns
    -------
    value : `typing.Any`
        An `int`, a `float`, a `str`, a `bool`, or a `tuple` of numbers.

    Raises
    ------
    ValueError
        If it has another type; the message says what was expected.
    """
    if field.holds in ("ints", "floats"):
        item = int if field.holds == "ints" else float
        if isinstance(value, list | tuple):
            return tuple(_scalar(item, one, _TYPES[field.holds]) for one in value)
        raise ValueError(_TYPES[field.holds])
    wanted = {"int": int, "float": float, "str": str, "bool": bool}[field.holds]
    return _scalar(wanted, value, _TYPES[field.holds])


def _scalar(wanted: type, value: object, expected: str) -> Any:
    # A bool is an int to Python, and never meant as one here.
    if isinstance(value, bool) and wanted is not bool:
        raise ValueError(expected)
    if wanted is float and isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            raise ValueError(expected) from None
        if math.isfinite(number):
            return number
    elif wanted is not float and isinstance(value, wanted):
        return value
    raise ValueError(expected)


def shown(value: object) -> str:
    """Write a value for a message.

    Parameters
    ----------
    value : `object`
        Anything.

    Returns
    -------
    text : `str`
        As in Python, tuples as lists, shortened.
    """
    try:
        text = repr(list(value) if isinstance(value, tuple) else value)
    except ValueError:  # an integer of thousands of digits
        text = f"a {type(value).__name__} too long to show"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def faults(config: SkyMapConfig, spelled: Callable[[Field], str]) -> Iterator[str]:
    """Find what makes a sky map impossible.

    Only what has an effect is looked at: not the options of the tract builder that isn't used. Whether
    tracts and patches of these sizes are possible is for the geometry to say.

    Parameters
    ----------
    config : `SkyMapConfig`
        The configuration.
    spelled : `~collections.abc.Callable`
        Gives the name of an option as its author wrote it.

    Yields
    ------
    fault : `str`
        The option, its value and what was expected.
    """
    fields = fields_of(kind_of(config), config.tract_builder)
    bad = False
    for field in fields:
        value = value_of(config, field)
        expected, accepts = _VALUES[field.name]
        if not accepts(value):
            bad = True
            yield f"{spelled(field)} is {shown(value)}, expected {expected}"
    if isinstance(config, DiscreteConfig) and not bad:
        yield from _list_faults(config, {field.name: spelled(field) for field in fields})


def _list_faults(config: DiscreteConfig, names: dict[str, str]) -> Iterator[str]:
    lengths = {
        names["ra_list"]: len(config.ra_list),
        names["dec_list"]: len(config.dec_list),
        names["radius_list"]: len(config.radius_list),
    }
    if len(set(lengths.values())) > 1:
        yield f"the numbers of values differ, expected one of each for each tract: {_counted(lengths)}"


def _counted(lengths: dict[str, int]) -> str:
    return ", ".join(f"{name} has {length}" for name, length in lengths.items())


def name_fault(name: object) -> str | None:
    """Say what is wrong with the name of a sky map.

    Parameters
    ----------
    name : `object`
        What was written.

    Returns
    -------
    expected : `str` or `None`
        What was expected, if it isn't that.
    """
    if (
        isinstance(name, str)
        and name == name.strip()
        # Files are named after it.
        and name.strip(".")
        and len(name) <= MAX_NAME
        and name.isprintable()
    ):
        return None
    return f"a name of 1 to {MAX_NAME} printable characters, not only dots"
