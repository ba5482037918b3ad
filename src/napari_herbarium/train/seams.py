"""Teach a network where leaves meet, from masks that tell leaf from leaf.

In crops each leaf has a number of its own from 1 on, and 255 is ignored, as ever. A
seam runs where two numbers come near each other, whether they touch, overlap or leave
a sliver of paper between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from napari_herbarium.evaluate.metrics import IGNORED
from napari_herbarium.train.losses import bce_dice_loss
from napari_herbarium.train.picture import LEAF, leaf_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

APART, MEETS, BETWEEN = 2, 3, 4
"""Leaf with no other leaf near, leaf near another one, and what is no leaf between two.
Leaf of which that is not known is `LEAF`, as everywhere else."""
REACH_PX = 3
"""A seam is about twice as wide. Outlines are drawn to 2 px, the network answers for
every fourth."""
NEAR_PX = 12
SEAM_WEIGHT = 0.5
_FLOOR = 200.0


def mark_seams(
    numbers: NDArray[np.uint8], *, only_near: bool = False
) -> NDArray[np.uint8]:
    """Turn numbered leaves into the classes of `leaf_and_seam_loss`.

    Parameters
    ----------
    numbers : H x W uint8
        0 background, 255 ignored, any other number a leaf of its own.
    only_near : bool
        Whoever numbered the leaves cut some apart and may have left others together:
        what is further than `NEAR_PX` from a seam is `LEAF`, not `APART`.

    Returns
    -------
    H x W uint8
        0 background, `APART`, `MEETS`, `BETWEEN`, `LEAF` or 255.
    """
    leaf = leaf_of(numbers)
    side = 2 * REACH_PX + 1
    highest = maximum_filter(np.where(leaf, numbers, 0), side)
    lowest = minimum_filter(np.where(leaf, numbers, 255), side)
    seam = (highest > 0) & (lowest < highest)
    classes = np.where(leaf, np.where(seam, MEETS, APART), np.where(seam, BETWEEN, 0))
    if only_near:
        near = maximum_filter(seam, 2 * NEAR_PX + 1)
        classes[leaf & ~near] = LEAF
    classes[numbers == IGNORED] = IGNORED
    return classes.astype(np.uint8)


def leaf_and_seam_loss(
    logits: Tensor, classes: Tensor, leaf_weight: float = 1.0
) -> Tensor:
    """Sum of `bce_dice_loss` of the leaf and half of `seam_loss`.

    Parameters
    ----------
    logits : B x 2 x H x W float32
        Leaf, seam.
    classes : B x H x W uint8
        From `mark_seams`; `LEAF` where seams are not known.
    leaf_weight : float
        See `napari_herbarium.train.losses.bce_loss`.
    """
    leaf = (classes == LEAF) | (classes == APART) | (classes == MEETS)
    masks = (classes == IGNORED) * IGNORED + leaf * LEAF
    loss = bce_dice_loss(logits[:, :1], masks, leaf_weight)
    return loss + SEAM_WEIGHT * seam_loss(logits[:, 1], classes)


def seam_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Binary cross-entropy, and soft Dice over the whole batch: seams are rare.

    Parameters
    ----------
    logits : B x H x W float32
    classes : B x H x W uint8
        See `leaf_and_seam_loss`.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    known = ((classes != LEAF) & (classes != IGNORED)).float()
    seam = ((classes == MEETS) | (classes == BETWEEN)).float()
    loss = binary_cross_entropy_with_logits(logits, seam, reduction="none")
    chance = logits.sigmoid() * known
    both = 2 * (chance * seam).sum() + _FLOOR
    dice = 1 - both / (chance.sum() + (seam * known).sum() + _FLOOR)
    mean: Tensor = (loss * known).sum() / known.sum().clamp(min=1)
    return mean + dice
