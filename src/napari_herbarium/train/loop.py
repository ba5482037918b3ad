"""The training loop: samples in, network trained in place, progress out."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from napari_herbarium.files import replacing
from napari_herbarium.train.crops import Sample

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_herbarium.train.ema import Average

log = logging.getLogger(__name__)


class LoopSettings(BaseModel):
    """Settings of the loop.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    batch : int
        Crops per step.
    encoder_rate, decoder_rate : float
        Peak learning rates of AdamW; both follow a cosine to nearly zero.
    weight_decay : float
        Of AdamW.
    warmup : int
        Steps over which the rates rise.
    average : float
        Decay of the running average of the weights.
    precision : str
        A precision of lightning-fabric, such as ``"bf16-mixed"`` or ``"32-true"``.
    workers : int
        Processes that cut crops.
    seed : int
        Of the crops.
    checkpoint_every : int
        Steps between checkpoints.
    frozen : tuple of str
        Module names that keep their weights and statistics; early layers are general
        and, working on the largest maps, the dearest to train.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=8, ge=1)
    encoder_rate: float = Field(default=5e-4, gt=0)
    decoder_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    warmup: int = Field(default=60, ge=0)
    average: float = Field(default=0.997, ge=0, lt=1)
    precision: str = "bf16-mixed"
    workers: int = Field(default=2, ge=0)
    seed: int = 0
    checkpoint_every: int = Field(default=100, ge=1)
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepReport:
    """What one step gives to whoever watches."""

    step: int
    steps: int
    loss: float
    seconds: float


Draw = Callable[[np.random.Generator], Sample]


class _Drawn:
    """Map-style dataset whose item i depends on the seed and i alone."""

    def __init__(self, draw: Draw, count: int, seed: int) -> None:
        self.draw, self.count, self.seed = draw, count, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        return self.draw(np.random.default_rng((self.seed, index)))


def rate_factor(step: int, settings: LoopSettings) -> float:
    """Share of the peak learning rate at a step: linear rise, then cosine."""
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    along = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return 0.5 * (1 + math.cos(math.pi * along)) * 0.99 + 0.01


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
        File that the state is written to, and resumed from when it exists.

    Yields
    ------
    StepReport

    Returns
    -------
    Average
        The running average of the weights, which is the model to use.
    """
    from lightning_fabric import Fabric
    from torch import channels_last

    from napari_herbarium.train.depthwise import keep_depthwise_float32
    from napari_herbarium.train.ema import Average

    fabric = Fabric(accelerator="auto", devices=1, precision=settings.precision)
    network = network.to(memory_format=channels_last).train()
    _freeze(network, settings.frozen)
    average = Average(network, settings.average)
    if fabric.device.type == "cpu":
        keep_depthwise_float32(network)
    optimiser = _optimiser(network, settings)
    wrapped, optimiser = fabric.setup(network, optimiser)
    average.network.to(fabric.device)
    first = _resume(checkpoint, network, average, optimiser)
    for step, (images, masks) in _batches(draw, settings, first):
        started = time.monotonic()
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * rate_factor(step, settings)
        ready = normalise(images.to(fabric.device)).contiguous(
            memory_format=channels_last
        )
        value = loss(wrapped(ready).float(), masks.to(fabric.device))
        fabric.backward(value)
        fabric.clip_gradients(wrapped, optimiser, max_norm=5.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average.update(network)
        if checkpoint is not None and (step + 1) % settings.checkpoint_every == 0:
            _keep(checkpoint, step + 1, network, average, optimiser)
        spent = time.monotonic() - started
        yield StepReport(step + 1, settings.steps, float(value.detach()), spent)
    return average


def _freeze(network: nn.Module, names: tuple[str, ...]) -> None:
    for name in names:
        network.get_submodule(name).eval().requires_grad_(False)


def _optimiser(network: nn.Module, settings: LoopSettings) -> Any:
    from torch.optim import AdamW

    encoder = {id(p) for p in network.encoder.parameters()}  # type: ignore[union-attr]
    rates = {True: settings.encoder_rate, False: settings.decoder_rate}
    groups = [
        {
            "params": [
                p
                for p in network.parameters()
                if p.requires_grad
                and (id(p) in encoder) is deep
                and (p.ndim > 1) is wide
            ],
            "lr": rates[deep],
            "peak": rates[deep],
            "weight_decay": settings.weight_decay if wide else 0.0,
        }
        for deep in (True, False)
        for wide in (True, False)
    ]
    return AdamW([group for group in groups if group["params"]])


def _batches(
    draw: Draw, settings: LoopSettings, first: int
) -> Iterator[tuple[int, tuple[Tensor, Tensor]]]:
    from torch.utils.data import DataLoader, Subset

    total = settings.steps * settings.batch
    samples: Any = _Drawn(draw, total, settings.seed)
    loader = DataLoader(
        Subset(samples, range(first * settings.batch, total)),
        batch_size=settings.batch,
        num_workers=settings.workers,
        collate_fn=_stack,
        prefetch_factor=4 if settings.workers else None,
    )
    yield from enumerate(loader, start=first)


def _stack(samples: list[Sample]) -> tuple[Tensor, Tensor]:
    import torch

    images = torch.from_numpy(np.stack([image for image, _ in samples]))
    masks = torch.from_numpy(np.stack([mask for _, mask in samples]))
    return images.permute(0, 3, 1, 2), masks


def _keep(
    path: Path, step: int, network: nn.Module, average: Average, optimiser: Any
) -> None:
    import torch

    state = {
        "step": step,
        "network": network.state_dict(),
        "average": average.network.state_dict(),
        "average_steps": average.steps,
        "optimiser": optimiser.state_dict(),
    }
    with replacing(path) as temporary:
        torch.save(state, temporary)


def _resume(
    path: Path | None, network: nn.Module, average: Average, optimiser: Any
) -> int:
    import torch

    if path is None or not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    average.network.load_state_dict(state["average"])
    average.steps = state["average_steps"]
    optimiser.load_state_dict(state["optimiser"])
    log.info("resumed at step %d", state["step"])
    return int(state["step"])
