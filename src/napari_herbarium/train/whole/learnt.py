"""From a user's words to a new classifier, with what can be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_herbarium.measure.whole.judge import BUNDLED
from napari_herbarium.model.checkpoint import read_config_as
from napari_herbarium.model.whole_network import WholeConfig
from napari_herbarium.progress import Job, Progress
from napari_herbarium.train.whole.finetune import STEPS, iter_finetune_whole
from napari_herbarium.train.whole.instances import Instance
from napari_herbarium.train.whole.said import Words

ENOUGH = 40
"""From so many leaves on, a fifth is held back and scored."""
_FIFTH = 5


@dataclass(frozen=True)
class Learnt:
    """A new classifier.

    Attributes
    ----------
    folder : Path
    held_back : int
        Leaves of which the user spoke, but which were not learnt from; 0 where there
        were too few.
    before, after : float
        Share of these that base and new classifier judge as the user does, by their
        silhouettes; NaN without any.
    """

    folder: Path
    held_back: int
    before: float
    after: float

    @property
    def summary(self) -> str:
        """Say in words how well it does."""
        if not self.held_back:
            return (
                f"It was not scored, for which it takes {ENOUGH} leaves; look through "
                "what it says before you trust it."
            )
        return (
            f"Of {self.held_back} leaves that it did not learn from it judges "
            f"{self.after:.0%} as you do; the one it started from {self.before:.0%}."
        )


def iter_learn_words(
    words: Words,
    out: Path,
    base: Path = BUNDLED,
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> Job[Learnt]:
    """Teach a classifier what a user said of leaves.

    Parameters
    ----------
    words : Words
    out : path
        Folder of the new classifier; it must not exist, and appears whole.
    base : path
        Folder of the classifier to start from.
    steps : int
        Optimiser steps.
    seed : int
        Of the turns of the examples, and of what is held back.

    Raises
    ------
    HerbariumError
        As `napari_herbarium.train.whole.finetune.iter_finetune_whole`.
    """
    yield Progress(0, steps, "steps")
    learn, held_back = split(words.said, seed)
    yield from iter_finetune_whole(
        learn,
        out,
        base,
        steps=steps,
        seed=seed,
        unsaid=words.unsaid,
        held_back=held_back,
    )
    figures = read_config_as(WholeConfig, out).figures
    before, after = (figures.get(f"agrees_{when}") for when in ("before", "after"))
    return Learnt(out, len(held_back), _number(before), _number(after))


def split(
    said: tuple[Instance, ...], seed: int
) -> tuple[list[Instance], list[Instance]]:
    """Hold back a fifth of the leaves, where there are enough."""
    count = len(said) // _FIFTH if len(said) >= ENOUGH else 0
    order = np.random.default_rng((seed, 7)).permutation(len(said))
    return [said[i] for i in order[count:]], [said[i] for i in order[:count]]


def _number(figure: float | None) -> float:
    return float("nan") if figure is None else figure
