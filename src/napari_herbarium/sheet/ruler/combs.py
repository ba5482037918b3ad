"""Find where in a picture equally spaced upright marks follow one another.

Bands of a few rows are compared with themselves, shifted: marks of period p look
like themselves after p and after 2 p, and unlike themselves after p / 2. One pass
per octave of the period; the profile is resampled so that the period always lies
between 4 and 10 samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_herbarium.sheet.ruler.pixels import Grey, band_means

_LEVELS = ((0.5, 3), (1.0, 4), (2.0, 6), (4.0, 10))
"""Px per sample, and rows averaged, of each octave."""

_BLOCK, _BLOCKS = 20, 3
"""A window is three blocks of 20 samples: 6 to 15 periods."""

_LAGS = 21
_LIKE, _UNLIKE, _CONTRAST = 0.5, 0.35, 1.5


@dataclass(frozen=True)
class Comb:
    """A place where marks of one period were seen; px of the searched picture."""

    period: float
    x: float
    y: float
    score: float
    support: int = 1

    @property
    def rank(self) -> float:
        """Likeness first, then how often it was seen."""
        return self.score + 0.1 * float(np.log2(self.support))


def find_combs(grey: Grey, shortest: float, longest: float) -> list[Comb]:
    """Find rows of equally spaced marks across the x direction.

    Parameters
    ----------
    grey : ndarray
        H x W float32.
    shortest, longest : float
        Periods to look for, px.

    Returns
    -------
    list of Comb
        Best first; one per place and period.
    """
    found = [
        row
        for step, height in _LEVELS
        if step * 4 <= longest and step * 10.5 >= shortest
        for row in _one_octave(grey, step, height)
        if shortest <= row[1] <= longest
    ]
    return _one_per_place(np.array(found)) if found else []


def _one_octave(grey: Grey, step: float, height: int) -> list[NDArray[np.float64]]:
    y, bands = band_means(grey, height, max(1, height // 2))
    likeness, contrast = self_likeness(_resample(bands, step))
    rows: list[NDArray[np.float64]] = []
    if not likeness.size:
        return rows
    for lag in range(4, 11):
        i, j, period, score = _peaks(likeness, contrast, lag)
        x = (j + _BLOCKS / 2) * _BLOCK * step
        rows.extend(np.stack([score, period * step, y[i], x], axis=1))
    return rows


def _resample(bands: Grey, step: float) -> Grey:
    """Profiles at `step` px; the finer one by Fourier series, for marks 2 px apart."""
    n = bands.shape[1]
    if step < 1:
        wave = fft.rfft(bands - bands.mean(1, keepdims=True), axis=1)
        fine: Grey = fft.irfft(2 * wave, 2 * n, axis=1)
        return fine
    n = int(n // step)
    return bands[:, : int(n * step)].reshape(len(bands), n, int(step)).mean(2)


def self_likeness(bands: Grey) -> tuple[Grey, Grey]:
    """Correlate every window of every band with itself, shifted by 0 to 20 samples.

    Returns
    -------
    likeness : ndarray
        lags x bands x windows, -1 to 1; empty when the bands are too short.
    contrast : ndarray
        bands x windows, standard deviation in grey levels.
    """
    signal = bands - ndimage.uniform_filter1d(bands, 11, axis=1, mode="nearest")
    n = (signal.shape[1] - _LAGS) // _BLOCK
    if n < _BLOCKS:
        return np.zeros((0, 0, 0), np.float32), np.zeros((0, 0), np.float32)
    still = _blocks(signal, 0, n)
    likeness = np.empty((_LAGS, len(signal), n - _BLOCKS + 1), np.float32)
    energies = [_windows(blocks) for blocks in _energies(signal, n)]
    for lag, other in enumerate(energies):
        moved = _blocks(signal, lag, n)
        product = _windows(np.einsum("bnk,bnk->bn", still, moved))
        np.divide(product, np.sqrt(energies[0] * other + 1e-3), out=likeness[lag])
    return likeness, np.sqrt(energies[0] / (_BLOCKS * _BLOCK))


def _energies(signal: Grey, n: int) -> Iterator[Grey]:
    """Sum up the squares of every block, lag by lag: one sample comes, one goes."""
    still = _blocks(signal, 0, n)
    blocks = np.einsum("bnk,bnk->bn", still, still)
    for lag in range(_LAGS):
        yield blocks
        gone = signal[:, lag::_BLOCK][:, :n]
        come = signal[:, lag + _BLOCK :: _BLOCK][:, :n]
        blocks = np.maximum(blocks + come**2 - gone**2, 0)


def _blocks(signal: Grey, lag: int, n: int) -> Grey:
    return signal[:, lag : lag + n * _BLOCK].reshape(len(signal), n, _BLOCK)


def _windows(blocks: Grey) -> Grey:
    n = blocks.shape[1] - _BLOCKS + 1
    return reduce(np.add, (blocks[:, i : n + i] for i in range(_BLOCKS)))


def _peaks(
    likeness: Grey, contrast: Grey, lag: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray, NDArray]:
    """Windows most like themselves after `lag`, with the period between the lags."""
    here, before, after = likeness[lag], likeness[lag - 1], likeness[lag + 1]
    twice = likeness[2 * lag - 1 : min(2 * lag + 2, _LAGS)].max(0)
    half = likeness[lag // 2 : (lag + 1) // 2 + 1].max(0)
    score = np.minimum(here, twice)
    ok = (score > _LIKE) & (contrast > _CONTRAST) & (half < _UNLIKE)
    ok &= (here >= before) & (here >= after)
    i, j = np.nonzero(ok)
    a, b, c = before[i, j], here[i, j], after[i, j]
    period = lag + (a - c) / (2 * (a - 2 * b + c) - 1e-9)
    return i, j, period, score[i, j]


def _one_per_place(found: NDArray[np.float64]) -> list[Comb]:
    found = found[np.argsort(-found[:, 0], kind="stable")]
    score, period, y, x = found.T
    free = np.ones(len(found), dtype=bool)
    combs = []
    for i in range(len(found)):
        if not free[i]:
            continue
        p = period[i]
        same = (np.abs(y - y[i]) < 3 * p) & (np.abs(x - x[i]) < 8 * p)
        same &= np.abs(period - p) < 0.1 * p
        free &= ~same
        combs.append(Comb(p, x[i], y[i], score[i], int(same.sum())))
    return sorted(combs, key=lambda comb: -comb.rank)
