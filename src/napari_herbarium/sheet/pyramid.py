"""Smaller copies of a flat picture, made when they are first looked at.

napari shows a whole sheet from its small levels; a flat file has none. All of them
are made in one pass over the file, so opening costs nothing and the first view about
as much as reading the file once.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.source import Source

Pixels = NDArray[Any]

SMALLEST_LONG_SIDE = 1024
"""The pyramid ends with the first level whose long side is at most this."""
_WORKERS = 4


def halvings(height: int, width: int) -> int:
    """How many times a picture is halved."""
    count = 0
    while max(height, width) > SMALLEST_LONG_SIDE:
        height, width, count = -(-height // 2), -(-width // 2), count + 1
    return count


def halved(pixels: Pixels) -> Pixels:
    """Mean of every 2 x 2 pixels; the last row or column of an odd side counts double.

    Parameters
    ----------
    pixels : array, H x W x C, uint8 or uint16

    Returns
    -------
    array, ceil(H / 2) x ceil(W / 2) x C, same dtype
    """
    pixels = _even(pixels)
    height, width, channels = pixels.shape
    wide = np.uint16 if pixels.itemsize == 1 else np.uint32
    # whole rows first, where memory is contiguous: three times faster than 2 x 2 views
    rows = pixels.reshape(height, width * channels)
    pairs = rows[0::2].astype(wide)
    pairs += rows[1::2]
    pairs = pairs.reshape(height // 2, width, channels)
    small = np.empty((height // 2, width // 2, channels), pixels.dtype)
    for channel in range(channels):
        total = pairs[:, 0::2, channel] + pairs[:, 1::2, channel]
        total += 2
        total >>= 2
        small[..., channel] = total
    return small


def _even(pixels: Pixels) -> Pixels:
    odd = [(0, side % 2) for side in pixels.shape[:2]]
    return np.pad(pixels, [*odd, (0, 0)], mode="edge") if any(map(sum, odd)) else pixels


class Halvings:
    """The halved levels of a source, made together on first use and then kept.

    Parameters
    ----------
    source : Source
        The full resolution.
    count : int
        Number of levels below it.
    """

    def __init__(self, source: Source, count: int) -> None:
        self._source = source
        self._count = count
        self._levels: list[Pixels] = []
        self._lock = Lock()

    def shape(self, level: int) -> tuple[int, int, int]:
        """Height, width and channels of a level; 1 is the first below the source."""
        height, width, channels = self._source.shape
        step = 2**level
        return -(-height // step), -(-width // step), channels

    def level(self, level: int) -> Pixels:
        """Pixels of a level, 1 to `count`.

        Raises
        ------
        SheetError
            When the file cannot be decoded; nothing is kept then.
        """
        with self._lock:
            if not self._levels:
                self._levels = self._make()
        return self._levels[level - 1]

    def _make(self) -> list[Pixels]:
        levels = [self._first()]
        while len(levels) < self._count:
            levels.append(halved(levels[-1]))
        return levels

    def _first(self) -> Pixels:
        """First level, made band by band so that the source is never held whole."""
        height, width, _ = self._source.shape
        small = np.empty(self.shape(1), self._source.dtype)
        rows = self._source.chunk[0]
        rows += rows % 2 * rows  # an odd band would split a pair of rows

        def fill(top: int) -> None:
            band = slice(top, min(top + rows, height))
            pixels = halved(self._source.read(band, slice(0, width)))
            small[top // 2 : top // 2 + len(pixels)] = pixels

        with ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1)) as pool:
            for _ in pool.map(fill, range(0, height, rows)):
                pass
        return small


class LevelSource:
    """One level of `Halvings` as a source."""

    def __init__(self, halvings: Halvings, level: int, dtype: np.dtype) -> None:
        self._halvings = halvings
        self._level = level
        self.dtype = dtype
        self.shape = halvings.shape(level)
        self.chunk = (max(1, (8 << 20) // (self.shape[1] * self.shape[2])),) + (
            self.shape[1],
        )

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Window of the level; makes all levels when it is the first."""
        return self._halvings.level(self._level)[rows, columns]
