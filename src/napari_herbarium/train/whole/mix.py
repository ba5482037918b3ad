"""What a classifier is shown while it learns, so that it forgets little."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_herbarium.measure.whole.input import network_input
from napari_herbarium.measure.whole.judge import whole_probability
from napari_herbarium.model.whole_network import WholeConfig, WholeModel
from napari_herbarium.progress import Job, Progress
from napari_herbarium.train.crops.cut import one_of
from napari_herbarium.train.whole.instances import Instance
from napari_herbarium.train.whole.silhouettes import Silhouette
from napari_herbarium.train.whole.squares import (
    Square,
    by_species,
    made_square,
    turned,
    window_square,
)

REAL, MOST_SAID = 0.7, 0.5
"""Shares of real leaves, and at most of those of which something was said.

A user speaks of leaves that are judged wrongly. Shown these alone, or half of the time,
a classifier gets worse on every other sheet (training/WHOLE_LEAVES.md), so they come
as often as they are among the leaves of their sheets.
"""
_DRAWN = 200
_BATCH = 32


@dataclass(frozen=True)
class Held:
    """What is held to what the base says of it.

    Attributes
    ----------
    leaves : sequence of Instance
        Their `whole` says nothing.
    leaf_probability : sequence of float
        What the base says of each.
    drawn : sequence of Square
        Made from leaves drawn by code.
    drawn_probability : sequence of float
        What the base says of each.
    """

    leaves: Sequence[Instance]
    leaf_probability: Sequence[float]
    drawn: Sequence[Square]
    drawn_probability: Sequence[float]


def iter_held_to(
    base: WholeModel,
    leaves: Sequence[Instance],
    silhouettes: Sequence[Silhouette],
    seed: int = 0,
) -> Job[Held]:
    """Ask the base of leaves, and of scenes made from silhouettes."""
    rng = np.random.default_rng((seed, 3))
    species = by_species(silhouettes)
    drawn: list[Square] = []
    for n in range(_DRAWN):
        drawn.append(made_square(species, bool(n % 2), base.config.size, rng))
        yield Progress(n, _DRAWN, "leaves drawn")
    said = yield from iter_judged(base, leaves)
    return Held(leaves, said, drawn, (yield from _iter_asked(base, drawn)))


def iter_judged(model: WholeModel, leaves: Sequence[Instance]) -> Job[list[float]]:
    """Judge leaves by their silhouettes; gives the probability of each, 0..1."""
    squares = [window_square(x.window, model.config.size) for x in leaves]
    return (yield from _iter_asked(model, squares))


def _iter_asked(model: WholeModel, squares: Sequence[Square]) -> Job[list[float]]:
    found: list[float] = []
    for start in range(0, len(squares), _BATCH):
        yield Progress(start, len(squares), "leaves judged")
        found += whole_probability(squares[start : start + _BATCH], model)
    return found


def mixed(
    said: Sequence[Instance], held: Held, config: WholeConfig
) -> Callable[[np.random.Generator], tuple[NDArray, NDArray]]:
    """Mix what a user said with what the base says.

    Parameters
    ----------
    said : sequence of Instance
        At least one.
    held : Held
    config : WholeConfig
        Of the network that learns.

    Returns
    -------
    callable
        As `napari_herbarium.train.whole.squares.sampler`; the answer to what is held
        is a probability.
    """
    often = min(MOST_SAID, REAL * len(said) / (len(said) + len(held.leaves)))

    def draw(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        share = rng.random()
        if share < often:
            leaf = one_of(said, rng)
            square, answer = _turned(leaf, config, rng), float(leaf.whole)
        elif held.leaves and share < REAL:
            n = int(rng.integers(len(held.leaves)))
            square = _turned(held.leaves[n], config, rng)
            answer = held.leaf_probability[n]
        else:
            n = int(rng.integers(len(held.drawn)))
            square, answer = held.drawn[n], held.drawn_probability[n]
        given = network_input(square, config.architecture)
        return np.moveaxis(given, 0, 2), np.array(answer, np.float32)

    return draw


def _turned(leaf: Instance, config: WholeConfig, rng: np.random.Generator) -> Square:
    # With its neighbours, as it was when somebody judged it.
    return window_square(turned(leaf, rng, lonely=0), config.size)
