"""Losses on leaf logits that leave out pixels nobody could label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.evaluate.metrics import IGNORED

if TYPE_CHECKING:
    from torch import Tensor


def bce_loss(logits: Tensor, masks: Tensor, leaf_weight: float = 1.0) -> Tensor:
    """Binary cross-entropy, mean over the pixels that are not 255.

    Parameters
    ----------
    logits : B x 1 x H x W float32
    masks : B x H x W uint8
        0, 1 or 255.
    leaf_weight : float
        Weight of a leaf pixel beside one of background.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    known = (masks != IGNORED).float()
    leaf = (masks == LEAF).float()
    loss = binary_cross_entropy_with_logits(logits[:, 0], leaf, reduction="none")
    if leaf_weight != 1:
        known = known * (1 + (leaf_weight - 1) * leaf)
    return (loss * known).sum() / known.sum().clamp(min=1)


def dice_loss(logits: Tensor, masks: Tensor, floor: float = 200.0) -> Tensor:
    """Soft Dice per image, so that sparse small leaves weigh like large ones.

    Parameters
    ----------
    logits : B x 1 x H x W float32
    masks : B x H x W uint8
        0, 1 or 255.
    floor : float
        Added to both sides of the ratio, in px; keeps crops without leaves calm.
    """
    known = (masks != IGNORED).float()
    leaf = (masks == LEAF).float()
    chance = logits[:, 0].sigmoid() * known
    both = (chance * leaf).sum(dim=(1, 2))
    sizes = chance.sum(dim=(1, 2)) + leaf.sum(dim=(1, 2))
    loss: Tensor = 1 - ((2 * both + floor) / (sizes + floor)).mean()
    return loss


def bce_dice_loss(logits: Tensor, masks: Tensor, leaf_weight: float = 1.0) -> Tensor:
    """Sum of `bce_loss` and `dice_loss`."""
    return bce_loss(logits, masks, leaf_weight) + dice_loss(logits, masks)
