# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad pixels as rectangles, and rectangles as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


def rectangles_of(mask: NDArray[numpy.bool_]) -> NDArray[numpy.int64]:
    """Merge pixels into rectangles.

    Parameters
    ----------
    mask : `numpy.ndarray` of `bool`, (height, width)
        The pixels.

    Returns
    -------
    rectangles : `numpy.ndarray` of `int`, (n, 4)
        ``x0, y0, width, height``, counted from 0; they cover exactly those pixels and no pixel twice. Sorted
        by ``y0`` and ``x0``: equal masks give equal rectangles.

    Notes
    -----
    Runs along rows are piled up where they are above each other and equal, or runs along columns are put side
    by side, whichever gives fewer. It is not the smallest possible number. The cost grows with the number of
    pixels that are set, after one look at all.
    """
    import numpy

    y, x = numpy.divmod(numpy.flatnonzero(mask), max(1, mask.shape[1]))
    by_rows = _merged(x, y)
    order = numpy.argsort(x, kind="stable")
    by_columns = _merged(y[order], x[order])[:, [1, 0, 3, 2]]
    chosen = by_rows if len(by_rows) <= len(by_columns) else by_columns
    return chosen[numpy.lexsort((chosen[:, 0], chosen[:, 1]))]


def _merged(along: NDArray[Any], line: NDArray[Any]) -> NDArray[numpy.int64]:
    """Merge pixels that are sorted by line, and along each line."""
    import numpy

    if not len(line):
        return numpy.zeros((0, 4), dtype=numpy.int64)
    firsts = _starts(numpy.diff(line) != 0, numpy.diff(along) != 1)
    begin, line = along[firsts], line[firsts]
    length = numpy.diff(firsts, append=len(along))
    order = numpy.lexsort((line, length, begin))
    begin, line, length = begin[order], line[order], length[order]
    firsts = _starts(numpy.diff(begin) != 0, numpy.diff(length) != 0, numpy.diff(line) != 1)
    piled = numpy.diff(firsts, append=len(begin))
    columns = (begin[firsts], line[firsts], length[firsts], piled)
    return numpy.stack(columns, axis=1).astype(numpy.int64)


def _starts(*breaks: NDArray[numpy.bool_]) -> NDArray[numpy.int64]:
    """Give the indices at which stretches begin, from what breaks them between neighbours."""
    import numpy

    return numpy.concatenate([[0], numpy.flatnonzero(numpy.logical_or.reduce(breaks)) + 1])


def pixels_of(rectangles: NDArray[numpy.int64]) -> int:
    """Count the pixels of rectangles that don't overlap.

    Parameters
    ----------
    rectangles : `numpy.ndarray` of `int`, (n, 4)
        As `rectangles_of` gives them.

    Returns
    -------
    pixels : `int`
        How many they cover.
    """
    return int((rectangles[:, 2] * rectangles[:, 3]).sum())


def cover_the_same(first: NDArray[numpy.int64], second: NDArray[numpy.int64]) -> bool:
    """Tell whether two sets of rectangles cover the same pixels, however these are divided.

    Parameters
    ----------
    first, second : `numpy.ndarray` of `int`, (n, 4)
        ``x0, y0, width, height``; those of a set may overlap.

    Returns
    -------
    same : `bool`
        Whether they do.
    """
    import numpy

    first, second = (item[(item[:, 2] > 0) & (item[:, 3] > 0)] for item in (first, second))
    if numpy.array_equal(first, second):
        return True
    if not len(first) or not len(second):
        return False
    both = numpy.concatenate([first, second])
    corner = both[:, :2].min(axis=0)
    shape = (both[:, :2] + both[:, 2:]).max(axis=0) - corner
    if (_bounds(first) != _bounds(second)).any():
        return False
    return numpy.array_equal(_painted(first, corner, shape), _painted(second, corner, shape))


def _bounds(rectangles: NDArray[Any]) -> NDArray[Any]:
    import numpy

    ends = rectangles[:, :2] + rectangles[:, 2:]
    return numpy.concatenate([rectangles[:, :2].min(axis=0), ends.max(axis=0)])


def _painted(rectangles: NDArray[Any], corner: NDArray[Any], shape: NDArray[Any]) -> NDArray[numpy.bool_]:
    import numpy

    # Each rectangle steps up at its begin and down after its end, in both directions.
    steps = numpy.zeros((shape[1] + 1, shape[0] + 1), dtype=numpy.int32)
    x0, y0 = (rectangles[:, :2] - corner).T
    x1, y1 = x0 + rectangles[:, 2], y0 + rectangles[:, 3]
    for y, x, step in ((y0, x0, 1), (y0, x1, -1), (y1, x0, -1), (y1, x1, 1)):
        numpy.add.at(steps, (y, x), step)
    return steps.cumsum(axis=0).cumsum(axis=1) > 0
