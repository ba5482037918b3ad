"""Batch normalisation folded into convolutions: the same logits with less work."""

from __future__ import annotations

import copy
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

_SIDE = 64
_NEAR = 1e-3


def folded(network: nn.Module, channels: int = 3) -> nn.Module:
    """Give a copy of a network whose normalisations are part of its convolutions.

    Which normalisation follows which convolution is seen by running a small picture
    through, so any encoder will do.

    Parameters
    ----------
    network : torch.nn.Module
        In evaluation mode; takes B x C x H x W float32.
    channels : int
        C.

    Returns
    -------
    torch.nn.Module
        For inference alone. `network` itself where there is nothing to fold, or where
        the copy would not give the same logits.
    """
    import torch

    if not any(_is_norm(module) for module in network.modules()):
        return network
    where = next((weight.device for weight in network.parameters()), None)
    with torch.inference_mode():
        example = torch.linspace(-1, 1, channels * _SIDE**2, device=where)
        example = example.reshape(1, channels, _SIDE, _SIDE)
        pairs, wanted = _followed(network, example)
        if not pairs:
            return network
        made = copy.deepcopy(network)
        for convolution, norm in pairs:
            _fold(made, convolution, norm)
        same = _says(made, example, wanted)
    return made if same else network


def _says(network: nn.Module, example: Tensor, wanted: Tensor) -> bool:
    """Whether a network runs, in half precision too, and gives what is wanted."""
    import torch

    try:
        with torch.autocast(example.device.type, torch.bfloat16):
            network(example)
        return torch.allclose(network(example), wanted, _NEAR, _NEAR)
    except RuntimeError:  # an operation that this torch or processor does not have
        return False


class _Follower:
    """Notes which normalisation takes the output of which convolution."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self._outputs: dict[int, tuple[str, Tensor]] = {}

    def after(self, name: str, _module: nn.Module, _given: Any, output: Tensor) -> None:
        # Kept, or another tensor could be given the id of one that is gone.
        self._outputs[id(output)] = name, output

    def before(self, name: str, _module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if id(given[0]) in self._outputs:
            self.pairs.append((self._outputs[id(given[0])][0], name))


def _followed(
    network: nn.Module, example: Tensor
) -> tuple[list[tuple[str, str]], Tensor]:
    """Names of convolutions with that of the normalisation that takes their output.

    Also gives what the network says of the example.
    """
    from torch.nn import Conv2d

    seen, hooks = _Follower(), []
    for name, module in network.named_modules():
        if isinstance(module, Conv2d):
            hooks.append(module.register_forward_hook(partial(seen.after, name)))
        elif _is_norm(module):
            hooks.append(module.register_forward_pre_hook(partial(seen.before, name)))
    try:
        said: Tensor = network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return _used_once(seen.pairs), said


def _is_norm(module: nn.Module) -> bool:
    from torch.nn import BatchNorm2d

    return isinstance(module, BatchNorm2d) and module.track_running_stats


def _used_once(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    uses = Counter(name for pair in pairs for name in pair)
    return [pair for pair in pairs if all(uses[name] == 1 for name in pair)]


def _fold(network: nn.Module, convolution: str, norm: str) -> None:
    from torch.nn import Identity
    from torch.nn.utils import fuse_conv_bn_eval

    from napari_herbarium.model.activated import activated

    before: Any = network.get_submodule(convolution)
    after: Any = network.get_submodule(norm)
    made = fuse_conv_bn_eval(before, after)
    # In timm's networks the activation is a part of the normalisation.
    activation = getattr(after, "act", None) or Identity()
    both = activated(made, activation)
    network.set_submodule(convolution, both or made)
    network.set_submodule(norm, Identity() if both else activation)
