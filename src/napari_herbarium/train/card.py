"""The card of a fine-tuned model: what it was made from, and how it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herbarium.train.recipes import PaperRecipe
from napari_herbarium.train.report import Score

if TYPE_CHECKING:
    from napari_herbarium.train.plan import Plan
    from napari_herbarium.train.recipes import FewSheetsRecipe

_CARD = """\
# {name}

Leaf or not, per pixel, on herbarium sheets. {architecture} on {encoder}, made with
napari-herbarium {version} by the recipe `{recipe}` (all of it in `recipe.json`).

**Start:** {start}

**Sheets:** {train} to train on, {held}; which, is in `split.json`.

**Training:** {steps} steps, {epochs} epochs, ended by: {ended}.

| held-out crops | IoU | precision | recall | boundary F (2 px) |
|---|---|---|---|---|
{rows}

{kept}
These figures say how well the model does on crops like its training sheets. How it does
on other sheets they do not say: run `napari-herbarium evaluate` on some.
"""


def write_card(
    name: str,
    plan: Plan,
    recipe: PaperRecipe | FewSheetsRecipe,
    scores: dict[str, Score],
    steps: int,
    ended: str,
) -> str:
    """Write the model card as Markdown.

    Parameters
    ----------
    name : str
    plan : Plan
    recipe : PaperRecipe or FewSheetsRecipe
    scores : dict of str to Score
        Rows of the table by what was scored.
    steps : int
        Optimiser steps done.
    ended : str
        Why the run ended.
    """
    from importlib.metadata import version

    split = plan.split
    windows = "a window of each scored the epochs"
    sheets = f"{len(split.val)} scored the epochs, {len(split.test)} tested"
    return _CARD.format(
        name=name,
        architecture=plan.config.architecture,
        encoder=plan.config.encoder,
        version=version("napari-herbarium"),
        recipe=recipe.recipe,
        start=_start(plan, recipe),
        train=len(split.train),
        held=windows if split.by == "window" else sheets,
        steps=steps,
        epochs=-(-steps // plan.epoch_steps),
        ended=ended,
        rows="\n".join(_row(what, score) for what, score in scores.items()),
        kept=_kept(scores),
    )


def _start(plan: Plan, recipe: PaperRecipe | FewSheetsRecipe) -> str:
    if plan.base is not None:
        return (
            f"the model {plan.base['name']} {plan.base['version']} "
            f"(SHA-256 {plan.base['sha256'][:12]})."
        )
    weights = recipe.encoder_weights if isinstance(recipe, PaperRecipe) else "random"
    return plan.note or f"encoder weights {weights!r}, random decoder."


def _row(what: str, score: Score) -> str:
    numbers = (score.iou, score.precision, score.recall, score.boundary_f)
    return f"| {what} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |"


def _kept(scores: dict[str, Score]) -> str:
    if scores["before"] != scores["after"]:
        return ""
    return (
        "No epoch was better than the start, or by so little that other sheets would "
        "rather lose by it, so these are the start's weights.\n"
    )
