"""Write the model folder that a training made."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_herbarium.files import write_text
from napari_herbarium.model.checkpoint import save_model
from napari_herbarium.train.files.card import write_card
from napari_herbarium.train.pairs.split import SPLIT_FILE
from napari_herbarium.train.recipes import RECIPE_FILE
from napari_herbarium.train.report import Score, TrainedModel

if TYPE_CHECKING:
    from torch import nn

    from napari_herbarium.train.files.workplace import Workplace
    from napari_herbarium.train.plan import Plan
    from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe


def write_folder(
    place: Workplace,
    plan: Plan,
    recipe: PaperRecipe | FewSheetsRecipe,
    made: TrainedModel,
    network: nn.Module,
) -> Path:
    """Write weights, configuration, card, recipe and split into the workplace.

    Returns
    -------
    Path
        The folder, to be put in place.

    Raises
    ------
    HerbariumError
        The disk is full or the folder cannot be written.
    """
    folder = place.folder / "model"
    shutil.rmtree(folder, ignore_errors=True)
    figures = _figures(made)
    config = plan.config.model_copy(
        update={"name": made.name, "version": "1", "figures": figures}
    )
    save_model(folder, network, config, write_card(made, plan, recipe))
    for name, content in ((SPLIT_FILE, plan.split), (RECIPE_FILE, recipe)):
        write_text(folder / name, content.model_dump_json(indent=2) + "\n")
    return folder


def _figures(made: TrainedModel) -> dict[str, Any]:
    scores = {"before": made.before, "after": made.after, "test": made.test}
    return {
        "data": "crops held out of the training sheets",
        **{what: _rounded(score) for what, score in scores.items() if score},
        "steps": made.steps,
        "ended": made.ended,
    }


def _rounded(score: Score) -> dict[str, float | None]:
    return {
        name: round(value, 4) if math.isfinite(value) else None
        for name, value in score.as_dict().items()
    }
