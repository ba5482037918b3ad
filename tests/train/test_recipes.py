"""The paper's recipe is the paper's; every encoder can be tuned."""

from __future__ import annotations

import pytest

from napari_herbarium.errors import SettingsError
from napari_herbarium.model.network import ENCODERS, build_network
from napari_herbarium.settings import Device
from napari_herbarium.train.loop_settings import rate_factor
from napari_herbarium.train.network.losses import bce_loss
from napari_herbarium.train.recipes import (
    EARLY_LAYERS,
    ENCODER_RATES,
    FewSheetsRecipe,
    PaperRecipe,
    recipe_of,
)
from napari_herbarium.train.start import few_settings, paper_config, paper_settings


@pytest.mark.parametrize(
    ("setting", "published"),
    [
        ("architecture", "DeepLabV3Plus"),
        ("encoder", "resnet101"),
        ("encoder_weights", "imagenet"),
        ("size", 512),
        ("flips", True),
        ("optimiser", "adam"),
        ("rate", 1e-4),
        ("batch", 3),
        ("epochs", 100),
        ("loss", "bce"),
        ("leaf_weight", 1.0),
        ("split", (0.8, 0.1, 0.1)),
        ("minutes", None),
    ],
)
def test_the_paper_recipe_is_as_published(setting, published):
    assert getattr(PaperRecipe(), setting) == published


def test_the_paper_recipe_turns_and_lights_its_sheets():
    assert PaperRecipe().rotation > 0
    assert PaperRecipe().brightness > 0


def test_the_loop_does_what_the_paper_recipe_says():
    loop = paper_settings(PaperRecipe(), epoch_steps=134, device=Device.CPU)
    assert loop.steps == 13400
    assert loop.batch == 3
    assert (loop.encoder_rate, loop.decoder_rate) == (1e-4, 1e-4)
    assert loop.optimiser == "adam"
    assert {rate_factor(step, loop) for step in (0, 500, 13399)} == {1.0}
    assert loop.weight_decay == loop.average == loop.anchor == 0
    assert loop.frozen == ()
    assert not loop.frozen_norms
    config = paper_config(PaperRecipe())
    assert config.mean == (0.485, 0.456, 0.406)


def test_devices_and_machines_reach_the_loop():
    recipe = recipe_of("few-sheets", devices=2, num_nodes=3, micro_batch=1)
    loop = few_settings(recipe, "resnet50", Device.CPU)
    assert (loop.devices, loop.num_nodes, loop.micro_batch) == (2, 3, 1)


def test_two_crops_at_a_time_on_a_processor_where_statistics_are_frozen():
    def at_once(**changes):
        recipe = recipe_of("few-sheets", **changes)
        return few_settings(recipe, "resnet50", Device.CPU).micro_batch

    assert at_once() == 2
    assert at_once(micro_batch=3) == 3
    assert at_once(freeze=False) is None
    assert paper_settings(PaperRecipe(), 10, Device.CPU).micro_batch is None


def test_each_encoder_has_its_own_rate_unless_one_is_given():
    assert set(ENCODER_RATES) == set(EARLY_LAYERS) == set(ENCODERS)
    light = few_settings(FewSheetsRecipe(), "mobilenet_v2", Device.CPU)
    heavy = few_settings(FewSheetsRecipe(), "resnet101", Device.CPU)
    assert light.encoder_rate > heavy.encoder_rate
    chosen = few_settings(FewSheetsRecipe(encoder_rate=7e-6), "resnet101", Device.CPU)
    assert chosen.encoder_rate == 7e-6


@pytest.mark.parametrize(
    "encoder",
    [
        "mobilenet_v2",
        "tu-tf_efficientnet_lite2",
        pytest.param("resnet50", marks=pytest.mark.slow),
        pytest.param("resnet101", marks=pytest.mark.slow),
        pytest.param("tu-xception65", marks=pytest.mark.slow),
    ],
)
def test_the_early_layers_of_each_encoder_are_there(encoder):
    network = build_network("DeepLabV3Plus", encoder)
    frozen = few_settings(FewSheetsRecipe(), encoder, Device.CPU).frozen
    early = sum(
        p.numel() for n in frozen for p in network.get_submodule(n).parameters()
    )
    whole = sum(p.numel() for p in network.encoder.parameters())
    assert 0 < early < 0.1 * whole


def test_recipes_travel_as_json():
    recipe = recipe_of("few-sheets", minutes=3, encoder_rate=1e-5)
    assert FewSheetsRecipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_nonsense_is_a_sentence():
    with pytest.raises(SettingsError, match="few-sheets, paper"):
        recipe_of("quick")
    with pytest.raises(SettingsError, match="batch"):
        recipe_of("paper", batch=0)
    with pytest.raises(SettingsError, match="seed"):
        recipe_of("few-sheets", seed=2**64)
    with pytest.raises(SettingsError, match="speed"):
        recipe_of("few-sheets", speed=9)


def test_sparse_leaves_can_be_given_weight():
    import torch

    logits = torch.zeros(1, 1, 2, 2)
    masks = torch.tensor([[[1, 0], [0, 255]]], dtype=torch.uint8)
    logits[0, 0, 0, 0] = -2.0
    plain, heavy = bce_loss(logits, masks), bce_loss(logits, masks, 10.0)
    assert heavy > plain
    logits[0, 0, 1, 1] = 50.0
    assert bce_loss(logits, masks, 10.0) == heavy
