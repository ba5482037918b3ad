"""Length, width and end angles of a lamina, and where they are measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from napari_herbarium.measure.shape.lamina import Lamina

Vector = NDArray[np.float64]

_SLICES = 256
_QUARTER = 0.25
_TIP = 0.01
_FACING = 0.025


class Span(NamedTuple):
    """A distance in px and its two ends, (y, x), for drawing."""

    size: float
    start: Vector
    end: Vector


class Profile(NamedTuple):
    """Margins of a lamina, slice by slice along its axis, px from the centre."""

    at: Vector
    left: Vector
    right: Vector

    def near(self, position: float) -> tuple[float, float]:
        """Return the margins in the slice nearest to a position on the axis."""
        i = int(np.abs(self.at - position).argmin())
        return float(self.left[i]), float(self.right[i])


class Size(NamedTuple):
    """Length and width of a lamina."""

    length: Span
    width: Span
    profile: Profile


def lamina_size(lamina: Lamina) -> Size:
    """Measure a lamina along and across its axis.

    Length is the extent of all its pieces along the axis, basal lobes included.
    Width is the largest distance between the two margins at right angles to the
    axis, either read within 2.5 % of the length: lobes and teeth that face each other
    not quite squarely count in full, the bend of a curved leaf does not.

    Length uses the outline as traced, so that sharp tips keep their last px; width
    the smoothed one, on which a slanted margin has no steps.
    """
    along = lamina.along(lamina.raw)
    first, last = float(along.min()), float(along.max())
    profile = lamina_profile(lamina)
    length = Span(last - first, lamina.point(first, 0.0), lamina.point(last, 0.0))
    return Size(length, _widest(lamina, profile), profile)


def _widest(lamina: Lamina, profile: Profile) -> Span:
    reach = 2 * int(np.ceil(_FACING * len(profile.at))) + 1
    left = minimum_filter1d(profile.left, reach, mode="nearest")
    right = maximum_filter1d(profile.right, reach, mode="nearest")
    i = int((right - left).argmax())
    ends = [lamina.point(profile.at[i], float(side)) for side in (left[i], right[i])]
    return Span(float(right[i] - left[i]), *ends)


def lamina_profile(lamina: Lamina) -> Profile:
    """Outermost margins on both sides of the axis in up to 256 slices."""
    along, aside = lamina.along(lamina.smooth), lamina.aside(lamina.smooth)
    first, extent = float(along.min()), max(float(np.ptp(along)), 1e-9)
    count = int(np.clip(extent / 2, 1, _SLICES))
    slices = np.minimum(((along - first) * (count / extent)).astype(int), count - 1)
    left, right = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(left, slices, aside)
    np.maximum.at(right, slices, aside)
    filled = np.isfinite(left)
    at = first + (np.arange(count) + 0.5) * (extent / count)
    return Profile(at[filled], left[filled], right[filled])


class EndAngles(NamedTuple):
    """Angles in degrees at the start (base, where known) and end of the axis."""

    start: float
    end: float


def end_angles(lamina: Lamina, size: Size) -> EndAngles:
    """Angles of the lamina at the two ends of its axis.

    From a vertex to the two margins a quarter of the length in, as apex and base
    angle are defined in the Manual of Leaf Architecture; above 180 degrees where
    the margins there lie behind the vertex. The vertex is where the petiole joins,
    or else the middle of the outline points within 1 % of the end.
    """
    along = lamina.along(lamina.raw)
    first, last = float(along.min()), float(along.max())
    extent = last - first
    start = lamina.raw[along <= first + _TIP * extent].mean(axis=0)
    end = lamina.raw[along >= last - _TIP * extent].mean(axis=0)
    if lamina.base is not None:
        start = lamina.base
    return EndAngles(
        _angle(lamina, size.profile, start, first + _QUARTER * extent, 1),
        _angle(lamina, size.profile, end, last - _QUARTER * extent, -1),
    )


def _angle(
    lamina: Lamina, profile: Profile, vertex: Vector, position: float, inward: int
) -> float:
    rays = [lamina.point(position, side) - vertex for side in profile.near(position)]
    lengths = [float(np.hypot(*ray)) for ray in rays]
    if min(lengths) <= 0:
        return float("nan")
    cosine = float(rays[0] @ rays[1]) / (lengths[0] * lengths[1])
    angle = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    behind = inward * float((rays[0] + rays[1]) @ lamina.axis.direction) < 0
    return 360.0 - angle if behind else angle
