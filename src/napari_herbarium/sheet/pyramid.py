"""Smaller copies of a flat picture, made when they are first looked at.

napari shows a whole sheet from its small levels; a flat file has none. The levels from
an eighth of the size downwards are made together in one pass over the file and kept:
they are what the first view needs. The two above them would take much more memory and
time, so they are made window by window, as the full resolution is read.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Lock
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from napari_herbarium.sheet.source import Source, bands

Pixels = NDArray[Any]

SMALLEST_LONG_SIDE = 1024
"""The pyramid ends with the first level whose long side is at most this."""
OVERVIEW = 8
"""Reduction of the largest level that is kept in memory."""
_BAND = 64
_WORKERS = 4


def levels_below(source: Source) -> list[Source]:
    """Continue a pyramid below a source by halving, down to a small level."""
    height, width, _ = source.shape
    factors = [2]
    while max(height, width) > SMALLEST_LONG_SIDE * factors[-1] // 2:
        factors.append(factors[-1] * 2)
    factors.pop()
    overview = Overview(source, [f for f in factors if f >= OVERVIEW] or factors[-1:])
    windows = [ReducedSource(source, f) for f in factors if f < overview.factors[0]]
    kept = [OverviewSource(overview, index) for index in range(len(overview.factors))]
    return [*windows, *kept]


def reduced(pixels: Pixels, factor: int) -> Pixels:
    """Mean of every `factor` x `factor` pixels.

    Parameters
    ----------
    pixels : array, H x W x C, uint8 or uint16
        Where a side is no multiple of the factor, its last row or column is repeated.
    factor : int
        2, 4 or 8.

    Returns
    -------
    array, ceil(H / factor) x ceil(W / factor) x C, same dtype
    """
    surplus = [(0, -side % factor) for side in pixels.shape[:2]]
    if any(after for _, after in surplus):
        pixels = np.pad(pixels, [*surplus, (0, 0)], mode="edge")
    height, width, channels = pixels.shape
    small = np.empty((height // factor, width // factor, channels), pixels.dtype)
    # bands that stay in the cache
    for top in range(0, height, _BAND):
        band = pixels[top : top + _BAND]
        small[top // factor : (top + _BAND) // factor] = _block_means(band, factor)
    return small


def _block_means(pixels: Pixels, factor: int) -> Pixels:
    """Means of blocks that divide the picture evenly.

    Rows are summed first, then shifted copies of the sums: only whole runs of memory
    are added, which is several times faster than adding the blocks as such.
    """
    height, width, channels = pixels.shape
    wide: Any = np.uint16 if pixels.itemsize == 1 else np.uint32
    rows = pixels.reshape(height // factor, factor, width * channels)
    sums: Any = rows.sum(axis=1, dtype=wide)
    shift = channels
    while shift < factor * channels:
        sums = sums[:, :-shift] + sums[:, shift:]
        shift *= 2
    down, step = sums.strides
    shape = (height // factor, width // factor, channels)
    blocks = as_strided(sums, shape, (down, factor * channels * step, step))
    return (blocks + wide(factor**2 // 2)) // wide(factor**2)


class ReducedSource:
    """A source at a fraction of its size, reduced window by window.

    Parameters
    ----------
    source : Source
        The full resolution.
    factor : int
        How many times smaller: 2 or 4.
    """

    def __init__(self, source: Source, factor: int) -> None:
        self._source = source
        self._factor = factor
        self.dtype = source.dtype
        self.shape = _reduced_shape(source, factor)
        rows, columns = source.chunk
        self.chunk = (-(-rows // factor), -(-columns // factor))

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Reduce a window, h x w x channels."""
        height, width, _ = self._source.shape
        down = _enlarged(rows, self._factor, height)
        across = _enlarged(columns, self._factor, width)
        return reduced(self._source.read(down, across), self._factor)


class Overview:
    """The small levels of a source, made together on first use and then kept.

    Parameters
    ----------
    source : Source
        The full resolution.
    factors : list of int
        How many times smaller each level is, each twice the one before.
    """

    def __init__(self, source: Source, factors: list[int]) -> None:
        self.source = source
        self.factors = factors
        self._levels: list[Pixels] = []
        self._lock = Lock()

    def level(self, index: int) -> Pixels:
        """Pixels of a level.

        Raises
        ------
        SheetError
            When the file cannot be decoded; nothing is kept then.
        """
        with self._lock:
            if not self._levels:
                self._levels = self._make()
        return self._levels[index]

    def _make(self) -> list[Pixels]:
        levels = [self._largest()]
        while len(levels) < len(self.factors):
            levels.append(reduced(levels[-1], 2))
        return levels

    def _largest(self) -> Pixels:
        """Largest level, made chunk by chunk: the source is never held whole."""
        small = ReducedSource(self.source, self.factors[0])
        pixels = np.empty(small.shape, small.dtype)
        rows, columns = small.chunk

        def fill(corner: tuple[int, int]) -> None:
            top, left = corner
            down = slice(top, min(top + rows, small.shape[0]))
            across = slice(left, min(left + columns, small.shape[1]))
            pixels[down, across] = small.read(down, across)

        corners = product(
            range(0, small.shape[0], rows), range(0, small.shape[1], columns)
        )
        with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
            for _ in pool.map(fill, corners):
                pass
        return pixels


class OverviewSource:
    """One level of an `Overview` as a source."""

    def __init__(self, overview: Overview, index: int) -> None:
        self._overview = overview
        self._index = index
        self.dtype = overview.source.dtype
        self.shape = _reduced_shape(overview.source, overview.factors[index])
        self.chunk = bands(self.shape, self.dtype)

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Window of the level; makes all levels when it is the first."""
        return self._overview.level(self._index)[rows, columns]


def _reduced_shape(source: Source, factor: int) -> tuple[int, int, int]:
    height, width, channels = source.shape
    return -(-height // factor), -(-width // factor), channels


def _enlarged(span: slice, factor: int, side: int) -> slice:
    return slice(span.start * factor, min(span.stop * factor, side))
