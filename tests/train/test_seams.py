"""Seams: where they are marked, and what the loss makes of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.losses import bce_dice_loss
from napari_herbarium.train.picture import LEAF
from napari_herbarium.train.seams import (
    APART,
    BETWEEN,
    MEETS,
    NEAR_PX,
    REACH_PX,
    SEAM_WEIGHT,
    leaf_and_seam_loss,
    mark_seams,
    seam_loss,
)


def two_leaves(gap=0):
    numbers = np.zeros((40, 60), np.uint8)
    numbers[5:35, 5:30] = 7
    numbers[5:35, 30 + gap : 55] = 3
    return numbers


def test_a_seam_runs_along_both_sides_of_where_two_leaves_touch():
    classes = mark_seams(two_leaves())
    row = classes[20]
    assert set(row[30 - REACH_PX : 30 + REACH_PX]) == {MEETS}
    assert set(row[5 : 30 - REACH_PX]) == set(row[30 + REACH_PX : 55]) == {APART}
    assert set(row[:5]) == set(row[55:]) == {0}


def test_a_sliver_of_paper_between_leaves_is_part_of_the_seam():
    classes = mark_seams(two_leaves(gap=2))
    assert set(classes[20, 30:32]) == {BETWEEN}
    assert set(mark_seams(two_leaves(gap=2 * REACH_PX))[20]) == {0, APART}


def test_one_leaf_has_no_seam_and_ignored_pixels_stay_so():
    numbers = two_leaves()
    numbers[numbers == 3] = IGNORED
    classes = mark_seams(numbers)
    assert set(np.unique(classes)) == {0, APART, IGNORED}
    np.testing.assert_array_equal(classes == IGNORED, numbers == IGNORED)


def test_far_from_where_someone_cut_nobody_said_that_leaves_do_not_meet():
    numbers = np.zeros((40, 120), np.uint8)
    numbers[:, :60], numbers[:, 60:] = 1, 2
    row = mark_seams(numbers, only_near=True)[20]
    reach = REACH_PX + NEAR_PX
    assert set(row[60 - reach : 60 - REACH_PX]) == {APART}
    assert set(row[: 60 - reach]) == set(row[60 + reach :]) == {LEAF}
    assert set(mark_seams(numbers)[20]) == {APART, MEETS}


def perfect(classes):
    leaf = np.isin(classes, (LEAF, APART, MEETS))
    seam = np.isin(classes, (MEETS, BETWEEN))
    return torch.from_numpy(np.stack([leaf, seam])[None] * 40.0 - 20.0).float()


def batch(classes):
    return torch.from_numpy(classes[None])


def test_the_loss_is_nought_when_leaves_and_seams_are_right():
    classes = mark_seams(two_leaves(gap=1))
    logits = perfect(classes)
    loss = leaf_and_seam_loss(logits, batch(classes))
    assert loss.item() == pytest.approx(0, abs=1e-4)
    wrong = logits * torch.tensor([1.0, -1.0])[None, :, None, None]
    assert leaf_and_seam_loss(wrong, batch(classes)).item() > 5


def test_leaf_counts_as_it_did_without_seams():
    classes = mark_seams(two_leaves(gap=1))
    mask = (two_leaves(gap=1) > 0).astype(np.uint8)
    logits = torch.randn(1, 2, 40, 60, generator=torch.Generator().manual_seed(0))
    both = leaf_and_seam_loss(logits, batch(classes), 2.0)
    leaf = bce_dice_loss(logits[:, :1], batch(mask), 2.0)
    seam = seam_loss(logits[:, 1], batch(classes))
    torch.testing.assert_close(both, leaf + SEAM_WEIGHT * seam)


@pytest.mark.parametrize("unknown", [LEAF, IGNORED])
def test_where_nobody_told_seams_none_are_taught(unknown):
    classes = np.full((8, 8), unknown, np.uint8)
    classes[:, :2] = 0
    logits = torch.zeros(1, 8, 8, requires_grad=True)
    seam_loss(logits, batch(classes)).backward()
    assert torch.count_nonzero(logits.grad[0, :, 2:]) == 0
    assert torch.count_nonzero(logits.grad[0, :, :2]) == 16
