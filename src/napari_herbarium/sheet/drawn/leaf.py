"""Leaf shapes of the drawn sheet, in millimetres.

A leaf lives in its own frame: `u` runs along the midrib from the base (0) to the
tip (`length`), `v` across it. Bending adds ``bend * u**2 / length`` to `v`, so a
pixel finds its place on the unbent leaf by subtracting the same amount.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class Form(StrEnum):
    """Outline of a drawn leaf."""

    OVATE = "ovate"
    TOOTHED = "toothed"
    LANCEOLATE = "lanceolate"
    LOBED = "lobed"
    PALMATE = "palmate"
    LEAFLET = "leaflet"


@dataclass(frozen=True)
class DrawnLeaf:
    """One leaf on the drawn sheet.

    Attributes
    ----------
    form : Form
        Kind of outline.
    base : tuple of float
        Where the petiole meets the blade, (x, y) in mm.
    angle : float
        Direction from base to tip in radians, 0 to the right, pi/2 downwards.
    length, width : float
        Of the blade, in mm.
    bend : float
        Sideways curve: shift of the tip as a part of the length.
    tone : tuple of float
        Colour of the blade, sRGB 0..255.
    holes : tuple of (float, float, float)
        Holes in the blade: (u, v, radius) in mm.
    """

    form: Form
    base: tuple[float, float]
    angle: float
    length: float
    width: float
    bend: float
    tone: tuple[float, float, float]
    holes: tuple[tuple[float, float, float], ...] = field(default=())

    def to_sheet(self, uv: Points) -> Points:
        """Points of the unbent leaf, N x 2 (u, v), as N x 2 (x, y) on the sheet."""
        u, v = uv[:, 0], uv[:, 1] + self._bend_at(uv[:, 0])
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        x, y = self.base
        return np.column_stack([x + u * cos - v * sin, y + u * sin + v * cos])

    def to_leaf(
        self, x: NDArray[np.float32], y: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Sheet positions in mm (arrays that broadcast) as (u, v) of the leaf."""
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        dx, dy = x - np.float32(self.base[0]), y - np.float32(self.base[1])
        u = dx * cos + dy * sin
        return u, dy * cos - dx * sin - self._bend_at(u)

    def outline(self) -> Points:
        """Margin of the blade, N x 2 (x, y) in mm."""
        return self.to_sheet(_OUTLINES[self.form](self.length, self.width))

    def hole_outlines(self) -> list[Points]:
        """Margins of the holes, each N x 2 (x, y) in mm."""
        return [self.to_sheet(_blob(*hole)) for hole in self.holes]

    def _bend_at(self, u: NDArray) -> NDArray:
        return (u * u) * np.float32(self.bend / self.length)


def _pinnate(half_width: NDArray, length: float) -> Points:
    """Close a half-width profile, evenly spaced from base to tip, into a margin."""
    u = np.linspace(0, length, len(half_width))
    right = np.column_stack([u, half_width])
    left = np.column_stack([u, -half_width])[::-1]
    return np.concatenate([right, left])


def _profile(t: NDArray, widest: float, blunt: float) -> NDArray:
    """Half width 0..1 along a blade that is widest at `widest` (0..1)."""
    power = np.log(0.5) / np.log(widest)
    return np.asarray(np.sin(np.pi * t**power) ** blunt)


def _ovate(length: float, width: float) -> Points:
    t = np.linspace(0, 1, 160)
    return _pinnate(width / 2 * _profile(t, 0.38, 0.85), length)


def _toothed(length: float, width: float) -> Points:
    t = np.linspace(0, 1, 480)
    teeth = np.mod(t * 17, 1.0)
    body = _profile(t, 0.36, 1.0)
    return _pinnate(width / 2 * (body * 0.93 + 0.1 * teeth * np.sqrt(body)), length)


def _lanceolate(length: float, width: float) -> Points:
    t = np.linspace(0, 1, 160)
    return _pinnate(width / 2 * _profile(t, 0.42, 1.25), length)


def _leaflet(length: float, width: float) -> Points:
    t = np.linspace(0, 1, 120)
    return _pinnate(width / 2 * _profile(t, 0.47, 0.75), length)


def _lobed(length: float, width: float) -> Points:
    t = np.linspace(0, 1, 360)
    lobes = 0.5 + 0.5 * np.cos(2 * np.pi * (t * 4.3 - 0.3))
    body = _profile(t, 0.6, 0.7)
    return _pinnate(width / 2 * body * (0.5 + 0.5 * lobes**0.8), length)


def _palmate(length: float, width: float) -> Points:
    """Five lobes around the base, as in maples."""
    theta = np.linspace(-np.pi * 0.94, np.pi * 0.94, 600)
    lobes = 0.46 * np.cos(theta / 2.4)
    for centre, reach in zip(PALMATE_RAYS, PALMATE_REACH, strict=True):
        away = np.abs(theta - centre)
        lobes = np.maximum(lobes, reach * np.exp(-((away / 0.42) ** 1.25)))
    radius = lobes * length
    across = width / (1.55 * length)
    return np.column_stack([radius * np.cos(theta), radius * np.sin(theta) * across])


def _blob(u: float, v: float, radius: float) -> Points:
    theta = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    r = radius * (1 + 0.18 * np.sin(3 * theta + u) + 0.1 * np.cos(5 * theta + v))
    return np.column_stack([u + r * np.cos(theta), v + r * np.sin(theta)])


PALMATE_RAYS = (0.0, 0.85, -0.85, 1.75, -1.75)
PALMATE_REACH = (1.0, 0.86, 0.86, 0.55, 0.55)

_OUTLINES: dict[Form, Callable[[float, float], Points]] = {
    Form.OVATE: _ovate,
    Form.TOOTHED: _toothed,
    Form.LANCEOLATE: _lanceolate,
    Form.LOBED: _lobed,
    Form.PALMATE: _palmate,
    Form.LEAFLET: _leaflet,
}
