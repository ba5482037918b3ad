"""Draw the leaves onto the sheet: outlines, and numbers that match the table."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.segmentation import find_boundaries

from napari_herbarium.measure.files.overlay_numbers import COLOURS, with_numbers

LONG_SIDE = 2000
MOST_ENLARGED = 4
"""Times that a small scan is drawn larger, so that its numbers have room."""
TINT = 0.15
DASH = 14


def draw_overlay(
    image: Any,
    labels: NDArray[np.integer],
    long_side: int = LONG_SIDE,
    partial: Collection[int] = (),
) -> NDArray[np.uint8]:
    """Draw outline and number of every leaf onto a reduced copy of the sheet.

    The outline of a leaf that is not whole is dashed and its number grey. A sheet
    smaller than half of `long_side` is drawn a whole number of times larger.

    Parameters
    ----------
    image : H x W x 3 uint8 array-like
        The sheet, or a reduced copy of it.
    labels : H x W integers
        0 is not leaf.
    long_side : int
        Most that the longest side of the result has, in px.
    partial : collection of int
        Labels that are not single whole leaves.

    Returns
    -------
    h x w x 3 uint8
    """
    height, width = _drawn_size(labels.shape, long_side)
    sheet = Image.fromarray(np.asarray(image, np.uint8)).resize(
        (width, height), Image.Resampling.LANCZOS, reducing_gap=2.0
    )
    small = _nearest(labels, height, width)
    outlined = _with_outlines(np.asarray(sheet), small, partial)
    return with_numbers(outlined, labels, small, partial)


def _drawn_size(shape: tuple[int, ...], long_side: int) -> tuple[int, int]:
    factor = min(long_side / max(shape), MOST_ENLARGED)
    if factor > 1:
        factor = int(factor)  # as many px of the picture for every one of the sheet
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def _nearest(labels: NDArray, height: int, width: int) -> NDArray:
    rows = (np.arange(height) + 0.5) * labels.shape[0] / height
    columns = (np.arange(width) + 0.5) * labels.shape[1] / width
    return labels[np.ix_(rows.astype(int), columns.astype(int))]


def _with_outlines(
    sheet: NDArray, small: NDArray, partial: Collection[int]
) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = sheet.copy()
    leaf = small > 0
    colour = COLOURS[small[leaf] % len(COLOURS)]
    picture[leaf] = picture[leaf] * (1 - TINT) + colour * TINT
    outline = _dashed(_outline(small), small, partial)
    picture[outline] = COLOURS[small[outline] % len(COLOURS)]
    return picture


def _outline(small: NDArray) -> NDArray[np.bool_]:
    """Two px wide, inside the leaf; one px on small pictures."""
    outer = find_boundaries(small, mode="inner")
    rest = np.where(outer, 0, small)
    if max(small.shape) > LONG_SIDE // 2:
        outer |= find_boundaries(rest, mode="inner")
    outline: NDArray[np.bool_] = outer & (small > 0)
    return outline


def _dashed(
    outline: NDArray[np.bool_], small: NDArray, partial: Collection[int]
) -> NDArray[np.bool_]:
    """Take gaps out of the outlines of partial leaves."""
    if not partial:
        return outline
    row, column = np.nonzero(outline)
    # Twice the columns, as the plain sum is the same all along a diagonal margin.
    gap = (row + 2 * column) % DASH >= DASH // 2
    gap &= np.isin(small[row, column], list(partial))
    dashed = outline.copy()
    dashed[row[gap], column[gap]] = False
    return dashed
