# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Export files made of what was gathered: packed in a temporary file until they are written."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import IO, TYPE_CHECKING
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import Known
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports import writer
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.collecting import Collected
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import Item
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.dimension_parts import ranks_of
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.spool import (
    Member,
    Row,
    Spool,
    sort_key,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType, DimensionUniverse

BLOCK = 1 << 20
CHUNK = 10_000

Contents = dict[str, dict[str, list[object]]]
"""By section and name, how many entries there are, and their digest."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export.

    Parameters
    ----------
    path : `str`
        Where it is to be.
    mark : `writer.Mark`
        Its first line.
    at, length : `int`
        Where the packed rest is in the temporary file.
    size : `int`
        How large the whole file is (bytes).
    digest : `bytes`
        Of the rest.
    """

    path: str
    mark: writer.Mark
    at: int
    length: int
    size: int
    digest: bytes


@dataclass
class Store:
    """The temporary file without a name that holds packed files."""

    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def add(self, path: str, lines: Iterable[str]) -> tuple[int, int, int, bytes]:
        """Take the content of a file.

        Parameters
        ----------
        path : `str`
            The file that it is for.
        lines : `~collections.abc.Iterable` [ `str` ]
            Pieces of ASCII text.

        Returns
        -------
        at, length, size : `int`
            Where it is, how long it is there, and how large it really is.
        digest : `bytes`
            Of the content.

        Raises
        ------
        ButlerError
            Raised if there is no room.
        """
        packer, digest, size = zlib.compressobj(1), hashlib.sha256(), 0
        at = self.file.seek(0, 2)
        try:
            for some in in_chunks(lines, 1_000):
                data = "".join(some).encode("ascii")
                digest.update(data)
                size += len(data)
                self.file.write(packer.compress(data))
            self.file.write(packer.flush())
            self.file.flush()
        except OSError as error:
            raise ButlerError(
                f"the temporary file in {tempfile.gettempdir()}, which keeps what is to be written to "
                f"{path}, can't be written: {error.strerror}",
                hint="Make room there, or set TMPDIR to a folder that has it (environment: in the task). "
                "Nothing was written.",
            ) from error
        return at, self.file.tell() - at, size, digest.digest()

    def read(self, part: Part) -> Iterator[bytes]:
        """Give the content of a file, its first line too.

        Parameters
        ----------
        part : `Part`
            The file.

        Yields
        ------
        data : `bytes`
            One piece after the other.
        """
        yield part.mark.line().encode("ascii")
        unpacker, left = zlib.decompressobj(), part.length
        self.file.seek(part.at)
        while left and (block := self.file.read(min(BLOCK, left))):
            left -= len(block)
            yield unpacker.decompress(block)
        yield unpacker.flush()


def render(
    universe: DimensionUniverse, item: Item, collected: Collected, spool: Spool, store: Store
) -> list[Part]:
    """Make the files of an export.

    Parameters
    ----------
    universe : `lsst.daf.butler.DimensionUniverse`
        The repository's dimensions.
    item : `Item`
        The declared export.
    collected : `Collected`
        What was gathered besides the datasets.
    spool : `Spool`
        Has the datasets, records and associations.
    store : `Store`
        Gets the files.

    Returns
    -------
    parts : `list` [ `Part` ]
        At least one. All hold what their own datasets need, so that each may be imported without the others,
        but for the other collections and the chains, which are in the first.
    """
    most = item.max_datasets or max(collected.count, 1)
    count = max(1, -(-collected.count // most))
    maker = _Maker(universe, item, collected, spool, whole=count == 1)
    packed = []
    for number in range(count):
        path = item.path(number)
        lines = maker.part(number, number * most + 1, (number + 1) * most)
        packed.append((number, path, store.add(path, lines)))
    contents = maker.contents()
    parts = []
    for number, path, (at, length, size, digest) in packed:
        mark = writer.Mark(number, {} if number else contents)
        parts.append(Part(path, mark, at, length, size + len(mark.line()), digest))
    return parts


class _Maker:
    def __init__(
        self, universe: DimensionUniverse, item: Item, collected: Collected, spool: Spool, *, whole: bool
    ) -> None:
        self._universe = universe
        self._collected = collected
        self._spool = spool
        self._whole = whole
        self._ranks = ranks_of(universe, item.skip_dimensions)
        self._tallies: dict[str, dict[str, _Tally]] = {
            name: {} for name in ("associations", "collections", "datasets", "records")
        }

    def _count(self, section: str, name: str, entry: str) -> str:
        self._tallies[section].setdefault(name, _Tally()).add(entry)
        return entry

    def contents(self) -> Contents:
        """Tell what all parts together hold, once they are made."""
        if not self._whole:
            for name, rank in self._ranks.items():
                for content in self._spool.records(rank, wanted_only=False):
                    self._count("records", name, content)
        return {
            section: {name: [tally.count, f"{tally.digest:016x}"] for name, tally in sorted(tallies.items())}
            for section, tallies in self._tallies.items()
        }

    def part(self, number: int, first: int, last: int) -> Iterator[str]:
        """Give the content of a file, the datasets with some numbers and what they need."""
        types = self._types(first, last)
        yield writer.head(self._universe.version, self._universe.namespace)
        pieces = self._pieces(number, types, first, last)
        start = next(pieces, None)
        yield "data: []\n" if start is None else "data:\n"
        if start is not None:
            yield start
            yield from pieces

    def _types(self, first: int, last: int) -> list[DatasetType]:
        query = (
            "SELECT DISTINCT type FROM ordered o CROSS JOIN datasets d ON d.id = o.id "
            "WHERE number BETWEEN ? AND ?"
        )
        return [self._collected.types[name] for (name,) in sorted(self._spool.read(query, (first, last)))]

    def _pieces(self, number: int, types: list[DatasetType], first: int, last: int) -> Iterator[str]:
        if not self._whole:
            self._want(first, last)
        there = set(self._spool.ranks(wanted_only=not self._whole))
        for name, rank in self._ranks.items():
            if rank in there:
                yield from self._records(name, rank)
        yield from self._collections(number, first, last)
        for kind in types:
            section = writer.dataset_type(
                kind.name, kind.dimensions.names, kind.storageClass_name, kind.isCalibration()
            )
            yield self._tell_once("datasets", kind.name, section)
        rows = self._spool.datasets(first, last)
        for (name, run), group in groupby(rows, lambda row: (row.type, row.run)):
            yield from writer.datasets(name, run, self._files(name, group))
        yield from self._associations(first, last)

    def _records(self, name: str, rank: int) -> Iterator[str]:
        items = self._spool.records(rank, wanted_only=not self._whole)
        if self._whole:
            items = (self._count("records", name, content) for content in items)
        yield from writer.records(name, items)

    def _want(self, first: int, last: int) -> None:
        """Note the records that the datasets of a part need."""
        self._spool.want_nothing()
        for name, group in groupby(self._spool.datasets(first, last), lambda row: row.type):
            dimensions = self._collected.types[name].dimensions
            places = {value: place for place, value in enumerate(dimensions.names)}
            elements = [
                (self._ranks[element], [places[value] for value in self._universe[element].required.names])
                for element in dimensions.elements
                if element in self._ranks
            ]
            for chunk in in_chunks(group, CHUNK):
                every = [json.loads(row.full) for row in chunk]
                for rank, where in elements:
                    keys = {tuple(values[place] for place in where) for values in every}
                    self._spool.want((rank, sort_key(key)) for key in keys)
        self._spool.want_linked()

    def _collections(self, number: int, first: int, last: int) -> Iterator[str]:
        collections = self._collected.collections
        names = list(collections)
        if number:
            query = (
                "SELECT d.run FROM ordered o CROSS JOIN datasets d ON d.id = o.id "
                "WHERE number BETWEEN ? AND ? UNION SELECT collection FROM ordered JOIN members USING (id) "
                "WHERE number BETWEEN ? AND ?"
            )
            names = [name for (name,) in self._spool.read(query, (first, last) * 2)]
        for name in _registrable(names, collections):
            known = collections[name]
            section = writer.collection(name, known.type, known.doc, known.children)
            yield section if number else self._count("collections", known.type, section)

    def _files(self, name: str, rows: Iterable[Row]) -> Iterator[writer.WrittenFile]:
        for (path, formatter), group in groupby(rows, lambda row: (row.path, row.formatter)):
            same = list(group)
            ids = [str(UUID(bytes=row.id)) for row in same]
            for row, dataset in zip(same, ids, strict=True):
                self._count("datasets", name, f"{dataset} {row.run} {path} {formatter}\n{row.data_id}")
            yield writer.WrittenFile(path, formatter, ids, [row.data_id for row in same])

    def _associations(self, first: int, last: int) -> Iterator[str]:
        members = self._spool.members(first, last)
        for name, group in groupby(members, lambda member: member.collection):
            if self._collected.collections[name].type == "TAGGED":
                yield from writer.tagged(name, (self._associated(member) for member in group))
            else:
                spans = groupby(group, lambda member: (member.since, member.until))
                ranges = (
                    (since or None, until or None, [self._associated(member) for member in some])
                    for (since, until), some in spans
                )
                yield from writer.certified(name, ranges)

    def _associated(self, member: Member) -> str:
        dataset = str(UUID(bytes=member.id))
        self._count("associations", member.collection, f"{dataset} {member.since} {member.until}")
        return dataset

    def _tell_once(self, section: str, name: str, entry: str) -> str:
        """Let an entry that several files have in common make a difference without being counted."""
        self._tallies[section].setdefault(name, _Tally()).definition = entry
        return entry


@dataclass
class _Tally:
    """Counts entries; the digest does not depend on their order, nor on the files that they are in."""

    count: int = 0
    sum: int = 0
    definition: str = ""

    def add(self, entry: str) -> None:
        """Count an entry."""
        self.count += 1
        self.sum += _digest(entry)

    @property
    def digest(self) -> int:
        """Tells contents apart (`int`, 64 bits)."""
        return (self.sum + _digest(self.definition)) % (1 << 64)


def _digest(entry: str) -> int:
    return int.from_bytes(hashlib.blake2b(entry.encode(), digest_size=8).digest(), "big")


def _registrable(names: Iterable[str], collections: Mapping[str, Known]) -> list[str]:
    """Sort collections so that children come before their chains."""
    ordered = sorted(name for name in names if collections[name].type != "CHAINED")
    waiting = sorted(name for name in names if collections[name].type == "CHAINED")
    while waiting:
        blocked = set(waiting)
        ready = [name for name in waiting if not blocked & set(collections[name].children)]
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
        if not ready:
            # The registry lets no chain contain itself.
            raise ButlerError(f"the chains {', '.join(waiting)} contain each other")
    return ordered
