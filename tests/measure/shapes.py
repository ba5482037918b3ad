"""Leaves of known size, drawn from formulas in mm at any resolution and angle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Shape:
    """What is inside, in mm along and across the axis, and its true size in mm."""

    inside: Inside
    length: float
    width: float
    area: float
    perimeter: float
    radius: float

    def drawn(self, ppi: float = 300, degrees: float = 0) -> np.ndarray:
        """Label image with the shape's axis turned by so many degrees."""
        mm = 25.4 / ppi
        half = int(np.ceil(self.radius / mm)) + 4
        # off the pixel grid, as nothing on a real sheet lies on it
        y, x = np.mgrid[-half : half + 1, -half : half + 1] * mm
        y, x = y + 0.31 * mm, x - 0.17 * mm
        turn = np.radians(degrees)
        along = x * np.cos(turn) + y * np.sin(turn)
        across = -x * np.sin(turn) + y * np.cos(turn)
        return self.inside(along, across).astype(np.uint8)


def disc(diameter: float = 40) -> Shape:
    r = diameter / 2
    return Shape(
        lambda u, v: u**2 + v**2 <= r**2,
        diameter,
        diameter,
        np.pi * r**2,
        2 * np.pi * r,
        r,
    )


def ellipse(length: float = 60, width: float = 25) -> Shape:
    a, b = length / 2, width / 2
    return Shape(
        lambda u, v: (u / a) ** 2 + (v / b) ** 2 <= 1,
        length,
        width,
        np.pi * a * b,
        _curve_length(lambda t: (a * np.cos(t), b * np.sin(t))),
        a,
    )


def rectangle(length: float = 50, width: float = 20) -> Shape:
    return Shape(
        lambda u, v: (abs(u) <= length / 2) & (abs(v) <= width / 2),
        length,
        width,
        length * width,
        2 * (length + width),
        np.hypot(length, width) / 2,
    )


PETIOLE_LENGTH, PETIOLE_WIDTH = 25.0, 1.6


def lobed_leaf(petiole: bool = True, lobes: int = 5, depth: float = 0.25) -> Shape:
    """Lobes round a centre, one of them the apex; petiole in the opposite sinus."""

    def edge(t: np.ndarray) -> np.ndarray:
        return 20 * (1 + depth * np.cos(lobes * t))

    t = np.linspace(-np.pi, np.pi, 20001)
    u, v = edge(t) * np.cos(t), edge(t) * np.sin(t)
    base = -edge(np.array(np.pi))

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        lamina = np.hypot(u, v) <= edge(np.arctan2(v, u))
        stalk = (abs(v) <= PETIOLE_WIDTH / 2) & (u < 0) & (u >= base - PETIOLE_LENGTH)
        return lamina | (stalk & petiole)

    area = np.trapezoid(edge(t) ** 2 / 2, t)
    return Shape(
        inside,
        np.ptp(u),
        np.ptp(v),
        area + petiole * PETIOLE_LENGTH * PETIOLE_WIDTH,
        _curve_length(lambda t: (edge(t) * np.cos(t), edge(t) * np.sin(t)))
        + petiole * 2 * PETIOLE_LENGTH,
        float(PETIOLE_LENGTH - base + 1),
    )


def ovate_leaf(length: float = 60, width: float = 30, petiole: bool = True) -> Shape:
    """Pointed at both ends (two arcs), on a petiole."""
    radius = (length**2 + width**2) / (4 * width)
    shift = radius - width / 2

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        lamina = (u**2 + (abs(v) + shift) ** 2) <= radius**2
        stalk = (abs(v) <= PETIOLE_WIDTH / 2) & (u <= -length / 2 + 2)
        return lamina | (stalk & petiole & (u >= -length / 2 - PETIOLE_LENGTH))

    half = np.arcsin(length / 2 / radius)
    area = radius**2 * (2 * half - np.sin(2 * half))
    return Shape(
        inside,
        length,
        width,
        area + petiole * PETIOLE_LENGTH * PETIOLE_WIDTH,
        4 * radius * half + petiole * 2 * PETIOLE_LENGTH,
        length / 2 + PETIOLE_LENGTH + 1,
    )


HOLES = ((-10.0, 3.0, 2.0), (5.0, -5.0, 3.0), (14.0, 2.0, 1.0))


def holed_leaf() -> Shape:
    """An ellipse with three round holes; `area` is that without the holes."""
    whole = ellipse()

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        eaten = [(u - a) ** 2 + (v - b) ** 2 < r**2 for a, b, r in HOLES]
        return whole.inside(u, v) & ~np.any(eaten, axis=0)

    holes = sum(np.pi * r**2 for _, _, r in HOLES)
    return Shape(
        inside,
        whole.length,
        whole.width,
        whole.area - holes,
        whole.perimeter,
        whole.radius,
    )


def toothed_leaf(teeth: int = 24, height: float = 1.0) -> Shape:
    """A disc with a wavy margin."""

    def edge(t: np.ndarray) -> np.ndarray:
        return 20 + height / 2 * np.cos(teeth * t)

    t = np.linspace(-np.pi, np.pi, 20001)
    return Shape(
        lambda u, v: np.hypot(u, v) <= edge(np.arctan2(v, u)),
        np.ptp(edge(t) * np.cos(t)),
        np.ptp(edge(t) * np.sin(t)),
        np.trapezoid(edge(t) ** 2 / 2, t),
        _curve_length(lambda t: (edge(t) * np.cos(t), edge(t) * np.sin(t))),
        21 + height,
    )


def _curve_length(
    point: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> float:
    u, v = point(np.linspace(-np.pi, np.pi, 200001))
    return float(np.hypot(np.diff(u), np.diff(v)).sum())
