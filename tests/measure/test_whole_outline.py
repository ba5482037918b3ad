"""The outline as the classifier of whole leaves reads it: known answers on a disc."""

from __future__ import annotations

import numpy as np
import pytest

from napari_herbarium.measure.whole.outline import outline_sequence
from napari_herbarium.model.whole_parts import OUTLINE_CHANNELS

TURNING, STRAIGHTNESS, OUTSIDE, INSIDE, STEADY = 3, 8, 9, 12, 22


def disc(half=None):
    y, x = np.mgrid[:128, :128]
    own = (y - 64) ** 2 + (x - 64) ** 2 < 40**2
    if half:
        own &= y < 64
    others = x > 106
    return np.stack([own, others & ~own]).astype(np.uint8) * 255


def test_disc_turns_by_the_same_angle_everywhere():
    found = outline_sequence(disc())
    assert found.shape == (OUTLINE_CHANNELS, 256)
    # 12 of 256 steps around a full turn of two half turns.
    assert found[TURNING + 2] == pytest.approx(12 / 256 * 2, abs=0.045)


def test_corners_of_a_cut_turn_most():
    turning = outline_sequence(disc(half=True))[TURNING + 1]
    corners = np.sort(np.argsort(-turning)[:2])
    assert turning.max() > 0.3
    assert np.median(turning) < 0.06
    assert np.ptp(corners) > 60 or turning[corners].min() > 0.3


def test_sides_of_the_outline():
    found = outline_sequence(disc())
    assert (found[INSIDE : INSIDE + 3] > 0.9).all()
    # Of the circles 2, 6 and 14 px outside, these shares lie beyond x = 106.
    shares = [np.arccos(min(1, 42.5 / r)) / np.pi for r in (42, 46, 54)]
    seen = found[OUTSIDE : OUTSIDE + 3].mean(axis=1)
    assert seen == pytest.approx(shares, abs=0.03)


def test_reading_does_not_depend_on_how_the_leaf_lies():
    square = disc(half=True)
    turned = outline_sequence(np.rot90(square, axes=(1, 2)))
    # The ring may begin elsewhere, so the values are compared in order of size.
    difference = np.sort(turned, axis=1) - np.sort(outline_sequence(square), axis=1)
    assert np.abs(difference).mean() < 0.01


def test_area_and_holes_are_shares_of_the_square():
    square = disc()
    whole = outline_sequence(square)[STEADY:, 0]
    square[0, 60:70, 60:70] = 0
    holed = outline_sequence(square)[STEADY:, 0]
    assert whole[1] == pytest.approx(np.pi * 40**2 / 128**2, rel=0.01)
    assert whole[2] == pytest.approx(0, abs=0.003)
    assert holed[2] == pytest.approx(100 / 128**2, abs=0.003)


def test_reading_does_not_depend_on_the_size_of_the_square():
    large = np.kron(disc(), np.ones((1, 2, 2), np.uint8))
    difference = np.abs(outline_sequence(large) - outline_sequence(disc()))
    assert difference[TURNING + 2 : STRAIGHTNESS].max() < 0.05
    assert difference[STEADY:].max() < 0.08


@pytest.mark.parametrize("at", [None, (64, 64), (0, 0)])
def test_almost_nothing_is_read_without_a_fault(at):
    square = np.zeros((2, 128, 128), np.uint8)
    if at:
        square[0][at] = 40
    assert np.isfinite(outline_sequence(square)).all()
