"""A herbarium sheet drawn by the package: scale and every leaf known exactly.

First steps and tests need no data and no licence with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.sheet.drawn.blade import draw_leaf
from napari_herbarium.sheet.drawn.canvas import Canvas, Colour, ribbon
from napari_herbarium.sheet.drawn.furniture import (
    CATALOG_NUMBER,
    draw_furniture,
    draw_tape,
)
from napari_herbarium.sheet.drawn.plan import (
    HEIGHT_MM,
    WIDTH_MM,
    Plan,
    Stem,
    make_plan,
    smooth_line,
)
from napari_herbarium.sheet.sheet import Sheet

DPI_RANGE = (50, 1200)
_PAPER = (233.0, 224.0, 202.0)


@dataclass(frozen=True)
class DrawnSheet:
    """A drawn sheet with its ground truth.

    Attributes
    ----------
    sheet : Sheet
        The picture, as a reader would give it.
    labels : ndarray of uint16
        H x W; 0 is no leaf, each leaf has its own number, in reading order of
        the tops of the leaves. Petioles, stems and holes are no leaf.
    mm_per_px : float
        Exact scale.
    """

    sheet: Sheet
    labels: NDArray[np.uint16]
    mm_per_px: float


def drawn_sheet(dpi: float = 300, seed: int = 0) -> DrawnSheet:
    """Draw a herbarium sheet of 280 x 420 mm.

    Parameters
    ----------
    dpi : float
        Resolution, 50 to 1200 pixels per inch. The plants lie in the same places
        (in mm) at any resolution.
    seed : int
        Another seed draws another sheet; the same seed draws the same one.

    Returns
    -------
    DrawnSheet
        Sheet, exact leaf labels and mm per px.

    Raises
    ------
    SheetError
        When `dpi` is out of range.
    """
    low, high = DPI_RANGE
    if not low <= dpi <= high:
        msg = f"A sheet can be drawn at {low} to {high} dpi, not at {dpi}."
        raise SheetError(msg)
    mm_per_px = 25.4 / dpi
    canvas = Canvas(WIDTH_MM, HEIGHT_MM, 1 / mm_per_px)
    labels = _draw(canvas, make_plan(seed), seed)
    return DrawnSheet(_as_sheet(canvas.pixels, mm_per_px), labels, mm_per_px)


def _draw(canvas: Canvas, plan: Plan, seed: int) -> NDArray[np.uint16]:
    """Draw everything, from the paper up; give the label of each pixel."""
    canvas.paper(np.random.default_rng((seed, 1)), _PAPER)
    _draw_fibres(canvas, np.random.default_rng((seed, 2)))
    draw_furniture(canvas)
    for stem in plan.stems:
        _draw_stem(canvas, stem)
    labels = np.zeros((canvas.height, canvas.width), np.uint16)
    leaves = sorted(plan.leaves, key=lambda leaf: leaf.outline()[:, 1].min())
    for number, leaf in enumerate(leaves, start=1):
        window, mask = draw_leaf(canvas, leaf, np.random.default_rng((seed, 3, number)))
        labels[window][mask] = number
    for tape in plan.tapes:
        window, cover = canvas.coverage(draw_tape(canvas, *tape))
        labels[window][cover >= 0.5] = 0
    return labels


def _draw_stem(canvas: Canvas, stem: Stem) -> None:
    """Draw a round stem: dark edges and a light ridge."""
    outline = ribbon(stem.line, stem.width)
    canvas.shadow(outline, 0.5, 0.35)
    dark, light = _shaded(stem.tone, 0.72), _shaded(stem.tone, 1.22)
    canvas.fill(outline, dark)
    first, last = stem.width
    canvas.fill(ribbon(stem.line, (first * 0.66, last * 0.66), -0.15), stem.tone)
    canvas.fill(ribbon(stem.line, (first * 0.25, last * 0.25), -0.9), light, 0.7)


def _shaded(tone: Colour, gain: float) -> Colour:
    red, green, blue = tone
    return red * gain, green * gain, blue * gain


def _draw_fibres(canvas: Canvas, rng: np.random.Generator) -> None:
    """Fibres, specks of dust and two faint stains in the paper."""
    for _ in range(420):
        start = rng.uniform((0, 0), (WIDTH_MM, HEIGHT_MM))
        bones = np.cumsum([start, *rng.normal(0, 1.1, (2, 2))], axis=0)
        line = smooth_line([tuple(p) for p in bones], 10)
        tone = (176, 160, 128) if rng.random() < 0.6 else (250, 246, 232)
        canvas.fill(ribbon(line, (0.1, 0.06)), tone, float(rng.uniform(0.2, 0.6)))
    theta = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    for x, y, r in ((250, 215, 11), (86, 210, 6)):
        wave = r * (1 + 0.1 * np.sin(3 * theta) + 0.06 * np.sin(7 * theta + 1))
        ring = np.column_stack([x + wave * np.cos(theta), y + wave * np.sin(theta)])
        canvas.fill(ring, (196, 170, 118), 0.16)
        canvas.fill((ring - (x, y)) * 0.93 + (x, y), (226, 212, 180), 0.16)


def _as_sheet(pixels: NDArray[np.uint8], mm_per_px: float) -> Sheet:
    return Sheet(
        image=pixels,
        levels=(pixels,),
        mm_per_px=mm_per_px,
        scale_source="drawn",
        scale_trust="trusted",
        offered_mm_per_px=mm_per_px,
        catalog_number=CATALOG_NUMBER,
        metadata={
            "drawn": "napari-herbarium",
            "height": pixels.shape[0],
            "width": pixels.shape[1],
            "catalog_number": CATALOG_NUMBER,
            "scale_source": "drawn",
            "scale_trust": "trusted",
            "mm_per_px": mm_per_px,
            "offered_mm_per_px": mm_per_px,
        },
        path=None,
    )
