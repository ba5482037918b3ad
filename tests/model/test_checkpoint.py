"""A model folder gives back what was put in, and never runs what it holds."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_herbarium.errors import ModelError
from napari_herbarium.model.checkpoint import (
    CONFIG,
    WEIGHTS,
    ModelConfig,
    load_model_folder,
    save_model,
)
from napari_herbarium.model.network import build_network

CARD = "# A model for tests"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network("DeepLabV3Plus", "mobilenet_v2").eval()


@pytest.fixture
def folder(tmp_path, network):
    config = ModelConfig(name="test", encoder="mobilenet_v2", threshold=0.4)
    save_model(tmp_path / "m", network, config, CARD)
    return tmp_path / "m"


def test_a_saved_model_gives_the_same_logits(folder, network):
    model = load_model_folder(folder)
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected, found = network(picture), model.network(picture)
    assert torch.allclose(expected, found, atol=0.02)
    assert model.config.threshold == 0.4
    assert len(model.sha256) == 64


def test_loading_does_not_change_what_a_training_draws(folder):
    before = torch.get_rng_state()
    loaded = load_model_folder(folder).network.state_dict()
    assert torch.equal(before, torch.get_rng_state())
    again = load_model_folder(folder).network.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in loaded.items())


def test_the_model_card_travels_with_the_model(folder):
    assert (folder / "README.md").read_text() == CARD


def test_weights_are_stored_in_half_precision(folder, network):
    numbers = sum(p.numel() for p in network.parameters())
    assert (folder / WEIGHTS).stat().st_size < 2.2 * numbers


@pytest.mark.parametrize("size", [0, 7, 1000, -1])
def test_truncated_weights_are_refused_in_words(folder, size):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:size])
    with pytest.raises(ModelError, match="truncated or not a safetensors file"):
        load_model_folder(folder)


def test_weights_of_another_network_are_refused(folder):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | {"encoder": "resnet50"}))
    with pytest.raises(ModelError, match="another network"):
        load_model_folder(folder)


def test_a_pickle_in_place_of_the_weights_is_not_opened(folder):
    torch.save({"a": torch.zeros(1)}, folder / WEIGHTS)
    with pytest.raises(ModelError, match="not a safetensors file"):
        load_model_folder(folder)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"name": "x", "surprise": 1}', '{"name": "x", "std": 3}']
)
def test_a_wrong_configuration_is_refused_in_words(folder, text):
    (folder / CONFIG).write_text(text)
    with pytest.raises(ModelError, match="not a valid model configuration"):
        load_model_folder(folder)


def test_a_folder_without_configuration_is_not_a_model(tmp_path):
    with pytest.raises(ModelError, match="not a model folder"):
        load_model_folder(tmp_path)


def test_missing_weights_are_named(folder):
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=WEIGHTS):
        load_model_folder(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scales", [0]),
        ("scales", [-5]),
        ("scales", [10**9]),
        ("std", [0, 0, 0]),
        ("mean", [float("nan")] * 3),
        ("mean", [float("inf")] * 3),
        ("classes", []),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_in_words(folder, key, value):
    content = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**content, key: value}))
    with pytest.raises(ModelError, match=f"not a valid model configuration .{key}"):
        load_model_folder(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_in_words(folder, value):
    state = load_file(folder / WEIGHTS)
    state[max(state)].fill_(value)
    save_file(state, folder / WEIGHTS)
    with pytest.raises(ModelError, match="not finite"):
        load_model_folder(folder)
