"""The square that the classifier of whole leaves sees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import find_objects

from napari_herbarium.measure.whole.input import MARGIN, label_square


def square(labels, label=1, size=100):
    return label_square(labels, find_objects(labels)[label - 1], label, size)


def test_long_side_fills_the_square_but_for_the_margin():
    labels = np.zeros((300, 300), np.uint8)
    labels[100:150, 40:240] = 1
    own, _ = square(labels)
    rows, columns = np.nonzero(own > 127)
    assert np.ptp(columns) + 1 == pytest.approx(100 / (1 + 2 * MARGIN), abs=1.5)
    assert np.ptp(rows) + 1 == pytest.approx(25 / (1 + 2 * MARGIN), abs=1.5)
    assert rows.mean() == pytest.approx(49.5, abs=1)


def test_neighbours_lie_in_the_second_channel_only():
    labels = np.zeros((200, 200), np.uint8)
    labels[50:150, 50:100] = 1
    labels[50:150, 100:150] = 2
    own, others = square(labels)
    assert own[50, 40] == 255
    assert others[50, 40] == 0
    assert own[50, 85] == 0
    assert others[50, 85] == 255


def test_what_lies_beyond_the_picture_may_hide_something():
    labels = np.zeros((100, 100), np.uint8)
    labels[:60, 30:70] = 1
    own, others = square(labels)
    assert (others[:5] > 200).all()
    assert others[60, 10] == 0
    assert (own.astype(int) + others <= 256).all()


def test_what_lies_beyond_hides_nothing_of_a_label_that_does_not_reach_it():
    labels = np.zeros((100, 40), np.uint8)
    labels[5:95, 5:35] = 1
    assert not square(labels)[1].any()


@pytest.mark.parametrize("factor", [4, 10, 37])
def test_large_labels_look_like_small_ones(factor):
    y, x = np.mgrid[:60, :60]
    small = ((y - 20) ** 2 + 2 * (x - 30) ** 2 < 400).astype(np.uint8)
    small[50:, 50:] = 2
    large = np.kron(small, np.ones((factor, factor), np.uint8))
    difference = np.abs(square(large).astype(int) - square(small))
    assert difference.mean() < 8
    assert np.abs(square(large).mean((1, 2)) - square(small).mean((1, 2))).max() < 6


def test_label_that_fills_the_picture():
    own, others = square(np.ones((40, 90), np.uint8))
    assert own[50, 50] == 255
    assert others[5, 50] == 255
