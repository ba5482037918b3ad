"""Metrics on masks whose answer can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_herbarium.evaluate.metrics import (
    BoundaryCounts,
    PixelCounts,
    boundary_f,
    count_boundary,
    count_pixels,
    false_share,
    iou,
    precision,
    recall,
)


def square(top=10, left=10, side=20, shape=(50, 60)):
    mask = np.zeros(shape, np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def test_pixels_are_counted_by_prediction_and_truth():
    truth = np.array([[1, 1, 1, 0, 0, 255, 255]], np.uint8)
    predicted = np.array([[1, 1, 0, 1, 0, 1, 0]], bool)
    assert count_pixels(predicted, truth) == PixelCounts(
        hit=2, false=1, missed=1, clear=1
    )


def test_ratios_of_known_counts():
    pixels = PixelCounts(hit=60, false=20, missed=40, clear=180)
    assert iou(pixels) == pytest.approx(0.5)
    assert precision(pixels) == pytest.approx(0.75)
    assert recall(pixels) == pytest.approx(0.6)
    assert false_share(pixels) == pytest.approx(0.1)


def test_ratio_of_nothing_is_nan():
    empty = PixelCounts(clear=100)
    assert math.isnan(iou(empty))
    assert math.isnan(precision(empty))
    assert math.isnan(recall(empty))
    assert false_share(empty) == 0.0


def test_labels_count_as_mask():
    truth = square()
    labels = truth.astype(np.uint16) * 7
    assert count_pixels(labels, truth).hit == 400


def test_ignored_pixels_count_nowhere():
    truth = square()
    truth[:, 40:] = 255
    predicted = square()
    predicted[:, 40:] = 1
    assert iou(count_pixels(predicted, truth)) == 1.0
    assert boundary_f(count_boundary(predicted, truth)) == 1.0


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="prediction is"):
        count_pixels(np.zeros((4, 5)), np.zeros((5, 4), np.uint8))


@pytest.mark.parametrize(("shift", "agrees"), [(0, True), (2, True), (3, False)])
def test_shifted_outline_agrees_up_to_the_tolerance(shift, agrees):
    # Only the two edges across the shift move; those along it stay in place.
    boundary = count_boundary(square(left=10 + shift), square(), tolerance=2)
    assert boundary.predicted == boundary.true == 76
    if agrees:
        assert boundary_f(boundary) == 1.0
    else:
        assert boundary.predicted_near < 76
        assert boundary_f(boundary) < 0.8


def test_far_outline_scores_nothing():
    assert boundary_f(count_boundary(square(left=35), square(left=5))) == 0.0


def test_outline_missed_altogether_scores_nothing():
    nothing = np.zeros((50, 60), np.uint8)
    assert boundary_f(count_boundary(nothing, square())) == 0.0
    assert math.isnan(boundary_f(count_boundary(nothing, nothing)))


def test_edge_of_the_picture_is_no_outline():
    whole = np.ones((20, 20), np.uint8)
    assert count_boundary(whole, whole) == BoundaryCounts()


def test_outline_beside_ignored_pixels_is_left_out():
    truth = square()
    truth[:, 25:] = 255
    boundary = count_boundary(square(), truth, tolerance=2)
    # The left edge, and the top and bottom edges up to the ignored strip.
    assert boundary.true == 20 + 2 * 11
    assert boundary_f(boundary) == 1.0


def test_counts_of_sheets_add_up():
    assert PixelCounts(1, 2, 3, 4) + PixelCounts(10, 20, 30, 40) == PixelCounts(
        11, 22, 33, 44
    )
    assert BoundaryCounts(1, 1, 2, 2) + BoundaryCounts(3, 1, 4, 1) == BoundaryCounts(
        4, 2, 6, 3
    )
