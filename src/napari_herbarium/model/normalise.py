"""Bring 8-bit pictures to what a network was trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def normaliser(
    mean: tuple[float, float, float], std: tuple[float, float, float]
) -> Callable[[Tensor], Tensor]:
    """Give the function that normalises a batch.

    Parameters
    ----------
    mean, std : tuple of 3 floats
        On RGB of 0..1, as in `napari_herbarium.model.checkpoint.ModelConfig`.

    Returns
    -------
    callable
        From B x 3 x H x W uint8 to B x 3 x H x W float32, on the same device.
    """
    import torch

    shape = (1, 3, 1, 1)
    gain = 1 / (255 * torch.tensor(std).reshape(shape))
    offset = -(torch.tensor(mean) / torch.tensor(std)).reshape(shape)

    def normalise(images: Tensor) -> Tensor:
        there = images.device
        return images.float().mul_(gain.to(there)).add_(offset.to(there))

    return normalise
