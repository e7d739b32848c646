# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rectangles cover exactly the pixels that they are made of, and each once."""

from __future__ import annotations

from typing import Any

import numpy
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.rectangles import (
    cover_the_same,
    pixels_of,
    rectangles_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=40)


def mask_of(content: bytes, width: int) -> Any:
    """Make a mask of the bits of some bytes."""
    bits = numpy.unpackbits(numpy.frombuffer(content, dtype=numpy.uint8)).astype(bool)
    return bits[: len(bits) // width * width].reshape(-1, width)


MASKS = st.builds(mask_of, st.binary(max_size=8), st.integers(1, 9))


def painted(rectangles: Any, shape: tuple[int, ...]) -> Any:
    """Count how often each pixel is covered, one rectangle after the other."""
    count = numpy.zeros(shape, dtype=int)
    for x0, y0, width, height in rectangles.tolist():
        assert x0 >= 0 and y0 >= 0 and x0 + width <= shape[1] and y0 + height <= shape[0]
        assert width > 0 and height > 0
        count[y0 : y0 + height, x0 : x0 + width] += 1
    return count


@FEW
@given(MASKS)
def test_every_pixel_is_covered_once_and_no_other(mask: Any) -> None:
    rectangles = rectangles_of(mask)
    assert numpy.array_equal(painted(rectangles, mask.shape), mask.astype(int))
    assert pixels_of(rectangles) == mask.sum()
    assert rectangles.tolist() == sorted(rectangles.tolist(), key=lambda item: (item[1], item[0]))
    assert len(rectangles_of(mask.T)) == len(rectangles)


@FEW
@given(MASKS, MASKS)
def test_masks_are_the_same_if_the_same_pixels_are_covered(first: Any, second: Any) -> None:
    width, height = (max(first.shape[axis], second.shape[axis]) for axis in (1, 0))
    one, other = (numpy.zeros((height, width), dtype=bool) for _unused in range(2))
    one[: first.shape[0], : first.shape[1]] = first
    other[: second.shape[0], : second.shape[1]] = second
    same = cover_the_same(rectangles_of(first), rectangles_of(second))
    assert same == numpy.array_equal(one, other)


@FEW
@given(MASKS, st.randoms(use_true_random=False))
def test_however_pixels_are_divided_they_are_the_same(mask: Any, choice: Any) -> None:
    pixels = [[int(x), int(y), 1, 1] for y, x in zip(*numpy.nonzero(mask), strict=True)]
    # Some of them twice, in any order.
    pixels += choice.sample(pixels, len(pixels) // 2)
    choice.shuffle(pixels)
    alone = numpy.array(pixels, dtype=numpy.int64).reshape(-1, 4)
    assert cover_the_same(alone, rectangles_of(mask))


def test_a_column_is_one_rectangle_and_so_is_a_block() -> None:
    mask = numpy.zeros((40, 30), dtype=bool)
    mask[:, 7] = True
    mask[10:20, 12:20] = True
    assert rectangles_of(mask).tolist() == [[7, 0, 1, 40], [12, 10, 8, 10]]
