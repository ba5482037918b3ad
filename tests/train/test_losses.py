"""Losses: known values, and nothing counts where the label says ignore."""

from __future__ import annotations

import math

import pytest
import torch

from napari_herbarium.train.network.losses import bce_dice_loss, bce_loss, dice_loss


def masks(*rows):
    return torch.tensor([rows], dtype=torch.uint8)


def test_bce_of_undecided_logits_is_log_two():
    loss = bce_loss(torch.zeros(1, 1, 2, 2), masks([0, 1], [1, 0]))
    assert loss.item() == pytest.approx(math.log(2))


def test_dice_is_nought_for_a_perfect_mask_and_near_one_for_its_opposite():
    mask = torch.zeros(1, 64, 64, dtype=torch.uint8)
    mask[:, :32] = 1
    logits = torch.where(mask == 1, 50.0, -50.0)[:, None]
    assert dice_loss(logits, mask).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(-logits, mask, floor=0).item() == pytest.approx(1, abs=1e-6)


def test_ignored_pixels_change_nothing():
    mask = masks([0, 1, 255], [1, 0, 255])
    logits = torch.tensor([[[[1.0, -2.0, 9.0], [0.5, 3.0, -9.0]]]])
    other = logits.clone()
    other[..., 2] = torch.tensor([-7.0, 7.0])
    assert bce_dice_loss(logits, mask).item() == bce_dice_loss(other, mask).item()


def test_a_picture_with_everything_ignored_has_no_gradient():
    logits = torch.zeros(1, 1, 2, 2, requires_grad=True)
    bce_dice_loss(logits, masks([255, 255], [255, 255])).backward()
    assert torch.count_nonzero(logits.grad) == 0
