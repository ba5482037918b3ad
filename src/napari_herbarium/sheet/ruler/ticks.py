"""Find which marks are longer: every fifth and tenth, or every 2nd, 4th, 8th.

A millimetre scale and a sixteenth-of-an-inch scale look alike but for the rhythm of
their long marks. Each row beside the marks is asked how much of its variation from
mark to mark is explained by one mark in m standing out, for m of the metric and the
inch scale and, as a control, for m of no scale at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_herbarium.sheet.ruler.lattice import Lattice
from napari_herbarium.sheet.ruler.pixels import Grey, straighten

_METRIC = (5, 10)
_INCH = (2, 4, 8, 16)
_CONTROLS = (3, 7, 9, 11, 13)
_SECOND_LEVEL, _FAINT, _ALONE = 0.15, 0.5, 0.9
_MOST = 7.5
"""How far from the marks a long mark is looked for, in periods."""


@dataclass(frozen=True)
class Rhythm:
    """How strongly the long marks follow each kind of scale, 0 to 1.

    Attributes
    ----------
    metric : float
        Every fifth or tenth mark is longer.
    inch : float
        Every fourth, eighth or sixteenth mark is longer, with a second level that
        fits.
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
    """Measure the rhythm of the long marks of a lattice, dark or bright ones."""
    return max(
        (_rhythm_of(grey, lattice, sign) for sign in (-1, 1)),
        key=lambda rhythm: max(rhythm.metric, rhythm.inch),
    )


def _rhythm_of(grey: Grey, lattice: Lattice, sign: int) -> Rhythm:
    v, contrast = mark_contrast(grey, lattice, sign)
    limit = np.percentile(np.abs(contrast), 98)
    rows = ndimage.uniform_filter1d(np.clip(contrast, -limit, limit), 3, axis=0)
    found = {m: _best(*standing_out(rows, m)) for m in (*_INCH, *_METRIC, *_CONTROLS)}
    return Rhythm(
        metric=max(found[m].share for m in _METRIC),
        inch=_nested(found),
        control=max(found[m].share for m in _CONTROLS),
        present=_present(rows[np.abs(v) < max(1.5, 0.7 * lattice.period)]),
    )


@dataclass(frozen=True)
class _Group:
    """The row in which one mark in `m` stands out most, and which one it is."""

    share: float
    place: int


def _best(share: NDArray[np.float64], place: NDArray[np.intp]) -> _Group:
    row = int(np.argmax(share))
    return _Group(float(share[row]), int(place[row]))


def _nested(found: dict[int, _Group]) -> float:
    """Strength of the inch rhythm: two levels, the longer marks among the shorter.

    Marks of an inch scale are longer at every second, fourth and eighth place, all
    counted from the same mark. Beats between a printed pattern and the pixels may show
    one level, hardly two that fit together.
    """
    best = 0.0
    for few, many in ((2, 4), (2, 8), (4, 8), (4, 16), (8, 16)):
        a, b = found[few], found[many]
        fits = b.place % few == a.place and min(a.share, b.share) >= _SECOND_LEVEL
        if fits:
            best = max(best, a.share if few > 2 else 0.0, b.share)
    return best


def mark_contrast(
    grey: Grey, lattice: Lattice, sign: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Contrast of each mark with the gaps beside it, in rows along the lattice.

    Parameters
    ----------
    grey : ndarray
        H x W float32.
    lattice : Lattice
        The marks.
    sign : int
        -1 for dark marks on bright ground, 1 for bright ones.

    Returns
    -------
    v : ndarray
        The rows' distances from the lattice line, px.
    contrast : ndarray
        rows x marks, grey levels, positive where the mark stands out.
    """
    period = lattice.period
    place = _mark_place(sign * lattice.fold)
    first = np.ceil(lattice.first / period - 3 - place)
    marks = np.arange(first, np.floor(lattice.last / period + 3 - place) + 1) + place
    reach = _MOST * period
    v = np.arange(-reach, reach + 0.1, max(1.0, period / 6))
    beside = np.array([-0.5, -0.12, 0.0, 0.12, 0.5])
    u = (marks[:, None] + beside) * period
    strip = straighten(grey, lattice.frame, u.ravel(), v, 3)
    strip = strip.reshape(len(v), len(marks), len(beside))
    gap = (strip[..., 0] + strip[..., -1]) / 2
    return v, sign * (strip[..., 1:-1].mean(-1) - gap)


def _mark_place(fold: NDArray[np.float64]) -> float:
    """Where in the period the mean mark is brightest, 0 to 1."""
    smooth = np.maximum(ndimage.uniform_filter1d(fold, 3, mode="wrap"), 0)
    turn = np.exp(2j * np.pi * (np.arange(len(fold)) + 0.5) / len(fold))
    return float(np.angle((smooth * turn).sum()) / (2 * np.pi))


def standing_out(
    rows: NDArray[np.float64], m: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """How well "every m-th mark is longer" explains each row.

    Parameters
    ----------
    rows : ndarray
        rows x marks, contrast of each mark.
    m : int
        Length of a group.

    Returns
    -------
    share : ndarray
        Share of the row's variance explained by one place of the group standing out
        from all others; 0 is what chance gives. -1 where another place is more than
        half as strong or where the other places differ too (beats between marks
        and pixels swell and fade, long marks are there or not), and where fewer than
        two groups were seen.
    place : ndarray
        That place, 0 to m - 1.
    """
    n = rows.shape[1]
    if n < 2 * m:
        return np.full(len(rows), -1.0), np.zeros(len(rows), np.intp)
    member = np.equal.outer(np.arange(m), np.arange(n) % m).astype(np.float64)
    size = member.sum(1)
    whole = rows.mean(1, keepdims=True)
    total = ((rows - whole) ** 2).sum(1, keepdims=True) + 1e-6
    mean = rows @ member.T / size
    alone = (mean - whole) ** 2 * size * n / (n - size)
    together = ((mean - whole) ** 2 * size).sum(1, keepdims=True)
    share = 1 - (total - alone) / (n - 2) / (total / (n - 1))
    any_way = 1 - (total - together) / (n - m) / (total / (n - 1))
    runner_up = np.sort(mean, axis=1)[:, -2:-1]
    ok = (runner_up <= _FAINT * mean) & (share >= _ALONE * any_way)
    share = np.where(ok, share, -1.0)
    return share.max(1), share.argmax(1)


def _present(rows: NDArray[np.float64]) -> float:
    row = rows[np.argmax(rows.mean(1))]
    usual = np.median(row)
    return float(np.mean(row > 0.25 * usual)) if usual > 0 else 0.0
