"""Bars of alternating dark and bright cells, one centimetre each.

The commonest scale on herbarium sheets: ten cells, in many prints with a first
centimetre cut into millimetres. The steps at the cells' borders go up and down in
turn and nothing else lies between them, which hardly anything else in a picture does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_herbarium.sheet.ruler.borders import STEPS, Fit, fit_borders, walk_along
from napari_herbarium.sheet.ruler.pixels import Frame, Grey, straighten

_MM_LINES = 10
_TILTS = np.arange(-3, 3.01, 0.5)
_SHIFTS = (-0.12, -0.06, 0.0, 0.06, 0.12)
_EVENNESS, _GAP = 6.0, 0.2


@dataclass(frozen=True)
class Bar:
    """A fitted bar; lengths in px of the searched picture.

    Attributes
    ----------
    frame : Frame
        u runs along the bar, 0 at the first border.
    cell : float
        Length of a cell.
    cells : int
        Number of cells between the first and the last border found.
    borders : int
        Number of borders that lie on the fitted line.
    evenness : float
        Step between dark and bright cells over the variation inside the cells.
    ruled : bool
        Whether a cell is cut into ten: then the cell is a centimetre.
    """

    frame: Frame
    cell: float
    cells: int
    borders: int
    evenness: float
    ruled: bool


def fit_bar(grey: Grey, cell: float, x: float, y: float) -> Bar | None:
    """Follow a bar both ways and fit its cell length; None when it is no bar.

    The bar is walked at several tilts and heights; of the dozen walks along the
    strongest borders the median cell length counts.
    """
    frames = [
        Frame(x, y + shift * cell, float(np.radians(tilt)))
        for shift in _SHIFTS
        for tilt in _TILTS
    ]
    walks = [(walk_along(grey, frame, cell), frame) for frame in frames]
    walks = [w for w in walks if len(w[0][1]) >= STEPS]
    walks.sort(key=lambda w: -w[0][0])
    fits = [(fit_borders(w[1], w[2]), frame) for w, frame in walks[:12]]
    fits = [(fit, frame) for fit, frame in fits if fit.is_good]
    if not fits:
        return None
    fit, frame = fits[0]
    length = float(np.median([f.cell for f, _ in fits if f.kept >= fit.kept - 1]))
    evenness, gap = _evenness(grey, frame, fit)
    if evenness < _EVENNESS or gap < _GAP:
        return None
    origin = frame.place(fit.start, 0.0)
    frame = Frame(float(origin[0]), float(origin[1]), frame.angle)
    ruled = _is_ruled(grey, frame, length, fit.cells)
    return Bar(frame, length, fit.cells, fit.kept, evenness, ruled)


def _evenness(grey: Grey, frame: Frame, fit: Fit) -> tuple[float, float]:
    """Step between dark and bright cells over the variation inside the cells.

    And the gap between the darkest bright and the brightest dark cell, as a share of
    that step.
    """
    inner = np.linspace(0.2, 0.8, 13)
    u = fit.start + (np.arange(fit.cells)[:, None] + inner) * fit.cell
    half = max(1.0, 0.05 * fit.cell)
    strip = straighten(grey, frame, u.ravel(), np.arange(-half, half + 0.1))
    cells = strip.mean(0).reshape(u.shape)
    dark, bright = sorted((cells.mean(1)[::2], cells.mean(1)[1::2]), key=np.mean)
    step = float(bright.mean() - dark.mean())
    inside = float(np.sqrt(cells.var(1).mean())) + 1.0
    return step / inside, float(bright.min() - dark.max()) / (step + 1e-6)


def _is_ruled(grey: Grey, frame: Frame, cell: float, cells: int) -> bool:
    """Whether ten equal lines cut one of the cells, in several rows together."""
    if cell < 2.3 * _MM_LINES:
        return False
    samples = 80
    u = (np.arange(-2 * samples, (cells + 2) * samples) + 0.5) / samples * cell
    v = np.arange(-1.1 * cell, 1.1 * cell, max(1.0, 0.04 * cell))
    strip = straighten(grey, frame, u, v).reshape(len(v), cells + 4, samples)
    wave = np.fft.rfft(strip - strip.mean(2, keepdims=True), axis=2) / samples
    lines = np.abs(wave[..., _MM_LINES])
    others = np.abs(wave[..., [6, 7, 8, 9, 11, 12, 13, 14]]).max(2)
    good = (lines > 2 * others) & (lines > 2)
    run = good[:-3] & good[1:-2] & good[2:-1] & good[3:]
    return bool(run.any())
