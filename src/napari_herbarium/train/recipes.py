"""Recipes: everything that decides what a training run does, as typed settings.

A recipe is saved with the model (``recipe.json``), so that a model always tells how
it was made. Where the paper is silent, `PaperRecipe` says what was chosen.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from napari_herbarium.errors import SettingsError
from napari_herbarium.settings import _Settings

RECIPE_FILE = "recipe.json"
Share = Annotated[float, Field(ge=0, le=1)]


class _Recipe(_Settings):
    """What all recipes have.

    Attributes
    ----------
    batch : int
        Crops (or sheets) per optimiser step.
    micro_batch : int, optional
        Crops that go through the network at once; gradients of a batch are summed
        over its micro-batches. When None the whole batch, but with frozen
        statistics two on a CPU, which is faster there. Where memory runs out it is
        halved by itself.
    minutes : float, optional
        Longest time the training may take; no bound when None (or infinite).
    weight_decay : float
        Of the optimiser.
    leaf_weight : float
        Weight of a leaf pixel in the cross-entropy, for sparse leaves; 1 is plain.
    seed : int
        Decides the split, the crops and the random start.
    devices, num_nodes : int
        Devices per machine and machines, as lightning-fabric takes them. With more
        than one, start the command with ``fabric run``.
    threads : int
        Threads that cut crops ahead of the network.
    """

    batch: int = Field(default=8, ge=1, le=1024)
    micro_batch: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    leaf_weight: float = Field(default=1.0, gt=0, le=100)
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    devices: int = Field(default=1, ge=1)
    num_nodes: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1, le=16)


class PaperRecipe(_Recipe):
    """Hussein et al. 2021 (Sensors 21:4549, section 3.3): the published training.

    Published: DeepLabv3+ on ResNet-101 from ImageNet weights; sheet and annotation
    resized to 512 x 512; rotation, flips, brightness; Adam, rate 1e-4; batch 3;
    100 epochs; binary cross-entropy; 80/10/10 split. The paper gives no amounts for
    rotation and brightness: `rotation` and `brightness` are ours.

    Attributes
    ----------
    architecture, encoder : str
        See `napari_herbarium.model.network.build_network`.
    encoder_weights : str
        ``"imagenet"``, ``"random"``, or the path of a state-dict file. Where ImageNet
        weights cannot be had, the run starts from random ones and says so.
    size : int
        Side in px of the square that the whole sheet is squashed to.
    rotation : float
        Largest turn, in degrees either way; corners that open are ignored.
    flips : bool
        Mirror left-right and top-bottom, each half of the time.
    brightness : float
        Largest relative change of brightness.
    optimiser, rate, loss, epochs
        As published.
    split : (float, float, float)
        Shares of sheets for training, validation (chooses the epoch that is kept)
        and test (scored once, at the end).
    """

    recipe: Literal["paper"] = "paper"
    architecture: Literal["DeepLabV3Plus", "DeepLabV3"] = "DeepLabV3Plus"
    encoder: str = "resnet101"
    encoder_weights: str = "imagenet"
    size: int = Field(default=512, ge=64, le=4096, multiple_of=16)
    rotation: float = Field(default=30.0, ge=0, le=180)
    flips: bool = True
    brightness: float = Field(default=0.2, ge=0, lt=1)
    optimiser: Literal["adam"] = "adam"
    rate: float = Field(default=1e-4, gt=0)
    batch: int = Field(default=3, ge=2, le=1024)
    epochs: int = Field(default=100, ge=1)
    loss: Literal["bce"] = "bce"
    split: tuple[Share, Share, Share] = (0.8, 0.1, 0.1)


class FewSheetsRecipe(_Recipe):
    """Adapt a model to 3 to 30 corrected sheets on a laptop.

    Attributes
    ----------
    size : int
        Side of the crops in px.
    rate : float
        Peak rate of AdamW for the decoder.
    encoder_rate : float, optional
        Peak rate for the encoder; None takes the one that suits the base model's
        encoder (`ENCODER_RATES`).
    minutes : float
        Longest time the training may take.
    epochs : int
        Most epochs; an epoch is `epoch_steps` steps, then the held-out crops are
        scored.
    epoch_steps : int
        Steps between two scorings.
    patience : int
        Epochs without a better score on the held-out crops before stopping.
    freeze : bool
        Keep the early encoder, and the statistics of all normalisations, as they are.
    held_out : float
        Share of the sheets (of each sheet, when there are fewer than six) that is
        not trained on but scores the epochs.
    mistakes : float
        Share of crops centred on what the base model got wrong.
    far : float
        Share of the crops of given sheets that are seen from afar, so that leaves of
        large-leaved plants are as small as those of herbs, which the model would
        unlearn otherwise.
    rehearsal : float
        Share of crops from drawn sheets, whose truth is exact, against forgetting.
    others : float
        Share of crops from sheets of other plants, where such are given: as the base
        model sees them, against forgetting.
    anchor : float
        Strength of the pull towards the base model's weights (L2-SP; Li, Grandvalet
        and Davoine 2018).
    strength : float
        Of changes in light, colour and sharpness; 0 is none.
    keep_base : float
        As how many sheets the base model's weights count against those that are
        given: with 3 and one sheet they are three quarters of the mean that is written,
        with three sheets half (after WiSE-FT; Wortsman et al. 2022). 0.6 of that, or
        none, where the held-out crops lose more than half of the gain by it.
    least_gain : float
        The base model's weights are what is written where the error (1 - IoU) on the
        held-out crops falls by less than this share of it.
    """

    recipe: Literal["few-sheets"] = "few-sheets"
    size: int = Field(default=512, ge=64, le=4096, multiple_of=16)
    batch: int = Field(default=4, ge=1, le=1024)
    rate: float = Field(default=5e-4, gt=0)
    encoder_rate: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    minutes: float | None = Field(default=10.0, gt=0)
    epochs: int = Field(default=40, ge=1)
    epoch_steps: int = Field(default=25, ge=1)
    patience: int = Field(default=8, ge=1)
    freeze: bool = True
    held_out: float = Field(default=0.2, gt=0, lt=0.6)
    mistakes: Share = 0.35
    far: Share = 0.3
    rehearsal: Share = 0.15
    others: Share = 0.3
    anchor: float = Field(default=0.0, ge=0)
    strength: float = Field(default=0.7, ge=0, le=2)
    keep_base: float = Field(default=3.0, ge=0)
    least_gain: float = Field(default=0.05, ge=0, lt=1)


RECIPES: dict[str, type[PaperRecipe] | type[FewSheetsRecipe]] = {
    "few-sheets": FewSheetsRecipe,
    "paper": PaperRecipe,
}
ENCODER_RATES = {
    "resnet101": 5e-5,
    "resnet50": 5e-5,
    "tu-xception65": 5e-5,
    "mobilenet_v2": 2e-4,
    "tu-tf_efficientnet_lite2": 2e-4,
}
"""Rates at which few sheets move an encoder: light ones bear more."""
EARLY_LAYERS = {
    "resnet101": ("conv1", "bn1", "layer1"),
    "resnet50": ("conv1", "bn1", "layer1"),
    "mobilenet_v2": tuple(f"features.{i}" for i in range(4)),
    "tu-xception65": ("model.stem_0", "model.stem_1", "model.blocks_0"),
    "tu-tf_efficientnet_lite2": ("model.conv_stem", "model.bn1", "model.blocks.0"),
}
"""Modules of each encoder that see edges and colours, not plants."""


def recipe_of(name: str, **changes: Any) -> PaperRecipe | FewSheetsRecipe:
    """Give a recipe by name, with changes.

    Parameters
    ----------
    name : str
        ``"few-sheets"`` or ``"paper"``.
    **changes
        Attributes that differ from the recipe's defaults.

    Raises
    ------
    SettingsError
        No such recipe or attribute, or a value out of range.
    """
    if name not in RECIPES:
        msg = f"There is no recipe {name!r}; choose one of {', '.join(RECIPES)}."
        raise SettingsError(msg)
    try:
        return RECIPES[name](**changes)
    except ValidationError as error:
        raise SettingsError(_sentence(f"The recipe {name!r}", error)) from error


def _sentence(what: str, error: ValidationError) -> str:
    faults = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'the file'}: "
        f"{fault['msg'].lower()}"
        for fault in error.errors()
    )
    return f"{what} cannot be used ({faults}); change these values."
