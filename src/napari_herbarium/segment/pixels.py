"""Bring any picture to 8-bit RGB and read it in bands of rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from napari_herbarium.errors import SettingsError
from napari_herbarium.sheet.decode.colour import to_8_bit
from napari_herbarium.sheet.decode.samples import composite

ArrayLike: TypeAlias = Any
"""Something with shape, dtype and slices: numpy, dask, zarr."""

_BAND = 512
LARGEST_IN_MEMORY = 1 << 30
"""Bytes; larger pictures are read in bands, each time anew (A3 at 1200 ppi has 0.8)."""
_KINDS = "uint8, uint16, bool or float between 0 and 1"


def as_rgb8(image: ArrayLike) -> ArrayLike:
    """Bring a picture to H x W x 3 uint8.

    Parameters
    ----------
    image : array-like or Sheet
        Grey (H x W or H x W x 1), RGB (H x W x 3) or RGBA (H x W x 4); uint8,
        uint16 (0..65535), bool, or float (0..1; NaN counts as 0).

    Returns
    -------
    array-like
        H x W x 3 uint8, numpy or dask; what is lazy stays so, and an array that needs
        no conversion is given back as it is. Transparent parts become white, as paper
        is.

    Raises
    ------
    SettingsError
        When the picture is empty or of another shape, type or range.
    """
    image = getattr(image, "image", image)
    if not hasattr(image, "shape") or not hasattr(image, "dtype"):
        image = np.asarray(image)
    _check_shape(tuple(image.shape))
    _check_values(image)
    image = calculable(image)
    if image.dtype == np.uint8 and image.shape[2:] == (3,):
        return image
    if image.ndim == 2:
        image = image[:, :, None]
    if image.dtype == np.uint8 and image.shape[2] == 1 and _is_numpy(image):
        return np.broadcast_to(image, (*image.shape[:2], 3))
    return _convert(image)


def calculable(image: ArrayLike) -> ArrayLike:
    """Give an array that one can calculate with: numpy, or dask of anything else.

    A zarr array, for one, has neither arithmetic nor new axes.
    """
    if _is_numpy(image) or hasattr(image, "map_blocks"):
        return image
    import dask.array as da

    return da.from_array(image)


def _is_numpy(image: ArrayLike) -> bool:
    return isinstance(image, np.ndarray)


def _check_shape(shape: tuple[int, ...]) -> None:
    if 0 in shape:
        msg = "The image has no pixels; choose another one."
        raise SettingsError(msg)
    if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)):
        return
    size = " x ".join(map(str, shape))
    if len(shape) == 3 and shape[0] in (3, 4):
        msg = f"The image is {size}: put its colour channels last (H x W x 3)."
    else:
        msg = f"The image is {size}: choose one plane, either H x W or H x W x 3 (RGB)."
    raise SettingsError(msg)


def _check_values(image: ArrayLike) -> None:
    kind = np.dtype(image.dtype)
    if kind in (np.uint8, np.uint16, np.bool_):
        return
    if kind.kind != "f":
        msg = f"The image is of type {kind}: convert it to {_KINDS}."
        raise SettingsError(msg)
    if _is_numpy(image):
        _check_unit_range(image)


def _check_unit_range(image: np.ndarray) -> None:
    finite = np.isfinite(image)
    low = np.min(image, where=finite, initial=0)
    high = np.max(image, where=finite, initial=0)
    if low < 0 or high > 1:
        msg = (
            f"The image holds numbers from {low:g} to {high:g}: "
            "scale them to lie between 0 and 1."
        )
        raise SettingsError(msg)


def _convert(image: ArrayLike) -> ArrayLike:
    if _is_numpy(image):
        result = np.empty((*image.shape[:2], 3), np.uint8)
        for top in range(0, len(image), _BAND):
            result[top : top + _BAND] = _to_rgb8(image[top : top + _BAND])
        return result
    lazy = image.rechunk({2: -1})
    return lazy.map_blocks(_to_rgb8, dtype=np.uint8, chunks=(*lazy.chunks[:2], (3,)))


def _to_rgb8(pixels: np.ndarray) -> np.ndarray:
    pixels = _TO_8_BIT[pixels.dtype.kind](pixels)
    if pixels.shape[2] == 4:
        pixels = composite(pixels, wanted=3, ground=255, premultiplied=False)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _from_float(pixels: np.ndarray) -> np.ndarray:
    whole = np.nan_to_num(pixels.astype(np.float32)).clip(0, 1) * np.float32(255)
    return whole.round().astype(np.uint8)


_TO_8_BIT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "u": to_8_bit,
    "f": _from_float,
    "b": lambda pixels: pixels.astype(np.uint8) * np.uint8(255),
}


def in_memory(image: ArrayLike) -> ArrayLike:
    """Decode a lazy picture, so that all that look at it decode it once.

    Parameters
    ----------
    image : array-like
        Numpy or dask, of any shape and type.

    Returns
    -------
    array-like
        A numpy array; the picture as it is where it takes more than
        `LARGEST_IN_MEMORY`.
    """
    size = math.prod(image.shape) * image.dtype.itemsize
    if _is_numpy(image) or size > LARGEST_IN_MEMORY:
        return image
    import dask.array as da

    # Not np.asarray, which needs twice the memory: blocks, then the whole.
    held = np.empty(image.shape, image.dtype)
    da.store(image, held, lock=False)
    return held


class SheetRows:
    """Reads bands of a sheet, each chunk of a lazy one only once per downward pass.

    Several threads may read.

    Parameters
    ----------
    image : array-like
        H x W x 3 uint8 from `as_rgb8`.
    """

    def __init__(self, image: ArrayLike) -> None:
        self._image = image
        self.height, self.width = int(image.shape[0]), int(image.shape[1])
        self._edges = _block_edges(image)
        self._blocks: dict[int, np.ndarray] = {}
        self._reading = Lock()

    def read(self, top: int, bottom: int, columns: slice = slice(None)) -> np.ndarray:
        """Rows `top` to `bottom` (cut off at the sheet's end), uint8."""
        bottom = min(bottom, self.height)
        if not self._edges:
            return np.ascontiguousarray(self._image[top:bottom, columns])
        first = int(np.searchsorted(self._edges, top, side="right")) - 1
        last = int(np.searchsorted(self._edges, bottom, side="left"))
        with self._reading:
            self._load(range(first, last))
            parts = [self._part(i, top, bottom)[:, columns] for i in range(first, last)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _part(self, i: int, top: int, bottom: int) -> np.ndarray:
        start = self._edges[i]
        return self._blocks[i][max(0, top - start) : bottom - start]

    def _load(self, wanted: range) -> None:
        self._blocks = {i: b for i, b in self._blocks.items() if i in wanted}
        for i in wanted:
            if i not in self._blocks:
                rows = self._image[self._edges[i] : self._edges[i + 1]]
                self._blocks[i] = np.ascontiguousarray(rows)


def _block_edges(image: ArrayLike) -> list[int]:
    """Row numbers at which to cut a lazy image; empty for one in memory.

    Cuts lie on chunk borders, at least a band apart, because reading part of a chunk
    costs as much as reading all of it.
    """
    if _is_numpy(image):
        return []
    edges = [0]
    for end in np.cumsum(image.chunks[0]):
        if end - edges[-1] >= _BAND or end == image.shape[0]:
            edges.append(int(end))
    return edges
