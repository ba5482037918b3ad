"""How much of the base model a fine-tuned one keeps.

A mean of both forgets less of other sheets, as long as most of what was gained stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_herbarium.train.crops.held_out import Judge
from napari_herbarium.train.recipes import FewSheetsRecipe, PaperRecipe
from napari_herbarium.train.report import Score

if TYPE_CHECKING:
    from torch import Tensor, nn

KEPT_GAIN = 0.5
"""Share of the gain in IoU that a mean with the base weights has to keep;"""
LESS_OF_BASE = 0.6
"""where it does not, this much of the base is tried, and then none."""


def share_of_base(recipe: PaperRecipe | FewSheetsRecipe, sheets: int) -> float:
    """Weigh the base as so many sheets against those that were given."""
    base = float(getattr(recipe, "keep_base", 0.0))
    return base / (base + sheets)


def is_hardly_better(
    tuned: Score, before: Score, recipe: PaperRecipe | FewSheetsRecipe
) -> bool:
    """Whether so little was gained that other sheets would rather lose by it."""
    least = getattr(recipe, "least_gain", 0.0)
    return bool(tuned.iou - before.iou < least * (1 - before.iou))


def mix_in_base(
    network: nn.Module,
    start: dict[str, Tensor],
    share: float,
    judge: Judge,
    tuned: Score,
    before: Score,
) -> tuple[Score, float]:
    """Move towards the base as far as half of the gain at least stays.

    Parameters
    ----------
    network : torch.nn.Module
        With the tuned weights; has those that are kept afterwards.
    start : dict
        Weights of the base.
    share : float
        Most of the base to be kept, 0 to 1.
    judge : Judge
    tuned, before : Score
        Of the tuned weights and of the base.

    Returns
    -------
    Score, float
        Of the weights that are kept, and how much of the base is in them.
    """
    weights = weights_of(network)
    enough = before.iou + KEPT_GAIN * (tuned.iou - before.iou)
    for part in (share, LESS_OF_BASE * share):
        _blend(network, start, part)
        mixed, _ = judge(network)
        if mixed.iou >= enough:
            return mixed, part
        network.load_state_dict(weights)
    return tuned, 0.0


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Give a copy of a network's weights."""
    return {name: value.clone() for name, value in network.state_dict().items()}


def _blend(network: nn.Module, start: dict[str, Tensor], share: float) -> None:
    """Move a network's weights towards those it started from."""
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.lerp_(start[name].to(value), share)
