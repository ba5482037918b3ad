"""Networks that tell whole leaves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_herbarium.measure.whole_input import network_input
from napari_herbarium.model.checkpoint import save_model
from napari_herbarium.model.whole_network import (
    OUTLINE_CHANNELS,
    WholeConfig,
    build_whole_network,
    load_whole_model,
)


@pytest.mark.parametrize("architecture", ["outline", "vgg16"])
def test_one_logit_for_each_square(architecture):
    config = WholeConfig(name="test", architecture=architecture, size=96)
    network = build_whole_network(config).eval()
    square = np.zeros((2, 96, 96), np.uint8)
    square[0, 20:70, 30:60] = 255
    given = torch.from_numpy(np.stack([network_input(square, architecture)] * 2))
    with torch.inference_mode():
        assert network(given).shape == (2,)


def test_bundled_network_is_small():
    network = build_whole_network(WholeConfig(name="test"))
    assert sum(p.numel() for p in network.parameters()) < 2_500_000


def test_published_classifier_sees_the_silhouette_only():
    torch.manual_seed(1)
    config = WholeConfig(name="test", architecture="vgg16", size=64)
    network = build_whole_network(config).eval()
    squares = torch.rand(1, 2, 64, 64)
    other = squares.clone()
    other[:, 1] = 1 - other[:, 1]
    with torch.inference_mode():
        assert torch.allclose(network(squares), network(other))


def test_a_saved_network_comes_back(tmp_path):
    config = WholeConfig(name="test", threshold=0.3)
    network = build_whole_network(config).eval()
    save_model(tmp_path, network, config, "card")
    loaded = load_whole_model(tmp_path)
    assert loaded.config == config
    outlines = torch.rand(3, OUTLINE_CHANNELS, 1, 256)
    with torch.inference_mode():
        assert torch.allclose(loaded.network(outlines), network(outlines), atol=0.02)
