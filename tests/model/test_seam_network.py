"""The network that sees where leaves meet."""

import numpy as np
import pytest
import torch

from napari_herbarium.errors import ModelError
from napari_herbarium.model.checkpoint import save_model
from napari_herbarium.model.seam_network import (
    REACHES,
    SeamConfig,
    build_seam_network,
    load_seam_model,
    pair_steps,
    seam_input,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    return build_seam_network().eval()


def test_every_pair_is_about_as_far_apart_as_its_reach():
    reaches = np.repeat(REACHES, 4)
    apart = [2 * np.hypot(*step) for step in pair_steps()]
    assert np.abs(apart - reaches).max() <= 1.5


def test_one_logit_for_each_pair_at_each_place(network):
    given = torch.randint(0, 255, (2, 4, 48, 80), dtype=torch.uint8)
    with torch.inference_mode():
        assert network(seam_input(given)).shape == (2, len(pair_steps()), 48, 80)


def test_the_network_is_small(network):
    assert sum(p.numel() for p in network.parameters()) < 1_500_000


def test_a_saved_network_comes_back(tmp_path, network):
    save_model(tmp_path, network, SeamConfig(name="test"), "card")
    loaded = load_seam_model(tmp_path)
    assert loaded.config.name == "test"
    given = seam_input(torch.randint(0, 255, (1, 4, 32, 32), dtype=torch.uint8))
    with torch.inference_mode():
        assert torch.allclose(loaded.network(given), network(given), atol=0.05)


def test_weights_of_another_network_are_refused_in_words(tmp_path):
    save_model(tmp_path, torch.nn.Linear(2, 2), SeamConfig(name="test"), "card")
    with pytest.raises(ModelError, match="model"):
        load_seam_model(tmp_path)
