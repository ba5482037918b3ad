"""Sheets of coloured paper with green leaves, and a small untrained model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.model.checkpoint import LEAF as LEAF_CLASS
from napari_herbarium.model.checkpoint import (
    SEAM,
    ModelConfig,
    network_of,
    save_model,
)
from napari_herbarium.train.data import Pair

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
    return untrained(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def seamed_base(tmp_path_factory):
    """Save an untrained model that also tells where leaves meet."""
    return untrained(tmp_path_factory.mktemp("models"), (LEAF_CLASS, SEAM))


def untrained(parent, classes=(LEAF_CLASS,)):
    torch.manual_seed(0)
    config = ModelConfig(
        name="untrained", encoder="mobilenet_v2", scales=(128,), classes=classes
    )
    folder = parent / "untrained"
    save_model(folder, network_of(config), config, "# untrained\n")
    return str(folder)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
