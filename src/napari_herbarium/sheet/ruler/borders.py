"""Borders of a bar's cells, followed both ways from the middle; the line they fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.ruler.pixels import Frame, Grey, straighten

STEPS = 6
"""Neighbouring borders a bar is first found by."""
CONTRAST = 12
"""Least height of a border, of 255."""
_REACH = 0.16
_LONGEST = 16
"""Cells followed either way."""

Walk = tuple[float, NDArray[np.float64], NDArray[np.int_]]
"""Total height, places and turns of borders."""


@dataclass(frozen=True)
class Fit:
    """Line through borders: `start` is the place of the first one kept."""

    cell: float
    start: float
    cells: int
    kept: int
    found: int
    scatter: float

    @property
    def is_good(self) -> bool:
        """Whether enough borders lie on the line, and near it."""
        enough = self.kept >= max(STEPS, 0.7 * self.found)
        return enough and self.scatter <= 0.02 * self.cell + 0.15


def walk_along(grey: Grey, frame: Frame, cell: float) -> Walk:
    """Borders found walking outwards from the middle: total height, places, turns."""
    half = max(1.0, 0.05 * cell)
    u = np.arange(-_LONGEST * cell, _LONGEST * cell, 0.5)
    profile = straighten(grey, frame, u, np.arange(-half, half + 0.1)).mean(0)
    blur = 2
    rise = np.zeros_like(profile)
    rise[blur:-blur] = profile[2 * blur :] - profile[: -2 * blur]
    near = np.abs(u) < 0.75 * cell
    peak = int(np.argmax(np.where(near, np.abs(rise), 0)))
    turn = int(np.sign(rise[peak]))
    place, height = _border(u, turn * rise, u[peak], _REACH * cell)
    if height < CONTRAST:
        return 0.0, np.empty(0), np.empty(0, int)
    found = [(place, turn, height)]
    for way in (1, -1):
        found += _walk(u, rise, found[0], way * cell)
    place, turns, heights = np.array(sorted(found)).T
    return float(heights.sum()), place, turns.astype(int)


def _walk(
    u: NDArray[np.float64],
    rise: NDArray[np.floating],
    start: tuple[float, int, float],
    step: float,
) -> list[tuple[float, int, float]]:
    """Borders one way, each about `step` on and of the other turn than the last."""
    place, turn, height = start
    borders: list[tuple[float, int, float]] = []
    while True:
        turn = -turn
        place, top = _border(u, turn * rise, place + step, _REACH * abs(step))
        if top < 0.4 * height:
            return borders
        borders.append((place, turn, top))


def _border(
    u: NDArray[np.float64], rise: NDArray[np.floating], place: float, reach: float
) -> tuple[float, float]:
    """Centre of the upward step near a place, and its height."""
    top = 0.0
    for _ in range(2):
        signal = np.where(np.abs(u - place) < reach, rise, 0)
        top = float(signal.max())
        if top <= 0:
            return place, 0.0
        weight = np.where(signal > 0.4 * top, signal, 0)
        place = float((weight * u).sum() / weight.sum())
    return place, top


def fit_borders(place: NDArray[np.float64], turn: NDArray[np.int_]) -> Fit:
    """Line through the borders.

    The worst border is dropped until all lie within half a pixel: a bar's ends often
    meet a frame or a logo.
    """
    number = np.arange(len(place), dtype=np.float64)
    found = len(place)
    while True:
        cell, start, rest = _line(number, turn, place)
        if rest.max() <= 0.004 * cell + 0.4 or len(number) < STEPS:
            break
        kept = np.arange(len(number)) != _worst(number, turn, place)
        number, place, turn = number[kept], place[kept], turn[kept]
    cells = int(number[-1] - number[0])
    scatter = float(np.sqrt(np.mean(rest**2)))
    return Fit(cell, start + number[0] * cell, cells, len(number), found, scatter)


def _line(
    number: NDArray[np.float64], turn: NDArray[np.int_], place: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64]]:
    """Cell length, start and absolute residuals of the line through the borders.

    Bright cells bleed into dark ones, so upward borders may all lie a little to one
    side and downward ones to the other.
    """
    design = np.column_stack([number, np.ones(len(number)), turn])
    solution = np.linalg.lstsq(design, place, rcond=None)[0]
    rest = np.abs(place - design @ solution)
    return float(solution[0]), float(solution[1]), rest


def _worst(
    number: NDArray[np.float64], turn: NDArray[np.int_], place: NDArray[np.float64]
) -> int:
    """Find the border whose removal makes the others fit best."""

    def rest_without(i: int) -> float:
        kept = np.arange(len(number)) != i
        return float(np.sum(_line(number[kept], turn[kept], place[kept])[2] ** 2))

    return min(range(len(number)), key=rest_without)
