"""What a recipe starts from, and the settings of the loop that it comes to."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_herbarium.errors import ModelError
from napari_herbarium.model.checkpoint import ModelConfig
from napari_herbarium.model.device import choose_device, fast_dtype
from napari_herbarium.model.network import build_network
from napari_herbarium.settings import Device
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.recipes import (
    EARLY_LAYERS,
    ENCODER_RATES,
    FewSheetsRecipe,
    PaperRecipe,
)

if TYPE_CHECKING:
    from torch import nn

    from napari_herbarium.model.checkpoint import LeafModel

USUAL_ENCODER_RATE = 1e-4
CPU_CROPS = 2
"""Crops at once: small blocks of memory are had again from what was freed before, large
ones only from the system."""
HALVES = (0.5, 0.5, 0.5)
NORMALISED_BY_HALVES = ("tu-xception65", "tu-tf_efficientnet_lite2")
NO_IMAGENET = (
    "ImageNet weights of {encoder} could not be had ({why}), so the encoder starts "
    "from random weights: it needs many more sheets and epochs."
)


def paper_config(recipe: PaperRecipe) -> ModelConfig:
    """Say how the paper's network is fed: as ImageNet was, the whole sheet squashed."""
    config = ModelConfig(
        name="",
        architecture=recipe.architecture,
        encoder=recipe.encoder,
        scales=(recipe.size,),
    )
    if recipe.encoder not in NORMALISED_BY_HALVES:
        return config
    return config.model_copy(update={"mean": HALVES, "std": HALVES})


def fresh_network(recipe: PaperRecipe) -> tuple[nn.Module, str]:
    """Build the paper's network; where it starts from random weights, say so."""
    wanted = None if recipe.encoder_weights == "random" else recipe.encoder_weights
    build = partial(build_network, recipe.architecture, recipe.encoder)
    if wanted != "imagenet":
        return build(wanted), ""
    try:
        return build(wanted), ""
    except ModelError as error:
        # An encoder that does not exist fails again, with its own sentence.
        cause = type(error.__cause__).__name__
        return build(None), NO_IMAGENET.format(encoder=recipe.encoder, why=cause)


def paper_settings(
    recipe: PaperRecipe, epoch_steps: int, device: Device
) -> LoopSettings:
    """Give the settings of the loop, as published."""
    return LoopSettings(
        steps=recipe.epochs * epoch_steps,
        optimiser="adam",
        encoder_rate=recipe.rate,
        decoder_rate=recipe.rate,
        schedule="constant",
        warmup=0,
        average=0.0,
        **_common(recipe, device),
    )


def _common(recipe: PaperRecipe | FewSheetsRecipe, device: Device) -> dict[str, Any]:
    accelerator, precision = _hardware(device)
    return {
        "batch": recipe.batch,
        "micro_batch": recipe.micro_batch,
        "weight_decay": recipe.weight_decay,
        "seed": recipe.seed,
        "devices": recipe.devices,
        "num_nodes": recipe.num_nodes,
        "workers": 0,
        "threads": recipe.threads,
        "accelerator": accelerator,
        "precision": precision,
    }


def _hardware(device: Device) -> tuple[str, str]:
    found = choose_device(device)
    kinds = {"bfloat16": "bf16-mixed", "float16": "16-mixed", "float32": "32-true"}
    return found.type, kinds[str(fast_dtype(found)).removeprefix("torch.")]


def few_settings(recipe: FewSheetsRecipe, encoder: str, device: Device) -> LoopSettings:
    """Give the settings of the loop for a few sheets."""
    early = EARLY_LAYERS.get(encoder, ()) if recipe.freeze else ()
    rate = recipe.encoder_rate or ENCODER_RATES.get(encoder, USUAL_ENCODER_RATE)
    common = _common(recipe, device)
    # Statistics that are not frozen would be of so few crops.
    if recipe.freeze and common["accelerator"] == "cpu":
        common["micro_batch"] = recipe.micro_batch or CPU_CROPS
    return LoopSettings(
        steps=recipe.epochs * recipe.epoch_steps,
        encoder_rate=rate,
        decoder_rate=recipe.rate,
        warmup=min(15, recipe.epoch_steps),
        average=0.98,
        frozen=tuple(f"encoder.{name}" for name in early),
        frozen_norms=recipe.freeze,
        anchor=recipe.anchor,
        **common,
    )


def copied_network(model: LeafModel) -> nn.Module:
    """Copy a network: the loaded model is shared and stays as it is."""
    network = build_network(model.config.architecture, model.config.encoder)
    network.load_state_dict(model.network.state_dict())
    return network
