"""Networks whose answer is known, so that segmentation itself is tested."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def darkness() -> Callable:
    """Model that calls a pixel leaf when the 5 x 5 px around it are dark."""
    import torch
    from torch import nn

    from napari_herbarium.model.checkpoint import LeafModel, ModelConfig

    torch.set_num_threads(2)

    def make(scales: tuple[int, ...] = (1024, 2048), gain: float = 24) -> LeafModel:
        # Replicated padding: dark paper at the border must not come from padding.
        network = nn.Conv2d(3, 1, 5, padding=2, padding_mode="replicate")
        nn.init.constant_(network.weight, -gain / 75)
        nn.init.constant_(network.bias, gain / 2)
        config = ModelConfig(name="dark", mean=(0,) * 3, std=(1,) * 3, scales=scales)
        return LeafModel(network, config, "0" * 64, Path())

    return make
