"""The lamina: the leaf without its petiole, its axis, length and width.

Length is the extent of the lamina along its own axis and width the extent across
it (laminar length and width of the Manual of Leaf Architecture, Ellis et al. 2009,
with a straight axis in place of the midvein).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.measure.shape.outline import (
    Outline,
    Ring,
    arc_lengths,
    enclosed_area,
    ring_inertia,
    ring_length,
    smooth_ring,
)
from napari_herbarium.measure.shape.petiole import find_petiole
from napari_herbarium.measure.shape.symmetry import MirrorOverlap
from napari_herbarium.measure.shape.tails import Tail, folded_ring

Vector = NDArray[np.float64]

_ROUND = 1.1  # elongation up to which the long axis is an accident
_LONG = 2.0
"""Elongation from which a leaf without petiole is measured along its long axis: bent
leaves, which are symmetric about a line across, are far commoner than so wide ones."""
_TIE = 0.01  # mirror overlap within which axes are as good as each other
_NARROW = 3.0  # elongation from which a leaf's long axis is beyond doubt
_NEAR_PETIOLE = 15.0  # degrees between the axis and the line from petiole to centre
_PRIOR = 0.1  # mirror overlap worth that many degrees
_AS_THIN = 1.5  # widths of the petiole, for what is more of it
_DOUBT = 0.05  # mirror overlap the long axis may lack, per unit of elongation


class Axis(NamedTuple):
    """The leaf's own axis.

    Attributes
    ----------
    direction : (2,) float
        Unit vector y, x; from base to apex where the base is known.
    source : str
        ``"petiole"``, ``"long axis"`` or ``"mirror symmetry"``.
    overlap : float
        Share of the lamina that its mirror image about the axis covers.
    """

    direction: Vector
    source: str
    overlap: float


@dataclass(frozen=True)
class Lamina:
    """A leaf without its petiole.

    Attributes
    ----------
    ring : (N, 2) float
        Smoothed outline of the largest piece, without petiole.
    raw : (N, 2) float
        Every outline point of all pieces, not smoothed, without petiole.
    smooth : (N, 2) float
        The same, smoothed.
    centre : (2,) float
        Centroid of `ring`, y, x.
    axis : Axis
        Its own axis.
    petiole : Tail or None
        The petiole, if one was found.
    rest : tuple of (N, 2) float
        Pieces that are more of it, where something lies across it.
    """

    ring: Ring
    raw: Ring
    smooth: Ring
    centre: Vector
    axis: Axis
    petiole: Tail | None
    rest: tuple[Ring, ...]

    @property
    def petiole_area(self) -> float:
        """Area of the petiole, px; 0 where none was found."""
        if self.petiole is None:
            return 0.0
        return sum(map(enclosed_area, (self.petiole.ring, *self.rest)))

    @property
    def base(self) -> Vector | None:
        """Where the petiole joins, y, x; None where no petiole was found."""
        return None if self.petiole is None else self.petiole.base

    @property
    def across(self) -> Vector:
        """Unit vector across the axis, y, x."""
        along = self.axis.direction
        return np.array([along[1], -along[0]])

    def point(self, along: float, aside: float) -> Vector:
        """Return the point (y, x) at a position along and across the axis."""
        return self.centre + along * self.axis.direction + aside * self.across

    def along(self, points: Ring) -> Vector:
        """Positions along the axis, px from the centre."""
        positions: Vector = (points - self.centre) @ self.axis.direction
        return positions

    def aside(self, points: Ring) -> Vector:
        """Positions across the axis, px from the centre."""
        positions: Vector = (points - self.centre) @ self.across
        return positions


def find_lamina(mask: NDArray[np.bool_], outline: Outline) -> Lamina:
    """Find a leaf's petiole and axis.

    Parameters
    ----------
    mask : (H, W) bool
        The leaf.
    outline : Outline
        Its outline in the same px.
    """
    main = smooth_ring(outline.main)
    ring = folded_ring(main)
    petiole = find_petiole(mask, ring)
    blade = ring if petiole is None else ring[petiole.kept(len(ring))]
    centre, long_axis, elongation = ring_inertia(blade)
    overlap = MirrorOverlap(mask, centre, float(np.hypot(*(blade - centre).T).max()))
    if petiole is None:
        axis = _free_axis(blade, long_axis, elongation, overlap)
    else:
        axis = _petiole_axis(centre - petiole.base, long_axis, elongation, overlap)
    others: list[Ring] = []
    rest: list[Ring] = []
    for piece in outline.pieces[1:]:
        is_petiole = petiole is not None and _is_of(petiole, piece, centre)
        (rest if is_petiole else others).append(piece)
    raw, smooth = _points(outline.main, others, main, petiole, len(ring))
    return Lamina(blade, raw, smooth, centre, axis, petiole, tuple(rest))


def _free_axis(
    blade: Ring, long_axis: Vector, elongation: float, overlap: MirrorOverlap
) -> Axis:
    """Take the long axis unless there is none or another is clearly more symmetric."""
    lacking = overlap.best - overlap.at(long_axis)
    symmetric = elongation > _ROUND and lacking <= _DOUBT * elongation
    if symmetric or elongation > _LONG:
        return Axis(long_axis, "long axis", overlap.at(long_axis))
    direction = _tightest(blade, overlap.best_directions(_TIE))
    return Axis(direction, "mirror symmetry", overlap.at(direction))


def _tightest(blade: Ring, directions: NDArray[np.float64]) -> Vector:
    """Return the direction of the smallest box round the lamina, long side along."""
    along = np.ptp(blade @ directions.T, axis=0)
    aside = np.ptp(blade @ (directions[:, ::-1] * (1, -1)).T, axis=0)
    smallest = along * aside <= 1.001 * (along * aside).min()
    chosen: Vector = directions[np.where(smallest, along, 0).argmax()]
    return chosen


def _petiole_axis(
    toward: Vector, long_axis: Vector, elongation: float, overlap: MirrorOverlap
) -> Axis:
    """Take the most symmetric axis near the line from petiole to centre."""
    toward = toward / max(float(np.hypot(*toward)), 1e-9)
    along = long_axis * (1 if long_axis @ toward > 0 else -1)
    near = along @ toward > np.cos(np.radians(_NEAR_PETIOLE))
    if elongation > _NARROW and near:
        return Axis(along, "petiole", overlap.at(along))
    direction = overlap.best_near(toward, _NEAR_PETIOLE, _PRIOR)
    return Axis(direction, "petiole", overlap.at(direction))


def _is_of(petiole: Tail, piece: Ring, centre: Vector) -> bool:
    """Tell whether a piece lies beyond the base of the petiole and is as thin."""
    outward = petiole.base - centre
    beyond = ((piece - petiole.base) @ outward).min() > 0
    width = 2 * enclosed_area(piece) / ring_length(piece)
    return bool(beyond and width < _AS_THIN * petiole.width)


def _points(
    raw: Ring, others: Sequence[Ring], main: Ring, petiole: Tail | None, folds: int
) -> tuple[Ring, Ring]:
    """All outline points without petiole, as traced and smoothed."""
    smooth = main
    if petiole is not None:
        blade = ~_on_petiole(main, petiole, folds)
        raw = np.concatenate([raw[blade], petiole.joint])
        smooth = np.concatenate([smooth[blade], petiole.joint])
    return (
        np.concatenate([raw, *others]),
        np.concatenate([smooth, *map(smooth_ring, others)]),
    )


def _on_petiole(main: Ring, petiole: Tail, folds: int) -> NDArray[np.bool_]:
    along = arc_lengths(main)
    step = along[-1] / folds
    from_start = along[:-1] - (petiole.tip - petiole.reach) * step
    inside: NDArray[np.bool_] = from_start % along[-1] < 2 * petiole.reach * step
    return inside
