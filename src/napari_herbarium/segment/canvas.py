"""Where finished rows go: a map of logits, or the sheet's probability."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_herbarium.segment.levels import (
    CoarseMap,
    Level,
    enlarge_rows,
    reduced_level,
    squashed_level,
)
from napari_herbarium.segment.pixels import SheetRows

if TYPE_CHECKING:
    from torch import Tensor

Emit: TypeAlias = "Callable[[int, int, Tensor], None]"
"""Takes finished rows: top, bottom, values."""

_BAND = 128


class LogitCanvas:
    """Collects the logits of a level between the coarse ones and the sheet's own."""

    def __init__(self, level: Level) -> None:
        import torch

        # Half precision: this map is the largest thing in memory beside the image.
        self._logits = torch.empty(level.height, level.width, dtype=torch.float16)
        self._level = level

    def emit(self, top: int, bottom: int, logits: Tensor) -> None:
        """Take finished rows."""
        self._logits[top:bottom] = logits

    def result(self) -> CoarseMap:
        """All rows."""
        return CoarseMap(self._logits, self._level)


class ProbabilityCanvas:
    """Collects the sheet's probability, height x width uint8."""

    def __init__(self, level: Level) -> None:
        self.probability = np.empty((level.height, level.width), np.uint8)

    def emit(self, top: int, bottom: int, logits: Tensor) -> None:
        """Take finished rows of logits, which are overwritten."""
        self.emit_probability(top, bottom, logits.sigmoid_())

    def emit_probability(self, top: int, bottom: int, probability: Tensor) -> None:
        """Take finished rows of probability, 0 to 1, which are overwritten."""
        import torch

        whole = probability.mul_(255).round_().to(torch.uint8)
        self.probability[top:bottom] = whole.numpy()


def draw_logits(known: CoarseMap, rows: SheetRows) -> np.ndarray:
    """Probability at the sheet's own resolution from a map of logits."""
    level = reduced_level(rows.height, rows.width, 1)
    canvas = ProbabilityCanvas(level)
    _draw(known, level, canvas.emit)
    return canvas.probability


def draw_probability(known: CoarseMap, rows: SheetRows) -> np.ndarray:
    """Probability at the sheet's own resolution from a map of probability."""
    level = reduced_level(rows.height, rows.width, 1)
    canvas = ProbabilityCanvas(level)
    _draw(known, level, canvas.emit_probability)
    return canvas.probability


def _draw(known: CoarseMap, level: Level, emit: Emit) -> None:
    known = _not_finer(known, level)
    for top in range(0, level.height, _BAND):
        bottom = min(top + _BAND, level.height)
        emit(top, bottom, enlarge_rows(known.values, known.level, level, top, bottom))


def _not_finer(known: CoarseMap, level: Level) -> CoarseMap:
    """Shrink a map that was made of an enlarged sheet, antialiased."""
    from torch.nn.functional import interpolate

    size = min(known.level.height, level.height), min(known.level.width, level.width)
    if size == (known.level.height, known.level.width):
        return known
    values = interpolate(
        known.values[None, None].float(), size, mode="bilinear", antialias=True
    )[0, 0]
    return CoarseMap(values, squashed_level(level.height, level.width, *size))
