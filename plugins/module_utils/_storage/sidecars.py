# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What JSON files beside raw files tell of them, so that the raw files need not be opened.

An index, ``_index.json``, tells of the files of its directory, and a sidecar, ``x.json`` beside ``x.fits``,
of one file. Both hold either the cards of headers (``metadata``) or translated headers (``translated``). They
are believed, as the official ingest does: nothing is compared with the files.

They describe one raw for each file: the official tool merges the primary header with that of the first
extension. So of a file of DECam, which holds a raw in each extension, they know one only, and the official
ingest, given such an index, takes that one and loses the others. `Sidecars` is not to be asked about the
files of an instrument like that: their headers are read.

Source: astro_metadata_translator (``indexing.py``) for the structure, obs_base
(``RawIngestTask.locateAndReadIndexFiles`` and ``extractMetadata``) for what is looked for where, and
lsst.resources (``ResourcePath.updatedExtension``) for the names of sidecars.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.paths import (
    joined,
    local_or_uri,
    names_in,
    parted,
    read_bytes,
)

INDEX = "_index.json"
"""Name of the index of a directory."""

CONTENT = "__CONTENT__"
COMMON = "__COMMON__"

Content: TypeAlias = Literal["metadata", "translated"]

_PACKED = (".gz", ".bz2", ".xz", ".fz")
_KEPT = 8
"""How many directories, and indexes that were given, are kept in memory."""


class _BrokenError(Exception):
    """What is wrong with an index or a sidecar, without its name."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an index or a sidecar tells of one raw file.

    Parameters
    ----------
    content : `str`
        ``metadata``: the cards of its header. ``translated``: the simple form of an
        `~astro_metadata_translator.ObservationInfo`.
    values : `dict` [ `str`, `object` ]
        The cards, or the properties.
    source : `str`
        Path or URI of the index or sidecar.
    """

    content: Content
    values: dict[str, Any]
    source: str


class _Index:
    """A parsed index; what all its files share is added to what one has only when that is asked for."""

    def __init__(self, source: str, data: bytes) -> None:
        entries = _parsed(data)
        if COMMON not in entries:
            raise _BrokenError(f"has no {COMMON}, so it is no index of raw files")
        common = entries.pop(COMMON)
        if not isinstance(common, dict):
            raise _BrokenError(f"has {_kind(common)} as {COMMON}, expected an object")
        self.content = _content_of(entries) or "metadata"
        for name, entry in entries.items():
            if not isinstance(entry, dict):
                raise _BrokenError(f"has {_kind(entry)} as the entry of {name}, expected an object")
        self.source = source
        self._common: dict[str, Any] = common
        self._entries: dict[str, dict[str, Any]] = entries

    def told(self, name: str) -> Told | None:
        """Tell what is known of a file by its name in the index."""
        entry = self._entries.get(name)
        return None if entry is None else Told(self.content, entry | self._common, self.source)

    def names_by_path(self) -> dict[str, str]:
        """Give the names of the files by their absolute paths or URIs."""
        folder = parted(self.source)[0]
        return {joined(folder, name): name for name in self._entries}


def index_in(data: bytes, source: str) -> Callable[[str], Told | None]:
    """Parse an index that is in memory.

    Parameters
    ----------
    data, source : `bytes`, `str`
        The index, and where it is from, for messages.

    Returns
    -------
    told : `~collections.abc.Callable`
        Gives what is told of a file by its name in the index.
    """
    try:
        return _Index(source, data).told
    except _BrokenError as error:
        raise ButlerError(f"{source} {error}") from error


def read_index(path: str, *, option: str = "sources") -> dict[str, Told]:
    """Read an index.

    Parameters
    ----------
    path : `str`
        Path or URI of the index.
    option : `str`, optional
        The module option that it was given in, for messages.

    Returns
    -------
    files : `dict` [ `str`, `Told` ]
        What is told of each file, by its absolute path or URI. Names in an index are relative to its
        directory.

    Raises
    ------
    ButlerError
        Raised, naming the index, if it can't be read or is no index.
    """
    index = _read_given(local_or_uri(path), option)
    told = ((file, index.told(name)) for file, name in index.names_by_path().items())
    return {file: found for file, found in told if found is not None}


def read_sidecar(path: str) -> Told:
    """Read a sidecar.

    Parameters
    ----------
    path : `str`
        Path or URI of the sidecar.

    Returns
    -------
    told : `Told`
        What it tells of its file.

    Raises
    ------
    ButlerError
        Raised, naming the sidecar, if it can't be read or is no sidecar.
    """
    source = local_or_uri(path)
    try:
        return _sidecar(source, _read(source))
    except _BrokenError as error:
        raise ButlerError(f"{source} {error}") from error


def sidecar_name(name: str) -> str:
    """Tell how the sidecar of a file is called.

    Parameters
    ----------
    name : `str`
        Name of the file, without its directory.

    Returns
    -------
    sidecar : `str`
        The name with ``.json`` in place of its extension; a packed file's extension has two parts.
    """
    stem, dot, extension = name.rpartition(".")
    if not dot:
        return f"{name}.json"
    if f".{extension}" in _PACKED and "." in stem:
        stem = stem.rpartition(".")[0]
    return f"{stem}.json"


class Sidecars:
    """Finds what is told of raw files.

    A directory is looked at once for all of its files that come one after the other: one attempt to open its
    index, and one listing if that does not tell of a file. What the last few directories have is kept, and
    which directories have nothing at all.

    Parameters
    ----------
    warn : `~collections.abc.Callable`
        Told once of each index and sidecar that can't be used; the headers are to be read then.
    given : `~collections.abc.Iterable` [ `str` ], optional
        Paths or URIs of indexes to ask first, wherever the files are that they tell of.
    option : `str`, optional
        The module option that those were given in, for messages.

    Raises
    ------
    ButlerError
        Raised, naming it, for an index that was given and can't be used.
    """

    def __init__(
        self, warn: Callable[[str], None], given: Iterable[str] = (), *, option: str = "sources"
    ) -> None:
        self._warn = warn
        self._warned: set[str] = set()
        self._option = option
        self._bare: set[str] = set()
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._indexes: OrderedDict[str, tuple[_Index, dict[str, str]]] = OrderedDict()
        self._given: dict[str, list[str]] = {}
        for path in given:
            source = local_or_uri(path)
            for folder in {parted(file)[0] for file in self._given_index(source)[1]}:
                self._given.setdefault(folder, []).append(source)

    def find(self, path: str) -> Told | None:
        """Tell what is known of a file.

        Parameters
        ----------
        path : `str`
            Absolute path or URI of the file.

        Returns
        -------
        told : `Told` or `None`
            What the indexes that were given tell of it, or else that of its directory, or else its sidecar;
            `None`: its header has to be read.
        """
        path = path if path.startswith("/") else local_or_uri(path)
        folder, name = parted(path)
        for source in self._given.get(folder, ()):
            index, names = self._given_index(source)
            told = index.told(names.get(path, ""))
            if told is not None:
                return told
        if folder in self._bare:
            return None
        place = self._places.get(folder)
        if place is None:
            place = self._look_at(folder)
            if place is None:
                return None
        else:
            self._places.move_to_end(folder)
        told = place.index.told(name) if place.index is not None else None
        return told or self._find_sidecar(place, sidecar_name(name))

    def _given_index(self, source: str) -> tuple[_Index, dict[str, str]]:
        """Give an index that was given, and its names by path."""
        found = self._indexes.get(source)
        if found is None:
            index = _read_given(source, self._option)
            found = (index, index.names_by_path())
        _keep(self._indexes, source, found)
        return found

    def _look_at(self, folder: str) -> _Place | None:
        """See what a directory has; `None` if it has nothing."""
        index = None
        source = joined(folder, INDEX)
        try:
            index = _Index(source, _read(source))
        except FileNotFoundError:
            pass
        except _BrokenError as error:
            self._complain(source, error)
        place = _Place(folder, index)
        if index is None and place.sidecars() == frozenset():
            self._bare.add(folder)
            return None
        _keep(self._places, folder, place)
        return place

    def _find_sidecar(self, place: _Place, name: str) -> Told | None:
        """Tell what the sidecar of a file tells."""
        names = place.sidecars()
        if names is not None and name not in names:
            return None
        source = joined(place.folder, name)
        try:
            return _sidecar(source, _read(source))
        except FileNotFoundError:
            return None
        except _BrokenError as error:
            self._complain(source, error)
            return None

    def _complain(self, source: str, error: _BrokenError) -> None:
        """Warn about a file that can't be used, once."""
        if source not in self._warned:
            self._warned.add(source)
            self._warn(f"{source} {error}; headers are read instead")


class _Place:
    """A directory that has an index or sidecars."""

    def __init__(self, folder: str, index: _Index | None) -> None:
        self.folder = folder
        self.index = index
        self._listed = False
        self._names: frozenset[str] | None = None

    def sidecars(self) -> frozenset[str] | None:
        """Give the names of the JSON files but the index, listed once; `None` if they can't be listed."""
        if not self._listed:
            self._listed = True
            try:
                self._names = frozenset(
                    name for name in names_in(self.folder) if name.endswith(".json") and name != INDEX
                )
            except Exception:
                # Each kind of storage fails in its own ways, and plain HTTP can't list: each is tried then.
                self._names = None
        return self._names


def _keep(kept: OrderedDict[str, Any], key: str, value: Any) -> None:
    """Put something at the end of what is kept, and drop what was not asked for the longest time."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _KEPT:
        kept.popitem(last=False)


def _parsed(data: bytes) -> dict[str, Any]:
    """Parse a JSON object."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _BrokenError(f"is no JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise _BrokenError(f"holds {_kind(parsed)}, expected an object")
    return parsed


def _content_of(parsed: dict[str, Any]) -> Content | None:
    """Take out what kind of content there is, if that is said."""
    said = parsed.pop(CONTENT, None)
    if said is None or said in get_args(Content):
        return cast("Content | None", said)
    raise _BrokenError(f"says that its {CONTENT} is {said!r}, expected 'metadata' or 'translated'")


def _sidecar(source: str, data: bytes) -> Told:
    """Make what a sidecar tells of its bytes."""
    values = _parsed(data)
    # One of an early day does not say what it is. These two properties are always there.
    guess: Content = "translated" if {"observation_id", "instrument"} <= values.keys() else "metadata"
    return Told(_content_of(values) or guess, values, source)


def _kind(value: object) -> str:
    """Say what a JSON value is."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _read_given(source: str, option: str) -> _Index:
    """Read an index that the operator named."""
    try:
        return _Index(source, _read(source))
    except FileNotFoundError as error:
        raise ButlerError(f"{source} is not there", option=option) from error
    except _BrokenError as error:
        raise ButlerError(
            f"{source} {error}",
            option=option,
            hint="An index is what astrometadata write-index and rubin.butler.butler_raw_index write.",
        ) from error


def _read(source: str) -> bytes:
    """Read a file; `FileNotFoundError` if there is none."""
    try:
        return read_bytes(source)
    except FileNotFoundError:
        raise
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise _BrokenError(f"can't be read: {getattr(error, 'strerror', None) or error}") from error
