"""What counts as leaf in the masks and labels that people have."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_herbarium.errors import SheetError
from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.sheet.limits import check_area, check_memory
from napari_herbarium.sheet.raster.header import open_raster

LEAF = 1


def read_stored_mask(path: Path) -> NDArray:
    """Read a mask or labels from PNG or TIFF, whatever their bit depth and size.

    Returns
    -------
    array
        As stored; H x W, or with channels, which `as_leaf_mask` refuses.

    Raises
    ------
    SheetError
        The file cannot be read, or is of a kind that blurs masks.
    """
    suffix = path.suffix.lower()
    if suffix not in (".png", ".tif", ".tiff"):
        msg = f"{path} is no mask; save masks as PNG or TIFF, which keep every pixel."
        raise SheetError(msg)
    try:
        if suffix == ".png":
            return _read_png(path)
        return _read_tiff(path)
    except SheetError:
        raise
    except Exception as error:
        # Decoders meet damaged bytes with every kind of exception, ZeroDivisionError,
        # struct.error and MemoryError among them.
        why = " ".join(str(error).split()) or type(error).__name__
        msg = f"{path} cannot be read as a mask ({why}); save it again."
        raise SheetError(msg) from error


def _read_png(path: Path) -> NDArray:
    import imagecodecs

    with open_raster(path, "PNG", bytes_per_px=4) as picture:
        if picture.mode == "P":  # what counts are its numbers, not their colours
            return np.asarray(picture)
    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def _read_tiff(path: Path) -> NDArray:
    with tifffile.TiffFile(path) as file:
        held = file.series[0]
        # Where its size is what is damaged, decoding would fill the memory first.
        check_area(path, math.prod(held.shape[:-1]), held.shape[-1])
        check_memory(path, held.size * held.dtype.itemsize)
        return np.squeeze(held.asarray())


def as_leaf_mask(labels: NDArray, name: str = "The mask") -> NDArray[np.uint8]:
    """Turn a mask or instance labels into 0 not leaf, 1 leaf, 255 ignored.

    Parameters
    ----------
    labels : H x W bool or integers
        0 is not leaf; any other value is leaf. The exception is an 8-bit mask that
        holds 1 and 255 and nothing else but 0: there 255 is ignored. (In a mask
        of 0 and 255 alone, 255 is leaf.)
    name : str
        Names the mask in messages.

    Returns
    -------
    H x W uint8

    Raises
    ------
    SheetError
        In colour, not of two dimensions, not whole numbers, or negative.
    """
    labels = np.asarray(labels)
    if labels.ndim == 3:
        msg = (
            f"{name} is a colour picture with {labels.shape[-1]} channels; save the "
            "labels themselves, with one channel."
        )
        raise SheetError(msg)
    if labels.ndim != 2:
        msg = f"{name} has {labels.ndim} dimensions; a mask has two."
        raise SheetError(msg)
    if labels.dtype.kind not in "bui":
        msg = f"{name} holds {labels.dtype.name} numbers; save it as whole numbers."
        raise SheetError(msg)
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        msg = f"{name} holds negative numbers; 0 is background, leaves are above."
        raise SheetError(msg)
    return _told_apart(labels)


def _told_apart(labels: NDArray) -> NDArray[np.uint8]:
    mask = (labels != 0).astype(np.uint8)
    if labels.dtype == np.uint8 and _marks_ignored(labels):
        mask[labels == IGNORED] = IGNORED
    return mask


def _marks_ignored(labels: NDArray[np.uint8]) -> bool:
    held = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    return {LEAF, IGNORED} <= set(held) <= {0, LEAF, IGNORED}
