"""Cut touching leaves apart where the shape has a neck.

A watershed of the distance to the outline, started from its peaks. Two peaks count as
two leaves only if the neck between them is narrow against the smaller of them, which
is an h-maximum of the logarithm of the distance: the same for small and large leaves.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from skimage.measure import block_reduce
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import expand_labels, watershed

from napari_herbarium.progress import Job, Progress
from napari_herbarium.segment.mask import boxes_of

NECK = 0.5
"""A neck is a place at most this times as wide as the smaller leaf's widest place."""
_WORKING_SIDE = 512


def iter_split_touching(labels: np.ndarray, min_area: float) -> Job[np.ndarray]:
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
    ndarray
        H x W int32; every number from 1 to the largest occurs.
    """
    result = labels.astype(np.int32)
    boxes = boxes_of(labels)
    count = len(boxes)
    for index, box in enumerate(boxes):
        pieces = split_at_necks(labels[box] == index + 1, min_area)
        if pieces is not None:
            more = pieces > 1
            result[box][more] = pieces[more] + (count - 1)
            count += int(pieces.max()) - 1
        yield Progress(index + 1, len(boxes), "leaves")
    return result


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
    step = max(1, math.ceil(max(mask.shape) / _WORKING_SIDE))
    small = np.pad(_shrunk(mask, step), 1)
    depth = ndimage.distance_transform_edt(small)
    markers = _markers(depth)
    pieces = _watershed(depth, markers, small, min_area / step**2)
    if pieces is None:
        return None
    full = expand_labels(pieces, 2)[1:-1, 1:-1] if step > 1 else pieces[1:-1, 1:-1]
    full = full.repeat(step, 0).repeat(step, 1)[: mask.shape[0], : mask.shape[1]]
    return _complete(np.where(mask, full, 0), mask)


def _shrunk(mask: np.ndarray, step: int) -> np.ndarray:
    if step == 1:
        return mask
    shares: np.ndarray = block_reduce(mask.astype(np.float32), step, np.mean)
    return shares >= 0.5


def _markers(depth: np.ndarray) -> np.ndarray:
    relative = np.log(np.maximum(depth, 0.5))
    # Not skimage's h_maxima: on floats it can mark one top twice.
    peaks = local_maxima(reconstruction(relative + math.log(NECK), relative))
    markers, _ = ndimage.label(peaks, np.ones((3, 3)))
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


def _complete(pieces: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give pixels that the small view missed to the nearest piece."""
    missed = mask & (pieces == 0)
    if missed.any():
        nearest = ndimage.distance_transform_edt(
            pieces == 0, return_distances=False, return_indices=True
        )
        pieces[missed] = pieces[tuple(axis[missed] for axis in nearest)]
    return pieces
