"""How well a leaf mask agrees with the truth.

Truth holds 0 (not leaf), 1 (leaf) and 255 (ignored: counted nowhere). A ratio whose
denominator is zero is NaN: it says nothing and is left out of every mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import KDTree

IGNORED = 255
NAN = float("nan")


@dataclass(frozen=True)
class PixelCounts:
    """Pixels by prediction and truth; counts of several sheets can be added.

    Attributes
    ----------
    hit, false, missed, clear : int
        Leaf found, ground taken for leaf, leaf not found, ground left alone.
    """

    hit: int = 0
    false: int = 0
    missed: int = 0
    clear: int = 0

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(
            self.hit + other.hit,
            self.false + other.false,
            self.missed + other.missed,
            self.clear + other.clear,
        )


@dataclass(frozen=True)
class BoundaryCounts:
    """Outline pixels, and those with a partner; counts of sheets can be added.

    Attributes
    ----------
    predicted, predicted_near : int
        Outline px of the prediction; those near an outline px of the truth.
    true, true_near : int
        Outline px of the truth; those near an outline px of the prediction.
    """

    predicted: int = 0
    predicted_near: int = 0
    true: int = 0
    true_near: int = 0

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(
            self.predicted + other.predicted,
            self.predicted_near + other.predicted_near,
            self.true + other.true,
            self.true_near + other.true_near,
        )


def count_pixels(predicted: NDArray, truth: NDArray) -> PixelCounts:
    """Count the pixels of a sheet by prediction and truth.

    Parameters
    ----------
    predicted : H x W, any dtype
        Leaf wherever it is not 0 (a mask or labels).
    truth : H x W uint8
        0 not leaf, 1 leaf, 255 ignored.

    Raises
    ------
    ValueError
        The two are not of one shape.
    """
    leaf = _same_shape(predicted, truth) != 0
    cells = np.bincount((2 * (truth == 1) + leaf)[truth != IGNORED], minlength=4)
    clear, false, missed, hit = (int(cell) for cell in cells)
    return PixelCounts(hit, false, missed, clear)


def iou(pixels: PixelCounts) -> float:
    """Intersection over union of leaf, 0..1 (the Jaccard index)."""
    return ratio(pixels.hit, pixels.hit + pixels.false + pixels.missed)


def precision(pixels: PixelCounts) -> float:
    """Share of the predicted leaf that is leaf, 0..1."""
    return ratio(pixels.hit, pixels.hit + pixels.false)


def recall(pixels: PixelCounts) -> float:
    """Share of the true leaf that was found, 0..1."""
    return ratio(pixels.hit, pixels.hit + pixels.missed)


def false_share(pixels: PixelCounts) -> float:
    """Share of the ground taken for leaf, 0..1.

    On a sheet without leaves this is the share of the whole sheet.
    """
    return ratio(pixels.false, pixels.false + pixels.clear)


def count_boundary(
    predicted: NDArray, truth: NDArray, tolerance: float = 2.0
) -> BoundaryCounts:
    """Match the outlines of prediction and truth.

    Boundary recall and precision as in Martin, Fowlkes and Malik (2004), per class as
    in Csurka et al. (2013), matched by Euclidean distance without assignment. The
    outline is the leaf pixels that have a neighbour (of four) that is not leaf; the
    edge of the picture is no outline, nor is anything within `tolerance` of ignored
    pixels, where nobody said where the leaf ends.

    Parameters
    ----------
    predicted : H x W, any dtype
        Leaf wherever it is not 0.
    truth : H x W uint8
        0 not leaf, 1 leaf, 255 ignored.
    tolerance : float
        Distance in px, at the size of the arrays, within which outlines agree.

    Raises
    ------
    ValueError
        The two are not of one shape.
    """
    ignored = truth == IGNORED
    leaf = (_same_shape(predicted, truth) != 0) & ~ignored
    unsure = _outline(ignored)
    ours, theirs = _outline(leaf), _outline(truth == 1)
    # The partner of a counted px may itself lie too near the ignored ones to count.
    ours_counted = _away_from(ours, unsure, tolerance + 1)
    theirs_counted = _away_from(theirs, unsure, tolerance + 1)
    return BoundaryCounts(
        len(ours_counted),
        int(_near(ours_counted, theirs, tolerance).sum()),
        len(theirs_counted),
        int(_near(theirs_counted, ours, tolerance).sum()),
    )


def boundary_f(boundary: BoundaryCounts) -> float:
    """Harmonic mean of boundary precision and boundary recall, 0..1."""
    if boundary.predicted == 0 and boundary.true == 0:
        return NAN
    precise = boundary.predicted_near / max(boundary.predicted, 1)
    complete = boundary.true_near / max(boundary.true, 1)
    return 2 * precise * complete / ((precise + complete) or 1.0)


def ratio(part: int, whole: int) -> float:
    """Divide two counts; NaN where there is nothing to divide by."""
    return part / whole if whole else NAN


def _same_shape(predicted: NDArray, truth: NDArray) -> NDArray:
    if predicted.shape != truth.shape:
        msg = f"prediction is {predicted.shape} but truth is {truth.shape}"
        raise ValueError(msg)
    return predicted


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    inner = binary_erosion(mask, border_value=1)
    return np.argwhere(mask & ~inner)


def _near(
    points: NDArray[np.int64], others: NDArray[np.int64], distance: float
) -> NDArray[np.bool_]:
    if len(points) == 0 or len(others) == 0:
        return np.zeros(len(points), bool)
    # The bound of the query is exclusive; ours is inclusive.
    bound = np.nextafter(distance, np.inf)
    found, _ = KDTree(others).query(points, distance_upper_bound=bound)
    near: NDArray[np.bool_] = np.isfinite(found)
    return near


def _away_from(
    points: NDArray[np.int64], others: NDArray[np.int64], distance: float
) -> NDArray[np.int64]:
    return points[~_near(points, others, distance)]
