# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stored sky map has the structure of the official one, and is read without being loaded."""

from __future__ import annotations

import pickle
import pickletools
import struct
import sys
from io import StringIO

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import (
    DiscreteConfig,
    RingsConfig,
    SkyMapConfig,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_file import OtherSkyMapError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.hash import sky_map_hash
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.stored import (
    config_text,
    read_stored,
    stored_sky_map,
)
from hypothesis import example, given
from hypothesis import strategies as st

from tests.sky_map_facts import CONFIGS, DC2, MAPS, OFFICIAL, REFERENCE

STORED = [
    *REFERENCE.glob("golden/skymaps/skyMap_*_skymaps.pickle"),
    *REFERENCE.glob("skymaps/skyMap_*_skymaps.pickle"),
]


def operations(data: bytes) -> list[list[object]]:
    """List what a pickle does; of the text of the configuration, what Python would do with it."""
    found: list[list[object]] = []
    for opcode, argument, _position in pickletools.genops(data):
        if isinstance(argument, bytes):
            argument = [line for line in argument.decode().splitlines() if line and line[0] != "#"]
        found.append([opcode.name, None if opcode.name == "FRAME" else argument])
    return found


@pytest.mark.parametrize("name", MAPS)
def test_the_operations_are_those_of_the_official_pickle(name: str) -> None:
    assert operations(stored_sky_map(MAPS[name])) == OFFICIAL[name]["pickle"]


def test_the_pickle_of_the_public_repository_has_the_same_structure_and_values() -> None:
    # It was stored before there were tract builders: the text has other lines for the same values.
    public = OFFICIAL["public DC2"]["pickle"]
    ours = operations(stored_sky_map(DC2))
    assert [name for name, _argument in ours] == [name for name, _argument in public]
    assert [one for one in ours if one[0] != "BINBYTES"] == [one for one in public if one[0] != "BINBYTES"]
    [[_name, lines]] = [one for one in public if one[0] == "BINBYTES"]
    text, old = config_text(DC2).encode(), "\n".join(lines).encode()
    stored = stored_sky_map(DC2).replace(
        struct.pack("<I", len(text)) + text, struct.pack("<I", len(old)) + old
    )
    assert read_stored(stored) == DC2
    assert sky_map_hash(read_stored(stored)).hex() == OFFICIAL["public DC2"]["hash"]


def test_official_pickles_are_read() -> None:
    # A fresh clone has only what is kept here of them: see the tests above.
    for file in STORED:
        name = file.stem.removeprefix("skyMap_").removesuffix("_skymaps")
        kept = name if file.parts[-3] == "golden" else f"public {name}"
        assert operations(file.read_bytes()) == OFFICIAL[kept]["pickle"]
        assert read_stored(file.read_bytes()) == MAPS[name]
    assert len(STORED) in (0, 6)


@given(config=CONFIGS)
@example(config=MAPS["small_discrete"])
def test_what_is_stored_is_read_back(config: SkyMapConfig) -> None:
    stored = stored_sky_map(config)
    pickletools.dis(stored, out=StringIO())  # it checks the stack and the memo
    assert repr(read_stored(stored)) == repr(config)
    assert "lsst.skymap" not in sys.modules


def test_a_long_text_is_stored_whole() -> None:
    many = tuple(float(index) / 7 for index in range(20_000))
    config = DiscreteConfig(ra_list=many, dec_list=many, radius_list=many)
    assert read_stored(stored_sky_map(config)) == config


class Evil:
    """Something that does harm when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Exit."""
        return sys.exit, ("loaded",)


def changed(old: str, new: str) -> bytes:
    """Give a stored sky map with another text of the same length."""
    assert len(old) == len(new)
    return stored_sky_map(DC2).replace(old.encode("latin-1"), new.encode("latin-1"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is no complete pickle"),
        (b"not a pickle", "it is no complete pickle"),
        (stored_sky_map(DC2)[:-1], "it is no complete pickle"),
        (pickle.dumps(5), "it is no sky map"),
        (pickle.dumps({}), "it has the operation EMPTY_DICT"),
        (pickle.dumps(Evil()), "it is a sys.exit"),
        (pickle.dumps((Evil(),)), "it is no sky map"),
        (changed("unreduceConfig", "unreduceRaggle"), "it makes the RingsSkyMap of something else"),
        (changed("RingsSkyMapConfig\x94", "RungsSkyMapConfig\x94"), "of something else than a configuration"),
        (
            changed("lsst.skymap.ringsSkyMap\x94", "lsst.skymap.wrongSkyMap\x94"),
            "it is a lsst.skymap.wrongSkyMap",
        ),
        (stored_sky_map(DC2).replace(b"K\x01\x86", b"K\x00\x86"), "not numbered as in version 1"),
        (changed("config.numRings=120", "config.numRungs=120"), "line 16: config.numRungs is unknown"),
        (changed("config.numRings=120", "config.numRings=1.0"), "expected a whole number"),
        (changed("config.numRings=120", "__import__('os')   "), "no assignment of a value"),
        (changed("import lsst.skymap.ringsSkyMap", "import shlex as lsst_skymapoo "), "no assignment"),
    ],
)
def test_anything_else_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ButlerError) as raised:
        read_stored(data)
    assert said in str(raised.value)
    assert "the stored sky map" in str(raised.value)


@given(st.binary(max_size=60), st.integers(0, 900), st.integers(0, 900))
def test_no_damage_does_anything_but_an_error(junk: bytes, start: int, end: int) -> None:
    stored = stored_sky_map(DC2)
    try:
        config = read_stored(stored[:start] + junk + stored[end:])
    except ButlerError:
        return
    assert isinstance(config, RingsConfig)


def test_what_grows_without_end_when_written_down_is_refused() -> None:
    # Each pair holds the one before twice: two hundred of them are no larger here, and endless as text.
    pairs = b"".join(
        pickle.BINGET + bytes([number]) + pickle.TUPLE2 + pickle.MEMOIZE for number in range(200)
    )
    word = pickle.SHORT_BINUNICODE + b"\x01a"
    data = pickle.PROTO + b"\x05" + word + pickle.MEMOIZE + pairs + word + pickle.STACK_GLOBAL + pickle.STOP
    with pytest.raises(ButlerError, match="it names no class"):
        read_stored(data)


def test_a_healpix_sky_map_is_told_from_damage() -> None:
    renamed = stored_sky_map(DC2).replace(
        b"\x8c\x17lsst.skymap.ringsSkyMap", b"\x8c\x19lsst.skymap.healpixSkyMap"
    )
    renamed = renamed.replace(b"\x8c\x0bRingsSkyMap\x94", b"\x8c\x0dHealpixSkyMap\x94")
    with pytest.raises(OtherSkyMapError) as raised:
        read_stored(renamed)
    assert raised.value.kind == "healpix"


def test_the_text_has_what_pex_config_tells_the_class_by() -> None:
    first, second, *_others = config_text(DC2).splitlines()
    assert first == "import lsst.skymap.ringsSkyMap"
    assert second.startswith("assert type(config) is lsst.skymap.ringsSkyMap.RingsSkyMapConfig, ")
