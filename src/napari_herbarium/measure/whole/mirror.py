"""How far an outline is its own mirror image, which most whole leaves nearly are.

What is missing from one half of a leaf, or added to it, shows where the outline's
mirror image leaves the outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates

_GRID = 64
_ANGLES = 48
_SHIFTS = (-0.07, -0.03, 0.0, 0.03, 0.07)
_FAR = 0.08
_EVERY = 4

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Mirror:
    """The best axis of symmetry of an outline, and what mirroring on it gives.

    Attributes
    ----------
    along, across : N floats
        Of each point, in sides of the square; the longer end is positive.
    inside : N floats
        How far the mirror image of each point lies inside the leaf, or, below zero,
        outside of it; in sides of the square.
    partner : N integers
        Point nearest to the mirror image of each point.
    misfit : float
        Mean distance of the mirror image from the outline, in sides of the square,
        everything above 0.08 counting as that.
    """

    along: Points
    across: Points
    inside: Points
    partner: NDArray[np.intp]
    misfit: float


def mirror(points: Points, own: NDArray[np.uint8]) -> Mirror:
    """Find the axis on which an outline is most nearly its own mirror image.

    Parameters
    ----------
    points : N x 2 float
        The outline, evenly spaced, row and column in the square.
    own : S x S uint8
        The square, above 127 where the leaf is.
    """
    size = own.shape[0]
    depth = _depth(own)
    spots = points / size
    middle = _middle(own)
    axis, shift, misfit = _best_axis(spots[::_EVERY] - middle, depth, middle)
    side = np.array([-axis[1], axis[0]])
    rest = spots - middle
    along, across = rest @ axis, rest @ side - shift
    image = spots - 2 * across[:, None] * side
    # The distance to the spots but for a constant, squared; as a product it is fast.
    apart = (spots**2).sum(1) - 2 * image @ spots.T
    sign = 1.0 if (along**3).sum() >= 0 else -1.0
    inside = _at(depth, image, order=1)
    return Mirror(along * sign, across, inside, apart.argmin(1), misfit)


def _depth(own: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Distance to the outline on a coarse grid, in sides; below zero outside."""
    step = max(1, own.shape[0] // _GRID)
    inner = own[::step, ::step] > 127
    if not inner.any():
        return np.full((_GRID, _GRID), -_FAR, np.float32)
    depth = distance_transform_edt(np.pad(inner, 1))[1:-1, 1:-1]
    depth = np.where(inner, depth - 0.5, 0.5 - distance_transform_edt(~inner))
    return (depth / len(inner)).astype(np.float32)


def _middle(own: NDArray[np.uint8]) -> Points:
    total = max(float(own.sum(dtype=np.float64)), 1.0)
    at = np.arange(own.shape[0]) / own.shape[0]
    return np.array([own.sum(1) @ at, own.sum(0) @ at]) / total


def _best_axis(
    rest: Points, depth: NDArray[np.float32], middle: Points
) -> tuple[Points, float, float]:
    """Try all axes through or near the middle; direction, shift and misfit."""
    turn = np.arange(_ANGLES) * np.pi / _ANGLES
    sides = np.column_stack([-np.sin(turn), np.cos(turn)])
    shifts = np.array(_SHIFTS)
    across = (sides @ rest.T)[:, None] - shifts[None, :, None]
    image = middle + rest - 2 * across[..., None] * sides[:, None, None]
    misfit = np.minimum(np.abs(_at(depth, image)), _FAR).mean(-1)
    a, s = np.unravel_index(misfit.argmin(), misfit.shape)
    axis = np.array([np.cos(turn[a]), np.sin(turn[a])])
    return axis, float(shifts[s]), float(misfit[a, s])


def _at(depth: NDArray[np.float32], spots: Points, order: int = 0) -> Points:
    at = spots * depth.shape[0]
    if order:
        found = map_coordinates(depth, at.T, order=order, mode="nearest")
    else:
        cells = np.clip(np.rint(at).astype(int), 0, depth.shape[0] - 1)
        found = depth[cells[..., 0], cells[..., 1]]
    return np.asarray(found, np.float64)
