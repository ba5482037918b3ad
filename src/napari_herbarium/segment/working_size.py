"""Look at one label in a smaller size, and bring what was found back to its own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.segment.levels import reduced
from napari_herbarium.segment.mask import areas_of, components, numbered_boxes

HALF = 128
"""Of the 255 of a px that is covered."""


def step_to(shape: tuple[int, ...], side: int) -> int:
    """How many px become one, so that the longer side has at most `side` px."""
    return max(1, math.ceil(max(shape) / side))


def shrunk(mask: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """Shrink a mask; a px of the result is at least half covered."""
    return mask if step == 1 else reduced(as_bytes(mask), step) >= HALF


def as_bytes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Give 255 where a mask is set."""
    return mask.astype(np.uint8) * np.uint8(255)


def at_full_size(
    pieces: NDArray[np.integer], mask: NDArray[np.bool_], step: int
) -> NDArray[np.integer]:
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
    h x w, the smallest unsigned integers
        Every pixel of the shape belongs to one piece, and each piece is connected.
    """
    height, width = mask.shape
    large = pieces.repeat(step, 0).repeat(step, 1)[:height, :width]
    return fitted_to(large, mask)


def fitted_to(pieces: NDArray[np.integer], mask: NDArray[np.bool_]) -> NDArray:
    """Fit pieces that were found at another size to a shape.

    Parameters
    ----------
    pieces : h x w integers
        Pieces 1 to n; they need not cover the shape, and may reach over it.
    mask : h x w bool
        The shape, connected.

    Returns
    -------
    h x w, the smallest unsigned integers
        Every pixel of the shape belongs to one piece, and each piece is connected.
    """
    height, width = mask.shape
    kind = np.min_scalar_type(int(pieces.max(initial=0)))
    # A rim of 1 px, so that every pixel has neighbours on all sides.
    full = np.zeros((height + 2, width + 2), kind)
    inner = full[1:-1, 1:-1]
    inner[mask] = pieces[mask]
    _keep_largest_parts(inner)
    _grow(full, mask)
    return inner


def _keep_largest_parts(pieces: NDArray[np.integer]) -> None:
    """Keep of each piece the largest connected part, in place."""
    for piece, box in numbered_boxes(pieces):
        here = pieces[box]
        own = here == piece
        parts = components(own)
        count = int(parts.max())
        if count > 1:
            here[own & (parts != areas_of(parts, count)[1:].argmax() + 1)] = 0


def _grow(full: NDArray[np.integer], mask: NDArray[np.bool_]) -> None:
    """Let pieces grow over the rest of a connected shape, px by px, in place.

    Only the few pixels that belong to no piece yet are looked at.
    """
    row, column = np.nonzero(mask & (full[1:-1, 1:-1] == 0))
    rest = (row + 1) * full.shape[1] + column + 1
    flat = full.reshape(-1)
    around = [
        down * full.shape[1] + right
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        if down or right
    ]
    while len(rest):
        found = np.zeros(len(rest), full.dtype)
        for step in around:
            found = np.where(found == 0, flat[rest + step], found)
        if not found.any():
            return
        flat[rest] = found
        rest = rest[found == 0]
