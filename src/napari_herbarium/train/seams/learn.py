"""Learning to see where leaves meet, with the loop of the leaf models."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_herbarium.model.seam_network import pair_slices, pair_steps, seam_input
from napari_herbarium.train.crops.batches import Draw
from napari_herbarium.train.loop import StepReport, train_steps
from napari_herbarium.train.loop_settings import LoopSettings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_herbarium.train.network.ema import Average

_APART_WEIGHS = 2.0


def learn_seams(
    network: nn.Module,
    draw: Draw,
    settings: LoopSettings,
    checkpoint: Path | None = None,
) -> Generator[StepReport, None, Average]:
    """Train a network in place; see `napari_herbarium.train.loop.train_steps`."""
    return train_steps(network, draw, settings, seam_input, seam_loss, checkpoint)


def seam_loss(logits: Tensor, leaves: Tensor) -> Tensor:
    """Binary cross-entropy over the pairs of points that both lie in known leaves.

    Parameters
    ----------
    logits : B x 12 x H x W float32
        One per pair of `pair_steps`.
    leaves : B x H x W int32
        Number of the leaf, 0 where unknown.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    total, weight = logits.new_zeros(()), logits.new_zeros(())
    for k, step in enumerate(pair_steps()):
        first, second, middle = paired(leaves, step)
        known = (first > 0) & (second > 0)
        apart = (first != second).float()
        counts = known * (1 + (_APART_WEIGHS - 1) * apart)
        loss = binary_cross_entropy_with_logits(
            logits[:, k][middle], apart, reduction="none"
        )
        total = total + (loss * counts).sum()
        weight = weight + counts.sum()
    return total / torch.clamp(weight, min=1)


def paired(
    leaves: Tensor, step: tuple[int, int]
) -> tuple[Tensor, Tensor, tuple[slice, slice, slice]]:
    """Give the two points of each pair that lie within, and the places in the middle.

    Parameters
    ----------
    leaves : B x H x W
    step : (int, int)
        Half the way from the first point to the second: down, and right.
    """
    first, second, middle = pair_slices(step, *leaves.shape[-2:])
    return leaves[:, *first], leaves[:, *second], (slice(None), *middle)
