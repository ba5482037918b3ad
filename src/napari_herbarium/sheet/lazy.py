"""Sources as arrays: numpy where the pixels are in memory, dask where they are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from napari_herbarium.sheet.source import ArraySource, Source

Pixels = NDArray[Any]


def as_array(
    source: Source, convert: Callable[[Pixels], Pixels] | None, dtype: np.dtype
) -> Any:
    """H x W x 3 array of a source, as stored, in sRGB.

    Parameters
    ----------
    source : Source
        What to read.
    convert : callable or None
        Conversion to sRGB, H x W x C -> H x W x 3; None when the source is sRGB.
    dtype : numpy.dtype
        What the conversion gives.
    """
    if convert is None and isinstance(source, ArraySource):
        return source.pixels
    height, width, _ = source.shape
    rows, columns = source.chunk
    chunks = da.core.normalize_chunks((rows, columns, -1), (height, width, 3))

    def block(block_info: Any) -> Pixels:
        (top, bottom), (left, right), _ = block_info[None]["array-location"]
        pixels = source.read(slice(top, bottom), slice(left, right))
        return pixels if convert is None else convert(pixels)

    return da.map_blocks(
        block,
        chunks=chunks,
        dtype=dtype,
        meta=np.empty((0, 0, 3), dtype),
        name=f"sheet-{uuid4().hex}",
    )
