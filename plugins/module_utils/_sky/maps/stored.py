# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored form of sky maps: a pickle that the classes of ``lsst.skymap`` load, written without them."""

from __future__ import annotations

import pickle
import struct

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_draft import Draft, Part
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import (
    OtherSkyMapError,
    made,
    read_assignments,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    BUILDERS,
    COMMON,
    KINDS,
    Field,
    kind_of,
    value_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.pickled import (
    Call,
    Named,
    StrangePickleError,
    what_is_called,
)

# Module, class, and the version that its constructor takes; the class of its configuration has
# "Config" after the name. RingsSkyMap numbers its tracts by the version, DiscreteSkyMap ignores it.
CLASSES = {
    "rings": ("lsst.skymap.ringsSkyMap", "RingsSkyMap", 1),
    "discrete": ("lsst.skymap.discreteSkyMap", "DiscreteSkyMap", 0),
}
REDUCER = ("lsst.pex.config.config", "unreduceConfig")
# The one other type that is stored in the same way.
_HEALPIX = Named("lsst.skymap.healpixSkyMap", "HealpixSkyMap")
_PROTOCOL = 5


def config_text(config: SkyMapConfig) -> str:
    """Write a configuration as pex_config saves it, without its comments.

    The two lines at the top are what ``lsst.pex.config.Config`` tells the class by. Options of the
    tract builder that isn't used are saved as well.

    Parameters
    ----------
    config : `SkyMapConfig`
        The configuration.

    Returns
    -------
    text : `str`
        Python, one assignment a line.
    """
    module, name, _version = CLASSES[kind_of(config)]
    full = f"{module}.{name}Config"
    found = "{type(config).__module__}.{type(config).__name__}"
    lines = [
        f"import {module}",
        f'assert type(config) is {full}, f"config is of type {found} instead of {full}"',
        "",
        "import lsst.skymap.tractBuilder",
    ]
    for builder, fields in BUILDERS.items():
        lines += [_assignment(f"tractBuilder[{builder!r}].", config, field) for field in fields]
    lines.append(f"config.tractBuilder.name={config.tract_builder!r}")
    lines += [_assignment("", config, field) for field in COMMON + KINDS[kind_of(config)]]
    return "\n".join(lines) + "\n"


def _assignment(prefix: str, config: SkyMapConfig, field: Field) -> str:
    value = value_of(config, field)
    return f"config.{prefix}{field.official}={list(value) if isinstance(value, tuple) else value!r}"


def stored_sky_map(config: SkyMapConfig) -> bytes:
    """Write the content of a ``skyMap`` dataset.

    The operations are those of the official pickles: the class of the sky map, called with what
    ``unreduceConfig`` makes of the class and the text of the configuration, and with a version.

    Parameters
    ----------
    config : `SkyMapConfig`
        A checked configuration.

    Returns
    -------
    data : `bytes`
        A pickle of protocol 5. Making it imports nothing; loading it needs ``lsst.skymap``.
    """
    module, name, version = CLASSES[kind_of(config)]
    text = config_text(config).encode()
    sky_map_class = _text(module) + _text(name) + pickle.STACK_GLOBAL + pickle.MEMOIZE
    reducer = _text(REDUCER[0]) + _text(REDUCER[1]) + pickle.STACK_GLOBAL + pickle.MEMOIZE
    # The module's name was the first thing that was memoized.
    config_class = pickle.BINGET + b"\x00" + _text(f"{name}Config") + pickle.STACK_GLOBAL + pickle.MEMOIZE
    content = pickle.BINBYTES + struct.pack("<I", len(text)) + text + pickle.MEMOIZE
    call = pickle.TUPLE2 + pickle.MEMOIZE + pickle.REDUCE + pickle.MEMOIZE
    number = pickle.BININT1 + bytes([version])
    body = sky_map_class + reducer + config_class + content + call + number + call + pickle.STOP
    frame = pickle.FRAME + struct.pack("<Q", len(body))
    return pickle.PROTO + bytes([_PROTOCOL]) + frame + body


def _text(value: str) -> bytes:
    encoded = value.encode()
    return pickle.SHORT_BINUNICODE + bytes([len(encoded)]) + encoded + pickle.MEMOIZE


def read_stored(data: bytes, source: str = "the stored sky map") -> SkyMapConfig:
    """Read the configuration of a ``skyMap`` dataset, without unpickling it.

    Parameters
    ----------
    data : `bytes`
        Content of the file, written by `stored_sky_map` or by the official tool.
    source : `str`, optional
        What it is called in messages.

    Returns
    -------
    config : `SkyMapConfig`
        The configuration; whether its values make a sky map is not looked at.

    Raises
    ------
    OtherSkyMapError
        If the sky map is of type healpix.
    ButlerError
        If it is nothing that the official tool stores for rings or discrete sky maps, or its tracts are
        numbered as they were before version 1 of ``RingsSkyMap``.
    """
    try:
        kind, text = _content(what_is_called(data))
    except StrangePickleError as error:
        raise ButlerError(
            f"{source} can't be read: {error}", hint="It was not loaded, since a pickle can run anything."
        ) from None
    if kind not in KINDS:
        raise OtherSkyMapError(
            f"{source} is of type {kind}",
            kind=kind,
            hint=f"Built in are {' and '.join(KINDS)}; others need lsst.skymap on the managed host.",
        )
    draft = Draft()
    top = Part("config", "sky map", kind)
    read_assignments(text, source, draft, top, f"{CLASSES[kind][1]}Config")
    return made(draft, kind, source)


def _content(called: object) -> tuple[str, str]:
    """Take the type and the text of the configuration from what a pickle would call."""
    if not isinstance(called, Call) or not isinstance(called.function, Named) or not called.arguments:
        raise StrangePickleError("it is no sky map")
    sky_map, inner = called.function, called.arguments[0]
    if sky_map == _HEALPIX:
        return "healpix", ""
    for kind, (module, name, version) in CLASSES.items():
        if sky_map != Named(module, name):
            continue
        if kind == "rings" and called.arguments[1:] != (version,):
            raise StrangePickleError(f"its tracts are not numbered as in version {version} of {name}")
        if isinstance(inner, Call) and inner.function == Named(*REDUCER) and len(inner.arguments) == 2:
            config_class, text = inner.arguments
            if config_class == Named(module, f"{name}Config") and isinstance(text, bytes):
                return kind, text.decode("utf-8", errors="replace")
        raise StrangePickleError(f"it makes the {name} of something else than a configuration")
    raise StrangePickleError(f"it is a {sky_map.module}.{sky_map.name}")
