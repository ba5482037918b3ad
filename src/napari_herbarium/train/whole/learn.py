"""Learning of the whole-leaf classifier, with the loop of the leaf models."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_herbarium.train.crops.batches import Draw
from napari_herbarium.train.loop import StepReport, train_steps
from napari_herbarium.train.loop_settings import LoopSettings

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_herbarium.train.network.ema import Average

_SURE = 0.97


def learn_whole(
    network: nn.Module,
    draw: Draw,
    settings: LoopSettings,
    checkpoint: Path | None = None,
) -> Generator[StepReport, None, Average]:
    """Train a classifier in place; see `napari_herbarium.train.loop.train_steps`.

    Parameters
    ----------
    network : torch.nn.Module
        From `napari_herbarium.model.whole_network.build_whole_network`.
    draw : callable
        From `napari_herbarium.train.whole.squares.sampler`, or `.mix.mixed`.
    settings : LoopSettings
    checkpoint : path, optional
        File that the state is written to, and resumed from when it exists.
    """
    return train_steps(network, draw, settings, _as_given, _loss, checkpoint)


def _as_given(given: Tensor) -> Tensor:
    return given


def _loss(logits: Tensor, whole: Tensor) -> Tensor:
    """Cross-entropy that is not quite sure of the labels, some of which are wrong."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    wanted = (whole - 0.5) * (2 * _SURE - 1) + 0.5
    return binary_cross_entropy_with_logits(logits, wanted)
