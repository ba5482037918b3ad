"""From a sheet to the probability that each of its pixels is leaf."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_herbarium.memory import give_back
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.device import choose_device
from napari_herbarium.progress import Job, Progress, finish
from napari_herbarium.segment.canvas import (
    LogitCanvas,
    ProbabilityCanvas,
    draw_logits,
    draw_probability,
)
from napari_herbarium.segment.coarse import CoarseLook
from napari_herbarium.segment.colours import ColourLook, steps_of
from napari_herbarium.segment.forward import Forward, OutOfMemoryError
from napari_herbarium.segment.levels import (
    CoarseMap,
    EnlargedRows,
    Level,
    LevelRows,
    enlarged,
    scales_of,
    shrink,
    squashed_level,
    working_level,
)
from napari_herbarium.segment.pixels import SheetRows, as_rgb8, in_memory
from napari_herbarium.segment.refine import CloseLook
from napari_herbarium.segment.tiles import STEP, close_overlap_of, spread
from napari_herbarium.settings import Detail, SegmentSettings

if TYPE_CHECKING:
    import numpy as np

    from napari_herbarium.model.checkpoint import LeafModel, ModelConfig

PAPER_SIDE = 512
FAST_LONG_SIDE = 1536
"""``fast`` takes the largest of the model's scales up to this."""
WORTH_A_CLOSER_LOOK = 1.25
"""How many times finer than the finest coarse level a close look must be."""
LARGEST_STEP = 3.0
"""Where the next finer level is further away than this, one in between is looked at."""
FINEST_LONG_SIDE = 12288
"""A larger sheet (A3 at 1200 ppi) is looked at in half its resolution: scanners hardly
resolve more, and the time grows with the square."""
SIDES = 4
"""From how many sides ``thorough`` sees the whole sheet."""
SMALLEST_TILE = 128
CLOSE_TILE = 192
"""Tiles of the close looks: smaller ones follow an outline with less paper beside it,
and what is leaf was decided at the coarse levels."""
_USUAL_SHARE_WITH_EDGES = 0.35


def segment(
    image: Any,
    model: LeafModel | None = None,
    settings: SegmentSettings | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> np.ndarray:
    """Give the leaf probability of a sheet at its own resolution.

    The same as `iter_segment`, run to its end.

    Parameters
    ----------
    image, model, settings
        See `iter_segment`.
    on_progress : callable, optional
        Called with a `Progress` after each batch of tiles.

    Returns
    -------
    ndarray
        H x W uint8; 0..255 stands for probability 0..1.

    Raises
    ------
    SettingsError, ModelError
        See `iter_segment`.
    """
    return finish(iter_segment(image, model, settings), on_progress)


def iter_segment(
    image: Any,
    model: LeafModel | None = None,
    settings: SegmentSettings | None = None,
) -> Job[np.ndarray]:
    """Give the leaf probability of a sheet, tile by tile.

    ``paper`` squashes the whole sheet to 512 x 512 px and enlarges the probability
    (Hussein et al. 2021, Sensors 21:4549, section 3; model scales are ignored).
    ``fast`` looks once at the whole sheet at one working resolution. ``full`` looks
    at the whole sheet at every scale of the model (a small scan is also enlarged
    further), takes the mean of the logits, and then looks at finer levels, up to the
    sheet's own, only along the outlines; where its own is not finer, at the sheet
    enlarged. Of several finer levels the last is looked at without the network, see
    `napari_herbarium.segment.colours`. ``thorough`` is ``full`` with the whole
    sheet seen from four sides, of which the mean is taken; outlines are followed as
    before.

    Memory beyond the image and the result is bounded by tile height times sheet
    width, plus the coarse map; for very large sheets also one half-size map of
    logits. A lazy image of up to 1 GiB is decoded once and held until the end; larger
    ones are read in bands from top to bottom, once for the coarse look and once for
    each close one, except that the first close look uses what the coarse one kept if
    that has its resolution.

    Parameters
    ----------
    image : array-like or Sheet
        H x W x 3 uint8; numpy or dask. Other pictures are converted, see
        `napari_herbarium.segment.pixels.as_rgb8`.
    model : LeafModel, optional
        The one that `settings` names when None.
    settings : SegmentSettings, optional
        Detail, device, tile side and batch; the defaults when None.

    Yields
    ------
    Progress
        After each batch, in tiles. For ``full`` the total is an estimate until the
        coarse look is done. Closing the generator stops between two batches.

    Returns
    -------
    ndarray
        H x W uint8; 0..255 stands for probability 0..1.

    Raises
    ------
    SettingsError
        When the picture cannot be used, the device is missing, or even the smallest
        tile does not fit into memory (larger ones are retried smaller).
    ModelError
        When there is no such model.
    """
    settings = settings or SegmentSettings()
    rows = SheetRows(in_memory(as_rgb8(image)))
    device = choose_device(settings.device)
    model = model or load_model(settings.model)
    way, tile = _WAYS[settings.detail], settings.tile
    while True:
        forward = Forward(model, device, settings.batch)
        try:
            return (yield from way(rows, forward, model.config, tile))
        except OutOfMemoryError:
            if settings.detail is Detail.PAPER or tile <= SMALLEST_TILE:
                raise
        finally:
            give_back()
        tile = max(SMALLEST_TILE, tile // 2 // STEP * STEP)


class _Tally:
    """Counts tiles."""

    def __init__(self, total: int) -> None:
        self._done, self._total = 0, total

    def expect(self, more: int) -> None:
        """From now on `more` tiles remain."""
        self._total = self._done + more

    def add(self, tiles: int) -> Progress:
        self._done += tiles
        return Progress(self._done, max(self._done, self._total), "tiles")


def _paper(
    rows: SheetRows, forward: Forward, config: ModelConfig, tile: int
) -> Job[np.ndarray]:
    level = squashed_level(rows.height, rows.width, PAPER_SIDE, PAPER_SIDE)
    logits = forward(shrink(rows, [level]))[0]
    yield Progress(1, 1, "tiles")
    return draw_probability(CoarseMap(logits.sigmoid(), level), rows)


def _fast(
    rows: SheetRows, forward: Forward, config: ModelConfig, tile: int
) -> Job[np.ndarray]:
    coarse = CoarseLook([_level(rows, _fast_scale(config.scales))], tile)
    tally = _Tally(coarse.count)
    for tiles in coarse.run(forward, rows):
        yield tally.add(tiles)
    return draw_logits(coarse.result(), rows)


def _fast_scale(scales: tuple[int, ...]) -> int:
    small = [scale for scale in scales if scale <= FAST_LONG_SIDE]
    return max(small, default=min(scales))


def _full(
    rows: SheetRows,
    forward: Forward,
    config: ModelConfig,
    tile: int,
    sides: int = 1,
) -> Job[np.ndarray]:
    # Scales beyond what a small scan may be enlarged to fall together.
    scales = scales_of(max(rows.height, rows.width), config.scales)
    levels = list(dict.fromkeys(_level(rows, scale) for scale in scales))
    coarse = CoarseLook(levels, tile, sides)
    near = min(tile, CLOSE_TILE)
    looks = _close_looks(rows, levels[-1], config)
    expected = _expected(looks, near)
    tally = _Tally(coarse.count + sum(expected))
    for tiles in coarse.run(forward, rows, looks[0] if looks else None):
        yield tally.add(tiles)
    known = coarse.result()
    cut_logit = math.log(config.threshold / (1 - config.threshold))
    forward.batch *= round((tile / near) ** 2)  # about as many pixels at a time
    for i in range(len(expected)):
        finer = looks.pop(0)  # what it keeps of the sheet is not needed later
        look: CloseLook | ColourLook
        if _by_colour(i, len(expected)):
            look = ColourLook(known, finer, cut_logit)
        else:
            look = CloseLook(forward, known, finer, near, cut_logit)
        tally.expect(look.count + sum(expected[i + 1 :]))
        canvas = _canvas(finer.level)
        for tiles in look.run(canvas.emit):
            yield tally.add(tiles)
        if isinstance(canvas, ProbabilityCanvas):
            return canvas.probability
        known = canvas.result()
    return draw_logits(known, rows)


def _by_colour(i: int, count: int) -> bool:
    """Whether a look needs no network: the last one, where another was before it."""
    return 0 < i == count - 1


def _expected(looks: list[LevelRows], tile: int) -> list[int]:
    """Guess the number of steps of each look."""
    return [
        steps_of(finer.level)
        if _by_colour(i, len(looks))
        else _guess(finer.level, tile)
        for i, finer in enumerate(looks)
    ]


def _canvas(level: Level) -> LogitCanvas | ProbabilityCanvas:
    sheets_own = level.px_y == level.px_x == 1
    return ProbabilityCanvas(level) if sheets_own else LogitCanvas(level)


def _level(rows: SheetRows, scale: int) -> Level:
    return working_level(rows.height, rows.width, scale)


def _close_looks(
    rows: SheetRows, coarse: Level, config: ModelConfig
) -> list[LevelRows]:
    """Levels at which outlines are followed, coarse to fine."""
    factors = _close_factors(rows, coarse)
    if factors:
        return [LevelRows(rows, factor) for factor in factors]
    larger = _level(rows, enlarged(config.scales))
    finer = larger.long_side >= WORTH_A_CLOSER_LOOK * coarse.long_side
    return [EnlargedRows(rows, larger)] if finer else []


def _close_factors(rows: SheetRows, coarse: Level) -> list[int]:
    """Levels of the close looks as sheet pixels per pixel, coarse to fine."""
    long_side = max(rows.height, rows.width)
    finest = 1
    while long_side / finest > FINEST_LONG_SIDE:
        finest *= 2
    if long_side / finest < WORTH_A_CLOSER_LOOK * coarse.long_side:
        return []
    factors = [finest]
    while long_side / factors[0] > LARGEST_STEP * coarse.long_side:
        factors.insert(0, factors[0] * 2)
    return factors


def _guess(level: Level, tile: int) -> int:
    overlap = close_overlap_of(tile)
    down = len(spread(level.height, tile, overlap).starts)
    across = len(spread(level.width, tile, overlap).starts)
    return math.ceil(down * across * _USUAL_SHARE_WITH_EDGES)


_WAYS: dict[Detail, Callable[[SheetRows, Forward, ModelConfig, int], Job[np.ndarray]]]
_WAYS = {
    Detail.PAPER: _paper,
    Detail.FAST: _fast,
    Detail.FULL: _full,
    Detail.THOROUGH: partial(_full, sides=SIDES),
}
