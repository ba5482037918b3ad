"""The network that sees where leaves meet within one patch of leaf.

A small U-Net on the first stages of EfficientNet-Lite0. It is shown a patch at a size
at which its leaves are about equally wide on every sheet, and says of pairs of points
some px apart whether they belong to different leaves (affinities, after Turaga et al.
2010, Neural Computation 22:511, here as their complement).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_herbarium.model.checkpoint import Loaded, NetworkConfig, load_as

if TYPE_CHECKING:
    from torch import Tensor, nn

Slices = tuple[slice, slice]
"""Rows and columns."""
REACHES = (4, 10, 20)
"""How far apart the two points of a pair are, px."""
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
_ENCODER = "tu-tf_efficientnet_lite0"
_STAGES = 5  # of the encoder's blocks; those behind see 32 px as one
_DEPTH = 4
_DECODER = (96, 64, 32, 24)
SIDE_STEP = 2**_DEPTH
"""Sides of what the network is given are multiples of this."""
LAYER_CHANNELS = (12, 24, 40, 112)
LAYER_STEPS = (1, 1, 8, 16)
"""Channels of `seam_layers`, and px of the picture per px of each."""


def pair_steps() -> list[tuple[int, int]]:
    """Half the way (down, right) between the points of each pair, one per output.

    The pair of output k at a place is the place less and plus step k.
    """
    steps = []
    for reach in REACHES:
        for down, right in DIRECTIONS:
            # A diagonal step is longer.
            half = round(reach / 2 / (2**0.5 if down and right else 1))
            steps.append((down * half, right * half))
    return steps


def pair_slices(
    step: tuple[int, int], height: int, width: int
) -> tuple[Slices, Slices, Slices]:
    """Give where the first points, the second points and the middles of pairs lie.

    Only pairs of which both points lie within the picture; maybe none.

    Parameters
    ----------
    step : (int, int)
        One of `pair_steps`.
    height, width : int
        Of the picture, px.
    """
    down, right = step
    side = abs(right)
    rows, columns = max(0, height - 2 * down), max(0, width - 2 * side)

    def moved(by: int, across: int) -> Slices:
        top, left = down + by, side + across
        return slice(top, top + rows), slice(left, left + columns)

    return moved(-down, -right), moved(down, right), moved(0, 0)


class SeamConfig(NetworkConfig):
    """What has to be known to use a seam network's weights."""


SeamModel = Loaded[SeamConfig]


def load_seam_model(folder: Path) -> SeamModel:
    """Load a model folder written by `checkpoint.save_model`.

    Raises
    ------
    ModelError
        When a file is missing, truncated, foreign, or does not fit the other.
    """
    return load_as(SeamConfig, lambda _: build_seam_network(), folder)


def build_seam_network() -> nn.Module:
    """Build the network with random weights.

    Returns
    -------
    torch.nn.Module
        Takes what `seam_input` makes and gives B x 12 x H x W logits: that the two
        points of each pair of `pair_steps` belong to different leaves.
    """
    import segmentation_models_pytorch as smp

    network: nn.Module = smp.Unet(
        _ENCODER,
        encoder_depth=_DEPTH,
        encoder_weights=None,
        decoder_channels=_DECODER,
        in_channels=4,
        classes=len(pair_steps()),
    )
    encoder: Any = network.encoder
    encoder.model.blocks = encoder.model.blocks[:_STAGES]
    return network


def seam_layers(network: nn.Module, given: Tensor) -> list[Tensor]:
    """Give what a seam network says, and what it makes of a picture on the way there.

    Parameters
    ----------
    network : torch.nn.Module
        From `build_seam_network`.
    given : Tensor
        B x 4 x H x W from `seam_input`.

    Returns
    -------
    list of Tensor
        The logits, what they are made from, and the last two stages of the encoder:
        each B x C x H/s x W/s with C of `LAYER_CHANNELS` and s of `LAYER_STEPS`.
    """
    parts: Any = network
    stages = parts.encoder(given)
    decoded = parts.decoder(stages)
    return [parts.segmentation_head(decoded), decoded, *stages[-2:]]


def seam_input(given: Tensor) -> Tensor:
    """Turn B x 4 x H x W uint8 (sRGB, and 1 on the patch) into the network's input."""
    import torch

    picture = given[:, :3].float() / 127.5 - 1
    return torch.cat([picture, given[:, 3:].float() * 2 - 1], 1)
