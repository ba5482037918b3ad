"""Thin ends of a leaf's outline, measured by folding the outline about its tips.

Folded about a tip, point k steps to one side faces point k steps to the other, and
the distance between them is the width there. Along a petiole this width stays even
and then jumps; along a drip tip or a lobe it grows from nothing all the way. The
fold follows bent petioles too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

from napari_herbarium.measure.shape.outline import (
    Ring,
    enclosed_area,
    resampled,
    ring_length,
)

_LEAST_POINTS = 64
_MOST_POINTS = 768
_WIDER = 1.25  # times its width: from here to twice its width it opens
_EVEN = 1.4  # a tail ends where it is this much wider than its mean so far
_WIDEST = 0.35  # of the leaf's hydraulic width, 4 area / perimeter
_MEAN_WIDEST = 0.2
_SHORTEST = 1.5  # length / width
_SHORTEST_SHARE = 0.02  # of the square root of the leaf's area
_LEAST_OPENING = 2.0


@dataclass(frozen=True)
class Tail:
    """A thin end of an outline.

    Attributes
    ----------
    tip : int
        Index of its tip in the folded ring.
    reach : float
        Steps from the tip to where it meets the lamina, on either side.
    joint : (2, 2) float
        The two outline points where it meets the lamina.
    ring : (N, 2) float
        Its outline, closed by the joint.
    length, width : float
        Along its middle and across, px.
    slimness : float
        Length over width, up to where it has widened by 1.4.
    opening : float
        Width 1.5 widths farther in, over its width.
    taper : float
        Width in its outer part over width in its inner part.
    bluntness : float
        Width close to the tip over its width.
    thickness : float
        Width over the leaf's hydraulic width.
    """

    tip: int
    reach: float
    joint: NDArray[np.float64]
    ring: Ring
    length: float
    width: float
    slimness: float
    opening: float
    taper: float
    bluntness: float
    thickness: float

    @property
    def base(self) -> NDArray[np.float64]:
        """Where its middle meets the lamina, y, x."""
        middle: NDArray[np.float64] = self.joint.mean(axis=0)
        return middle

    def kept(self, count: int) -> NDArray[np.intp]:
        """Return the indices of a ring of `count` points without the tail."""
        reach = int(np.ceil(self.reach))
        return np.arange(self.tip + reach, self.tip - reach + count + 1) % count


def folded_ring(ring: Ring) -> Ring:
    """Return the outline at equal steps, as `find_tails` wants it."""
    count = np.clip(ring_length(ring), _LEAST_POINTS, _MOST_POINTS)
    return resampled(ring, int(count))


def find_tails(ring: Ring) -> list[Tail]:
    """Find the thin ends of even width of an outline.

    Parameters
    ----------
    ring : (N, 2) float
        Smoothed outline at equal steps (`folded_ring`).

    Returns
    -------
    list of Tail
        In no order; several may describe the same end.
    """
    step = ring_length(ring) / len(ring)
    area = enclosed_area(ring)
    if step <= 0 or area <= 0:
        return []
    hydraulic = 4 * area / (len(ring) * step)
    tails = (fold.tail(step, hydraulic) for fold in _folds(ring, _tips(ring, step)))
    least = _SHORTEST_SHARE * np.sqrt(area)
    return [tail for tail in tails if tail is not None and tail.length >= least]


def _tips(ring: Ring, step: float) -> NDArray[np.intp]:
    """Points where the outline turns back on itself, at any of several sizes."""
    found = np.zeros(len(ring), bool)
    reach = 3
    while reach < len(ring) // 6:
        before, after = np.roll(ring, reach, axis=0), np.roll(ring, -reach, axis=0)
        width = np.hypot(*(after - before).T)
        (ay, ax), (by, bx) = (ring - before).T, (after - ring).T
        narrowest = width == minimum_filter1d(width, 2 * (reach // 2) + 3, mode="wrap")
        found |= narrowest & (width < 1.6 * reach * step) & (ay * bx > ax * by)
        reach = int(np.ceil(reach * 1.5))
    return np.flatnonzero(found)


def _folds(ring: Ring, tips: NDArray[np.intp]) -> Iterator[_Fold]:
    steps = np.arange(1, int(0.42 * len(ring)))
    left = ring[(tips[:, None] - steps) % len(ring)]
    right = ring[(tips[:, None] + steps) % len(ring)]
    width = np.hypot(*np.moveaxis(right - left, -1, 0))
    middle = (left + right) / 2
    moves = np.diff(middle, axis=1, prepend=ring[tips][:, None])
    along = np.cumsum(np.hypot(*np.moveaxis(moves, -1, 0)), axis=1)
    mean = np.cumsum(width, axis=1) / steps
    for i, tip in enumerate(tips):
        yield _Fold(int(tip), left[i], right[i], width[i], mean[i], along[i])


@dataclass(frozen=True)
class _Fold:
    """Facing points of an outline folded about one tip, from the tip inwards."""

    tip: int
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    width: NDArray[np.float64]
    mean: NDArray[np.float64]
    along: NDArray[np.float64]

    def tail(self, step: float, hydraulic: float) -> Tail | None:
        """Return the tail at this tip if it is slim, even and opens suddenly."""
        last = self._last_even(_WIDEST * hydraulic)
        if last is None:
            return None
        width = float(self.mean[last])
        slimness = float(self.along[last]) / width
        opening = self._width_at(last + max(2, round(1.5 * width / step))) / width
        thin = width < _MEAN_WIDEST * hydraulic
        if not thin or slimness < _SHORTEST or opening < _LEAST_OPENING:
            return None
        knee = self._knee(last, step)
        inner = int(knee)
        joint = np.stack([_between(self.left, knee), _between(self.right, knee)])
        return Tail(
            tip=self.tip,
            reach=knee + 1,
            joint=joint,
            ring=np.concatenate(
                [joint[:1], self.left[inner::-1], self.right[: inner + 1], joint[1:]]
            ),
            length=float(_between(self.along, knee)),
            width=float(np.median(self.width[inner // 4 : inner + 1])),
            slimness=slimness,
            opening=opening,
            taper=self._taper(last),
            bluntness=self._width_at(min(round(0.7 * width / step), last + 1) - 1)
            / width,
            thickness=width / hydraulic,
        )

    def _width_at(self, steps: int) -> float:
        return float(self.width[np.clip(steps, 0, len(self.width) - 1)])

    def _last_even(self, widest: float) -> int | None:
        wide = np.flatnonzero(self.width > widest)
        narrow = slice(0, int(wide[0]) if len(wide) else None)
        even = np.flatnonzero(self.width[narrow] <= _EVEN * self.mean[narrow])
        return int(even[-1]) if len(even) else None

    def _knee(self, last: int, step: float) -> float:
        """Where the tail starts to widen, by extrapolation of its widening."""
        width = float(np.median(self.width[last // 4 : max(3 * last // 4, 1)]))
        wider = self._crossing(_WIDER * width, last, step)
        twice = self._crossing(2 * width, last, step)
        back = (twice - wider) * (_WIDER - 1) / (2 - _WIDER)
        return max(wider - min(back, width / step), 0.0)

    def _crossing(self, width: float, last: int, step: float) -> float:
        """Where the tail gets wider than so much for good, in steps from the tip."""
        near = slice(0, last + 2 + round(2 * width / step))
        narrow = np.flatnonzero(self.width[near] <= width)
        if not len(narrow) or narrow[-1] + 1 >= len(self.width[near]):
            return float(last)
        at = int(narrow[-1])
        below, above = self.width[at], self.width[at + 1]
        return at + float((width - below) / max(above - below, 1e-9))

    def _taper(self, last: int) -> float:
        quarter, half = last // 4, (last + 1) // 2
        outer = self.width[quarter : max(quarter + 1, half)].mean()
        inner = self.width[half : max(half + 1, 3 * (last + 1) // 4)].mean()
        return float(outer / max(float(inner), 1e-9))


def _between(values: NDArray[np.float64], at: float) -> NDArray[np.float64]:
    """Interpolate between two steps of a fold."""
    i = min(int(at), len(values) - 2)
    between: NDArray[np.float64] = values[i] + (at - i) * (values[i + 1] - values[i])
    return between
