"""The grey working copy of a sheet, and straight strips cut out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Grey = NDArray[np.float32]

LONGEST = 3000
"""Longest side of the working copy, px: a millimetre is then 3 to 8 px."""
_MARGIN = 12

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Frame:
    """A tilted coordinate frame: `u` runs along the ruler, `v` across it."""

    x: float
    y: float
    angle: float

    def place(
        self, u: NDArray[np.floating] | float, v: NDArray[np.floating] | float
    ) -> tuple[Any, Any]:
        """Give the x and y of points (u, v)."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.x + u * c - v * s, self.y + u * s + v * c


def grey_copy(image: Any) -> tuple[Grey, int]:
    """Average an image down to a grey copy by a whole factor.

    Parameters
    ----------
    image : array-like
        H x W x 3 uint8, numpy or dask; read in strips, never whole.

    Returns
    -------
    grey : ndarray
        float32, 0 to 255.
    factor : int
        Pixels of the image per pixel of the copy, exactly.
    """
    height, width = image.shape[:2]
    factor = -(-max(height, width) // LONGEST)
    rows, columns = height // factor, width // factor
    grey = np.empty((rows, columns), dtype=np.float32)
    step = max(1, 2_000_000 // (width * factor))
    for first in range(0, rows, step):
        last = min(rows, first + step)
        strip = np.asarray(image[first * factor : last * factor], dtype=np.float32)
        grey[first:last] = shrink(strip[..., :3] @ _LUMA, factor)[:, :columns]
    return grey, factor


def shrink(grey: Grey, factor: int) -> Grey:
    """Average blocks of `factor` x `factor` px; what does not fill a block is cut."""
    if factor <= 1:
        return grey
    h, w = (size // factor for size in grey.shape)
    blocks = grey[: h * factor, : w * factor].reshape(h, factor, w, factor)
    return blocks.mean((1, 3), dtype=np.float32)


def straighten(
    grey: Grey,
    frame: Frame,
    u: NDArray[np.floating],
    v: NDArray[np.floating],
    order: int = 1,
) -> Grey:
    """Sample the picture on the grid of `v` rows by `u` columns of a frame.

    `order` 3 (cubic splines) keeps marks that are hardly wider than a pixel alike,
    wherever they fall between the pixels; order 1 is faster.
    """
    x, y = frame.place(u[None, :], v[:, None])
    left, right = _crop(x, grey.shape[1])
    top, bottom = _crop(y, grey.shape[0])
    part = grey[top:bottom, left:right]
    strip: Grey = ndimage.map_coordinates(
        part, [y - top, x - left], order=order, mode="nearest"
    )
    return strip


def _crop(places: NDArray[np.floating], size: int) -> tuple[int, int]:
    first = int(np.clip(places.min() - _MARGIN, 0, size - 1))
    return first, int(np.clip(places.max() + _MARGIN + 1, first + 1, size))


def band_means(grey: Grey, height: int, hop: int) -> tuple[NDArray[np.float64], Grey]:
    """Average `height` rows at a time; give the bands' middle rows and profiles."""
    if len(grey) < height:
        grey = np.pad(grey, ((0, height - len(grey)), (0, 0)))
    last = len(grey) - height
    # A few shifted sums in float32 are several times faster than one running sum.
    bands: Grey = np.zeros_like(grey[: last + 1 : hop])
    for down in range(height):
        bands += grey[down : down + last + 1 : hop]
    bands /= height
    middles = np.arange(0, last + 1, hop, dtype=np.float64) + (height - 1) / 2
    return middles, bands
