"""Follow a comb of marks as far as it goes and fit its period over the whole length.

The picture is multiplied by a wave of the comb's period (complex demodulation): the
amplitude says where the marks are, the phase where exactly they lie. A straight line
through the phase over hundreds of marks gives the period to a small part of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_herbarium.sheet.ruler.combs import Comb
from napari_herbarium.sheet.ruler.pixels import Frame, Grey, straighten

_STEEPEST = np.tan(np.radians(4))
_COHERENT = 0.25
_GLANCE, _FEWEST = 24, 25
"""Periods looked at first, each way, and needed to go on."""

_GAP = 4
"""Steps of two periods that may be covered by a thread or a fingerprint."""


@dataclass(frozen=True)
class Lattice:
    """Equally spaced marks along a line; lengths in px of the searched picture.

    Attributes
    ----------
    frame : Frame
        Its u axis runs along the marks, its origin lies in their middle.
    period : float
        Distance of two marks.
    first, last : float
        Extent along u.
    coherence : float
        Share of the picture's variation that the wave explains, 0 to 1.
    fold : ndarray
        The mean mark: grey level over 32 steps of one period, mean 0.
    bend : float
        Relative difference of the period between the two halves.
    """

    frame: Frame
    period: float
    first: float
    last: float
    coherence: float
    fold: NDArray[np.float64]
    bend: float

    @property
    def count(self) -> float:
        """Number of periods."""
        return (self.last - self.first) / self.period


def fit_lattice(grey: Grey, comb: Comb) -> Lattice | None:
    """Fit a lattice to a comb; None when it is too short to be a ruler."""
    left = max(0, int(comb.x - _GLANCE * comb.period))
    glance = grey[:, left : int(comb.x + _GLANCE * comb.period)]
    if _length(_follow(glance, replace(comb, x=comb.x - left))) < _FEWEST * comb.period:
        return None
    track = _follow(grey, comb)
    if _length(track) < _FEWEST * comb.period:
        return None
    x, y, coherence = track.T
    slope, _ = np.polyfit(x, y, 1)
    middle = x.mean()
    frame = Frame(middle, y.mean(), float(np.arctan(slope)))
    stretch = np.hypot(1, slope)
    first, last = (x[0] - middle) * stretch, (x[-1] - middle) * stretch
    period, bend, u, profile = _refine(grey, frame, comb.period, first, last)
    share = (u / period * 32).astype(int) % 32
    fold = np.bincount(share, profile, 32) / np.maximum(1, np.bincount(share, None, 32))
    return Lattice(frame, period, first, last, float(np.median(coherence)), fold, bend)


def _length(track: NDArray[np.float64]) -> float:
    return float(np.ptp(track[:, 0])) if len(track) > 2 else 0.0


def _follow(grey: Grey, comb: Comb) -> NDArray[np.float64]:
    """Walk along the marks both ways; rows of x, y, coherence in order of x."""
    reach = int(min(_STEEPEST * grey.shape[1], 400) + 2 * comb.period)
    top = max(0, int(comb.y) - reach)
    strength, share = _wave(grey[top : int(comb.y) + reach + 1], comb.period)
    band = _Band(strength, share, max(1.5, 0.6 * comb.period))
    column = int(np.clip(round(comb.x), 0, grey.shape[1] - 1))
    start = band.best(comb.y - top, column)
    if start is None:
        return np.empty((0, 3))
    points = [(float(column), start[0], start[2])]
    for way in (1, -1):
        points += _walk(band, points[0], start[1], way * max(1.0, 2 * comb.period))
    track = np.array(sorted(points))
    track[:, 1] += top
    return track


def _wave(rows: Grey, period: float) -> tuple[Grey, Grey]:
    """Amplitude of the wave of one period, and its share of the local variation."""
    odd = round(period) | 1
    signal = rows - ndimage.uniform_filter1d(rows, odd, axis=1, mode="nearest")
    window = round(5 * period) | 1

    def local(values: Grey) -> Grey:
        wide = ndimage.uniform_filter1d(values, window, axis=1, mode="constant")
        mean: Grey = ndimage.uniform_filter1d(wide, 3, axis=0, mode="nearest")
        return mean

    angle = (2 * np.pi / period) * np.arange(rows.shape[1], dtype=np.float64)
    real = local(signal * np.cos(angle).astype(np.float32))
    imaginary = local(signal * np.sin(angle).astype(np.float32))
    power = real**2 + imaginary**2
    return np.sqrt(power), 2 * power / (local(signal**2) + 1e-3)


@dataclass(frozen=True)
class _Band:
    """Rows around a comb, with the wave's strength in each pixel."""

    strength: Grey
    share: Grey
    reach: float

    def best(self, y: float, column: int) -> tuple[float, float, float] | None:
        """Row (centroid of power), strength and share near a place."""
        first = max(0, int(np.floor(y - self.reach)))
        rows = np.arange(
            first, min(len(self.strength), int(np.ceil(y + self.reach)) + 1)
        )
        if not len(rows):
            return None
        power = self.strength[rows, column].astype(np.float64) ** 2
        if power.sum() <= 0:
            return None
        top = rows[np.argmax(power)]
        row = float((power * rows).sum() / power.sum())
        return row, float(self.strength[top, column]), float(self.share[top, column])


def _walk(
    band: _Band, start: tuple[float, float, float], usual: float, step: float
) -> list[tuple[float, float, float]]:
    x, y, _ = start
    seen = [(x, y)]
    points: list[tuple[float, float, float]] = []
    slope, missed = 0.0, 0
    width = band.strength.shape[1]
    while 0 <= x + step < width - 1 and missed <= _GAP:
        x += step
        y += slope * step
        spot = band.best(y, round(x))
        if spot is None:
            break
        if spot[2] < _COHERENT or spot[1] < 0.25 * usual:
            missed += 1
            continue
        missed = 0
        y, usual = spot[0], 0.9 * usual + 0.1 * spot[1]
        seen.append((x, y))
        points.append((x, y, spot[2]))
        if len(seen) >= 4:
            slope = _slope(seen[-12:])
    return points


def _slope(points: list[tuple[float, float]]) -> float:
    x, y = np.array(points).T
    return float(np.clip(np.polyfit(x, y, 1)[0], -_STEEPEST, _STEEPEST))


def _refine(
    grey: Grey, frame: Frame, period: float, first: float, last: float
) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
    """Period and bend from the phase; the grey profile along the marks."""
    fine = 0.5 if period < 12 else 1.0
    u = np.arange(first - 3 * period, last + 3 * period, fine)
    half = max(4.0, min(3 * period, 40.0))
    strip = straighten(grey, frame, u, np.arange(-half, half + 0.1), 3)
    odd = round(period / fine) | 1
    strip = strip - ndimage.uniform_filter1d(strip, odd, axis=1, mode="nearest")
    bend = 0.0
    for _ in range(3):
        wave = strip * np.exp(-2j * np.pi / period * u)
        window = round(4 * period / fine) | 1
        local = ndimage.uniform_filter1d(wave.real, window, axis=1, mode="constant")
        local = local + 1j * ndimage.uniform_filter1d(
            wave.imag, window, axis=1, mode="constant"
        )
        rows = _strong_rows(np.abs(local).mean(1))
        drift, bend = _phase_drift(u, local[rows].mean(0))
        period = 1 / (1 / period + drift / (2 * np.pi))
    return period, bend * period, u, strip[rows].mean(0)


def _strong_rows(strength: NDArray[np.floating]) -> slice:
    """Find the run of rows around the strongest that are at least 0.6 as strong."""
    top = int(np.argmax(strength))
    weak = np.flatnonzero(strength < 0.6 * strength[top])
    before, after = weak[weak < top], weak[weak > top]
    first = int(before[-1]) + 1 if len(before) else 0
    return slice(first, int(after[0]) if len(after) else len(strength))


def _phase_drift(
    u: NDArray[np.float64], wave: NDArray[np.complex128]
) -> tuple[float, float]:
    """Slope of the phase, radian per px, and its change per radian between halves."""
    phase = np.unwrap(np.angle(wave))
    weight = np.abs(wave)
    weight = np.where(weight > 0.3 * np.median(weight), weight, 0)
    bow = np.polyfit(u - u.mean(), phase, 2, w=weight)[0]
    straight = np.polyfit(u - u.mean(), phase, 1, w=weight)[0]
    change = abs(bow) * (u[-1] - u[0]) / (2 * np.pi)
    return float(straight), float(change)
