"""Settings of the training loop, and the learning rate at each step."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LoopSettings(BaseModel):
    """Settings of the loop.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    batch : int
        Crops per step.
    micro_batch : int, optional
        Crops that go through the network at once; gradients are summed. The whole
        batch when None; halved by itself where memory runs out.
    optimiser : {"adamw", "adam"}
    encoder_rate, decoder_rate : float
        Peak learning rates.
    schedule : {"cosine", "late", "constant"}
        Fall to nearly zero after the warm-up, over the last third, or not at all.
    weight_decay : float
        Of the optimiser.
    warmup : int
        Steps over which the rates rise.
    average : float
        Decay of the running average of the weights; 0 is no average.
    precision : str
        A precision of lightning-fabric, such as ``"bf16-mixed"`` or ``"32-true"``.
    accelerator : str
        Of lightning-fabric.
    devices, num_nodes : int
        Devices per machine, and machines; each step's batch is shared among them.
    workers : int
        Processes that cut crops; with 0, `threads` do.
    threads : int
        Threads that cut crops; with 0, crops are cut when they are needed.
    seed : int
        Of the crops.
    checkpoint_every : int
        Steps between checkpoints.
    frozen : tuple of str
        Module names that keep their weights and statistics; early layers are general
        and, working on the largest maps, the dearest to train.
    frozen_norms : bool
        Normalise with the statistics that the network came with.
    anchor : float
        Pull towards the weights that the network came with, per step and unit of
        learning rate (L2-SP; Li, Grandvalet and Davoine 2018, arXiv:1802.01483).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=1000, ge=1)
    batch: int = Field(default=8, ge=1)
    micro_batch: int | None = Field(default=None, ge=1)
    optimiser: Literal["adamw", "adam"] = "adamw"
    encoder_rate: float = Field(default=5e-4, gt=0)
    decoder_rate: float = Field(default=2e-3, gt=0)
    schedule: Literal["cosine", "late", "constant"] = "cosine"
    weight_decay: float = Field(default=1e-2, ge=0)
    warmup: int = Field(default=60, ge=0)
    average: float = Field(default=0.997, ge=0, lt=1)
    precision: str = "bf16-mixed"
    accelerator: str = "auto"
    devices: int = Field(default=1, ge=1)
    num_nodes: int = Field(default=1, ge=1)
    workers: int = Field(default=2, ge=0)
    threads: int = Field(default=0, ge=0)
    seed: int = 0
    checkpoint_every: int = Field(default=100, ge=1)
    frozen: tuple[str, ...] = ()
    frozen_norms: bool = False
    anchor: float = Field(default=0.0, ge=0)


def rate_factor(step: int, settings: LoopSettings, steps: int | None = None) -> float:
    """Share of the peak learning rate at a step: linear rise, then the schedule.

    Parameters
    ----------
    step : int
        From 0.
    settings : LoopSettings
    steps : int, optional
        Steps in all, where they differ from the settings'.
    """
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    if settings.schedule == "constant":
        return 1.0
    total = settings.steps if steps is None else steps
    first = settings.warmup if settings.schedule == "cosine" else total * 2 // 3
    along = max(0, step - first) / max(1, total - first)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, along))) * 0.99 + 0.01
