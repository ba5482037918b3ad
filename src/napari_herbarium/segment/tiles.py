"""Where tiles lie, how they are cut out, and how they are blended.

Neighbouring tiles overlap. In the overlap a tile first counts nothing, where its own
edge was in the network's view (`trim`), then rises evenly to full weight, while its
neighbour falls, so that no seam shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

STEP = 32
"""Sides of what a network is given are multiples of this."""


def up_to_step(length: int) -> int:
    """Round up to a multiple of `STEP` px."""
    return -(-length // STEP) * STEP


def overlap_of(tile: int) -> int:
    """How far neighbouring tiles overlap, in px."""
    return tile // 4


def close_overlap_of(tile: int) -> int:
    """Give the overlap of a close look, which only moves an outline that is known."""
    return tile // 8


@dataclass(frozen=True)
class Spans:
    """Tiles along one axis.

    Attributes
    ----------
    starts : tuple of int
        First pixel of each tile.
    size : int
        Length of every tile; a single tile may reach over the end of the axis.
    """

    starts: tuple[int, ...]
    size: int


def spread(length: int, tile: int, overlap: int | None = None) -> Spans:
    """Cover an axis with as few and then as small tiles as will do.

    Parameters
    ----------
    length : int
        Length of the axis in px.
    tile : int
        Largest tile, a multiple of `STEP`.
    overlap : int, optional
        How far neighbours overlap at least; `overlap_of` the tile when None.
    """
    overlap = overlap_of(tile) if overlap is None else overlap
    if length <= tile:
        return Spans((0,), up_to_step(length))
    count = -(-(length - overlap) // (tile - overlap))
    size = min(tile, up_to_step(-(-(length + (count - 1) * overlap) // count)))
    gap = (length - size) / (count - 1)
    return Spans(tuple(round(i * gap) for i in range(count)), size)


def in_batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Go through `items` in groups of at most `size`, as even as possible."""
    count = -(-len(items) // size)
    for i in range(count):
        yield items[i * len(items) // count : (i + 1) * len(items) // count]


def cut(image: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Cut a tile out of an H x W x 3 picture, repeating its edge where it ends."""
    part = image[top : top + height, left : left + width]
    short = height - part.shape[0], width - part.shape[1]
    if short == (0, 0):
        return part
    return np.pad(part, ((0, short[0]), (0, short[1]), (0, 0)), mode="edge")


def ramp(size: int, overlap: int, first: bool, last: bool) -> Tensor:
    """Weights of one tile along one axis.

    Parameters
    ----------
    size, overlap : int
        Length of the tile and of its overlap with each neighbour, in px.
    first, last : bool
        Whether the tile lies at the start or the end of the axis, where it keeps its
        full weight because there is no neighbour.

    Returns
    -------
    Tensor
        `size` numbers from 0 to 1. Those of two tiles that overlap by `overlap` add
        up to 1.
    """
    import torch

    trim = overlap // 4
    rise = (torch.arange(size) + 0.5 - trim) / (overlap - 2 * trim)
    weight = torch.ones(size)
    if not first:
        weight = torch.minimum(weight, rise)
    if not last:
        weight = torch.minimum(weight, rise.flip(0))
    return weight.clamp(0, 1)
