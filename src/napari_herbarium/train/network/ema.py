"""A running average of a network's weights: steadier than the last step's."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class Average:
    """Exponential moving average of a network.

    Parameters
    ----------
    network : torch.nn.Module
        Its copy is kept in evaluation mode.
    decay : float
        Weight of the past; early on it is smaller, so that the start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float = 0.998) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay
        self.steps = 0

    def update(self, network: nn.Module) -> None:
        """Move the average towards the network's weights."""
        import torch

        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        current = network.state_dict()
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(current[name].to(value.dtype), 1 - keep)
                else:
                    value.copy_(current[name])
