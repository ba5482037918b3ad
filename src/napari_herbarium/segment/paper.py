"""Post-processing as published: Hussein et al. 2021, Sensors 21(13):4549.

Algorithm 1 turns the network's output into a mask of leaves. Its box and the prose of
the paper disagree: the box fills holes before it dilates, "by 5 pixels"; the prose
dilates first, "5 x 5". Here the box is followed: fill, then move every outline out by
5 px (a square of 11 x 11 px). The network's output is already at the sheet's size, so
that step 1, enlarging it, is done.

Algorithm 2 labels the mask and keeps components of more than 1000 px. Connectivity is
not stated; here pixels that touch by a corner connect. Its last step, dilating each
component by 10 px and cropping, makes pictures of leaves and no labels, and is left
out. Otsu's threshold is taken over all pixels, as by the usual libraries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu

from napari_herbarium.progress import Job, Progress
from napari_herbarium.segment.mask import fill_holes
from napari_herbarium.segment.pixels import SheetRows

DILATION_PX = 5
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_BAND = 512


def paper_mask(probability: np.ndarray, image: Any) -> Job[np.ndarray]:
    """Algorithm 1: from probability to a mask of leaves.

    Parameters
    ----------
    probability : ndarray
        H x W uint8 at the sheet's own resolution.
    image : array-like
        The sheet, H x W x 3 uint8, numpy or dask.

    Yields
    ------
    Progress
        After the first half.

    Returns
    -------
    ndarray
        H x W bool.
    """
    mask = fill_holes(_above_otsu(probability))
    side = 2 * DILATION_PX + 1
    mask = ndimage.maximum_filter(mask.view(np.uint8), side, mode="constant") > 0
    yield Progress(1, 3)
    grey = _masked_grey(image, mask)
    # Leaves are darker than the white around them: the inverse threshold.
    return fill_holes(~_above_otsu(grey)) if mask.any() else mask


def _above_otsu(values: np.ndarray) -> np.ndarray:
    """Where uint8 values lie above Otsu's threshold; nowhere if all are alike."""
    counts = np.zeros(256, np.int64)
    for top in range(0, len(values), _BAND):
        counts += np.bincount(values[top : top + _BAND].ravel(), minlength=256)
    if np.count_nonzero(counts) < 2:
        return np.zeros(values.shape, bool)
    above: np.ndarray = values > threshold_otsu(hist=(counts, np.arange(256)))
    return above


def _masked_grey(image: Any, mask: np.ndarray) -> np.ndarray:
    """Grey value of the sheet inside the mask (ITU-R BT.601), white outside."""
    rows = SheetRows(image)
    grey = np.empty(mask.shape, np.uint8)
    for top in range(0, len(mask), _BAND):
        band = rows.read(top, top + _BAND)
        grey[top : top + _BAND] = (band @ _LUMA).round()
    grey[~mask] = 255
    return grey
