"""A convolution and its activation in one pass, where the processor's library can.

Without it, what a convolution gives is written to memory, read again, cut off at 0 and
6, and written again, which is a quarter of the time of a light encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    Weights = tuple[Tensor, Tensor | None]

Fused = tuple[str, list[float]]
"""Name of an activation in oneDNN, and its numbers."""


def activated(convolution: nn.Conv2d, activation: nn.Module) -> nn.Module | None:
    """Join a convolution and the activation that follows it; for inference alone.

    Parameters
    ----------
    convolution : torch.nn.Conv2d
    activation : torch.nn.Module

    Returns
    -------
    torch.nn.Module or None
        B x C x H x W to the same as both in turn, to the bit; None where they have to
        stay apart. Elsewhere than on a processor both run in turn.
    """
    import torch
    from torch import nn

    found = _fused(convolution, activation)
    if found is None:
        return None
    fused: Fused = found

    class ActivatedConv2d(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.activation = convolution, activation
            self._weights: dict[torch.dtype, Weights] = {}

        def forward(self, x: Tensor) -> Tensor:
            if x.device.type != "cpu":
                apart: Tensor = self.activation(self.convolution(x))
                return apart
            half = torch.is_autocast_enabled("cpu")
            dtype = torch.get_autocast_dtype("cpu") if half else x.dtype
            return _run_fused(self.convolution, x, self._weights_as(dtype), fused)

        def _weights_as(self, dtype: torch.dtype) -> Weights:
            if dtype not in self._weights:
                self._weights[dtype] = _cast(self.convolution, dtype)
            return self._weights[dtype]

    return ActivatedConv2d()


def _cast(layer: nn.Conv2d, dtype: torch.dtype) -> Weights:
    bias = None if layer.bias is None else layer.bias.detach().to(dtype)
    return layer.weight.detach().to(dtype), bias


def _run_fused(layer: nn.Conv2d, x: Tensor, weights: Weights, fused: Fused) -> Tensor:
    import torch

    name, numbers = fused
    where = layer.padding, layer.stride, layer.dilation, layer.groups
    made: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x.to(weights[0].dtype), *weights, *where, name, numbers, ""
    )
    return made


def _fused(convolution: nn.Conv2d, activation: Any) -> Fused | None:
    """Give oneDNN's name of an activation; None where it cannot be joined.

    Convolutions that pad by themselves, as timm's ``Conv2dSame``, cannot.
    """
    from torch import nn

    plain = type(convolution) is nn.Conv2d and convolution.padding_mode == "zeros"
    if not plain or isinstance(convolution.padding, str) or not can_fuse():
        return None
    if isinstance(activation, nn.Hardtanh):  # ReLU6 is one
        return "hardtanh", [float(activation.min_val), float(activation.max_val)]
    return ("relu", []) if isinstance(activation, nn.ReLU) else None


def can_fuse() -> bool:
    """Whether this torch has the operation; it is none of its documented ones."""
    import torch

    # The operation is registered with oneDNN's other ones, where there is oneDNN.
    return hasattr(torch.ops.mkldnn, "_convolution_pointwise")
