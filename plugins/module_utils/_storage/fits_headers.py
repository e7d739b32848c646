# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers of FITS files, wherever they are.

Only the headers are read, never the pixels: of a file of many gigabytes a few blocks, wherever its storage
can begin to read in the middle. Source: the FITS standard (blocks, cards, data sizes),
astro_metadata_translator (``file_helpers.py``) and obs_base (``RawIngestTask.extractMetadata``) for what is
merged with what.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.fits_cards import (
    CARD,
    Header,
    card_values,
)

if TYPE_CHECKING:
    from lsst.resources import ResourcePath

BLOCK = 2880
"""Bytes in a block: headers and data begin and end with one."""

_MOST_HEADER_BLOCKS = 4096


class _UnreadableError(Exception):
    """What is wrong with a file, without its name."""


def read_header(
    uri: ResourcePath | str, *, enough: Callable[[Header], bool] | None = None, whole: bool = True
) -> Header:
    """Read the header of a file that holds one image.

    Parameters
    ----------
    uri : `lsst.resources.ResourcePath` or `str`
        The file.
    enough : `~collections.abc.Callable`, optional
        Tells whether the primary header alone says what has to be known. Where it does not, which is so for
        compressed files, the header of the first extension is merged over it.
    whole : `bool`, optional
        Whether to make sure that a local file is as long as its headers say.

    Returns
    -------
    header : `dict` [ `str`, `object` ]
        The header.

    Raises
    ------
    ButlerError
        Raised, naming the file, if it can't be read, is empty, is no FITS file or is truncated.
    """
    with _hdus(uri, whole=whole) as hdus:
        header = _values(next(hdus))
        if enough is not None and not enough(header):
            extension = next(hdus, None)
            if extension is not None:
                header |= _values(extension)
        return header


def read_extension_headers(
    uri: ResourcePath | str, wanted: Callable[[Header], bool], *, whole: bool = True
) -> list[Header]:
    """Read the headers of a file that holds many images, each merged over the primary header.

    Parameters
    ----------
    uri : `lsst.resources.ResourcePath` or `str`
        The file.
    wanted : `~collections.abc.Callable`
        Tells, by its own header, whether an extension is one of the images.
    whole : `bool`, optional
        Whether to make sure that a local file is as long as its headers say.

    Returns
    -------
    headers : `list` [ `dict` [ `str`, `object` ] ]
        The headers of the wanted extensions, in the order of the file.

    Raises
    ------
    ButlerError
        Raised, naming the file, if it can't be read, is empty, is no FITS file or is truncated.
    """
    with _hdus(uri, whole=whole) as hdus:
        primary = _values(next(hdus))
        extensions = (_values(text) for text in hdus)
        return [primary | header for header in extensions if wanted(header)]


@contextmanager
def _hdus(uri: ResourcePath | str, *, whole: bool) -> Iterator[Iterator[str]]:
    """Open a file and give its headers, one text each; read on to the end if it has to be whole."""
    name = str(uri)
    try:
        with _opened(uri) as (stream, is_local):
            hdus = _header_texts(stream)
            yield hdus
            if whole and is_local:
                for _unused in hdus:
                    pass
    except _UnreadableError as error:
        raise ButlerError(f"{name} {error}") from error
    except FileNotFoundError as error:
        path = Path(name)
        if path.is_symlink():
            raise ButlerError(
                f"{name} is a symbolic link to {path.readlink()}, which is not there"
            ) from error
        raise ButlerError(f"{name} is not there") from error
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ButlerError(f"{name} can't be read: {reason}") from error


@contextmanager
def _opened(uri: ResourcePath | str) -> Iterator[tuple[IO[bytes], bool]]:
    """Open a file for reading, unpacked, and tell whether it is local."""
    path: str | None = uri if isinstance(uri, str) and "://" not in uri else None
    stream: IO[bytes]
    with ExitStack() as stack:
        if path is None:
            from lsst.resources import ResourcePath

            resource = ResourcePath(uri, forceDirectory=False)
            if resource.isLocal:
                path = resource.ospath
            else:
                stream = cast("IO[bytes]", stack.enter_context(resource.open("rb")))
        if path is not None:
            stream = stack.enter_context(Path(path).open("rb"))
            packed = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            if packed:
                stream = cast("IO[bytes]", stack.enter_context(gzip.open(stream)))
        yield stream, path is not None


def _header_texts(stream: IO[bytes]) -> Iterator[str]:
    """Give the headers of a file one after the other, and fail where the file ends too early."""
    position = number = 0
    while True:
        stream.seek(position)
        first = stream.read(BLOCK)
        if number == 0 and not first:
            raise _UnreadableError("is empty (0 bytes), expected a FITS file")
        if number == 0 and not first.startswith(b"SIMPLE  ="):
            raise _UnreadableError(f"is no FITS file: it begins with {first[:16]!r}, expected b'SIMPLE  ='")
        if number and not first.startswith(b"XTENSION") and len(first) in (0, BLOCK):
            # The end, or what the standard calls special records.
            return
        text, length = _header_text(stream, first, number)
        yield text
        begin = position + length
        position = begin + _data_size(text)
        if position > begin:
            # Its last byte tells whether data are complete; seeking alone would not.
            stream.seek(position - 1)
            if not stream.read(1):
                raise _UnreadableError(
                    f"is truncated: it ends within the data of HDU {number}, which reach to byte {position}"
                )
        number += 1


def _header_text(stream: IO[bytes], first: bytes, number: int) -> tuple[str, int]:
    """Read on from the first block of a header to its end; return the cards and the bytes read."""
    blocks = [first]
    while True:
        block = blocks[-1]
        if len(block) < BLOCK:
            raise _UnreadableError(f"is truncated: it ends within the header of HDU {number}")
        end = next((at for at in range(0, BLOCK, CARD) if block[at : at + CARD].rstrip() == b"END"), None)
        if end is not None:
            cards = b"".join(blocks[:-1]) + block[:end]
            break
        if len(blocks) == _MOST_HEADER_BLOCKS:
            raise _UnreadableError(f"is no FITS file: the header of HDU {number} has no END")
        blocks.append(stream.read(BLOCK))
    try:
        return cards.decode("ascii"), len(blocks) * BLOCK
    except UnicodeDecodeError as error:
        raise _UnreadableError(f"is no FITS file: the header of HDU {number} is not ASCII") from error


def _data_size(text: str) -> int:
    """Return how many bytes of data follow a header, whole blocks."""
    sizes: dict[str, int] = {}
    for at in range(0, len(text), CARD):
        keyword = text[at : at + 8].rstrip()
        if keyword.startswith(("NAXIS", "BITPIX", "PCOUNT", "GCOUNT")):
            value = text[at + 10 : at + CARD].partition("/")[0].strip()
            if not value.lstrip("-").isdecimal():
                raise _UnreadableError(
                    f"is no FITS file: keyword {keyword} is {value!r}, expected a whole number"
                )
            sizes[keyword] = int(value)
    axes = [sizes.get(f"NAXIS{axis}", 0) for axis in range(1, sizes.get("NAXIS", 0) + 1)]
    if not axes:
        return 0
    values = sizes.get("GCOUNT", 1) * (sizes.get("PCOUNT", 0) + math.prod(axes))
    return -(-abs(sizes.get("BITPIX", 8)) // 8 * values // BLOCK) * BLOCK


def _values(text: str) -> Header:
    """Return the values of a header's cards."""
    try:
        return card_values(text)
    except ValueError as error:
        raise _UnreadableError(f"has a header that can't be understood: {error}") from error
