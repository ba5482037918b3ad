"""Which weights are trained, how fast, and which stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_herbarium.train.loop_settings import LoopSettings

if TYPE_CHECKING:
    from torch import nn


def freeze(network: nn.Module, settings: LoopSettings) -> None:
    """Keep the weights and statistics that the settings name as they are."""
    from torch.nn.modules.batchnorm import _BatchNorm

    for name in settings.frozen:
        network.get_submodule(name).eval().requires_grad_(False)
    if settings.frozen_norms:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def trains_norms(network: nn.Module) -> bool:
    """Whether normalisations take their statistics from the crops they are given."""
    from torch.nn.modules.batchnorm import _BatchNorm

    return any(isinstance(m, _BatchNorm) and m.training for m in network.modules())


def make_optimiser(network: nn.Module, settings: LoopSettings) -> Any:
    """Make the optimiser; encoder and decoder, weights and biases in groups.

    Biases and normalisations do not decay.
    """
    from torch.optim import Adam, AdamW

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
    kind = AdamW if settings.optimiser == "adamw" else Adam
    return kind([group for group in groups if group["params"]])
