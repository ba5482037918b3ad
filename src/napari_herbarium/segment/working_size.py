"""Look at one label in a smaller size, and bring what was found back to its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import block_reduce, label
from skimage.segmentation import watershed


def step_to(shape: tuple[int, ...], side: int) -> int:
    """How many px become one, so that the longer side has at most `side` px."""
    return max(1, math.ceil(max(shape) / side))


def shrunk(mask: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """Shrink a mask; a px of the result is at least half covered."""
    return mask if step == 1 else shrunk_values(mask, step) >= 0.5


def shrunk_values(values: NDArray[Any], step: int) -> NDArray[np.float32]:
    """Shrink h x w values by averaging; beyond the end lies 0."""
    exact: NDArray[np.float32] = values.astype(np.float32)
    if step == 1:
        return exact
    means: NDArray[np.float32] = block_reduce(exact, step, np.mean)
    return means


def at_full_size(
    pieces: NDArray[np.integer], mask: NDArray[np.bool_], step: int
) -> NDArray[np.int32]:
    """Bring pieces of a shape back to its own size.

    Parameters
    ----------
    pieces : integers
        Pieces 1 to n of the mask, shrunk by `step`.
    mask : h x w bool
        The shape, connected.
    step : int
        By how much it was shrunk.

    Returns
    -------
    h x w int32
        Every pixel of the shape belongs to one piece, and each piece is connected.
    """
    height, width = mask.shape
    full = pieces.repeat(step, 0).repeat(step, 1)[:height, :width]
    seeds = _largest_parts(np.where(mask, full, 0).astype(np.int32))
    if (seeds > 0).sum() == mask.sum():
        return seeds
    everywhere = np.ones((3, 3), bool)
    level = np.zeros(mask.shape, np.uint8)
    grown: NDArray[np.int32] = watershed(level, seeds, everywhere, mask=mask)
    return grown


def _largest_parts(pieces: NDArray[np.int32]) -> NDArray[np.int32]:
    """Keep of each piece the largest connected part."""
    parts = label(pieces, connectivity=2, background=0)
    size = np.bincount(parts.ravel())
    piece = np.zeros(len(size), np.int32)
    piece[parts.ravel()] = pieces.ravel()
    # Sorted by size, so that the last part of a piece that is written is the largest.
    order = np.argsort(size[1:], kind="stable") + 1
    largest = np.zeros(int(pieces.max()) + 1, np.int64)
    largest[piece[order]] = order
    keep = np.zeros(len(size), bool)
    keep[largest[1:]] = True
    keep[0] = False
    return np.where(keep[parts], pieces, 0).astype(np.int32)
