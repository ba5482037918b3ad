"""Places where a picture goes from dark to bright and back in even steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.ruler.borders import CONTRAST, STEPS
from napari_herbarium.sheet.ruler.pixels import Grey, band_means

_PURE, _EVEN = 0.6, 0.35


@dataclass(frozen=True)
class _Spot:
    purity: float
    cell: float
    x: float
    y: float
    height: float


def find_bars(grey: Grey, shortest: float, longest: float) -> list[tuple[float, ...]]:
    """Find bars along x.

    Parameters
    ----------
    grey : ndarray
        H x W float32; a cell should be 10 to 30 px long.
    shortest, longest : float
        Cell lengths to look for, px.

    Returns
    -------
    list of tuple
        cell length, x of the middle, y; most striking first, one per place.
    """
    y, bands = band_means(grey, 3, 2)
    rise = np.zeros_like(bands)
    rise[:, 2:-2] = bands[:, 4:] - bands[:, :-4]
    change = np.zeros_like(bands)
    change[:, 1:] = np.abs(np.diff(bands, axis=1))
    change = np.cumsum(change, axis=1)
    spots = [
        spot
        for cell in np.arange(shortest, longest, 0.02 * shortest)
        for spot in _alternating(rise, change, y, float(cell))
    ]
    return _one_per_place(spots)


def _alternating(
    rise: Grey, change: Grey, y: NDArray[np.float64], cell: float
) -> list[_Spot]:
    offsets = np.rint(np.arange(STEPS) * cell).astype(int)
    room = rise.shape[1] - offsets[-1] - 4
    if room <= 0:
        return []
    turns = [(-1) ** k * rise[:, o : o + room] for k, o in enumerate(offsets)]
    total = sum(turns[1:], turns[0])
    end = offsets[-1] + 2
    all_change = change[:, end : end + room] - change[:, :room]
    height = np.abs(total) / STEPS
    purity = height * STEPS / (all_change + 3 * STEPS)
    i, j = np.nonzero((purity > _PURE) & (height > CONTRAST))
    # Few places are left for which each turn has to be looked at.
    each = np.array([turn[i, j] for turn in turns]) * np.sign(total[i, j])
    even = each.min(0) > _EVEN * height[i, j]
    return [
        _Spot(float(purity[a, b]), cell, b + offsets[-1] / 2, y[a], float(height[a, b]))
        for a, b in zip(i[even], j[even], strict=True)
    ]


def _one_per_place(spots: list[_Spot]) -> list[tuple[float, ...]]:
    kept: list[_Spot] = []
    for spot in sorted(spots, key=lambda s: -s.purity * min(s.height, 60)):
        near = (
            abs(spot.y - k.y) < 0.6 * k.cell and abs(spot.x - k.x) < 4 * k.cell
            for k in kept
        )
        if not any(near):
            kept.append(spot)
    return [(s.cell, s.x, s.y) for s in kept]
