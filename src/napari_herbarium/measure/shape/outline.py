"""Sub-pixel outlines of leaves: rings of points, their length, area and diameters.

A ring is an (N, 2) float64 array of y, x in px with pixel centres at whole
numbers, as napari draws them; it is closed without repeating its first point.
Rings run halfway between leaf and paper, so that a row of n pixels is n px long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import ConvexHull, QhullError
from skimage.measure import approximate_polygon, find_contours

from napari_herbarium.measure.columns import check_labels
from napari_herbarium.segment.mask import numbered_boxes

Ring: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

SMOOTHING = 1.5
"""Sigma, in ring points, of the smoothing that takes the pixel steps out."""
_SHORT = 16  # rings of fewer points are left as they are: specks of a few px
_PIECE = 0.01  # smaller pieces, as a share of the largest, are not measured along


@dataclass(frozen=True)
class Outline:
    """Outline of one label.

    Attributes
    ----------
    exteriors : tuple of ring
        One per piece (pixels joined by their sides), largest first.
    holes : tuple of ring
        Gaps enclosed by leaf, largest first.
    """

    exteriors: tuple[Ring, ...]
    holes: tuple[Ring, ...]

    @property
    def main(self) -> Ring:
        """The largest exterior."""
        return self.exteriors[0]

    @property
    def pieces(self) -> tuple[Ring, ...]:
        """Exteriors without specks under 1 % of the largest."""
        least = _PIECE * enclosed_area(self.main)
        return tuple(ring for ring in self.exteriors if enclosed_area(ring) >= least)

    def moved(self, origin: tuple[int, int]) -> Outline:
        """Return the outline shifted by `origin`, (y, x) in px."""
        return Outline(
            tuple(ring + origin for ring in self.exteriors),
            tuple(ring + origin for ring in self.holes),
        )


def trace_outline(mask: Mask) -> Outline:
    """Trace a leaf.

    Parameters
    ----------
    mask : (H, W) bool
        True on the leaf; at least one pixel.

    Returns
    -------
    Outline
        By marching squares at level 0.5 (`skimage.measure.find_contours`).
    """
    rings = [ring[:0:-1] - 1 for ring in find_contours(np.pad(mask, 1), 0.5)]
    rings.sort(key=enclosed_area, reverse=True)
    inward = [signed_area(ring) < 0 for ring in rings]
    return Outline(
        tuple(ring for ring, hole in zip(rings, inward, strict=True) if not hole),
        tuple(ring for ring, hole in zip(rings, inward, strict=True) if hole),
    )


def outlines(labels: NDArray[Any], tolerance: float) -> dict[int, Outline]:
    """Outline of every label as polygons.

    Parameters
    ----------
    labels : (H, W) integer
        0 is paper.
    tolerance : float
        Points may be dropped where the outline moves by no more than this, in px.

    Returns
    -------
    dict
        Label to `Outline`, in px of the sheet.

    Raises
    ------
    SettingsError
        When `labels` is no 2-D integer image.
    """
    return {
        label: _simplified(trace_outline(mask), tolerance).moved(origin)
        for label, mask, origin in leaf_crops(check_labels(labels))
    }


def leaf_crops(labels: NDArray[Any]) -> Iterator[tuple[int, Mask, tuple[int, int]]]:
    """Yield label, mask in its bounding box and the box's corner (y, x)."""
    for label, box in numbered_boxes(labels):
        yield label, labels[box] == label, (box[0].start, box[1].start)


def _simplified(outline: Outline, tolerance: float) -> Outline:
    return Outline(
        tuple(_simplified_ring(ring, tolerance) for ring in outline.exteriors),
        tuple(_simplified_ring(ring, tolerance) for ring in outline.holes),
    )


def _simplified_ring(ring: Ring, tolerance: float) -> Ring:
    kept: Ring = approximate_polygon(closed(ring), tolerance)[:-1]
    return kept if len(kept) > 2 else ring


def closed(ring: Ring) -> Ring:
    """Return the ring with its first point repeated at the end."""
    return np.concatenate([ring, ring[:1]])


def smooth_ring(ring: Ring) -> Ring:
    """Take the pixel steps out of a ring.

    Steps make the outline of a disc 5 % too long; after a Gaussian of 1.5 points
    along the ring its length is right within 1 % for discs, ellipses and
    rectangles from 60 px across.
    """
    if len(ring) < _SHORT:
        return ring
    smooth: Ring = gaussian_filter1d(ring, SMOOTHING, axis=0, mode="wrap")
    return smooth


def arc_lengths(ring: Ring) -> NDArray[np.float64]:
    """Length along the ring at each point and, last, at the closure, in px."""
    steps = np.diff(closed(ring), axis=0)
    return np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])


def ring_length(ring: Ring) -> float:
    """Length of the ring in px."""
    return float(arc_lengths(ring)[-1])


def resampled(ring: Ring, count: int) -> Ring:
    """Return `count` points at equal steps along the ring."""
    along = arc_lengths(ring)
    at = np.arange(count) * (along[-1] / count)
    ends = closed(ring)
    return np.stack([np.interp(at, along, ends[:, axis]) for axis in (0, 1)], axis=1)


def signed_area(ring: Ring) -> float:
    """Area in px2 by the shoelace formula; negative for holes."""
    y, x = ring.T
    return float(np.dot(y, np.roll(x, -1)) - np.dot(x, np.roll(y, -1))) / 2


def enclosed_area(ring: Ring) -> float:
    """Area inside the ring in px2."""
    return abs(signed_area(ring))


class Inertia(NamedTuple):
    """Where a filled ring lies and how it stretches."""

    centre: NDArray[np.float64]
    long_axis: NDArray[np.float64]
    elongation: float


def ring_inertia(ring: Ring) -> Inertia:
    """Centroid (y, x), unit vector along the long axis and ratio of the axes.

    Second moments of the polygon by Green's theorem; the ratio is that of the
    ellipse with the same moments.
    """
    origin = ring.mean(axis=0)
    y, x = (ring - origin).T
    y1, x1 = np.roll(y, -1), np.roll(x, -1)
    cross = y * x1 - y1 * x
    area = cross.sum() / 2
    if abs(area) < 1e-9:
        return Inertia(origin, np.array([1.0, 0.0]), 1.0)
    centre = np.array([((y + y1) * cross).sum(), ((x + x1) * cross).sum()]) / (6 * area)
    yy = ((y * y + y * y1 + y1 * y1) * cross).sum() / (12 * area) - centre[0] ** 2
    xx = ((x * x + x * x1 + x1 * x1) * cross).sum() / (12 * area) - centre[1] ** 2
    mixed = (x * y1 + 2 * x * y + 2 * x1 * y1 + x1 * y) * cross
    xy = mixed.sum() / (24 * area) - centre[0] * centre[1]
    values, vectors = np.linalg.eigh([[yy, xy], [xy, xx]])
    elongation = float(np.sqrt(values[1] / max(values[0], 1e-9)))
    return Inertia(origin + centre, vectors[:, 1], elongation)


def hull_points(rings: tuple[Ring, ...]) -> Ring:
    """Corners of the convex hull of all rings, in order round it."""
    points = np.concatenate(rings)
    try:
        corners: Ring = points[ConvexHull(points).vertices]
    except QhullError:
        return points
    return corners


def feret_diameters(hull: Ring) -> tuple[float, float]:
    """Largest and smallest distance in px of two parallel lines that hold the hull."""
    edges = np.diff(closed(hull), axis=0)
    edges = edges[np.hypot(edges[:, 0], edges[:, 1]) > 1e-9]
    normals = edges[:, ::-1] * (1, -1) / np.hypot(edges[:, 0], edges[:, 1])[:, None]
    apart = hull[:, None] - hull[None]
    largest = float(np.hypot(apart[..., 0], apart[..., 1]).max())
    return largest, float(np.ptp(hull @ normals.T, axis=0).min())


def pixels_in_hull(hull: Ring) -> int:
    """Count pixel centres in a convex polygon, its border included.

    Equal to the sum of `skimage.morphology.convex_hull_image` when `hull` is that
    of raw rings, whose points are the same pixel-edge midpoints; one interval per
    row instead of a test per pixel.
    """
    ends = closed(hull)
    (y0, x0), (y1, x1) = ends[:-1].T, ends[1:].T
    rows = np.arange(np.ceil(hull[:, 0].min()), np.floor(hull[:, 0].max()) + 1)[:, None]
    crossed = (np.minimum(y0, y1) <= rows) & (rows <= np.maximum(y0, y1)) & (y0 != y1)
    share = (rows - y0) / np.where(y0 == y1, 1.0, y1 - y0)
    x = x0 + share * (x1 - x0)
    left = np.where(crossed, x, np.inf).min(axis=1)
    right = np.where(crossed, x, -np.inf).max(axis=1)
    return int((np.floor(right + 1e-9) - np.ceil(left - 1e-9) + 1).sum())
