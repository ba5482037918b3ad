"""From a recipe and pairs to what is trained, on what, and how it is scored."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from napari_herbarium.evaluate.masks import LEAF
from napari_herbarium.model.catalogue import load_model
from napari_herbarium.model.checkpoint import ModelConfig, facts_of
from napari_herbarium.progress import Job, reported
from napari_herbarium.settings import Device
from napari_herbarium.train.crops import few_sheets
from napari_herbarium.train.crops.batches import SampleAt
from napari_herbarium.train.crops.cut import Sample
from napari_herbarium.train.crops.held_out import held_out_crops
from napari_herbarium.train.crops.others import iter_other
from napari_herbarium.train.crops.paper_sheets import PaperDraw, squashed
from napari_herbarium.train.loop_settings import LoopSettings
from napari_herbarium.train.network.losses import bce_dice_loss, bce_loss
from napari_herbarium.train.pairs.pair import Pair
from napari_herbarium.train.pairs.picture import Picture
from napari_herbarium.train.pairs.split import (
    ENOUGH_SHEETS,
    Split,
    split_by_sheet,
    split_by_window,
)
from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe
from napari_herbarium.train.report import TrainProgress
from napari_herbarium.train.start import (
    copied_network,
    few_settings,
    fresh_network,
    paper_config,
    paper_settings,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from napari_herbarium.model.checkpoint import LeafModel

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """All that a run needs, made from a recipe and pairs.

    Attributes
    ----------
    network : torch.nn.Module
        What is trained.
    config : ModelConfig
        How it is fed; name and figures are filled in at the end.
    settings : LoopSettings
    loss : callable
    sample_at : callable
        Training samples by number.
    epoch_steps, epochs : int
        Steps per epoch, epochs at most.
    patience : int, optional
        Epochs without a better score before stopping; None never stops early.
    val, test : list of samples
        Score the epochs; score the model that is kept.
    split : Split
    base : dict, optional
        Facts of the model it starts from; where given, that model is the one to beat.
    data, others : dict
        Checksums by pair and by sheet of other plants, to tell whether a resumed run
        has the same ones.
    note : str
        What the user should know.
    """

    network: nn.Module
    config: ModelConfig
    settings: LoopSettings
    loss: Callable[[Tensor, Tensor], Tensor]
    sample_at: SampleAt
    epoch_steps: int
    epochs: int
    patience: int | None
    val: list[Sample]
    test: list[Sample]
    split: Split
    base: dict[str, Any] | None
    data: dict[str, int]
    others: dict[str, int] = field(default_factory=dict)
    note: str = ""


Planning: TypeAlias = Generator[TrainProgress, None, Plan]


def iter_plan(
    recipe: PaperRecipe | FewSheetsRecipe,
    pairs: Sequence[Pair],
    base: str,
    device: Device,
    others: Sequence[Pair] = (),
) -> Planning:
    """Read the pairs, split them, and prepare network, crops and scoring.

    Raises
    ------
    HerbariumError
        A sheet or the base model cannot be read.
    """
    import torch

    torch.manual_seed(recipe.seed)
    if isinstance(recipe, PaperRecipe):
        return (yield from _iter_paper(recipe, pairs, device))
    return (yield from _iter_few_sheets(recipe, pairs, base, device, others))


def _iter_paper(recipe: PaperRecipe, pairs: Sequence[Pair], device: Device) -> Planning:
    sheets: dict[str, Sample] = {}
    for pair in pairs:
        sheets[pair.name] = squashed(pair, recipe.size)
        yield TrainProgress(len(sheets), len(pairs), "sheets")
    shares = {name: _leaf_share(mask) for name, (_, mask) in sheets.items()}
    split = split_by_sheet(shares, recipe.split, recipe.seed)
    network, note = fresh_network(recipe)
    draw = PaperDraw([sheets[name] for name in split.train], recipe)
    return Plan(
        network=network,
        config=paper_config(recipe),
        settings=paper_settings(recipe, draw.epoch_steps, device),
        loss=partial(bce_loss, leaf_weight=recipe.leaf_weight),
        sample_at=draw,
        epoch_steps=draw.epoch_steps,
        epochs=recipe.epochs,
        patience=None,
        val=[sheets[name] for name in split.val],
        test=[sheets[name] for name in split.test],
        split=split,
        base=None,
        data={name: _checksum(*sheet) for name, sheet in sheets.items()},
        note=note,
    )


def _iter_few_sheets(
    recipe: FewSheetsRecipe,
    pairs: Sequence[Pair],
    base: str,
    device: Device,
    others: Sequence[Pair],
) -> Planning:
    model = load_model(base)
    in_all = len(pairs) + len(others)
    steps = in_all + len(pairs)
    pictures = yield from _iter_read(pairs, in_all, steps)
    split = _few_split(pictures, recipe)
    train, val = few_sheets.parts(pictures, split)
    again = [few_sheets.iter_mistakes(picture, model, device) for picture in train]
    wrong = yield from _iter_each(again, len(pairs), steps)
    looks = [iter_other(sheet, in_all, model, device) for sheet in others]
    known = yield from _iter_each(looks, 2 * len(pairs), steps)
    crops = _held_out(val, model, recipe)
    return Plan(
        network=copied_network(model),
        config=model.config,
        settings=few_settings(recipe, model.config.encoder, device),
        loss=partial(bce_dice_loss, leaf_weight=recipe.leaf_weight),
        sample_at=few_sheets.FewSheetsDraw(
            train,
            {p.name: at for p, at in zip(train, wrong, strict=True)},
            few_sheets.drawn_pictures() if recipe.rehearsal else [],
            model.config.scales,
            recipe,
            known,
        ),
        epoch_steps=recipe.epoch_steps,
        epochs=recipe.epochs,
        patience=recipe.patience,
        val=crops,
        test=[],
        split=split,
        base=facts_of(model),
        data=_checksums(pictures),
        others=_checksums(known),
        note=_note_of_crops(crops),
    )


def _iter_read(
    pairs: Sequence[Pair], in_all: int, steps: int
) -> Generator[TrainProgress, None, list[Picture]]:
    """Read the sheets, each as large as memory allows for `in_all` of them."""
    pictures: list[Picture] = []
    for pair in pairs:
        pictures.append(few_sheets.read_labelled(pair, in_all))
        yield TrainProgress(len(pictures), steps, "sheets")
    return pictures


def _note_of_crops(crops: Sequence[Sample]) -> str:
    """Say that nothing can be scored; empty where it can."""
    if any((mask == LEAF).any() for _, mask in crops):
        return ""
    return (
        "No held-out crop shows a leaf, so no epoch can be told from another and the "
        "base model is kept; label more leaves or add a sheet."
    )


def _held_out(
    pictures: Sequence[Picture], model: LeafModel, recipe: FewSheetsRecipe
) -> list[Sample]:
    """Cut held-out crops at every size at which the model looks at a sheet."""
    scales = model.config.scales
    sides = {s for p in pictures for s in few_sheets.working_sides(scales, p)}
    rng = np.random.default_rng((recipe.seed, 3))
    return held_out_crops(pictures, sorted(sides), recipe.size, rng)


def _iter_each(
    jobs: Sequence[Job[T]], before: int, steps: int
) -> Generator[TrainProgress, None, list[T]]:
    """Look at sheet after sheet; `before` of the `steps` were done."""
    found: list[T] = []
    for job in jobs:
        step = TrainProgress(before + len(found), steps, "sheets")
        found.append((yield from reported(job, step)))
    return found


def _few_split(pictures: Sequence[Picture], recipe: FewSheetsRecipe) -> Split:
    masks = {picture.name: np.asarray(picture.masks[0]) for picture in pictures}
    if len(pictures) < ENOUGH_SHEETS:
        return split_by_window(masks, recipe.held_out, recipe.seed)
    shares = {name: _leaf_share(mask) for name, mask in masks.items()}
    deal = (1 - recipe.held_out, recipe.held_out, 0.0)
    return split_by_sheet(shares, deal, recipe.seed)


def _leaf_share(mask: np.ndarray) -> float:
    return np.count_nonzero(mask == LEAF) / mask.size


def _checksums(pictures: Sequence[Picture]) -> dict[str, int]:
    return {p.name: _checksum(p.images[0], p.masks[0]) for p in pictures}


def _checksum(image: Any, mask: Any) -> int:
    start = zlib.crc32(np.ascontiguousarray(image).tobytes())
    return zlib.crc32(np.ascontiguousarray(mask).tobytes(), start)
