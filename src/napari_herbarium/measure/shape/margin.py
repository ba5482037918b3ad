"""Lobes and teeth of a leaf's margin.

After the Manual of Leaf Architecture (Ellis et al. 2009): a projection is a lobe
where the margin is cut in deeply toward the axis, a tooth where it is not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks, peak_widths
from scipy.spatial import ConvexHull, QhullError

from napari_herbarium.measure.shape.lamina import Lamina
from napari_herbarium.measure.shape.outline import Ring, enclosed_area, resampled

Vector = NDArray[np.float64]

_POINTS = 1024
_SMALLEST = 8.0  # px: square root of the area of a lamina too small to have any
_INCISION = 0.2
"""Share of the way from the hull to the axis that a sinus between lobes cuts in."""
_SINUS = 0.07  # least depth of a sinus, of the square root of the lamina's area
_STEEPNESS = 0.2  # least depth of a sinus over the width of its mouth
_MOUTH = 0.95  # of its depth up, where a sinus' mouth is
_NOTCH = 0.25  # depth of a notch at the axis' end that counts, of the length
_ON_AXIS = 0.08  # a sinus this close to the axis, of the width, is a notch
_TOOTH_SCALE = 0.012  # of the outline: sigma of the smoothed margin teeth stand on
_TOOTH = 0.006  # least height of a tooth, of the square root of the lamina's area
_TOOTH_PX = 1.25
_NOTCHED = 0.25  # depth, in least heights, of the notch on one side of a tooth
_NO_TOOTH = 0.02  # of the outline: the reach of lobe tips, apex and base
_REACH = _NO_TOOTH * _POINTS
_TALLER = 1.5  # an apex or base this much taller than most teeth is none


class Margin(NamedTuple):
    """What the margin is like."""

    sinuses: int
    lobes: int
    teeth: int


def describe_margin(lamina: Lamina) -> Margin:
    """Count sinuses, lobes and teeth.

    Sinuses are the local maxima of the depth of the outline under its convex hull,
    by prominence, that cut in at least a fifth of the way from the hull to the
    axis. A notch where the axis leaves the lamina is a cordate base or an
    emarginate apex and counts from a quarter of the length on; the one at the base
    never does. Lobes are one more than the sinuses, 0 where there is none.

    Teeth are the local maxima, by prominence, of the outline over a smoothed copy
    of itself that have a notch beside them, without the tips of lobes, the apex and
    the base.
    """
    ring = resampled(lamina.ring, _POINTS)
    size = float(np.sqrt(enclosed_area(ring)))
    if size < _SMALLEST:
        return Margin(0, 0, 0)
    sinuses = _sinuses(lamina, ring, _SINUS * size)
    lobes = len(sinuses) + 1 if len(sinuses) else 0
    teeth = _find_teeth(ring, max(_TOOTH * size, _TOOTH_PX))
    if lamina.petiole is not None:
        teeth = teeth.away_from(0, _NO_TOOTH / 2)
    for tip in _lobe_tips(lamina, ring, sinuses):
        teeth = teeth.without(tip, 0.0)
    for tip in _ends(lamina, ring):
        teeth = teeth.without(tip, _TALLER)
    return Margin(len(sinuses), lobes, len(teeth.at))


def _sinuses(lamina: Lamina, ring: Ring, least: float) -> NDArray[np.intp]:
    """Find the ring's deep sinuses, as indices in order round it."""
    corners = _hull_corners(ring)
    if len(corners) < 3:
        return np.zeros(0, np.intp)
    depth, across_axis = _depth_under_hull(lamina, ring, corners)
    turned = np.roll(depth, -corners[0])
    found, shape = find_peaks(turned, prominence=least)
    at = (found + corners[0]) % len(ring)
    cut = shape["prominences"]
    mouth = _mouths(np.roll(ring, -corners[0], axis=0), turned, found)
    width = float(np.ptp(lamina.aside(ring)))
    aside = np.abs(lamina.aside(ring[at]))
    notch = across_axis[at] & (aside < _ON_AXIS * width)
    lateral = cut >= _INCISION * (cut + aside)
    deep = np.where(notch, _is_deep_notch(lamina, ring, at, cut), lateral)
    return np.sort(at[deep & (cut >= _STEEPNESS * mouth)])


def _mouths(ring: Ring, depth: Vector, sinuses: NDArray[np.intp]) -> Vector:
    """Distance between the two tips that flank each sinus."""
    _, _, left, right = peak_widths(depth, sinuses, rel_height=_MOUTH)
    tips = ring[right.astype(int)] - ring[left.astype(int)]
    return np.hypot(tips[:, 0], tips[:, 1])


def _hull_corners(ring: Ring) -> NDArray[np.intp]:
    try:
        return np.sort(ConvexHull(ring).vertices).astype(np.intp)
    except QhullError:
        return np.zeros(0, np.intp)


def _depth_under_hull(
    lamina: Lamina, ring: Ring, corners: NDArray[np.intp]
) -> tuple[Vector, NDArray[np.bool_]]:
    """Return each point's distance to the hull edge over it, and if that crosses."""
    edge = np.searchsorted(corners, np.arange(len(ring)), side="right") - 1
    start, end = ring[corners[edge]], ring[np.roll(corners, -1)[edge]]
    along, off = end - start, ring - start
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    depth = np.abs(along[:, 0] * off[:, 1] - along[:, 1] * off[:, 0]) / length
    return depth, lamina.aside(start) * lamina.aside(end) < 0


def _is_deep_notch(
    lamina: Lamina, ring: Ring, at: NDArray[np.intp], cut: Vector
) -> NDArray[np.bool_]:
    along = lamina.along(ring)
    deep: NDArray[np.bool_] = cut >= _NOTCH * float(np.ptp(along))
    at_base = (along[at] < 0) & (lamina.petiole is not None)
    return deep & ~at_base


class _Teeth(NamedTuple):
    """Where teeth stand on the ring and how tall they are."""

    at: NDArray[np.intp]
    height: Vector

    def away_from(self, point: int, share: float) -> _Teeth:
        """Leave out those within a share of the ring of a point."""
        keep = _steps(self.at, point) > share * _POINTS
        return _Teeth(self.at[keep], self.height[keep])

    def without(self, tip: int, taller: float) -> _Teeth:
        """Leave out the one at a tip if it is so many times taller than most."""
        if not len(self.at):
            return self
        apart = _steps(self.at, tip)
        nearest = int(apart.argmin())
        rest = np.delete(self.height, nearest)
        low = len(rest) > 2 and self.height[nearest] < taller * np.median(rest)
        if low or apart[nearest] > _REACH:
            return self
        return _Teeth(np.delete(self.at, nearest), rest)


def _find_teeth(ring: Ring, least: float) -> _Teeth:
    """Points that stand out from the margin beside a notch."""
    height = _height_over_smooth(ring, _TOOTH_SCALE * len(ring))
    around = np.concatenate([height, height, height])
    tips, shape = find_peaks(around, prominence=least)
    if len(tips) < 3:
        return _Teeth(np.zeros(0, np.intp), np.zeros(0))
    notches = np.minimum.reduceat(around, tips)[:-1]
    notched = np.minimum(notches[:-1], notches[1:]) < -_NOTCHED * least
    inner, tall = tips[1:-1], shape["prominences"][1:-1]
    kept = notched & (inner >= len(ring)) & (inner < 2 * len(ring))
    return _Teeth((inner[kept] - len(ring)).astype(np.intp), tall[kept])


def _height_over_smooth(ring: Ring, sigma: float) -> Vector:
    smooth = gaussian_filter1d(ring, sigma, axis=0, mode="wrap")
    forward = np.roll(smooth, -1, axis=0) - np.roll(smooth, 1, axis=0)
    outward = forward[:, ::-1] * (1, -1)
    outward /= np.maximum(np.hypot(outward[:, 0], outward[:, 1]), 1e-9)[:, None]
    height: Vector = ((ring - smooth) * outward).sum(axis=1)
    return height


def _lobe_tips(lamina: Lamina, ring: Ring, sinuses: NDArray[np.intp]) -> list[int]:
    """Return the point farthest from the centre between each two sinuses or base."""
    if not len(sinuses):
        return []
    far = np.hypot(*(ring - lamina.centre).T)
    ends = _axis_ends(lamina, ring)
    base = 0 if lamina.petiole is not None else min(ends, key=lambda end: far[end])
    cuts = np.unique([*sinuses, base])
    arcs = np.split(np.roll(np.arange(len(ring)), -cuts[0]), np.diff(cuts).cumsum())
    return [int(arc[far[arc].argmax()]) for arc in arcs]


def _axis_ends(lamina: Lamina, ring: Ring) -> list[int]:
    """Return where the axis leaves the lamina, or just the apex above a petiole."""
    turns = np.abs(np.arctan2(lamina.aside(ring), lamina.along(ring)))
    ends = [int(turns.argmin()), int(turns.argmax())]
    return ends[:1] if lamina.petiole is not None else ends


def _ends(lamina: Lamina, ring: Ring) -> list[int]:
    """Return apex and base; those of a bent leaf lie beside its straight axis."""
    ends, along = _axis_ends(lamina, ring), lamina.along(ring)
    far = [int(along.argmax()), int(along.argmin())][: len(ends)]
    beside = [end for end in far if _steps(np.array(ends), end).min() > _REACH]
    return [*ends, *beside]


def _steps(points: NDArray[np.intp], point: int) -> NDArray[np.intp]:
    """Points of the ring from each of some points to another, the shorter way."""
    return np.minimum((points - point) % _POINTS, (point - points) % _POINTS)
