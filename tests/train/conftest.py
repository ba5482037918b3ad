"""Sheets of coloured paper with green leaves, and a small untrained model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.model.checkpoint import ModelConfig, save_model
from napari_herbarium.model.network import build_network
from napari_herbarium.train.pairs.pair import Pair

PAPER, LEAF = (235, 228, 210), (60, 140, 50)


def drawn(seed: int, height: int = 160, width: int = 120):
    """Give a sheet with three leaves, and its labels."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), PAPER, np.uint8)
    labels = np.zeros((height, width), np.uint16)
    for number in range(1, 4):
        top, left = rng.integers(5, (height - 45, width - 35))
        labels[top : top + 40, left : left + 30] = number
    image[labels > 0] = LEAF
    noise = rng.integers(-12, 13, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8), labels


@pytest.fixture
def pairs():
    """Give as many pairs as are asked for."""

    def make(count: int) -> list[Pair]:
        return [Pair(f"sheet{i}", *drawn(i)) for i in range(count)]

    return make


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """Save an untrained model that looks at sheets 128 px long."""
    torch.manual_seed(0)
    network = build_network("DeepLabV3Plus", "mobilenet_v2")
    folder = tmp_path_factory.mktemp("models") / "untrained"
    config = ModelConfig(name="untrained", encoder="mobilenet_v2", scales=(128,))
    save_model(folder, network, config, "# untrained\n")
    return str(folder)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
