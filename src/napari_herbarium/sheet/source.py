"""Reading any window of a picture.

A source gives decoded pixels (see `encoding`): grey, RGB or CMYK, as stored, neither
upright nor in sRGB yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]
CHUNK_BYTES = 4 << 20


def bands(shape: tuple[int, int, int], dtype: np.dtype) -> tuple[int, int]:
    """Rows and columns of full-width bands of about 4 MiB, a multiple of 8 rows."""
    row = shape[1] * shape[2] * dtype.itemsize
    return max(8, CHUNK_BYTES // row // 8 * 8), shape[1]


class Source(Protocol):
    """A picture of which any window can be read."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""

    @property
    def dtype(self) -> np.dtype:
        """Of the decoded pixels."""

    @property
    def chunk(self) -> tuple[int, int]:
        """Rows and columns that are well read at once."""

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Decode a window, h x w x channels."""


@dataclass(frozen=True)
class ArraySource:
    """Decoded pixels in memory, H x W x C."""

    pixels: Pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.pixels.shape
        return height, width, channels

    @property
    def dtype(self) -> np.dtype:
        """Of the pixels."""
        return self.pixels.dtype

    @property
    def chunk(self) -> tuple[int, int]:
        """Bands of rows."""
        return bands(self.shape, self.dtype)

    def read(self, rows: slice, columns: slice) -> Pixels:
        """Window of the pixels, not copied."""
        return self.pixels[rows, columns]
