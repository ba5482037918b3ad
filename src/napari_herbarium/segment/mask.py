"""Steps on masks that both ways of finding leaves share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.measure import label

_BAND = 1024
_FEW = 64


def at_least(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Give where the probability reaches a threshold.

    Parameters
    ----------
    probability : ndarray
        H x W uint8; 0..255 stands for 0..1.
    threshold : float
        0 to 1.

    Returns
    -------
    ndarray
        H x W bool.
    """
    reached: np.ndarray = probability >= math.ceil(threshold * 255)
    return reached


def components(mask: np.ndarray) -> np.ndarray:
    """Label the connected parts of a mask; pixels that touch by a corner connect.

    Parameters
    ----------
    mask : ndarray
        H x W bool.

    Returns
    -------
    ndarray
        H x W int32, 0 outside.
    """
    parts: np.ndarray = label(mask, connectivity=2)
    return parts.astype(np.int32, copy=False)


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """Fill what is enclosed: background with no way to the border of the picture.

    Parameters
    ----------
    mask : ndarray
        H x W bool.

    Returns
    -------
    ndarray
        A filled copy.
    """
    # Labelling takes one pass; scipy's binary_fill_holes takes as many as the
    # background is deep, which is minutes on a whole sheet.
    outside: np.ndarray = label(~mask, connectivity=1)
    border = (outside[0], outside[-1], outside[:, 0], outside[:, -1])
    open_parts = np.zeros(int(outside.max()) + 1, bool)
    for side in border:
        open_parts[side] = True
    # Part 0 is the mask itself; it may or may not reach the border.
    open_parts[0] = False
    return ~open_parts[outside]


def areas_of(labels: np.ndarray, count: int) -> np.ndarray:
    """Pixels of each label from 0 to `count`, int64."""
    areas = np.zeros(count + 1, np.int64)
    # In bands, and what is labelled alone: bincount makes an int64 copy of its input.
    for top in range(0, len(labels), _BAND):
        band = labels[top : top + _BAND]
        areas += np.bincount(band[band > 0], minlength=count + 1)
    areas[0] = labels.size - areas.sum()
    return areas


def keep_large(labels: np.ndarray, min_area: float) -> np.ndarray:
    """Drop parts smaller than `min_area` px and close the gaps in the numbers."""
    areas = areas_of(labels, int(labels.max()))
    kept = areas >= min_area
    kept[0] = False
    return renumber(labels, np.where(kept, np.cumsum(kept), 0))


def renumber(labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Give label i the number ``new[i]``, in the smallest unsigned type."""
    table = new.astype(np.min_scalar_type(int(new.max())))
    result = np.empty(labels.shape, table.dtype)
    for top in range(0, len(labels), _FEW):
        rows = slice(top, top + _FEW)
        # Twice as fast as table[labels]; no label is beyond the table.
        np.take(table, labels[rows], out=result[rows], mode="clip")
    return result


def boxes_of(labels: np.ndarray) -> list[Any]:
    """Bounding box of each label from 1 on as a pair of slices."""
    if labels.dtype == np.int32:
        return list(ndimage.find_objects(labels))
    boxes: list[Any] = [None] * int(labels.max(initial=0))
    # In bands, because find_objects wants an int32 copy of what it is given.
    for top in range(0, len(labels), _BAND):
        part = labels[top : top + _BAND].astype(np.int32)
        for index, box in enumerate(ndimage.find_objects(part)):
            if box is not None:
                boxes[index] = _joined(boxes[index], box, top)
    return boxes


def numbered_boxes(
    labels: np.ndarray,
) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Each label that is there, from 1 on, with its bounding box."""
    for label_, box in enumerate(boxes_of(labels), start=1):
        if box is not None:
            yield label_, box


def _joined(known: Any, more: Any, down: int) -> tuple[slice, slice]:
    """Box around a known box, if any, and one that lies `down` rows further down."""
    rows, columns = moved(more, down, 0)
    if known is None:
        return rows, columns
    left = min(known[1].start, columns.start)
    return slice(known[0].start, rows.stop), slice(
        left, max(known[1].stop, columns.stop)
    )


def moved(box: Any, down: int, across: int) -> tuple[slice, slice]:
    """Box that lies so many rows further down and columns further right."""
    rows, columns = box
    return slice(rows.start + down, rows.stop + down), slice(
        columns.start + across, columns.stop + across
    )


def in_reading_order(labels: np.ndarray, boxes: list[Any]) -> np.ndarray:
    """Renumber leaves as one reads: rows from top to bottom, each left to right.

    Rows are found from the centres of the bounding boxes. Going down, a leaf begins
    a new row when its centre lies more than half the median leaf height below the
    centre of the first leaf of the row.

    Parameters
    ----------
    labels : ndarray
        H x W; every number from 1 to the largest occurs.
    boxes : list of (slice, slice)
        Their bounding boxes.

    Returns
    -------
    ndarray
        H x W in the smallest unsigned type that holds the numbers.
    """
    new = np.zeros(len(boxes) + 1, np.int64)
    for number, index in enumerate(reading_order(boxes), start=1):
        new[index + 1] = number
    return renumber(labels, new)


def reading_order(boxes: list[Any]) -> list[int]:
    """Sort bounding boxes as one reads; gives their indices, see `in_reading_order`."""
    if not boxes:
        return []
    middles = np.array([[(s.start + s.stop) / 2 for s in box] for box in boxes])
    height = float(np.median([box[0].stop - box[0].start for box in boxes]))
    row = np.zeros(len(boxes), np.int64)
    first = -np.inf
    for index in np.argsort(middles[:, 0], kind="stable"):
        if middles[index, 0] > first + height / 2:
            first = middles[index, 0]
            current = index
        row[index] = current
    # All members of a row take the height of its first leaf as their sorting key.
    order = np.lexsort((middles[:, 0], middles[:, 1], middles[row, 0]))
    return [int(index) for index in order]
