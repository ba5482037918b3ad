"""The other scale of the same ruler: inches beside centimetres.

Many rulers carry both. Marks whose own rhythm does not show their unit are known all
the same when the other edge has marks at exactly the distance that the other unit
would have: no two patterns share the number 25.4 by chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_herbarium.sheet.ruler.lattice import Lattice
from napari_herbarium.sheet.ruler.pixels import Grey, straighten

INCH = 25.4

PARTNERS = {1.0: (INCH / 16,), INCH / 16: (1.0,), INCH / 8: (10.0, 5.0)}
"""Marks of the other unit, mm, that tell a mark from its rivals.

Others do not: a quarter of an inch is 6.35 mm marks but also, within 1 %, what 5 mm
would be beside thirty-seconds of an inch.
"""

_REACH_MM = 28.0
"""How far beside the marks the other scale is looked for."""

_SHORTEST_MM = 60.0
_AROUND = 0.12
"""Stretch of the spectrum, relative, whose median a peak must rise above."""

_RISE, _ROWS = 60.0, 3
_PER_PERIOD = 8


def other_scale(grey: Grey, lattice: Lattice, mark_mm: float) -> float:
    """How far marks of the other unit rise above chance, 1 being enough.

    Parameters
    ----------
    grey : ndarray
        H x W float32.
    lattice : Lattice
        Marks of unknown unit.
    mark_mm : float
        Their supposed distance in mm, a key of `PARTNERS`.

    Returns
    -------
    float
        The weaker of two harmonics in the weakest of three neighbouring rows, over
        what is needed; 0 when the ruler is too short to tell.
    """
    if lattice.count * mark_mm < _SHORTEST_MM:
        return 0.0
    px_per_mm = lattice.period / mark_mm
    reach = _REACH_MM * px_per_mm
    u = np.arange(lattice.first, lattice.last, lattice.period / _PER_PERIOD)
    v = np.arange(-reach, reach, max(1.0, px_per_mm / 4))
    power, frequency = _spectrum(straighten(grey, lattice.frame, u, v), u[1] - u[0])
    return max(
        _rise(power, frequency, 1 / (mark * px_per_mm)) for mark in PARTNERS[mark_mm]
    )


def _spectrum(
    strip: Grey, step: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power of each row, and its frequencies per px; four bins to a period."""
    window = np.hanning(strip.shape[1]).astype(np.float32)
    padded = fft.next_fast_len(4 * strip.shape[1], real=True)
    centred = (strip - strip.mean(1, keepdims=True)) * window
    power = np.abs(fft.rfft(centred, padded, axis=1)) ** 2
    return power, np.asarray(fft.rfftfreq(padded, step), np.float64)


def _rise(
    power: NDArray[np.float64], frequency: NDArray[np.float64], wanted: float
) -> float:
    first, second = (_heights(power, frequency, n * wanted) for n in (1, 2))
    both = np.minimum(first, second)
    rows = len(both) - _ROWS + 1
    if rows < 1:
        return 0.0
    together = np.min([both[i : rows + i] for i in range(_ROWS)], axis=0)
    return float(together.max()) / _RISE


def _heights(
    power: NDArray[np.float64], frequency: NDArray[np.float64], wanted: float
) -> NDArray[np.float64]:
    """Each row's power at a frequency over the median around it."""
    width = 4 * (frequency[1] - frequency[0])
    off = np.abs(frequency - wanted)
    peak = off <= width / 4
    around = (off < max(_AROUND * wanted, 3 * width)) & (off > 2 * width)
    if not peak.any() or around.sum() < 8:
        return np.zeros(len(power))
    level = np.median(power[:, around], axis=1)
    height: NDArray[np.float64] = power[:, peak].max(1) / (level + 1e-6)
    return height
