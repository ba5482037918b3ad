"""A network being trained: one optimiser step at a time, saved and resumed."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_herbarium.errors import ModelError, SettingsError
from napari_herbarium.model.device import is_out_of_memory
from napari_herbarium.train.files.state import (
    flat_optimiser,
    load_tensors,
    named,
    random_states,
    save_tensors,
    set_random_states,
    under,
    whole_optimiser,
)
from napari_herbarium.train.loop_settings import LoopSettings, rate_factor
from napari_herbarium.train.network.optimiser import (
    freeze,
    make_optimiser,
    trains_norms,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor, nn

    Loss = Callable[[Tensor, Tensor], Tensor]
    Normalise = Callable[[Tensor], Tensor]

T = TypeVar("T")
CLIP = 5.0
MOST_SKIPPED = 5
"""Steps in a row that may be left out because gradients overflowed, as they rarely do
in bf16."""


class AstrayError(SettingsError):
    """Losses or gradients are no numbers any more; nothing can be learnt from them."""


class Trainer:
    """A network, its optimiser and its running average, on the devices they use.

    Parameters
    ----------
    network : torch.nn.Module
        From `napari_herbarium.model.network.build_network`; trained in place.
    settings : LoopSettings
    normalise : callable
        Turns B x 3 x S x S uint8 into what the network eats.
    loss : callable
        Of logits (B x 1 x S x S float32) and masks (B x S x S uint8).

    Attributes
    ----------
    done : int
        Optimiser steps so far.
    steps : int
        Steps in all, for the schedule; may be changed on the way.
    average : Average
        Running average of the weights: the model to use.
    """

    def __init__(
        self,
        network: nn.Module,
        settings: LoopSettings,
        normalise: Normalise,
        loss: Loss,
    ) -> None:
        from torch import channels_last

        from napari_herbarium.train.network.depthwise import quick_depthwise
        from napari_herbarium.train.network.ema import Average

        self.settings, self.steps, self.done = settings, settings.steps, 0
        self._normalise, self._loss = normalise, loss
        self._micro = settings.micro_batch or settings.batch
        self._skipped = 0
        self.fabric = _launched(settings)
        self._network = network.to(memory_format=channels_last).train()
        freeze(network, settings)
        # One crop has no statistics: behind a global pooling it is a single number.
        self._least = 2 if trains_norms(network) else 1
        self.average = Average(network, settings.average)
        optimiser = make_optimiser(network, settings)
        self._wrapped, self._optimiser = self.fabric.setup(network, optimiser)
        self.average.network.to(self.fabric.device)
        self._start = self._weights() if settings.anchor else []
        self._quick = quick_depthwise()

    def step(self, images: Tensor, masks: Tensor) -> float:
        """Take one optimiser step.

        Parameters
        ----------
        images : B x 3 x S x S uint8
        masks : B x S x S uint8

        Returns
        -------
        float
            The loss, mean over the batch.

        Raises
        ------
        AstrayError
            The loss, or gradient after gradient, is no number any more.
        SettingsError
            Memory does not suffice for the fewest crops that can be trained on at a
            time, or there are fewer.
        """
        factor = rate_factor(self.done, self.settings, self.steps)
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        value = self._gradients(images, masks)
        if self._clipped():
            self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self._pull(factor)
        self.average.update(self._network)
        self.done += 1
        return value

    def _gradients(self, images: Tensor, masks: Tensor) -> float:
        while True:
            try:
                value = self._summed(images, masks)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._use_less(error)
        if not math.isfinite(value):
            msg = "The training went astray (the loss is no number); lower the rates."
            raise AstrayError(msg)
        return value

    def _clipped(self) -> bool:
        """Clip the gradients; where they overflowed, the step has to be left out."""
        norm = self.fabric.clip_gradients(
            self._wrapped, self._optimiser, max_norm=CLIP, error_if_nonfinite=False
        )
        usable = norm is None or math.isfinite(float(norm))
        self._skipped = 0 if usable else self._skipped + 1
        if self._skipped > MOST_SKIPPED:
            msg = "The training went astray (no gradient is a number); lower the rates."
            raise AstrayError(msg)
        return usable

    def _summed(self, images: Tensor, masks: Tensor) -> float:
        total, count = 0.0, len(images)
        if count < self._least:
            msg = "One crop is too little to train on at a time; make the batch larger."
            raise SettingsError(msg)
        for part in parts_of(count, self._micro, self._least):
            more = part.stop < count
            with self.fabric.no_backward_sync(self._wrapped, enabled=more):
                share = len(images[part]) / count
                value = self._forward(images[part], masks[part]) * share
                self.fabric.backward(value)
            total += float(value.detach())
        return total

    def _forward(self, images: Tensor, masks: Tensor) -> Tensor:
        from torch import channels_last

        ready = self._normalise(images.to(self.fabric.device))
        ready = ready.contiguous(memory_format=channels_last)
        with self._quick:
            logits = self._wrapped(ready).float()
        return self._loss(logits, masks.to(self.fabric.device))

    def _use_less(self, error: BaseException) -> None:
        self._optimiser.zero_grad(set_to_none=True)
        if self._micro <= self._least:
            crops = "one crop" if self._least == 1 else "so few crops"
            msg = f"Memory does not suffice for {crops}; make the crops smaller."
            raise SettingsError(msg) from error
        self._micro = math.ceil(self._micro / 2)
        if self.fabric.device.type == "cuda":
            import torch

            torch.cuda.empty_cache()

    def _weights(self) -> list[Tensor]:
        return [p.detach().clone() for g in self._groups() for p in g["params"]]

    def _groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self._optimiser.param_groups
        return groups

    def _pull(self, factor: float) -> None:
        import torch

        if not self._start:
            return
        start = iter(self._start)
        with torch.no_grad():
            for group in self._groups():
                pull = min(1.0, self.settings.anchor * group["peak"] * factor)
                for weights in group["params"]:
                    weights.lerp_(next(start), pull)

    def agreed(self, value: T) -> T:
        """Give what the first process thinks, so that all processes do the same."""
        if self.fabric.world_size == 1:
            return value
        first: T = self.fabric.broadcast(value)
        return first

    def save(self, path: Path, facts: dict[str, Any]) -> None:
        """Write everything that going on exactly needs; facts of the caller too.

        Raises
        ------
        HerbariumError
            The disk is full or the folder cannot be written.
        """
        moments, groups = flat_optimiser(self._optimiser.state_dict())
        tensors = {
            **named("network", self._network.state_dict()),
            **named("average", self.average.network.state_dict()),
            **named("optimiser", moments),
            **named("random", random_states()),
        }
        own = {
            "step": self.done,
            "steps": self.steps,
            "average_steps": self.average.steps,
            "groups": groups,
        }
        if self.fabric.is_global_zero:
            save_tensors(path, tensors, {"trainer": own, "caller": facts})

    def resume(self, path: Path) -> dict[str, Any]:
        """Go back to where `save` was called; give the caller's facts.

        Raises
        ------
        ModelError
            The file is damaged, or of a training of another network.
        """
        tensors, facts = load_tensors(path)
        own = facts["trainer"]
        moments = under("optimiser", tensors)
        try:
            self._network.load_state_dict(under("network", tensors))
            self.average.network.load_state_dict(under("average", tensors))
            self._optimiser.load_state_dict(whole_optimiser(moments, own["groups"]))
        except (RuntimeError, ValueError, KeyError) as error:
            msg = f"{path} is of a training of another network; start again."
            raise ModelError(msg) from error
        self.done, self.steps = own["step"], own["steps"]
        self.average.steps = own["average_steps"]
        set_random_states(under("random", tensors))
        caller: dict[str, Any] = facts["caller"]
        return caller


def _launched(settings: LoopSettings) -> Fabric:
    from lightning_fabric import Fabric

    # What precision it uses is news for programmers only.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator=settings.accelerator,
        devices=settings.devices,
        num_nodes=settings.num_nodes,
        precision=settings.precision,
    )
    fabric.launch()
    return fabric


def parts_of(count: int, most: int, least: int) -> list[slice]:
    """Divide a batch into parts of nearly one size.

    Parameters
    ----------
    count : int
        Crops in the batch, at least `least`.
    most : int
        In a part, unless `least` makes it more.
    least : int
        In a part.
    """
    parts = max(1, min(math.ceil(count / most), count // least))
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(*ends) for ends in pairwise(ends)]
