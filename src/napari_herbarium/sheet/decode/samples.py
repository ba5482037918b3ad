"""Steps that turn stored samples, H x W x S, into grey, RGB or CMYK samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.damage import DamageError

Pixels = NDArray[Any]


def fill_range(samples: Pixels, bits: int, dtype: np.dtype) -> Pixels:
    """Spread `bits`-bit samples over the range of uint8 or uint16."""
    top = np.uint32(np.iinfo(dtype).max)
    scaled = samples.astype(np.uint32) * top // np.uint32(2**bits - 1)
    return scaled.astype(dtype)


def look_up(samples: Pixels, table: NDArray[np.uint8]) -> Pixels:
    """Palette colours of the first sample; `table` is N x 3."""
    return table[samples[..., 0].astype(np.intp)]


def keep(samples: Pixels, wanted: int) -> Pixels:
    """Drop all samples after the first `wanted`."""
    return samples[..., :wanted]


def ycbcr_to_rgb(samples: Pixels, luma: tuple[float, float, float]) -> Pixels:
    """Full-range uint8 YCbCr to RGB (TIFF 6.0, section 21).

    `luma` are the parts of red, green and blue in Y.
    """
    red, green, blue = luma
    y = samples[..., 0].astype(np.float32)
    cb = samples[..., 1].astype(np.float32) - 128
    cr = samples[..., 2].astype(np.float32) - 128
    r = y + cr * (2 - 2 * red)
    b = y + cb * (2 - 2 * blue)
    g = (y - blue * b - red * r) / green
    rgb = np.stack([r, g, b], axis=2)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def composite(samples: Pixels, wanted: int, ground: int, premultiplied: bool) -> Pixels:
    """Lay colours with alpha on bare paper.

    Parameters
    ----------
    samples : array, H x W x S, uint8 or uint16
        `wanted` colour samples, then alpha.
    wanted : int
        Number of colour samples.
    ground : int
        Sample value of paper: the dtype's largest, or 0 for inks.
    premultiplied : bool
        Whether the colours were multiplied by alpha already.
    """
    top = int(np.iinfo(samples.dtype).max)
    wide: Any = np.uint32 if samples.itemsize == 1 else np.uint64
    colour = samples[..., :wanted].astype(wide)
    alpha = samples[..., wanted : wanted + 1].astype(wide)
    shown = colour * top if premultiplied else colour * alpha
    laid = (shown + ground * (top - alpha) + top // 2) // top
    return np.minimum(laid, top).astype(samples.dtype)


def unpack_subsampled(
    data: NDArray[np.uint8], shape: tuple[int, int], subsampling: tuple[int, int]
) -> Pixels:
    """Full-size YCbCr of a strip or tile with shared chroma (TIFF 6.0, section 21).

    Parameters
    ----------
    data : array of uint8
        Decompressed bytes: per unit its luma samples, then Cb and Cr.
    shape : (int, int)
        Rows and columns of the strip or tile.
    subsampling : (int, int)
        Columns and rows that share one chroma sample.

    Raises
    ------
    DamageError
        When there are too few bytes.
    """
    (rows, columns), (across, down) = shape, subsampling
    unit = across * down + 2
    units_down, units_across = -(-rows // down), -(-columns // across)
    needed = units_down * units_across * unit
    if data.size < needed:
        msg = f"a strip or tile holds {data.size} bytes where {needed} are needed"
        raise DamageError(msg)
    units = data[:needed].reshape(units_down, units_across, unit)
    luma = units[..., :-2].reshape(units_down, units_across, down, across)
    y = luma.swapaxes(1, 2).reshape(units_down * down, units_across * across)
    chroma = units[..., -2:].repeat(down, axis=0).repeat(across, axis=1)
    return np.dstack([y, chroma])[:rows, :columns]
