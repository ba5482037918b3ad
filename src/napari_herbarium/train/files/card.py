"""The card of a fine-tuned model: what it was made from, and how it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herbarium import words
from napari_herbarium.train.recipes import PaperRecipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_herbarium.train.plan import Plan
    from napari_herbarium.train.recipes import FewSheetsRecipe
    from napari_herbarium.train.report import TrainedModel

_CARD = """\
# {name}

Leaf or not, per pixel, on herbarium sheets. {architecture} on {encoder}, made with
napari-herbarium {version} by the recipe `{recipe}` (all of it in `recipe.json`).

**Start:** {start}

**Sheets:** {train} to train on, {held}; which, is in `split.json`.{others}

**Training:** {steps}, {epochs}, ended by: {ended}.

| held-out crops | IoU | precision | recall | boundary F (2 px) |
|---|---|---|---|---|
{rows}

{kept}
These figures say how well the model does on crops like its training sheets. How it does
on other sheets they do not say: run `napari-herbarium evaluate` on some.
"""


def write_card(
    made: TrainedModel, plan: Plan, recipe: PaperRecipe | FewSheetsRecipe
) -> str:
    """Write the model card as Markdown."""
    from importlib.metadata import version

    split = plan.split
    windows = "a window of each scored the epochs"
    sheets = f"{len(split.val)} scored the epochs, {len(split.test)} tested"
    return _CARD.format(
        name=made.name,
        architecture=plan.config.architecture,
        encoder=plan.config.encoder,
        version=version("napari-herbarium"),
        recipe=recipe.recipe,
        start=_start(plan, recipe),
        train=len(split.train),
        held=windows if split.by == "window" else sheets,
        others=_others(len(plan.others)),
        steps=words.counted(made.steps, "step"),
        epochs=words.counted(made.epochs, "epoch"),
        ended=made.ended,
        rows="\n".join(_rows(made)),
        kept=_kept(made),
    )


def _others(count: int) -> str:
    if not count:
        return ""
    sheets = words.sheets(count)
    return f" What the start saw on {sheets} of other plants was trained on, too."


def _start(plan: Plan, recipe: PaperRecipe | FewSheetsRecipe) -> str:
    if plan.base is not None:
        return (
            f"the model {plan.base['name']} {plan.base['version']} "
            f"(SHA-256 {plan.base['sha256'][:12]})."
        )
    weights = recipe.encoder_weights if isinstance(recipe, PaperRecipe) else "random"
    return plan.note or f"encoder weights {weights!r}, random decoder."


def _rows(made: TrainedModel) -> Iterator[str]:
    scores = {"before": made.before, "after": made.after}
    if made.test is not None:
        scores["after, test sheets"] = made.test
    for what, score in scores.items():
        numbers = (score.iou, score.precision, score.recall, score.boundary_f)
        yield f"| {what} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |"


def _kept(made: TrainedModel) -> str:
    if made.before == made.after:
        return (
            "No epoch was better than the start, or by so little that other sheets "
            "would rather lose by it, so these are the start's weights.\n"
        )
    if not made.of_base:
        return ""
    return (
        f"The weights are a mean: {made.of_base:.0%} those of the start, so that other "
        "sheets lose little, the rest those of the best epoch.\n"
    )
