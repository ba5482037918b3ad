"""Bars of alternating dark and bright cells, one centimetre each.

The commonest scale on herbarium sheets: ten cells, in many prints with a first
centimetre cut into millimetres. The steps at the cells' borders go up and down in
turn and nothing else lies between them, which hardly anything else in a picture does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.ruler.pixels import Frame, Grey, band_means, straighten

_STEPS = 6
"""Neighbouring borders a bar is first found by."""

_PURE, _EVEN, _CONTRAST = 0.6, 0.35, 12
_MM_LINES = 10
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
    offsets = np.rint(np.arange(_STEPS) * cell).astype(int)
    room = rise.shape[1] - offsets[-1] - 4
    if room <= 0:
        return []
    turns = [(-1) ** k * rise[:, o : o + room] for k, o in enumerate(offsets)]
    total = sum(turns[1:], turns[0])
    end = offsets[-1] + 2
    all_change = change[:, end : end + room] - change[:, :room]
    height = np.abs(total) / _STEPS
    purity = height * _STEPS / (all_change + 3 * _STEPS)
    i, j = np.nonzero((purity > _PURE) & (height > _CONTRAST))
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
    walks = [(_walk_along(grey, frame, cell), frame) for frame in frames]
    walks = [w for w in walks if len(w[0][1]) >= _STEPS]
    walks.sort(key=lambda w: -w[0][0])
    fits = [(_fit_borders(w[1], w[2]), frame) for w, frame in walks[:12]]
    fits = [(fit, frame) for fit, frame in fits if _is_good(fit)]
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


@dataclass(frozen=True)
class _Fit:
    """Line through borders: `start` is the place of the first one kept."""

    cell: float
    start: float
    cells: int
    kept: int
    found: int
    scatter: float


def _is_good(fit: _Fit) -> bool:
    enough = fit.kept >= max(_STEPS, 0.7 * fit.found)
    return enough and fit.scatter <= 0.02 * fit.cell + 0.15


_TILTS = np.arange(-3, 3.01, 0.5)
_SHIFTS = (-0.12, -0.06, 0.0, 0.06, 0.12)
_REACH = 0.16
_LONGEST = 16
"""Cells followed either way."""

_Walk = tuple[float, NDArray[np.float64], NDArray[np.int_]]


def _walk_along(grey: Grey, frame: Frame, cell: float) -> _Walk:
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
    if height < _CONTRAST:
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


def _fit_borders(place: NDArray[np.float64], turn: NDArray[np.int_]) -> _Fit:
    """Line through the borders.

    The worst border is dropped until all lie within half a pixel: a bar's ends often
    meet a frame or a logo.
    """
    number = np.arange(len(place), dtype=np.float64)
    found = len(place)
    while True:
        cell, start, rest = _line(number, turn, place)
        if rest.max() <= 0.004 * cell + 0.4 or len(number) < _STEPS:
            break
        kept = np.arange(len(number)) != _worst(number, turn, place)
        number, place, turn = number[kept], place[kept], turn[kept]
    cells = int(number[-1] - number[0])
    scatter = float(np.sqrt(np.mean(rest**2)))
    return _Fit(cell, start + number[0] * cell, cells, len(number), found, scatter)


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


def _evenness(grey: Grey, frame: Frame, fit: _Fit) -> tuple[float, float]:
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
