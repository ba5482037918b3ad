"""Networks that tell whole leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from napari_herbarium.measure.whole.input import network_input
from napari_herbarium.model.checkpoint import save_model
from napari_herbarium.model.whole_network import (
    PAIR,
    WholeConfig,
    WholeModel,
    build_whole_network,
    load_whole_model,
    one_of_pair,
)
from napari_herbarium.model.whole_parts import OUTLINE_CHANNELS


@pytest.mark.parametrize("architecture", ["pair", "outline", "silhouette", "vgg16"])
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


def test_a_pair_says_the_mean_of_what_its_two_networks_say(tmp_path):
    torch.manual_seed(2)
    config = WholeConfig(name="test", architecture="pair", size=64)
    save_model(tmp_path, build_whole_network(config), config, "card")
    pair = load_whole_model(tmp_path)
    square = np.zeros((2, 64, 64), np.uint8)
    square[0, 10:50, 20:40] = 255
    square[1, 10:50, 40:50] = 255
    drawn = torch.get_rng_state()
    models = {a: one_of_pair(pair, a) for a in PAIR} | {"pair": pair}
    assert torch.equal(drawn, torch.get_rng_state())  # a training may be at work
    said = {}
    for architecture, model in models.items():
        given = network_input(square, model.config.architecture)[None]
        with torch.inference_mode():
            said[architecture] = float(model.network(torch.from_numpy(given)))
    alone = [said["outline"], said["silhouette"]]
    assert alone[0] != pytest.approx(alone[1], abs=1e-4)
    assert said["pair"] == pytest.approx(np.mean(alone), abs=1e-4)


def test_a_single_network_is_no_pair_to_take_apart():
    config = WholeConfig(name="test", architecture="outline")
    model = WholeModel(build_whole_network(config), config, "", Path())
    assert one_of_pair(model, "outline") is model
