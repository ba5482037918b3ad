"""The training loop: samples in, network trained in place, progress out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_herbarium.train.crops.batches import Draw, Seeded, batches
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.trainer import Trainer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_herbarium.train.network.ema import Average

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StepReport:
    """What one step gives to whoever watches."""

    step: int
    steps: int
    loss: float
    seconds: float


def train_steps(
    network: nn.Module,
    draw: Draw,
    settings: LoopSettings,
    normalise: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor, Tensor], Tensor],
    checkpoint: Path | None = None,
) -> Generator[StepReport, None, Average]:
    """Train a network in place, a step per turn of the generator.

    Parameters
    ----------
    network : torch.nn.Module
        From `napari_herbarium.model.network.build_network`.
    draw : callable
        Gives a (S x S x 3 uint8, S x S uint8) sample for a random generator.
    settings : LoopSettings
    normalise : callable
        Turns B x 3 x S x S uint8 into what the network eats.
    loss : callable
        Of logits and masks.
    checkpoint : path, optional
        Safetensors file that the state is written to, and resumed from when it
        exists.

    Yields
    ------
    StepReport

    Returns
    -------
    Average
        The running average of the weights, which is the model to use.

    Raises
    ------
    HerbariumError
        A checkpoint cannot be written (the one before stays) or read, memory does
        not suffice, or the loss is no number any more.
    """
    trainer = Trainer(network, settings, normalise, loss)
    if checkpoint is not None and checkpoint.exists():
        trainer.resume(checkpoint)
        trainer.steps = settings.steps  # a schedule may be shortened on the way
        log.info("resumed at step %d", trainer.done)
    crops = Seeded(draw, settings.seed)
    for images, masks in batches(crops, settings, trainer.done, trainer.fabric):
        started = time.monotonic()
        value = trainer.step(images, masks)
        if checkpoint is not None and trainer.done % settings.checkpoint_every == 0:
            trainer.save(checkpoint, {})
        spent = time.monotonic() - started
        yield StepReport(trainer.done, settings.steps, value, spent)
    return trainer.average
