"""The coarse look: the whole sheet at one or more working resolutions."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from napari_herbarium.segment.levels import CoarseMap, Level, LevelRows, shrink
from napari_herbarium.segment.pixels import SheetRows
from napari_herbarium.segment.tiles import (
    Spans,
    cut,
    in_batches,
    overlap_of,
    ramp,
    spread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from napari_herbarium.segment.forward import Forward


class WholeLevel:
    """Tiles that cover all of one working level, and their blended logits.

    Parameters
    ----------
    level : Level
        The resolution.
    tile : int
        Largest side of the tiles in px.
    """

    def __init__(self, level: Level, tile: int) -> None:
        import torch

        self.level = level
        self._rows = spread(level.height, tile)
        self._columns = spread(level.width, tile)
        self._weights = [
            _weights(spans, overlap_of(tile)) for spans in (self._rows, self._columns)
        ]
        self._sum = torch.zeros(level.height, level.width)
        self._weight = torch.zeros(level.height, level.width)

    @property
    def count(self) -> int:
        """Number of tiles."""
        return len(self._rows.starts) * len(self._columns.starts)

    def run(self, forward: Forward, image: np.ndarray, sides: int = 1) -> Iterator[int]:
        """Run the network over all tiles; yields the number done after each batch."""
        places = product(
            range(len(self._rows.starts)), range(len(self._columns.starts))
        )
        size = self._rows.size, self._columns.size
        for group in in_batches(list(places), forward.batch):
            corners = [
                (self._rows.starts[i], self._columns.starts[j]) for i, j in group
            ]
            logits = forward([cut(image, y, x, *size) for y, x in corners], sides)
            for place, one in zip(group, logits, strict=True):
                self._add(place, one)
            yield len(group)

    def _add(self, place: tuple[int, int], logits: Tensor) -> None:
        top, left = self._rows.starts[place[0]], self._columns.starts[place[1]]
        here = slice(top, top + self._rows.size), slice(left, left + self._columns.size)
        height, width = self._sum[here].shape
        down, across = self._weights[0][place[0]], self._weights[1][place[1]]
        weight = (down[:, None] * across)[:height, :width]
        self._sum[here] += logits[:height, :width] * weight
        self._weight[here] += weight

    def logits(self) -> Tensor:
        """Blend the logits, height x width float32."""
        return self._sum / self._weight


def _weights(spans: Spans, overlap: int) -> list[Tensor]:
    last = len(spans.starts) - 1
    return [
        ramp(spans.size, overlap, first=i == 0, last=i == last)
        for i in range(len(spans.starts))
    ]


class CoarseLook:
    """The sheet seen whole at several levels, coarsest first.

    Large leaves are understood where they are seen whole and small ones where they
    are seen enlarged. The mean of the logits lets the level that is surer decide.

    Parameters
    ----------
    levels : list of Level
        Working resolutions, the finest last.
    tile : int
        Largest side of the tiles in px.
    sides : int
        From how many sides each tile is seen, see `Forward`.
    """

    def __init__(self, levels: list[Level], tile: int, sides: int = 1) -> None:
        self._sides = sides
        self._parts = [WholeLevel(level, tile) for level in levels]
        self.level = levels[-1]

    @property
    def count(self) -> int:
        """Number of tiles of all levels."""
        return sum(part.count for part in self._parts)

    def run(
        self, forward: Forward, rows: SheetRows, next_look: LevelRows | None = None
    ) -> Iterator[int]:
        """Run the network over all tiles; yields the number done after each batch."""
        images = shrink(rows, [part.level for part in self._parts], next_look)
        for part, image in zip(self._parts, images, strict=True):
            yield from part.run(forward, image, self._sides)

    def result(self) -> CoarseMap:
        """Mean logits at the finest level, float32."""
        import torch

        each = [self._resized(part) for part in self._parts]
        return CoarseMap(torch.stack(each).mean(0), self.level)

    def _resized(self, part: WholeLevel) -> Tensor:
        from torch.nn.functional import interpolate

        size = self.level.height, self.level.width
        return interpolate(part.logits()[None, None], size=size, mode="bilinear")[0, 0]
