"""The outline of a silhouette, point by point, as the whole-leaf classifier reads it.

A cut, a tear or the edge of a leaf on top shows in how an outline turns, which a
network sees at once when the turning itself is its input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from napari_herbarium.measure.whole.mirror import mirror

POINTS = 256
_TURNS = (2, 5, 12, 30, 60)
_CHORDS = (12,)
_OUTWARD = (2.0, 6.0, 14.0)
_INWARD = (3.0, 8.0, 18.0)
# Of _TURNS, those that are also read at the point that mirrors this one.
_MIRRORED = slice(1, 4)
_FARTHEST = 0.15

Points = NDArray[np.float64]


def outline_sequence(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe the outline in a square drawn by `input.label_square`.

    Parameters
    ----------
    square : 2 x S x S uint8
        The label, and what may hide a part of it.

    Returns
    -------
    25 x 256 float32
        At evenly spaced points of the outer outline of the largest piece: distance
        from the centre, and cosine and sine of the angle between the outline and the
        ray from the centre; turning over five distances, in half turns; straightness
        over one; what may hide the leaf, 2, 6 and 14 px outside; the label itself 3,
        8 and 18 px inside; how far the point's mirror image lies inside the leaf,
        where it is along the best axis of symmetry and how far from it, and the
        turning at its mirror image over three distances (see `mirror`); and, the
        same at all points, how badly the leaf fits its mirror image, length of the
        outline, area, and area of holes and further pieces. Distances are for a square
        of 128 px. Nothing depends on how the leaf lies.
    """
    own, others = np.pad(square, ((0, 0), (1, 1), (1, 1)))
    ring = _longest_contour(own)
    points, length = _evenly_spaced(ring)
    size = square.shape[1]
    unit = size / 128
    sign = _outward_sign(points)
    along = _unit(np.roll(points, -1, 0) - np.roll(points, 1, 0)) * sign
    outside = np.column_stack([along[:, 1], -along[:, 0]])
    ray = points - points.mean(0)
    out = _unit(ray)
    area = (own > 127).sum() / size**2
    filled = abs(_signed_area(points)) / size**2
    seen = mirror(points, own[1:-1, 1:-1])
    turning = [_turning(points, k) * sign for k in _TURNS]
    steady = [seen.misfit * 20, length / (4 * size), area, filled - area]
    rows = [
        np.hypot(*ray.T) / (size / 2),
        (along * out).sum(1),
        along[:, 0] * out[:, 1] - along[:, 1] * out[:, 0],
        *turning,
        *(_straightness(points, k, length) for k in _CHORDS),
        *(_sampled(others, points + outside * d * unit) for d in _OUTWARD),
        *(_sampled(own, points - outside * d * unit) for d in _INWARD),
        np.clip(seen.inside / _FARTHEST, -1, 1),
        seen.along * 2,
        np.abs(seen.across) * 2,
        *(turns[seen.partner] for turns in turning[_MIRRORED]),
        *(np.full(POINTS, value) for value in steady),
    ]
    return np.asarray(rows, np.float32)


def _longest_contour(own: NDArray[np.uint8]) -> Points:
    """Trace the outline; at a lower level where the label is too thin to show."""
    level = min(127.5, max(int(own.max()), 1) / 2)
    rings = find_contours(own, level)
    if not rings:
        return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    return max(rings, key=len)


def _evenly_spaced(ring: Points) -> tuple[Points, float]:
    steps = np.hypot(*np.diff(ring, axis=0).T)
    at = np.concatenate([[0], np.cumsum(steps)])
    wanted = np.linspace(0, at[-1], POINTS, endpoint=False)
    points = np.column_stack([np.interp(wanted, at, ring[:, k]) for k in (0, 1)])
    return points, float(at[-1])


def _unit(vectors: Points) -> Points:
    return vectors / np.maximum(np.hypot(*vectors.T), 1e-9)[:, None]


def _outward_sign(points: Points) -> float:
    return 1.0 if _signed_area(points) > 0 else -1.0


def _signed_area(points: Points) -> float:
    y, x = points.T
    return float((y * np.roll(x, -1) - x * np.roll(y, -1)).sum() / 2)


def _turning(points: Points, reach: int) -> Points:
    """Angle by which the outline turns at each point, in half turns."""
    before = points - np.roll(points, reach, 0)
    after = np.roll(points, -reach, 0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.arctan2(cross, (before * after).sum(1)) / np.pi


def _straightness(points: Points, reach: int, length: float) -> Points:
    chord = np.roll(points, -reach, 0) - np.roll(points, reach, 0)
    return np.hypot(*chord.T) / max(2 * reach * length / POINTS, 1e-9)


def _sampled(mask: NDArray[np.uint8], points: Points) -> Points:
    at = np.clip(np.round(points).astype(int), 0, mask.shape[0] - 1)
    return mask[at[:, 0], at[:, 1]] / 255
