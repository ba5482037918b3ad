"""The eight ways a picture can be stored, and how to set each upright."""

from __future__ import annotations

from typing import Any

_FLIP_ROWS = frozenset({3, 4, 7, 8})
_FLIP_COLUMNS = frozenset({2, 3, 6, 7})
_TRANSPOSED = frozenset({5, 6, 7, 8})


def upright(pixels: Any, orientation: int) -> Any:
    """Turn stored H x W x C pixels upright, without copying.

    Parameters
    ----------
    pixels : array-like
        Numpy or dask, as stored in the file.
    orientation : int
        TIFF or EXIF Orientation, 1-8; other values count as 1.
    """
    if orientation in _TRANSPOSED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in _FLIP_ROWS:
        pixels = pixels[::-1]
    if orientation in _FLIP_COLUMNS:
        pixels = pixels[:, ::-1]
    return pixels


def swaps_sides(orientation: int) -> bool:
    """Whether the upright picture has the stored picture's width as its height."""
    return orientation in _TRANSPOSED
