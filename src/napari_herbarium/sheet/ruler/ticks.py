"""Find which marks are longer: every fifth and tenth, or every 2nd, 4th, 8th.

A millimetre scale and a sixteenth-of-an-inch scale look alike but for the rhythm of
their long marks. Each row beside the marks is asked how much of its variation from
mark to mark the place within a group of m explains (a one-way analysis of variance),
for m of the metric and the inch scale and, as a control, for m of no scale at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_herbarium.sheet.ruler.lattice import Lattice
from napari_herbarium.sheet.ruler.pixels import Grey, straighten

_CONTROLS = (3, 7, 9, 11, 13)
_MOST = 7.5
"""How far from the marks a long mark is looked for, in periods."""


@dataclass(frozen=True)
class Rhythm:
    """How strongly the long marks follow each kind of scale, 0 to 1.

    Attributes
    ----------
    metric : float
        Every fifth or tenth mark differs, beyond what every second explains.
    inch : float
        Every fourth, eighth or sixteenth differs, each beyond the level below.
    control : float
        Best of groupings that no scale has: what chance and writing can do.
    present : float
        Share of marks that are there at all.
    """

    metric: float
    inch: float
    control: float
    present: float


def read_rhythm(grey: Grey, lattice: Lattice) -> Rhythm:
    """Measure the rhythm of the long marks of a lattice."""
    v, contrast = mark_contrast(grey, lattice)
    limit = np.percentile(np.abs(contrast), 98)
    rows = ndimage.uniform_filter1d(np.clip(contrast, -limit, limit), 3, axis=0)
    share = {m: explained(rows, m) for m in (2, 4, 5, 8, 10, 16, *_CONTROLS)}
    steps = [share[4] - share[2], share[8] - share[4], share[16] - share[8]]
    return Rhythm(
        metric=_best(np.maximum(share[5], share[10] - share[2])),
        inch=max(_best(step) for step in steps),
        control=max(_best(share[m]) for m in _CONTROLS),
        present=_present(rows[np.abs(v) < max(1.5, 0.7 * lattice.period)]),
    )


def mark_contrast(
    grey: Grey, lattice: Lattice
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Contrast of each mark with the gaps beside it, in rows along the lattice.

    Returns
    -------
    v : ndarray
        The rows' distances from the lattice line, px.
    contrast : ndarray
        rows x marks, grey levels, positive where the mark stands out.
    """
    period = lattice.period
    sign, place = _mark_place(lattice.fold)
    first = np.ceil(lattice.first / period - 3 - place)
    marks = np.arange(first, np.floor(lattice.last / period + 3 - place) + 1) + place
    reach = _MOST * period
    v = np.arange(-reach, reach + 0.1, max(1.0, period / 6))
    beside = np.array([-0.5, -0.12, 0.0, 0.12, 0.5])
    u = (marks[:, None] + beside) * period
    strip = straighten(grey, lattice.frame, u.ravel(), v)
    strip = strip.reshape(len(v), len(marks), len(beside))
    gap = (strip[..., 0] + strip[..., -1]) / 2
    return v, sign * (strip[..., 1:-1].mean(-1) - gap)


def _mark_place(fold: NDArray[np.float64]) -> tuple[int, float]:
    """Bright (1) or dark (-1) marks, and where in the period they lie, 0 to 1."""
    smooth = ndimage.uniform_filter1d(fold, 3, mode="wrap")
    sign = 1 if smooth.max() > -smooth.min() else -1
    turn = np.exp(2j * np.pi * (np.arange(len(fold)) + 0.5) / len(fold))
    weight = np.maximum(sign * smooth, 0)
    return sign, float(np.angle((weight * turn).sum()) / (2 * np.pi))


def explained(rows: NDArray[np.float64], m: int) -> NDArray[np.float64]:
    """Share of each row's variance that the place in a group of `m` explains.

    Adjusted for the number of groups, so that 0 is what chance gives; -1 where fewer
    than two groups were seen.
    """
    n = rows.shape[1]
    if n < 2 * m:
        return np.full(len(rows), -1.0)
    centred = rows - rows.mean(1, keepdims=True)
    total = (centred**2).sum(1) + 1e-6
    member = np.equal.outer(np.arange(m), np.arange(n) % m).astype(np.float64)
    size = member.sum(1)
    between = ((centred @ member.T) ** 2 / size).sum(1)
    adjusted: NDArray[np.float64] = 1 - (total - between) / (n - m) / (total / (n - 1))
    return adjusted


def _best(share: NDArray[np.float64]) -> float:
    return float(share.max())


def _present(rows: NDArray[np.float64]) -> float:
    row = rows[np.argmax(rows.mean(1))]
    usual = np.median(row)
    return float(np.mean(row > 0.25 * usual)) if usual > 0 else 0.0
