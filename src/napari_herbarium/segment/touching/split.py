"""Cut touching leaves apart where the shape has a neck.

A watershed of the distance to the outline, started from its peaks. Two peaks count as
two leaves only if the neck between them is narrow against the smaller of them, which
is an h-maximum of the logarithm of the distance: the same for small and large leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Generator
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy import ndimage
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from napari_herbarium.progress import Job, Progress, reported
from napari_herbarium.segment.mask import boxes_of, moved
from napari_herbarium.segment.working_size import at_full_size, shrunk, step_to

NECK = 0.5
"""A neck is a place at most this times as wide as the smaller leaf's widest place."""
_WORKING_SIDE = 512
Box: TypeAlias = tuple[slice, slice]
Pieces: TypeAlias = Generator[None, None, np.ndarray | None]
"""Finds pieces; may be stopped wherever it yields."""
PiecesOf: TypeAlias = Callable[[int, Box, np.ndarray], Pieces]


class Leaves(NamedTuple):
    """Labels, and where each lies.

    Attributes
    ----------
    labels : ndarray
        H x W unsigned, or int32; every number from 1 to the largest occurs.
    boxes : list of Box
        Bounding boxes of 1, 2 and so on.
    """

    labels: np.ndarray
    boxes: list[Box]


def iter_split_touching(labels: np.ndarray, min_area: float) -> Job[Leaves]:
    """Split labels at necks.

    Parameters
    ----------
    labels : ndarray
        H x W; every number from 1 to the largest occurs.
    min_area : float
        No piece smaller than this, in px, is cut off.

    Yields
    ------
    Progress
        After each label.

    Returns
    -------
    Leaves
    """

    def pieces_of(_label: int, _box: Box, mask: np.ndarray) -> Pieces:
        yield
        return split_at_necks(mask, min_area)

    return (yield from iter_split_each(all_of(labels), pieces_of))


def all_of(labels: np.ndarray) -> Leaves:
    """Give labels, H x W, with their boxes."""
    return Leaves(labels, boxes_of(labels))


def iter_split_each(
    leaves: Leaves, pieces_of: PiecesOf, only: Collection[int] | None = None
) -> Job[Leaves]:
    """Split each label into the pieces that a function finds in it.

    Parameters
    ----------
    leaves : Leaves
        What is to be split.
    pieces_of : callable
        Given a label, its bounding box and its h x w mask there; gives pieces 1 to n
        and 0 outside, or None where the label stays one. Yields where it may be
        stopped.
    only : collection of int, optional
        Labels to split; all when None.

    Yields
    ------
    Progress
        After each label, and within one that takes long.

    Returns
    -------
    Leaves
    """
    labels, found = leaves.labels, list(leaves.boxes)
    result = labels.copy()
    chosen = top_to_bottom(leaves, only)
    for done, label in enumerate(chosen):
        box = leaves.boxes[label - 1]
        job = pieces_of(label, box, labels[box] == label)
        pieces = yield from reported(job, Progress(done, len(chosen), "leaves"))
        if pieces is not None:
            more = pieces > 1
            first = len(found) - 1
            found[label - 1], *others = _boxes_within(box, pieces)
            found += others
            result = _wide_enough(result, len(found))
            result[box][more] = pieces[more].astype(np.int64) + first
        yield Progress(done + 1, len(chosen), "leaves")
    return Leaves(result, found)


def top_to_bottom(leaves: Leaves, only: Collection[int] | None = None) -> list[int]:
    """Order labels, all when None, so that a sheet not in memory is read once."""
    chosen = range(1, len(leaves.boxes) + 1) if only is None else only
    return sorted(chosen, key=lambda label: leaves.boxes[label - 1][0].start)


def _wide_enough(labels: np.ndarray, count: int) -> np.ndarray:
    """Labels as they are, or in a type that holds `count` of them."""
    # int32 alone is, of a whole sheet, more than all that is known of it before.
    kinds = (k for k in (labels.dtype, np.uint16, np.int32) if count <= np.iinfo(k).max)
    return labels.astype(next(kinds), copy=False)


def _boxes_within(box: Box, pieces: np.ndarray) -> list[Box]:
    """Bounding boxes in the sheet of pieces that were found in one."""
    rows, columns = box
    return [moved(inner, rows.start, columns.start) for inner in boxes_of(pieces)]


def split_at_necks(mask: np.ndarray, min_area: float) -> np.ndarray | None:
    """Split one connected shape.

    Parameters
    ----------
    mask : ndarray
        h x w bool, the bounding box of the shape.
    min_area : float
        Smallest piece in px.

    Returns
    -------
    ndarray or None
        h x w int32 with pieces 1 to n and 0 outside; None when there is no neck.
    """
    # Shapes are judged at a size that keeps a whole sheet within seconds.
    step = step_to(mask.shape, _WORKING_SIDE)
    small = np.pad(shrunk(mask, step), 1)
    depth = ndimage.distance_transform_edt(small)
    pieces = _watershed(depth, parted(depth, NECK), small, min_area / step**2)
    return None if pieces is None else at_full_size(pieces[1:-1, 1:-1], mask, step)


def parted(depth: np.ndarray, neck: float) -> np.ndarray:
    """Mark the wide places of a shape that necks part.

    Parameters
    ----------
    depth : ndarray
        h x w, distance to the outline in px, 0 outside.
    neck : float
        A neck is at most this times as wide as the less wide of two places.

    Returns
    -------
    ndarray
        h x w int32; the tops of the wide places, from 1 on.
    """
    relative = np.log(np.maximum(depth, 0.5))
    # Not skimage's h_maxima: on floats it can mark one top twice.
    peaks = local_maxima(reconstruction(relative + math.log(neck), relative))
    markers, _ = ndimage.label(peaks & (depth > 0), np.ones((3, 3)))
    return np.asarray(markers)


def _watershed(
    depth: np.ndarray, markers: np.ndarray, mask: np.ndarray, min_area: float
) -> np.ndarray | None:
    """Watershed that gives pieces that are too small back to their neighbours."""
    while markers.max() > 1:
        pieces: np.ndarray = watershed(-depth, markers, mask=mask)
        areas = np.bincount(pieces.ravel())[1:]
        if areas.min() >= min_area:
            return pieces
        markers[markers == areas.argmin() + 1] = 0
        markers = np.searchsorted(np.unique(markers), markers)
    return None
