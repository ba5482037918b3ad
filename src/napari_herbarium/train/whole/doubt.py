"""Made examples of which nobody could say, from the outline, what they are.

A leaf that lost less than 15 % of its area is neither whole nor a good example of one
that is not. A leaf split along its length, so that both ends remain, looks like a
narrower leaf. Leaves that overlap are several only where two of them stick out by
half of their area, leaflets where 60 % of their area shows, and a stem is one
where a piece a quarter as long as the leaf sticks out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_herbarium.train.whole.canvas import Mask, Points, largest

LEAST_LOST = 0.15
_SLENDER = 1.5
_STILL_LONG = 0.9
_STICKS_OUT = 0.5
_SHOWS = 0.6
_STUB = 0.25


def hardly_damaged(left: Mask, leaf: Mask) -> bool:
    """Whether a leaf lost less than 15 % of its area."""
    return bool(left.sum() > (1 - LEAST_LOST) * leaf.sum())


def split_lengthwise(left: Mask, leaf: Mask) -> bool:
    """Whether what is left of a slender leaf has nine tenths of its length."""
    points = np.argwhere(leaf)
    if len(points) < 3 or not left.any():
        return False
    centred = points - points.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    long, wide = _extent(points, axes[:, 1]), _extent(points, axes[:, 0])
    still = _extent(np.argwhere(left), axes[:, 1])
    return long >= _SLENDER * wide and still >= _STILL_LONG * long


def hide_each_other(leaves: Sequence[Mask]) -> bool:
    """Whether fewer than two leaves stick out of the others by half of their area."""
    depth = np.sum(leaves, axis=0)
    shares = [(leaf & (depth == 1)).sum() / max(leaf.sum(), 1) for leaf in leaves]
    return bool(sum(share >= _STICKS_OUT for share in shares) < 2)


def crowded(patch: Mask, leaves: Sequence[Mask]) -> bool:
    """Whether less than 60 % of the leaflets' area shows."""
    return bool(patch.sum() < _SHOWS * sum(leaf.sum() for leaf in leaves))


def stub(stem: Mask, leaf: Mask) -> bool:
    """Whether no piece of a stem a quarter as long as its leaf sticks out."""
    out = np.argwhere(largest(stem & ~leaf))
    if not len(out):
        return True
    reach = np.hypot(*np.ptp(out, axis=0))
    return bool(reach < _STUB * np.hypot(*np.ptp(np.argwhere(leaf), axis=0)))


def _extent(points: Points, axis: Points) -> float:
    return float(np.ptp(points @ axis)) + 1
