"""The close look: tiles at a finer level, only where a leaf's edge runs.

What is leaf is decided at the coarse levels; the finer level only moves the outline.
So its logits are averaged with the coarse ones in a band along the outline, and fade
into them on both sides of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_herbarium.segment.band import edge_band
from napari_herbarium.segment.canvas import Emit
from napari_herbarium.segment.levels import CoarseMap, LevelRows, enlarge_rows
from napari_herbarium.segment.tiles import (
    Spans,
    close_overlap_of,
    cut,
    in_batches,
    ramp,
    spread,
    up_to_step,
)

if TYPE_CHECKING:
    from torch import Tensor

    from napari_herbarium.segment.forward import Forward

_BAND = 128


def greedy_starts(
    wanted: np.ndarray, length: int, size: int, overlap: int
) -> list[int]:
    """Place few tiles along an axis so that their cores hold all wanted pixels.

    Parameters
    ----------
    wanted : ndarray
        n x 2 sorted begins and ends of what must be covered, in px.
    length : int
        Length of the axis in px.
    size, overlap : int
        Length of a tile and of its overlap, half of which on each side is not core.
    """
    margin = overlap // 2
    starts: list[int] = []
    covered = 0
    for begin, end in wanted:
        while max(begin, covered) < min(end, length):
            start = max(0, min(max(begin, covered) - margin, length - size))
            starts.append(int(start))
            at_end = start + size >= length
            covered = length if at_end else start + size - margin
    return starts


def _runs(flags: np.ndarray) -> np.ndarray:
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)


class CloseLook:
    """Tiles of a finer level along the outlines of a coarse map.

    Parameters
    ----------
    forward : Forward
        The network.
    coarse : CoarseMap
        What is known.
    rows : LevelRows
        The sheet at the finer level.
    tile : int
        Largest side of the tiles in px.
    cut_logit : float
        Logit from which on a pixel is leaf.
    """

    def __init__(
        self,
        forward: Forward,
        coarse: CoarseMap,
        rows: LevelRows,
        tile: int,
        cut_logit: float,
    ) -> None:
        self._forward, self._coarse, self._source = forward, coarse, rows
        self.level = rows.level
        look, self._share = edge_band(coarse.values, cut_logit)
        self._overlap = close_overlap_of(tile)
        self._rows = spread(self.level.height, tile, self._overlap)
        self._width = min(tile, up_to_step(self.level.width))
        self._plan = self._place(look)
        self._band: tuple[int, np.ndarray] | None = None

    @property
    def count(self) -> int:
        """Number of tiles."""
        return sum(len(starts) for starts in self._plan)

    def _place(self, look: np.ndarray) -> list[list[int]]:
        at, to = self._coarse.level, self.level
        plan = []
        for top, bottom in _cores(self._rows, to.height):
            first = int(top * to.px_y / at.px_y)
            last = max(first + 1, int(np.ceil(bottom * to.px_y / at.px_y)))
            runs = _runs(np.any(look[first:last], axis=0)) * (at.px_x / to.px_x)
            plan.append(
                greedy_starts(
                    runs.round().astype(int), to.width, self._width, self._overlap
                )
            )
        return plan

    def run(self, emit: Emit) -> Iterator[int]:
        """Look closely from top to bottom.

        Parameters
        ----------
        emit : callable
            Given the fused logits of the level, each row once, top to bottom.

        Yields
        ------
        int
            Number of tiles done since the last time.
        """
        strip = _Strip(self._rows.size, self.level.width)
        places = [(i, left) for i, lefts in enumerate(self._plan) for left in lefts]
        at = 0
        # A row of tiles may be only a few: batches go on into the next.
        for group in in_batches(places, self._forward.batch):
            tiles = list(self._cut_out(group))
            for (i, left), logits in zip(group, self._forward(tiles), strict=True):
                self._finish(range(at, i), strip, emit)
                at = i
                strip.add(left, logits, self._down(i)[:, None] * self._across(left))
            yield len(group)
        self._finish(range(at, len(self._rows.starts)), strip, emit)

    def _cut_out(self, places: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
        height = self._rows.size
        for i, left in places:
            if self._band is None or self._band[0] != i:
                top = self._rows.starts[i]
                self._band = i, self._source.read(top, top + height)
            yield cut(self._band[1], 0, left, height, self._width)

    def _down(self, i: int) -> Tensor:
        last = i == len(self._rows.starts) - 1
        return ramp(self._rows.size, self._overlap, first=i == 0, last=last)

    def _across(self, left: int) -> Tensor:
        last = left + self._width >= self.level.width
        return ramp(self._width, self._overlap, first=left == 0, last=last)

    def _enlarged(self, values: Tensor, top: int, bottom: int) -> Tensor:
        return enlarge_rows(values, self._coarse.level, self.level, top, bottom)

    def _finish(self, rows: range, strip: _Strip, emit: Emit) -> None:
        """Give out what no later row of tiles reaches."""
        ends = [*self._rows.starts[1:], self.level.height]
        for i in rows:
            top, end = self._rows.starts[i], ends[i]
            self._finish_rows(strip, top, end, emit)
            strip.move_down(end - top)

    def _finish_rows(self, strip: _Strip, top: int, end: int, emit: Emit) -> None:
        for start in range(top, end, _BAND):
            stop = min(start + _BAND, end)
            logits = self._enlarged(self._coarse.values, start, stop)
            if strip.used:
                share = self._enlarged(self._share, start, stop)
                logits = strip.changed(logits, share, start - top)
            emit(start, stop, logits)


def _cores(spans: Spans, length: int) -> list[tuple[int, int]]:
    """For each tile the part that no neighbour covers better."""
    middles = [
        (before + spans.size + after) // 2
        for before, after in zip(spans.starts, spans.starts[1:], strict=False)
    ]
    return list(zip([0, *middles], [*middles, length], strict=True))


class _Strip:
    """Logits of the closer look in the rows that tiles still reach.

    Holds one tile's height of the sheet, so that memory is bounded by tile height
    times sheet width whatever the sheet's height.

    Attributes
    ----------
    used : bool
        Whether any tile lies in these rows.
    """

    def __init__(self, height: int, width: int) -> None:
        import torch

        self._sum = torch.zeros(height, width)
        self._weight = torch.zeros(height, width)
        self.used = False

    def add(self, left: int, logits: Tensor, weight: Tensor) -> None:
        """Take a tile whose left edge is at `left`; it may reach over the right end."""
        here = slice(None), slice(left, left + logits.shape[1])
        wide = self._sum[here].shape[1]
        self._sum[here] += (logits * weight)[:, :wide]
        self._weight[here] += weight[:, :wide]
        self.used = True

    def changed(self, logits: Tensor, share: Tensor, top: int) -> Tensor:
        """Move logits, rows `top` on, by their share towards the closer look.

        Half the way from the coarse logit to the new one: their mean.
        """
        rows = slice(top, top + logits.shape[0])
        weight = self._weight[rows]
        away = self._sum[rows] - weight * logits
        return logits.addcdiv_(away.mul_(share).mul_(0.5), weight.clamp(min=1))

    def move_down(self, rows: int) -> None:
        if not self.used:
            return
        for values in (self._sum, self._weight):
            kept = values[rows:].clone()
            values.zero_()
            values[: len(kept)] = kept
        self.used = bool(self._weight.any())
